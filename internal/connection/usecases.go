package connection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// nameMost bounds the length of a connection's name, in characters.
const nameMost = 80

// AddRequest is what a person gives to add a connection.
type AddRequest struct {
	Source string
	Server string // https://host[:port]; empty: the one that the token is for
	Token  seal.Secret
	Name   string // empty: the source's name, with a number if it is taken
}

// Add makes a connection, after its source has accepted the token. who is kept as the one who made it. Errors are
// *evidence.Error; one with a *WrongServerError inside names the server that the token is for.
//
// Everything is checked before anything is stored, and the connection, its streams and the sealed token are stored in one
// transaction: a crash before it leaves nothing, one after it leaves a whole connection.
func (s *Service) Add(ctx context.Context, who string, ws evidence.ID, req AddRequest) (Status, error) {
	kind, ok := s.Kind(req.Source)
	if !ok {
		return Status{}, evidence.Errorf(evidence.Invalid, "There is no source %q. These exist: %s.", req.Source, s.kindList())
	}
	name, err := s.freeName(ctx, ws, kind, req.Name)
	if err != nil {
		return Status{}, err
	}
	v, err := s.verify(ctx, kind, req.Server, req.Token)
	if err != nil {
		return Status{}, err
	}
	conn, err := s.create(ctx, who, ws, kind, name, v)
	if err != nil {
		return Status{}, err
	}
	return s.done(ctx, who, "connection.add", conn, "server "+conn.Server)
}

// create stores a new connection with a verified token.
func (s *Service) create(ctx context.Context, who string, ws evidence.ID, kind source.Kind, name string, v verified) (evidence.Connection, error) {
	now := s.moment()
	conn := evidence.Connection{
		ID: evidence.NewID(evidence.PrefixConnection), Workspace: ws, Source: kind.ID, Name: name, Server: v.server,
		CreatedAt: now, CreatedBy: who,
	}
	v.apply(&conn, now)
	sealed, err := s.seal(ctx, conn, v.token)
	if err != nil {
		return conn, err
	}
	var streams []evidence.Stream
	for _, k := range kind.Streams {
		streams = append(streams, k.Stream)
	}
	return conn, s.store.CreateConnection(ctx, conn, sealed, streams)
}

// Check asks the source again what the token may read, and keeps the answer. If the source refuses, the Status that comes
// with the error says so; what is stored stays as it is, and the collector finds out by itself.
func (s *Service) Check(ctx context.Context, who string, ws, id evidence.ID) (Status, error) {
	return s.ask(ctx, who, "connection.check", ws, id)
}

// ReadNow makes whoever reads the connection begin again at once, wherever that runs, instead of waiting for the next
// time. It checks the token first: without a token that works there is nothing to read.
func (s *Service) ReadNow(ctx context.Context, who string, ws, id evidence.ID) (Status, error) {
	return s.ask(ctx, who, "connection.read", ws, id)
}

// ask checks a token and keeps the answer; what names the reason in the trail.
func (s *Service) ask(ctx context.Context, who, what string, ws, id evidence.ID) (Status, error) {
	conn, kind, err := s.find(ctx, ws, id)
	if err != nil {
		return Status{}, err
	}
	if !conn.OffAt.IsZero() {
		return Status{}, evidence.Errorf(evidence.Conflict, "%s is switched off, so there is no token to check. Switch it on with one.", conn.Name)
	}
	src, err := s.OpenSource(ctx, conn)
	if err != nil {
		return Status{}, err
	}
	grant, err := checkSource(ctx, src, kind, conn.Server)
	if err != nil {
		return s.refused(ctx, conn, err)
	}
	if err := sameAccount(kind, conn, grant); err != nil {
		return Status{}, err
	}
	features, missing := split(kind, grant.Features)
	learn(&conn, grant, features, missing, s.moment())
	// A crash before it: the next check learns the same. Nothing else hangs on it.
	if err := s.store.UpdateConnection(ctx, conn); err != nil {
		return Status{}, err
	}
	return s.done(ctx, who, what, conn, "")
}

// refused gives the connection with what the source just said of its token.
func (s *Service) refused(ctx context.Context, conn evidence.Connection, err error) (Status, error) {
	st, statusErr := s.status(ctx, conn)
	if statusErr != nil {
		return Status{}, statusErr
	}
	state := evidence.StateUnreachable
	switch {
	case errors.Is(err, source.ErrPlan):
		state = evidence.StatePlan
	case evidence.ErrorCode(err) == evidence.Unauthorized:
		state = evidence.StateUnauthorized
	}
	if st.Health.State != state {
		st.Health = evidence.Health{State: state, Reason: err.Error(), Since: s.moment()}
		kind, _ := s.Kind(conn.Source)
		st.LostFrom = lostFrom(conn, st.Health, st.Streams, kind.Retention)
		st.ToDo = toDo(conn, st.Health, kind, st.LostFrom)
		st.Backfill = nil
	}
	return st, err
}

// Rotate puts a new token in the place of the old one, after the source has accepted it for the same account. Reading goes
// on with the old one until then, and with the new one from the next request on, at the same bookmark: no interval is
// lost. A crash before the one transaction leaves the old token, one after it the new.
func (s *Service) Rotate(ctx context.Context, who string, ws, id evidence.ID, token seal.Secret) (Status, error) {
	conn, kind, err := s.find(ctx, ws, id)
	if err != nil {
		return Status{}, err
	}
	if !conn.OffAt.IsZero() {
		return Status{}, evidence.Errorf(evidence.Conflict, "%s is switched off, so there is no token to rotate. Switch it on with a new one.", conn.Name)
	}
	return s.replace(ctx, who, "connection.rotate", kind, conn, token)
}

// On switches a connection on again with a token for the same account. Reading goes on where it stopped; what the source
// no longer keeps shows as a gap.
func (s *Service) On(ctx context.Context, who string, ws, id evidence.ID, token seal.Secret) (Status, error) {
	conn, kind, err := s.find(ctx, ws, id)
	if err != nil {
		return Status{}, err
	}
	if conn.OffAt.IsZero() {
		return Status{}, evidence.Errorf(evidence.Conflict, "%s is on already. To give it another token, rotate it in.", conn.Name)
	}
	conn.OffAt = time.Time{}
	return s.replace(ctx, who, "connection.on", kind, conn, token)
}

// replace verifies a token and stores it with what is known of it.
func (s *Service) replace(ctx context.Context, who, what string, kind source.Kind, conn evidence.Connection, token seal.Secret) (Status, error) {
	v, err := s.verify(ctx, kind, conn.Server, token)
	if err != nil {
		return Status{}, err
	}
	if conn, err = s.renew(ctx, kind, conn, v); err != nil {
		return Status{}, err
	}
	return s.done(ctx, who, what, conn, "token "+conn.TokenMark)
}

// renew stores a verified token in the place of a connection's old one.
func (s *Service) renew(ctx context.Context, kind source.Kind, conn evidence.Connection, v verified) (evidence.Connection, error) {
	if err := sameAccount(kind, conn, v.grant); err != nil {
		return conn, err
	}
	v.apply(&conn, s.moment())
	sealed, err := s.seal(ctx, conn, v.token)
	if err != nil {
		return conn, err
	}
	return conn, s.store.ReplaceToken(ctx, conn, sealed)
}

// sameAccount says no to a token of another account: its events must not get into this connection's evidence.
func sameAccount(kind source.Kind, conn evidence.Connection, g source.Grant) error {
	switch {
	case conn.AccountUUID == "" || conn.AccountUUID == g.AccountUUID:
		return nil
	case g.AccountUUID == "":
		return evidence.Errorf(evidence.Conflict, "%s did not say which account this token belongs to, so it cannot be told whether it is that of %s. "+
			"Nothing was changed; try again, and make a new token if it goes on.", kind.Name, conn.Name)
	}
	return evidence.Errorf(evidence.Conflict, "This token belongs to another %s account (%s) than %s reads (%s). Add a connection of its own for it.",
		kind.Name, g.AccountUUID, conn.Name, conn.AccountUUID)
}

// Off stops reading and forgets the token; events and artifacts stay. Switching off what is off changes nothing.
//
// The token goes, and every stream's gap begins, in one transaction. A crash before it leaves the connection on.
func (s *Service) Off(ctx context.Context, who string, ws, id evidence.ID) (Status, error) {
	conn, err := s.store.Connection(ctx, ws, id)
	if err != nil {
		return Status{}, err
	}
	if !conn.OffAt.IsZero() {
		return s.status(ctx, conn)
	}
	if err := s.store.ForgetToken(ctx, ws, id, s.moment()); err != nil {
		return Status{}, err
	}
	if conn, err = s.store.Connection(ctx, ws, id); err != nil {
		return Status{}, err
	}
	return s.done(ctx, who, "connection.off", conn, "")
}

// find gives a connection with its kind.
func (s *Service) find(ctx context.Context, ws, id evidence.ID) (evidence.Connection, source.Kind, error) {
	conn, err := s.store.Connection(ctx, ws, id)
	if err != nil {
		return conn, source.Kind{}, err
	}
	kind, ok := s.Kind(conn.Source)
	if !ok {
		return conn, kind, evidence.Errorf(evidence.Invalid, "This version of Exhibit does not know the source %q.", conn.Source)
	}
	return conn, kind, nil
}

// seal makes the only form in which a token is stored.
func (s *Service) seal(ctx context.Context, conn evidence.Connection, token seal.Secret) ([]byte, error) {
	box, err := s.box(ctx, conn.Workspace)
	if err != nil {
		return nil, err
	}
	return box.Seal(token, conn.ID, seal.PurposeToken)
}

// done writes the workspace's trail, wakes whoever reads, and gives the connection as it is now. A crash before the trail
// is written leaves a change without its line; the connection itself says who made it and when it was checked.
func (s *Service) done(ctx context.Context, who, what string, conn evidence.Connection, detail string) (Status, error) {
	s.changed()
	err := s.store.AddActivity(ctx, store.Activity{
		Workspace: conn.Workspace, At: s.moment(), Who: who, What: what, Subject: string(conn.ID) + " " + conn.Name, Detail: detail,
	})
	if err != nil {
		return Status{}, fmt.Errorf("writing the activity trail: %w", err)
	}
	return s.status(ctx, conn)
}

// freeName checks a name that a person wants, or finds one.
func (s *Service) freeName(ctx context.Context, ws evidence.ID, kind source.Kind, want string) (string, error) {
	conns, err := s.store.Connections(ctx, ws)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, c := range conns {
		taken[strings.ToLower(c.Name)] = true
	}
	want = strings.TrimSpace(want)
	switch {
	case want == "":
		name := kind.Name
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s %d", kind.Name, n)
		}
		return name, nil
	case utf8.RuneCountInString(want) > nameMost || strings.ContainsFunc(want, unreadable):
		return "", evidence.Errorf(evidence.Invalid, "A connection's name has at most %d characters, all of which can be seen.", nameMost)
	case taken[strings.ToLower(want)]:
		return "", evidence.Errorf(evidence.Conflict, "There is a connection named %q already. Choose another name.", want)
	}
	return want, nil
}

// unreadable reports whether a character of a name would not be seen, or could make another one look different.
func unreadable(r rune) bool {
	return r == utf8.RuneError || r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r)
}

func (s *Service) kindList() string {
	var list []string
	for _, k := range s.kinds {
		list = append(list, k.ID)
	}
	return strings.Join(list, ", ")
}
