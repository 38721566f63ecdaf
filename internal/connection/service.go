// Package connection holds what people do with connections: add one, check it, rotate its token, switch it off and on,
// see its health and what of a span it has covered. Reading itself is package collect's.
//
// A token is checked with its source before anything is stored, is stored sealed and nothing else, and is unsealed for
// the length of one request. No error, log line or returned value holds it.
package connection

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what the service needs of the evidence store; *store.Store is one. Each method that changes something is one
// transaction.
type Store interface {
	CreateConnection(ctx context.Context, c evidence.Connection, sealedToken []byte, streams []evidence.Stream) error
	Connection(ctx context.Context, ws, id evidence.ID) (evidence.Connection, error)
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
	UpdateConnection(ctx context.Context, c evidence.Connection) error
	ReplaceToken(ctx context.Context, c evidence.Connection, sealed []byte) error
	ForgetToken(ctx context.Context, ws, id evidence.ID, at time.Time) error
	SealedToken(ctx context.Context, ws, id evidence.ID) ([]byte, error)
	SealedKeyset(ctx context.Context, ws evidence.ID) ([]byte, error)
	PutSealedKeyset(ctx context.Context, ws evidence.ID, sealed []byte) error
	Streams(ctx context.Context, conn evidence.ID) ([]evidence.StreamStatus, error)
	Windows(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]evidence.Window, error)
	Troubles(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error)
	historyStore
	Handovers(ctx context.Context, conn evidence.ID, most int) ([]evidence.Handover, error)
	Pace(ctx context.Context, conn evidence.ID, stream evidence.Stream) (read, took time.Duration, err error)
	AddActivity(ctx context.Context, a store.Activity) error
	AddApproval(ctx context.Context, a store.Approval) error
	Approval(ctx context.Context, ws, member evidence.ID, hash [32]byte, now time.Time) (store.Approval, error)
	OpenApprovals(ctx context.Context, ws evidence.ID, now time.Time) ([]store.OpenApproval, error)
	UpdateApproval(ctx context.Context, a store.Approval, now time.Time) error
	UseApproval(ctx context.Context, a store.Approval, now time.Time) error
	CloseApproval(ctx context.Context, a store.Approval, made evidence.ID) error
	ReopenApproval(ctx context.Context, a store.Approval) error
}

// Config makes a Service. Store, Key and Kinds must be given.
type Config struct {
	Store     Store
	Key       *seal.KEK
	Kinds     []source.Kind
	Operator  source.Operator
	UserAgent string // "Exhibit/1.2.3"
	// Unlimited says that the operator lifted a request limit. Connections to a source's own servers are refused then:
	// the limit protects the account's other readers.
	Unlimited bool
	Now       func() time.Time // nil: time.Now
	Changed   func()           // called after a connection was added, changed, or switched off or on; nil: nobody asks
}

// Service holds the use cases of connections. It may be used by many goroutines at once.
type Service struct {
	store     Store
	key       *seal.KEK
	kinds     []source.Kind
	operator  source.Operator
	userAgent string
	unlimited bool
	now       func() time.Time
	changed   func()

	mu    sync.Mutex
	boxes map[evidence.ID]*seal.Box // by workspace; a workspace's keyset never changes
}

// New makes a Service.
func New(cfg Config) *Service {
	s := &Service{
		store: cfg.Store, key: cfg.Key, kinds: cfg.Kinds, operator: cfg.Operator, userAgent: cfg.UserAgent,
		unlimited: cfg.Unlimited, now: cfg.Now, changed: cfg.Changed, boxes: map[evidence.ID]*seal.Box{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.changed == nil {
		s.changed = func() {}
	}
	return s
}

// moment is now as the store keeps times: UTC, whole milliseconds.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Kind gives the kind of source with the given id.
func (s *Service) Kind(id string) (source.Kind, bool) {
	return source.FindKind(s.kinds, id)
}

// Status is a connection with its health, how far each stream has been read, and what to do.
type Status struct {
	evidence.Connection
	Health  evidence.Health
	Streams []evidence.StreamStatus
	Care
}

// Show gives one connection, or an *evidence.Error NotFound.
func (s *Service) Show(ctx context.Context, ws, id evidence.ID) (Status, error) {
	conn, err := s.store.Connection(ctx, ws, id)
	if err != nil {
		return Status{}, err
	}
	return s.status(ctx, conn)
}

// List gives all connections of the workspace, those that are off too.
func (s *Service) List(ctx context.Context, ws evidence.ID) ([]Status, error) {
	conns, err := s.store.Connections(ctx, ws)
	if err != nil {
		return nil, err
	}
	list := make([]Status, 0, len(conns))
	for _, conn := range conns {
		st, err := s.statusAmong(ctx, conn, conns)
		if err != nil {
			return nil, err
		}
		list = append(list, st)
	}
	return list, nil
}

func (s *Service) status(ctx context.Context, conn evidence.Connection) (Status, error) {
	all, err := s.store.Connections(ctx, conn.Workspace)
	if err != nil {
		return Status{}, err
	}
	return s.statusAmong(ctx, conn, all)
}

// statusAmong is status when all connections of the workspace are known.
func (s *Service) statusAmong(ctx context.Context, conn evidence.Connection, all []evidence.Connection) (Status, error) {
	streams, err := s.store.Streams(ctx, conn.ID)
	if err != nil {
		return Status{}, err
	}
	st := Status{Connection: conn, Health: evidence.ConnectionHealth(conn, streams, s.now()), Streams: streams}
	st.Care, err = s.care(ctx, conn, st.Health, streams, all)
	return st, err
}

// box opens the workspace's keyset, and makes it if the workspace has none yet.
//
// A crash between making and storing a keyset loses a keyset that nothing was sealed with. Of two processes that make
// one at once, the store takes the first; both then use that.
func (s *Service) box(ctx context.Context, ws evidence.ID) (*seal.Box, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.boxes[ws]; b != nil {
		return b, nil
	}
	wrapped, err := s.store.SealedKeyset(ctx, ws)
	if evidence.ErrorCode(err) == evidence.NotFound {
		wrapped, err = s.makeKeyset(ctx, ws)
	}
	if err != nil {
		return nil, err
	}
	b, err := s.key.Box(ws, wrapped)
	if errors.Is(err, seal.ErrKeyset) {
		return nil, &evidence.Error{Code: evidence.Internal, Err: err, Message: "The stored tokens cannot be opened with this key file. " +
			"Put back the keys directory that belongs to this database."}
	}
	if err != nil {
		return nil, err
	}
	s.boxes[ws] = b
	return b, nil
}

func (s *Service) makeKeyset(ctx context.Context, ws evidence.ID) ([]byte, error) {
	wrapped, err := s.key.NewKeyset(ws)
	if err != nil {
		return nil, err
	}
	err = s.store.PutSealedKeyset(ctx, ws, wrapped)
	if evidence.ErrorCode(err) == evidence.Conflict {
		return s.store.SealedKeyset(ctx, ws)
	}
	return wrapped, err
}

// OpenSource opens a connection's source for reading. The token is unsealed for each request anew, so that a rotated one
// is used from the next request on, and one that was forgotten ends the reading: the request fails with NotFound.
func (s *Service) OpenSource(_ context.Context, conn evidence.Connection) (source.Source, error) {
	kind, ok := s.Kind(conn.Source)
	if !ok {
		return nil, evidence.Errorf(evidence.Invalid, "This version of Exhibit does not know the source %q.", conn.Source)
	}
	if err := s.admit(kind, conn.Server); err != nil {
		return nil, err
	}
	return s.openWith(kind, conn.Server, func(ctx context.Context) (string, error) {
		sealed, err := s.store.SealedToken(ctx, conn.Workspace, conn.ID)
		if err != nil {
			return "", err
		}
		box, err := s.box(ctx, conn.Workspace)
		if err != nil {
			return "", err
		}
		token, err := box.Open(sealed, conn.ID, seal.PurposeToken)
		if err != nil {
			return "", &evidence.Error{Code: evidence.Internal, Err: err,
				Message: "The stored token does not open: it was altered. Make a new token and rotate it in."}
		}
		return token.Reveal(), nil
	})
}

func (s *Service) openWith(kind source.Kind, server string, token func(context.Context) (string, error)) (source.Source, error) {
	return kind.Open(source.Config{Server: server, Token: token, UserAgent: s.userAgent, Operator: s.operator, Now: s.now})
}

// admit says no to a server that is neither the source's nor allowed by the operator, and to a source's own server when
// a request limit was lifted.
func (s *Service) admit(kind source.Kind, server string) error {
	if !kind.Allows(server, s.operator) {
		return evidence.Errorf(evidence.Forbidden, "%s is none of %s's servers (%s). Whoever starts Exhibit can admit it with "+
			"--allow-events-server.", server, kind.Name, serverList(kind))
	}
	if s.unlimited && kind.Allows(server, source.Operator{}) {
		return evidence.Errorf(evidence.Forbidden, "The request limit was lifted, which is not accepted for %s. Start Exhibit with a "+
			"--requests-per-minute and --requests-per-hour above 0.", server)
	}
	return nil
}
