// Package explore holds what people do with events that they look at: keep a filter under a name, find what belongs to an
// event, and take events away as a file.
//
// A file is made by a job of this process into the object store, so that memory stays flat, a browser can be closed
// meanwhile, and any node gives the file out. The row of an export is written before its file, and says that the work goes
// on every second: a process that dies leaves a row that has fallen silent, which is shown as broken off and removed with
// its file, if there is one, when it expires.
package explore

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what this package needs of the store.
type Store interface {
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
	Events(ctx context.Context, r store.EventsRequest) (store.EventsPage, error)
	Verbatim(ctx context.Context, q evidence.Query) iter.Seq2[evidence.Event, error]
	Count(ctx context.Context, q evidence.Query) (int64, error)

	AddFilter(ctx context.Context, f evidence.Filter) error
	Filters(ctx context.Context, ws, member evidence.ID) ([]evidence.Filter, error)
	Filter(ctx context.Context, ws, id evidence.ID) (evidence.Filter, error)
	UpdateFilter(ctx context.Context, f evidence.Filter) error
	DeleteFilter(ctx context.Context, ws, id evidence.ID) error

	AddExport(ctx context.Context, e store.Export) error
	UpdateExport(ctx context.Context, e store.Export) (bool, error)
	Exports(ctx context.Context, ws, member evidence.ID) ([]store.Export, error)
	Export(ctx context.Context, ws, member, id evidence.ID) (store.Export, error)
	ExpiredExports(ctx context.Context, now time.Time) ([]store.Export, error)
	DeleteExport(ctx context.Context, ws, id evidence.ID) error
	AddActivity(ctx context.Context, a store.Activity) error
}

// Objects keeps the files of exports until they expire.
type Objects interface {
	PutPassing(ctx context.Context, name string, write func(io.Writer) error) (object.Ref, error)
	OpenPassing(ctx context.Context, name string, ref object.Ref) (io.ReadCloser, error)
	RemovePassing(ctx context.Context, name string) error
}

// Config is what the use cases stand on.
type Config struct {
	Store   Store
	Objects Objects
	Kinds   []source.Kind
	TempDir string           // where long files wait while they are made; empty: the system's
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: nothing is logged
}

// Service does it. It may be used from many goroutines and must be closed.
type Service struct {
	cfg    Config
	ctx    context.Context //nolint:containedctx // of the jobs, which outlive the requests that begin them
	cancel context.CancelFunc
	jobs   sync.WaitGroup

	beginning sync.Mutex // of one export at a time, so that nobody begins two at once

	mu      sync.Mutex
	closed  bool
	stopped map[evidence.ID]context.CancelFunc // of the exports that this process makes
}

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg, stopped: map[evidence.ID]context.CancelFunc{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close breaks off the exports that are being made and waits for them.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.jobs.Wait()
	return nil
}

func (s *Service) now() time.Time { return s.cfg.Now().UTC() }

// note writes a line of the workspace's own trail.
func (s *Service) note(ctx context.Context, ws evidence.ID, who, what string, subject evidence.ID, detail string) error {
	err := s.cfg.Store.AddActivity(ctx, store.Activity{Workspace: ws, At: s.now(), Who: who, What: what, Subject: string(subject), Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}
