// Package app puts the program together: the store, the keys, the sources, the use cases, the pages. Command line, demo
// and end-to-end tests all start what this package assembles, so that what is tested is what runs.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/collect"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/erasure"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/hold"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/vouch"
)

// Version is the version of this build. The linker sets it; nothing changes it at run time.
var Version = "dev"

// DefaultData is where data lies when nobody says otherwise.
const DefaultData = "./exhibit-data"

// Config is what the person who starts the program decides. The zero value works: SQLite and files in DefaultData, the
// workspace "default", the default request budget is then set by the caller.
type Config struct {
	Data      string           // directory of database, keys and objects
	Database  string           // postgres://… instead of SQLite in Data
	Objects   string           // file:///… instead of Data/objects
	Workspace string           // name
	LogOrigin string           // first part of the name of the workspaces' logs; empty: exhibit
	Witnesses *translog.Policy // who is asked to countersign the log; nil: nobody
	TSA       string           // address of a time-stamping authority; empty: none
	Operator  source.Operator
	Notify    notify.Operator // whom notifications may reach beside the public Internet

	// RequestsPerMinute and RequestsPerHour bound the requests to one account; 0 lifts the limit, which is accepted for
	// servers that the operator admitted and for no other.
	RequestsPerMinute int
	RequestsPerHour   int

	// MustExist refuses to make a database, key or workspace that is not there yet. The first workspace of a database,
	// which has none after it was laid out, is made all the same.
	MustExist bool

	Log *slog.Logger
	Now func() time.Time // nil: time.Now
}

func (c Config) complete() Config {
	if c.Data == "" {
		c.Data = DefaultData
	}
	if c.Workspace == "" {
		c.Workspace = "default"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) store() store.Config {
	return store.Config{Dir: c.Data, URL: c.Database, MustExist: c.MustExist, Now: c.Now, Log: c.Log, LogOrigin: c.LogOrigin, Build: Build()}
}

// objectsURL says where artifact files lie.
func (c Config) objectsURL() (string, error) {
	if c.Objects != "" {
		return c.Objects, nil
	}
	return object.DirURL(filepath.Join(c.Data, "objects"))
}

// App is the assembled program for one workspace.
type App struct {
	cfg       Config
	Workspace evidence.ID

	Store       *store.Store
	Objects     *object.Store
	Connections *connection.Service
	Artifacts   *artifact.Service
	Log         *logbook.Service
	Audits      *audit.Service
	Holds       *hold.Service
	Erasure     *erasure.Service
	Program     *program.Service
	Explore     *explore.Service
	SignIn      *signin.Service
	Tokens      *apitoken.Service
	Notify      *notify.Service

	budget *collect.Budget
	kinds  []source.Kind
	wake   chan struct{} // a connection was added or changed

	stopping chan struct{} // closed when the pages are about to stop
	stop     func()        // closes it
}

// Open opens database, keys and objects, and makes what is not there yet. The caller closes the App.
func Open(ctx context.Context, cfg Config) (*App, error) {
	cfg = cfg.complete()
	st, err := store.Open(ctx, cfg.store())
	if err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, Store: st, kinds: all.Kinds(), wake: make(chan struct{}, 1)}
	a.stopping = make(chan struct{})
	a.stop = sync.OnceFunc(func() { close(a.stopping) })
	if err := a.assemble(ctx); err != nil {
		_ = a.Close() // the first error is the one to tell
		return nil, err
	}
	return a, nil
}

func (a *App) assemble(ctx context.Context) error {
	var err error
	if a.Workspace, err = a.workspace(ctx); err != nil {
		return fmt.Errorf("opening the workspace: %w", err)
	}
	openKEK := seal.OpenKEK
	if a.cfg.MustExist {
		openKEK = seal.FindKEK
	}
	kek, err := openKEK(a.cfg.Data)
	if err != nil {
		return fmt.Errorf("opening the keys: %w", err)
	}
	url, err := a.cfg.objectsURL()
	if err != nil {
		return err
	}
	if a.Objects, err = object.Open(ctx, url); err != nil {
		return fmt.Errorf("opening the objects: %w", err)
	}
	a.budget = collect.NewBudget(collect.Limits{PerMinute: a.cfg.RequestsPerMinute, PerHour: a.cfg.RequestsPerHour})
	a.Connections = connection.New(connection.Config{
		Store: a.Store, Key: kek, Kinds: a.kinds, Operator: a.cfg.Operator, UserAgent: Build(), Now: a.cfg.Now, Changed: a.wakeUp,
		Unlimited: a.cfg.RequestsPerMinute == 0 || a.cfg.RequestsPerHour == 0,
	})
	a.Artifacts = artifact.New(artifact.Config{Store: a.Store, Objects: a.Objects, Connections: a.Connections, Engine: Build(), Now: a.cfg.Now, TempDir: a.cfg.Data})
	a.Program = program.New(a.Store, a.cfg.Now)
	a.Log = logbook.New(logbook.Config{Store: a.Store, Box: a.Connections.Box, Dir: filepath.Join(a.cfg.Data, "keys", "signer"), Now: a.cfg.Now, Log: a.cfg.Log,
		Outsiders: vouch.New(Build()), Witnesses: a.cfg.Witnesses, TSA: a.cfg.TSA})
	a.Audits = audit.New(audit.Config{Store: a.Store, Objects: a.Objects, Log: a.Log, Build: Build(), Now: a.cfg.Now, TempDir: a.cfg.Data,
		Framework: func(ctx context.Context, ws evidence.ID, id string) error {
			_, err := a.Program.Framework(ctx, ws, id)
			return err
		},
		Invite: func(ctx context.Context, c people.Caller, name, email string) (audit.Invited, error) {
			l, err := a.SignIn.InviteAuditor(ctx, c, name, email)
			return audit.Invited{Member: l.Member, Path: l.Path, ExpiresAt: l.ExpiresAt}, err
		}})
	a.Holds = hold.New(a.Store, a.cfg.Now)
	a.Erasure = erasure.New(a.Store, a.Objects, a.cfg.Now)
	a.Program.ReadReviews(a.Artifacts)
	a.Program.ReadProofs(a.Log)
	a.Explore = explore.New(explore.Config{Store: a.Store, Objects: a.Objects, Kinds: a.kinds, TempDir: a.cfg.Data, Now: a.cfg.Now, Log: a.cfg.Log})
	a.SignIn = signin.New(a.Store, a.Connections, a.cfg.Now)
	a.Tokens = apitoken.New(a.Store, a.cfg.Now)
	a.Notify = notify.New(notify.Config{
		Store: a.Store, Connections: concerned{a.Connections, a.Log, a.Holds}, Actions: a.Program, Operator: a.cfg.Notify, Name: a.nameOf, UserAgent: Build(), Now: a.cfg.Now, Log: a.cfg.Log,
	})
	return nil
}

// concerned gives what people must know of connections, of those who vouch for the log and of legal holds, in one list.
type concerned struct {
	*connection.Service
	log   *logbook.Service
	holds *hold.Service // nil: left out, for who may not see holds
}

// Concerns gives the lists as one.
func (c concerned) Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error) {
	all, err := c.Service.Concerns(ctx, ws)
	if err != nil {
		return nil, err
	}
	more, err := c.log.Concerns(ctx, ws)
	if err != nil || c.holds == nil {
		return append(all, more...), err
	}
	held, err := c.holds.Concerns(ctx, ws)
	return append(append(all, more...), held...), err
}

// nameOf names a workspace for people; by its id if its name cannot be read.
func (a *App) nameOf(ctx context.Context, ws evidence.ID) string {
	all, err := a.Store.WorkspaceNames(ctx)
	if err != nil {
		a.cfg.Log.Error("the name of a workspace could not be read", "error", err)
	}
	for _, n := range all {
		if n.ID == ws {
			return n.Name
		}
	}
	return string(ws)
}

// workspace gives the configured workspace. With MustExist only the first workspace of a database is made.
func (a *App) workspace(ctx context.Context) (evidence.ID, error) {
	if a.cfg.MustExist {
		id, err := a.Store.WorkspaceNamed(ctx, a.cfg.Workspace)
		if evidence.ErrorCode(err) != evidence.NotFound {
			return id, err
		}
		others, lerr := a.Store.Workspaces(ctx)
		if lerr != nil {
			return "", lerr
		}
		if len(others) > 0 {
			return "", err
		}
	}
	return a.Store.EnsureWorkspace(ctx, a.cfg.Workspace)
}

// Build names this build as it is kept with each page and sent as User-Agent.
func Build() string { return "Exhibit/" + Version }

// Close closes everything that Open opened.
func (a *App) Close() error {
	var first error
	if a.Explore != nil { // its exports write into the other two
		first = a.Explore.Close()
	}
	for _, c := range []io.Closer{a.Objects, a.Store} {
		if c == nil || c == (*object.Store)(nil) {
			continue
		}
		if err := c.Close(); err != nil && first == nil {
			first = fmt.Errorf("closing: %w", err)
		}
	}
	return first
}

// wakeUp tells a running collector to look for changed connections. It never blocks.
func (a *App) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Collector makes a collector over the App's store and connections. progress may be nil.
func (a *App) Collector(progress func(collect.Progress)) *collect.Collector {
	return collect.New(collect.Config{
		Store: a.Store, Kind: a.Kind, Open: a.Connections.OpenSource, Budget: a.budget, Build: Build(),
		Now: a.cfg.Now, Log: a.cfg.Log, Progress: progress,
	})
}

// Kind gives the source of an id.
func (a *App) Kind(id string) (source.Kind, bool) {
	return source.FindKind(a.kinds, id)
}

// Streams gives the streams of all sources.
func (a *App) Streams() []evidence.Stream {
	return source.AllStreams(a.kinds)
}

// StreamShows says in a sentence what evidence is lost without a stream of a source.
func (a *App) StreamShows(sourceID string, stream evidence.Stream) string {
	k, _ := a.Kind(sourceID)
	for _, s := range k.Streams {
		if s.Stream == stream {
			return s.Shows
		}
	}
	return "the source does not say what it shows."
}

// Describe says an event in full words. The source is known by the stream's name.
func (a *App) Describe(e evidence.Event) source.Description {
	if e.Odd&evidence.OddErased != 0 {
		return source.Description{Verb: "erased event", Stream: string(e.Stream)}
	}
	for _, k := range a.kinds {
		for _, s := range k.Streams {
			if s.Stream == e.Stream {
				return k.Describe(e.Stream, e.Raw)
			}
		}
	}
	return source.Description{Verb: e.Action, Person: e.Person.Name, Stream: string(e.Stream), IP: e.IP}
}
