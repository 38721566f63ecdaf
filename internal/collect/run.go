package collect

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// Run keeps every connection of every workspace read until ctx ends, and returns nil then. Connections that are added,
// changed, switched off or on are noticed after a Wake at once, and otherwise within seconds. Nothing that goes wrong
// with a source or the store ends it.
func (c *Collector) Run(ctx context.Context) error { return c.RunOnly(ctx, Filter{}) }

// RunOnly is Run for the connections and streams that f selects.
func (c *Collector) RunOnly(ctx context.Context, f Filter) error {
	s := supervisor{c: c, only: f, running: map[evidence.ID]*running{}}
	defer s.stopAll()
	tick := time.NewTicker(c.look)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-tick.C:
		}
	}
}

// supervisor starts and stops the readers of connections. One goroutine uses it.
type supervisor struct {
	c       *Collector
	only    Filter
	running map[evidence.ID]*running
	blind   bool // the last look failed
}

// running is one connection that is being read.
type running struct {
	facts string // what the readers were started with
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// factsOf is different when readers must be started anew: another token, other features, off and on again, or a check
// that worked, which is worth another try at once.
func factsOf(conn evidence.Connection) string {
	return fmt.Sprint(conn.Source, conn.Server, conn.AccountUUID, conn.Integration, conn.Features, conn.TokenMark, conn.Name,
		conn.IssuedAt.UnixMilli(), conn.ExpiresAt.UnixMilli(), conn.CheckedAt.UnixMilli())
}

// look compares what is there with what is read.
func (s *supervisor) look(ctx context.Context) {
	all, err := s.c.all(ctx)
	if err != nil {
		if !s.blind && ctx.Err() == nil {
			s.c.log.Error("connections cannot be listed; those that are read go on", "error", err)
		}
		s.blind = true
		return
	}
	s.blind = false
	wanted := map[evidence.ID]bool{}
	for _, conn := range all {
		if !readable(conn) || !s.only.selects(conn) {
			continue
		}
		wanted[conn.ID] = true
		if r := s.running[conn.ID]; r != nil && r.facts == factsOf(conn) {
			continue
		}
		s.stop(conn.ID)
		s.start(ctx, conn)
	}
	for id := range s.running {
		if !wanted[id] {
			s.stop(id)
		}
	}
}

func (s *supervisor) start(ctx context.Context, conn evidence.Connection) {
	readers, err := s.c.readers(ctx, conn, s.only)
	if err != nil {
		if ctx.Err() == nil {
			s.c.log.Error("a connection cannot be read", "connection", string(conn.ID), "error", err)
		}
		return
	}
	ctx, stop := context.WithCancel(ctx)
	r := &running{facts: factsOf(conn), stop: stop}
	for _, reader := range readers {
		r.done.Go(func() { reader.keepReading(ctx) })
	}
	s.running[conn.ID] = r
}

func (s *supervisor) stop(id evidence.ID) {
	if r := s.running[id]; r != nil {
		r.stop()
		r.done.Wait()
		delete(s.running, id)
	}
}

func (s *supervisor) stopAll() {
	for _, r := range s.running {
		r.stop()
	}
	for id := range s.running {
		s.stop(id)
	}
}

// keepReading reads a stream until ctx ends or the connection is gone.
func (r *reader) keepReading(ctx context.Context) {
	if !r.granted() {
		r.insist(ctx, r.showMissing)
		return
	}
	r.keeps = true
	for ctx.Err() == nil {
		t := r.underLease(ctx, store.Live, r.poll)
		if t.gone {
			return
		}
		if t.end {
			r.rereadNext(ctx)
		}
		if sleep(ctx, t.wait) != nil {
			return
		}
	}
}

// insist does a piece of work under the lease until it succeeds.
func (r *reader) insist(ctx context.Context, work func(context.Context) error) {
	for ctx.Err() == nil {
		t := r.underLease(ctx, store.Live, work)
		if t.end || t.gone {
			return
		}
		if sleep(ctx, t.wait) != nil {
			return
		}
	}
}

// poll drains the stream, unless another node did so just now.
func (r *reader) poll(ctx context.Context) error {
	if r.lease.Position.CaughtUp {
		statuses, err := r.c.store.Streams(ctx, r.conn.ID)
		if err != nil {
			return storing("reading the state of the streams", err)
		}
		for _, s := range statuses {
			if s.Stream == r.stream && r.now().Sub(s.LastReadAt) < r.c.every/2 {
				return nil
			}
		}
	}
	return r.drain(ctx)
}
