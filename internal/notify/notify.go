// Package notify tells people what they must know of their connections: by mail, in Slack, in Microsoft Teams, or by a
// signed webhook. What there is to tell is derived by evidence.Concerns, the same list that the front page shows.
//
// Each thing is told once, again when it gets worse, and once more when it is over. What puts data at risk is told at
// once, the rest in one digest a day. What a channel was told stands in the database, so that a restart repeats nothing;
// a crash between sending and noting may repeat one message, and never loses one.
//
// Passwords, addresses of webhooks and keys are sealed at rest, are never shown again, and stand in no error and no log.
package notify

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what channels and what they were told are kept in; *store.Store is one. NoteTold is one transaction.
type Store interface {
	Digest(ctx context.Context, ws evidence.ID) (store.DigestTime, error)
	SetDigest(ctx context.Context, ws evidence.ID, d store.DigestTime) error
	TakeTelling(ctx context.Context, ws evidence.ID, holder string, now, until time.Time) (bool, error)
	LeaveTelling(ctx context.Context, ws evidence.ID, holder string) error
	AddChannel(ctx context.Context, c store.Channel) error
	ChangeChannel(ctx context.Context, c store.Channel) error
	RemoveChannel(ctx context.Context, ws, id evidence.ID) error
	Channels(ctx context.Context, ws evidence.ID) ([]store.Channel, error)
	Channel(ctx context.Context, ws, id evidence.ID) (store.Channel, error)
	Notices(ctx context.Context, ws, channel evidence.ID) ([]store.Notice, error)
	NoteTold(ctx context.Context, ws, channel evidence.ID, t store.Told) error
	NoteFailure(ctx context.Context, ws, channel evidence.ID, at time.Time, why string, next time.Time) error
	Members(ctx context.Context, ws evidence.ID) ([]store.Member, error)
	MentionTold(ctx context.Context, m store.Mention, at time.Time) error
	AddActivity(ctx context.Context, a store.Activity) error
}

// Connections says what there is to tell, and opens the workspace's keyset; see package connection.
type Connections interface {
	Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error)
	Box(ctx context.Context, ws evidence.ID) (*seal.Box, error)
}

// Actions says which work is overdue, and whom comments mention; see package program.
type Actions interface {
	Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error)
	Mentions(ctx context.Context, ws evidence.ID) ([]store.Mention, error)
}

// Operator is what the person who starts the program allows.
type Operator struct {
	// AllowHosts may lie in a private network: host or host:port, in lower case.
	AllowHosts []string
	// CAPEM is trusted for these hosts, beside the system's CAs.
	CAPEM []byte
}

// Config makes a Service. Store, Connections and Actions must be given.
type Config struct {
	Store       Store
	Connections Connections
	Actions     Actions
	Operator    Operator
	// Name gives the name of a workspace, for messages.
	Name      func(ctx context.Context, ws evidence.ID) string
	UserAgent string
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: nothing is logged

	// Transport and Dial stand for the network in tests of time; nil: the network.
	Transport http.RoundTripper
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	// Jitter gives a share from 0 to 1; nil: a random one.
	Jitter func() float64
}

// Service holds the channels and tells. It may be used from several goroutines.
type Service struct {
	cfg    Config
	holder string // names this process where the turn to tell is kept
	every  time.Duration
}

// New makes a Service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	return &Service{cfg: cfg, holder: string(evidence.NewID("pr")), every: lookEvery}
}

// moment is now as the store keeps times: UTC, whole milliseconds.
func (s *Service) moment() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

// Kinds gives the kinds of concerns that can be told, in the order in which they are shown.
func Kinds() []evidence.ConcernKind {
	return []evidence.ConcernKind{evidence.ConcernUnauthorized, evidence.ConcernExpiry, evidence.ConcernGaps, evidence.ConcernStale,
		evidence.ConcernUnreachable, evidence.ConcernPlan, evidence.ConcernDegraded, evidence.ConcernLate, evidence.ConcernVouch, evidence.ConcernOverdue, evidence.ConcernHold}
}

// KindSays tells a person what a kind of concern is, and how it is told.
func KindSays(k evidence.ConcernKind) string {
	switch k {
	case evidence.ConcernUnauthorized:
		return "A source refuses a token (401). At once."
	case evidence.ConcernExpiry:
		return "A token expires in 30, 14, 7 and 1 days. The last warning at once."
	case evidence.ConcernGaps:
		return "Something was not read and can still be healed. At once if it is lost within 7 days."
	case evidence.ConcernStale:
		return "Nothing has been read for long. At once if something is lost within 7 days."
	case evidence.ConcernUnreachable:
		return "A source does not answer. At once if something is lost within 7 days."
	case evidence.ConcernPlan:
		return "An account's plan does not offer the Events API. At once if something is lost within 7 days."
	case evidence.ConcernDegraded:
		return "A token lacks event types."
	case evidence.ConcernLate:
		return "Events came late, or again with other bytes."
	case evidence.ConcernVouch:
		return "A witness or a time-stamping authority has not vouched for the log for an hour."
	case evidence.ConcernOverdue:
		return "An action is overdue. With the digest, and again after a week."
	case evidence.ConcernHold:
		return "A legal hold is to be reviewed. With the digest, and again after a week."
	}
	return ""
}
