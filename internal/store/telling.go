package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Channel is a way on which a workspace's people are told what they must know. Its secrets are sealed.
type Channel struct {
	ID        evidence.ID
	Workspace evidence.ID
	Kind      string
	Name      string // unique in the workspace
	Address   string // JSON: what may be seen of where it leads
	Secret    []byte // sealed
	Tells     []evidence.ConcernKind
	CreatedAt time.Time
	CreatedBy string
	DigestAt  time.Time // of the last digest, or when the channel was made
	SentAt    time.Time // of the last message that was taken; zero: none
	Failures  int       // in a row
	FailedAt  time.Time
	Failure   string    // why the last one failed
	NextAt    time.Time // not tried again before; zero: at any time
}

// Notice is what a channel was told and has not been told the end of.
type Notice struct {
	Fact   string // key of the concern
	Kind   evidence.ConcernKind
	Stage  int64
	Title  string
	Href   string
	UpTo   time.Time // for gaps: what begins later is told again
	Urgent bool      // it was told at once, and so is its end
	ToldAt time.Time
}

// DigestTime is when a workspace is told what is not urgent: once a day, at that hour of a time zone.
type DigestTime struct {
	Hour int    // 0 to 23
	Zone string // IANA name, such as Europe/Berlin
}

// Clock gives the time zone; UTC if this machine does not know its name, as after a name was dropped.
func (d DigestTime) Clock() *time.Location {
	if zone, err := time.LoadLocation(d.Zone); err == nil {
		return zone
	}
	return time.UTC
}

// DefaultDigest is the time of the digest if nobody chose another one.
func DefaultDigest() DigestTime { return DigestTime{Hour: 7, Zone: "UTC"} }

// Digest gives the time of the workspace's digest.
func (s *Store) Digest(ctx context.Context, ws evidence.ID) (DigestTime, error) {
	r, err := s.queries().Telling(ctx, string(ws))
	if errors.Is(err, sql.ErrNoRows) {
		return DefaultDigest(), nil
	}
	if err != nil {
		return DigestTime{}, fmt.Errorf("reading the time of the digest: %w", err)
	}
	return DigestTime{Hour: int(r.DigestHour), Zone: r.DigestZone}, nil
}

// SetDigest chooses the time of the digest.
func (s *Store) SetDigest(ctx context.Context, ws evidence.ID, d DigestTime) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		err := q.PutTelling(ctx, string(ws), int64(d.Hour))
		if err == nil {
			err = q.SetDigest(ctx, int64(d.Hour), d.Zone, string(ws))
		}
		if err != nil {
			return fmt.Errorf("storing the time of the digest: %w", err)
		}
		return nil
	})
}

// TakeTelling makes holder the one who tells a workspace's people, until that time; or it stays so. It gives false while
// another one is.
func (s *Store) TakeTelling(ctx context.Context, ws evidence.ID, holder string, now, until time.Time) (bool, error) {
	var n int64
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.PutTelling(ctx, string(ws), int64(DefaultDigest().Hour)); err != nil {
			return fmt.Errorf("taking the turn to tell: %w", err)
		}
		var err error
		if n, err = q.TakeTelling(ctx, holder, ms(until), string(ws), ms(now)); err != nil {
			return fmt.Errorf("taking the turn to tell: %w", err)
		}
		return nil
	})
	return n == 1, err
}

// LeaveTelling gives the turn back, so that another process need not wait for its end.
func (s *Store) LeaveTelling(ctx context.Context, ws evidence.ID, holder string) error {
	if err := sqlc.New(s.write).LeaveTelling(ctx, string(ws), holder); err != nil {
		return fmt.Errorf("giving back the turn to tell: %w", err)
	}
	return nil
}

// AddChannel stores a channel; Conflict if the workspace has one of that name.
func (s *Store) AddChannel(ctx context.Context, c Channel) error {
	n, err := sqlc.New(s.write).AddChannel(ctx, sqlc.AddChannelParams{ID: string(c.ID), Workspace: string(c.Workspace), Kind: c.Kind, Name: c.Name,
		Address: c.Address, Secret: c.Secret, Tells: joinKinds(c.Tells), CreatedAt: ms(c.CreatedAt), CreatedBy: c.CreatedBy, DigestAt: ms(c.DigestAt)})
	if err != nil {
		return fmt.Errorf("storing a channel: %w", err)
	}
	if n == 0 {
		return nameTaken(c.Name)
	}
	return nil
}

func nameTaken(name string) error {
	return evidence.Errorf(evidence.Conflict, "There is a channel named %q already. Choose another name.", name)
}

// ChangeChannel stores name, address, secret and what it tells, and lets it be tried again at once; NotFound if it is not
// there, Conflict if another has its name.
func (s *Store) ChangeChannel(ctx context.Context, c Channel) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		others, err := q.Channels(ctx, string(c.Workspace))
		if err != nil {
			return fmt.Errorf("reading channels: %w", err)
		}
		for _, o := range others {
			if o.Name == c.Name && o.ID != string(c.ID) {
				return nameTaken(c.Name)
			}
		}
		n, err := q.ChangeChannel(ctx, sqlc.ChangeChannelParams{Name: c.Name, Address: c.Address, Secret: c.Secret, Tells: joinKinds(c.Tells), Workspace: string(c.Workspace), ID: string(c.ID)})
		if err != nil {
			return fmt.Errorf("storing a channel: %w", err)
		}
		if n == 0 {
			return noChannel(c.ID)
		}
		return nil
	})
}

func noChannel(id evidence.ID) error {
	return evidence.Errorf(evidence.NotFound, "There is no channel %.60q.", string(id))
}

// RemoveChannel removes a channel with its secret and with what it was told.
func (s *Store) RemoveChannel(ctx context.Context, ws, id evidence.ID) error {
	n, err := sqlc.New(s.write).RemoveChannel(ctx, string(ws), string(id))
	if err != nil {
		return fmt.Errorf("removing a channel: %w", err)
	}
	if n == 0 {
		return noChannel(id)
	}
	return nil
}

// Channels gives the channels of a workspace by name.
func (s *Store) Channels(ctx context.Context, ws evidence.ID) ([]Channel, error) {
	rows, err := s.queries().Channels(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading channels: %w", err)
	}
	var all []Channel
	for _, r := range rows {
		all = append(all, channelOf(r))
	}
	return all, nil
}

// Channel gives one channel of a workspace.
func (s *Store) Channel(ctx context.Context, ws, id evidence.ID) (Channel, error) {
	r, err := s.queries().Channel(ctx, string(ws), string(id))
	if err != nil {
		return Channel{}, notFound(err, "reading a channel", "There is no channel %.60q.", string(id))
	}
	return channelOf(r), nil
}

func channelOf(r sqlc.Channel) Channel {
	c := Channel{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Kind: r.Kind, Name: r.Name, Address: r.Address, Secret: r.Secret,
		CreatedAt: fromMS(r.CreatedAt), CreatedBy: r.CreatedBy, DigestAt: fromMS(r.DigestAt), SentAt: fromMS(r.SentAt), Failures: int(r.Failures),
		FailedAt: fromMS(r.FailedAt), Failure: r.Failure, NextAt: fromMS(r.NextAt)}
	for _, k := range strings.Fields(r.Tells) {
		c.Tells = append(c.Tells, evidence.ConcernKind(k))
	}
	return c
}

func joinKinds(kinds []evidence.ConcernKind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, " ")
}

// Notices gives what a channel was told and has not been told the end of.
func (s *Store) Notices(ctx context.Context, ws, channel evidence.ID) ([]Notice, error) {
	rows, err := s.queries().Notices(ctx, string(ws), string(channel))
	if err != nil {
		return nil, fmt.Errorf("reading what a channel was told: %w", err)
	}
	var all []Notice
	for _, r := range rows {
		all = append(all, Notice{Fact: r.Fact, Kind: evidence.ConcernKind(r.Kind), Stage: r.Stage, Title: r.Title, Href: r.Href, UpTo: fromMS(r.Upto), Urgent: r.Urgent == 1, ToldAt: fromMS(r.ToldAt)})
	}
	return all, nil
}

// Told is what is noted of a channel, all of it in one transaction.
type Told struct {
	At     time.Time
	Sent   bool // a message was taken: the channel works
	Digest bool // what was due with the digest has been told, or there was nothing
	Put    []Notice
	Drop   []string // facts whose end was told, or need not be
}

// NoteTold notes what a channel was told.
func (s *Store) NoteTold(ctx context.Context, ws, channel evidence.ID, t Told) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		for _, n := range t.Put {
			err := q.PutNotice(ctx, sqlc.PutNoticeParams{Workspace: string(ws), Channel: string(channel), Fact: n.Fact, Kind: string(n.Kind), Stage: n.Stage,
				Title: n.Title, Href: n.Href, Upto: ms(n.UpTo), Urgent: number(n.Urgent), ToldAt: ms(n.ToldAt)})
			if err != nil {
				return fmt.Errorf("noting what was told: %w", err)
			}
		}
		for _, fact := range t.Drop {
			if err := q.RemoveNotice(ctx, string(ws), string(channel), fact); err != nil {
				return fmt.Errorf("noting that the end was told: %w", err)
			}
		}
		var err error
		switch {
		case t.Sent:
			err = q.ChannelSent(ctx, ms(t.At), number(t.Digest), string(ws), string(channel))
		case t.Digest:
			err = q.ChannelQuiet(ctx, ms(t.At), string(ws), string(channel))
		}
		if err != nil {
			return fmt.Errorf("noting that a channel was told: %w", err)
		}
		return nil
	})
}

// NoteFailure notes that a channel did not take a message, why, and when it is tried again.
func (s *Store) NoteFailure(ctx context.Context, ws, channel evidence.ID, at time.Time, why string, next time.Time) error {
	err := sqlc.New(s.write).ChannelFailed(ctx, sqlc.ChannelFailedParams{At: ms(at), Failure: why, NextAt: ms(next), Workspace: string(ws), ID: string(channel)})
	if err != nil {
		return fmt.Errorf("noting that a channel failed: %w", err)
	}
	return nil
}
