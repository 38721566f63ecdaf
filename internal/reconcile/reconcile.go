// Package reconcile reads what a bundle covers a second time, with a token of whoever verifies it, and compares event by
// event. The log shows that nothing was changed since it was read; only this shows that it was read as the source tells it, for
// the source signs nothing. It asks the same read-only endpoints as the first reading, and stores nothing.
package reconcile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// Config says how to read. All of it must be given but Progress.
type Config struct {
	Kinds     []source.Kind
	Operator  source.Operator
	Tokens    []string // of as many accounts as the bundle has, in clear
	UserAgent string
	PerMinute int // requests; 0: as fast as it goes, for servers that the operator admitted alone
	Now       func() time.Time
	// Sleep waits until the time is over or ctx ends.
	Sleep    func(ctx context.Context, d time.Duration) error
	Progress func(step string, done, total int64)
}

// Limits of one reading.
const (
	triesMost    = 8
	waitFirst    = time.Second
	waitMost     = time.Minute
	pagesMost    = 1_000_000
	examplesMost = 20
	// edge is how long before the source forgets an event it is not asked for any more: it would be gone in between.
	edge = time.Hour
)

// Index is what is kept of the bundle's events: sixteen bytes of the digests of uuid and content.
type Index struct {
	streams map[key]map[digest]entry
}

type key struct{ connection, stream string }

type digest [16]byte

type entry struct {
	at   int64
	raw  digest
	uuid string
}

// Seen adds an event of the bundle. It is verify.Seen.
func (x *Index) Seen(connection, stream, uuid string, at int64, raw []byte) {
	if x.streams == nil {
		x.streams = map[key]map[digest]entry{}
	}
	k := key{connection, stream}
	if x.streams[k] == nil {
		x.streams[k] = map[digest]entry{}
	}
	if _, again := x.streams[k][digestOf([]byte(uuid))]; !again {
		x.streams[k][digestOf([]byte(uuid))] = entry{at: at, raw: digestOf(raw), uuid: uuid}
	}
}

func digestOf(b []byte) digest {
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}

// Run reads what a bundle covers again. An error says that nothing could be read at all.
func Run(ctx context.Context, cfg Config, r verify.Report, x *Index) (verify.Reconciliation, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string, int64, int64) {}
	}
	m := &run{Config: cfg, ctx: ctx, index: x}
	if err := m.open(r.Accounts); err != nil {
		return verify.Reconciliation{}, err
	}
	out := &m.out
	out.Reconciled = len(r.Manifest.Coverage) > 0
	out.Streams, out.NotRead = []verify.ReconciledStream{}, []string{}
	for i, c := range r.Manifest.Coverage {
		cfg.Progress("reading again", int64(i), int64(len(r.Manifest.Coverage)))
		s, ok, err := m.stream(c.Connection, c.Stream, c.Windows)
		if err != nil {
			return *out, err
		}
		if ok {
			out.Streams = append(out.Streams, s)
			out.Reconciled = out.Reconciled && s.Same()
		}
	}
	out.Reconciled = out.Reconciled && len(out.NotRead) == 0
	return *out, nil
}

// run is one reconciliation on its way.
type run struct {
	Config
	ctx     context.Context
	index   *Index
	sources map[string]opened // by connection
	out     verify.Reconciliation
	last    time.Time // of the last request
}

type opened struct {
	kind     source.Kind
	source   source.Source
	features []evidence.Stream
}

// open finds for each token the connections of its account.
func (m *run) open(accounts []verify.Account) error {
	m.sources = map[string]opened{}
	for _, token := range m.Tokens {
		found, names := false, []string{}
		for _, a := range accounts {
			kind, ok := source.FindKind(m.Kinds, a.Source)
			if !ok {
				continue
			}
			facts, err := kind.Preflight(token, m.Now())
			if err != nil {
				return fmt.Errorf("the token: %w", err)
			}
			names = append(names, a.Account)
			if facts.Account != "" && facts.Account != a.Account {
				continue
			}
			server := facts.Server
			if server == "" {
				server = a.Server
			}
			if m.PerMinute == 0 && kind.Allows(server, source.Operator{}) {
				return fmt.Errorf("the request limit was lifted, which is not accepted for %s", server)
			}
			src, err := kind.Open(source.Config{Server: server, Token: func(context.Context) (string, error) { return token, nil }, UserAgent: m.UserAgent, Operator: m.Operator, Now: m.Now})
			if err != nil {
				return err
			}
			grant, err := m.check(src)
			if err != nil {
				return fmt.Errorf("asking %s what the token may read: %w", server, err)
			}
			if grant.AccountUUID == a.Account {
				m.sources[a.Connection], found = opened{kind, src, grant.Features}, true
			}
		}
		if !found {
			return fmt.Errorf("the token is of another account than the bundle, which is of %v. It must be a token of the audited company's account", names)
		}
	}
	return nil
}

func (m *run) check(src source.Source) (grant source.Grant, err error) {
	err = m.patiently(func() error {
		grant, err = src.Check(m.ctx)
		return err
	})
	return grant, err
}

// stream reads the windows of one stream again. ok is false if none of it was.
func (m *run) stream(connection, stream string, windows []translog.Millis) (out verify.ReconciledStream, ok bool, err error) {
	name := stream + " of " + connection
	src, open := m.sources[connection]
	switch {
	case !open:
		m.notRead("%s: no token of its account was given", name)
		return out, false, nil
	case !slices.Contains(src.features, evidence.Stream(stream)):
		m.notRead("%s: the token was made without this event type", name)
		return out, false, nil
	case len(windows) == 0:
		return out, false, nil // the bundle claims nothing of it
	}
	out = verify.ReconciledStream{Connection: connection, Stream: stream, Examples: []string{}}
	for _, w := range windows {
		if src.kind.Retention > 0 {
			oldest := m.Now().Add(edge - src.kind.Retention).UnixMilli()
			if w.From < oldest {
				m.notRead("%s from %s to %s: the source keeps events for %d days", name, stamp(w.From), stamp(min(w.To, oldest)), int(src.kind.Retention.Hours()/24))
				w.From = oldest
			}
		}
		if w.From >= w.To {
			continue
		}
		ok = true
		if err := m.window(src, evidence.Stream(stream), w, &out); err != nil {
			return out, false, fmt.Errorf("reading %s again: %w", name, err)
		}
	}
	return out, ok, nil
}

func (m *run) notRead(format string, args ...any) {
	m.out.NotRead = append(m.out.NotRead, fmt.Sprintf(format, args...))
}

// window reads one window again and compares. What is asked for at its edges and lies outside is passed over.
func (m *run) window(src opened, stream evidence.Stream, w translog.Millis, out *verify.ReconciledStream) error {
	have := m.index.streams[key{out.Connection, out.Stream}]
	req := source.Request{Stream: stream, From: time.UnixMilli(w.From).UTC(), To: time.UnixMilli(w.To).UTC(), Limit: src.kind.PageLimit}
	seen, cursors := map[digest]bool{}, map[source.Cursor]bool{}
	for range pagesMost {
		var page source.Page
		err := m.patiently(func() (err error) {
			page, err = src.source.Next(m.ctx, req)
			return err
		})
		if err != nil {
			return err
		}
		out.Pages++
		for _, r := range page.Records {
			at := r.Facts.At.UnixMilli()
			id := digestOf([]byte(r.Facts.UUID))
			if at < w.From || at >= w.To || seen[id] {
				continue
			}
			seen[id] = true
			compare(out, have, id, r, page.Body[r.Start:r.End])
		}
		m.Progress("reading "+out.Stream+" again", at(page, w), w.To-w.From)
		full := src.kind.PageLimit > 0 && len(page.Records) >= src.kind.PageLimit
		if !page.More && !full || page.Next == req.Cursor || cursors[page.Next] {
			break
		}
		cursors[page.Next] = true
		req.Cursor = page.Next
	}
	for _, e := range have {
		if e.at >= w.From && e.at < w.To && !seen[digestOf([]byte(e.uuid))] {
			out.Missing++
			example(out, "missing", e.uuid)
		}
	}
	return nil
}

// at is how far into the window a page reaches.
func at(page source.Page, w translog.Millis) int64 {
	if len(page.Records) == 0 {
		return w.To - w.From
	}
	return min(max(page.Records[len(page.Records)-1].Facts.At.UnixMilli()-w.From, 0), w.To-w.From)
}

func compare(out *verify.ReconciledStream, have map[digest]entry, id digest, r source.Record, raw []byte) {
	out.Seen++
	e, known := have[id]
	switch {
	case !known:
		out.New++
		example(out, "new", r.Facts.UUID)
	case e.raw != digestOf(raw):
		out.Changed++
		example(out, "changed", r.Facts.UUID)
	default:
		out.Known++
	}
}

// example keeps a few uuids, so that somebody can look.
func example(out *verify.ReconciledStream, what, uuid string) {
	if len(out.Examples) < examplesMost {
		out.Examples = append(out.Examples, fmt.Sprintf("%s %.80s", what, uuid))
	}
}

// patiently sends a request, no faster than agreed, and again when waiting may help.
func (m *run) patiently(send func() error) error {
	wait := waitFirst
	for try := 1; ; try++ {
		if m.PerMinute > 0 {
			if pause := m.last.Add(time.Minute / time.Duration(m.PerMinute)).Sub(m.Now()); pause > 0 {
				if err := m.Sleep(m.ctx, pause); err != nil {
					return err
				}
			}
		}
		m.last = m.Now()
		err := send()
		var retry *source.RetryError
		if err == nil || !errors.As(err, &retry) || try >= triesMost {
			return err
		}
		if err := m.Sleep(m.ctx, min(max(wait, retry.After), waitMost)); err != nil {
			return err
		}
		wait *= 2
	}
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
