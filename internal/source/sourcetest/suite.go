// Package sourcetest holds what every source must keep to: Run checks a source against a server of its kind. A new
// source passes it before anything else is built on it.
package sourcetest

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// Suite names a source and a server that it can be tried on. The server's events must not change while Run runs, and
// every stream should have more than three of them.
type Suite struct {
	Kind   source.Kind
	Config source.Config // of a connection that works; Token is replaced
	Token  string        // may read every stream
	// Refused looks like a token of the kind, but the server refuses it.
	Refused string
	// From lies before the first event of every stream.
	From time.Time
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Run("kind is complete", s.kindIsComplete)
	t.Run("token is read locally", s.preflight)
	t.Run("check tells the grant", s.check)
	for _, stream := range s.Kind.Streams {
		t.Run(string(stream.Stream), func(t *testing.T) {
			all := s.drain(t, stream.Stream)
			t.Run("pages are whole", func(t *testing.T) { s.pagesAreWhole(t, stream.Stream, all) })
			t.Run("same request, same page", func(t *testing.T) { s.repeats(t, stream.Stream, all) })
			t.Run("limit holds", func(t *testing.T) { s.limitHolds(t, stream.Stream, all) })
			t.Run("windows join", func(t *testing.T) { s.windowsJoin(t, stream.Stream, all) })
			t.Run("end is idle", func(t *testing.T) { s.endIsIdle(t, stream.Stream, all) })
		})
	}
	t.Run("streams in parallel", s.inParallel)
	t.Run("caller cancels", s.cancel)
	t.Run("refused token", s.refused)
	t.Run("faults have their words", s.faults)
	t.Run("strange servers are not opened", s.strangeServer)
}

func (s Suite) open(t *testing.T, change func(*source.Config)) source.Source {
	t.Helper()
	c := s.Config
	c.Token = func(context.Context) (string, error) { return s.Token, nil }
	if change != nil {
		change(&c)
	}
	opened, err := s.Kind.Open(c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return opened
}

func (s Suite) kindIsComplete(t *testing.T) {
	k := s.Kind
	for what, missing := range map[string]bool{
		"ID": k.ID == "", "Name": k.Name == "", "Category": k.Category == "", "Summary": k.Summary == "", "Auth": k.Auth == "", "Plan": k.Plan == "",
		"Controls": len(k.Controls) == 0, "Servers": len(k.Servers) == 0, "Streams": len(k.Streams) == 0, "PageLimit": k.PageLimit < 1, "Setup": len(k.Setup) == 0,
		"Limits": len(k.Limits) == 0, "Preflight": k.Preflight == nil, "Open": k.Open == nil, "Describe": k.Describe == nil, "Normalise": k.Normalise == nil,
	} {
		if missing {
			t.Errorf("%s is missing", what)
		}
	}
	for _, server := range k.Servers {
		if clean, err := source.ParseServer(server.URL); err != nil || clean != server.URL || server.Name == "" {
			t.Errorf("server %q at %q: %v", server.Name, server.URL, err)
		}
	}
	seen := map[evidence.Stream]bool{}
	for _, st := range k.Streams {
		if st.Stream == "" || st.Title == "" || st.Shows == "" || seen[st.Stream] {
			t.Errorf("stream %q lacks a title, what it shows, or is there twice", st.Stream)
		}
		seen[st.Stream] = true
		values := map[string]bool{}
		for _, w := range st.Actions {
			if w.Value == "" || w.Words == "" || values[w.Value] {
				t.Errorf("stream %s: the word %q has no full words or is there twice", st.Stream, w.Value)
			}
			values[w.Value] = true
		}
	}
	if k2 := k; !k2.Allows(k.Servers[0].URL, source.Operator{}) || k2.Allows("https://elsewhere.example.com", source.Operator{}) {
		t.Error("Allows does not follow the list of servers")
	}
}

func (s Suite) preflight(t *testing.T) {
	now := time.Now()
	if s.Config.Now != nil {
		now = s.Config.Now()
	}
	facts, err := s.Kind.Preflight(s.Token, now)
	if err != nil || len(facts.Features) == 0 {
		t.Errorf("a good token gives %+v, %v", facts, err)
	}
	for _, bad := range []string{"", " ", "x", s.Token[:len(s.Token)/2], s.Token + s.Token} {
		_, err := s.Kind.Preflight(bad, now)
		if evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("a bad token of %d bytes gives %v, want an Invalid error", len(bad), err)
		}
		s.tellsNoToken(t, err)
	}
}

func (s Suite) check(t *testing.T) {
	first, err := s.open(t, nil).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.Integration == "" || len(first.Features) == 0 {
		t.Errorf("the grant %+v lacks something", first)
	}
	for _, st := range s.Kind.Streams {
		if !slices.Contains(first.Features, st.Stream) {
			t.Errorf("the grant lacks %s", st.Stream)
		}
	}
	second, err := s.open(t, nil).Check(t.Context())
	if diff := cmp.Diff(first, second); diff != "" || err != nil {
		t.Errorf("asked again: %v\n%s", err, diff)
	}
}

// read is one page with the request that gave it.
type read struct {
	request source.Request
	page    source.Page
}

// drain reads a stream from From to its end, with a fresh source for every page: nothing may hang on memory.
func (s Suite) drain(t *testing.T, stream evidence.Stream) []read {
	t.Helper()
	var all []read
	req := source.Request{Stream: stream, From: s.From, Limit: s.Kind.PageLimit}
	for range 100_000 {
		page, err := s.open(t, nil).Next(t.Context(), req)
		if err != nil {
			t.Fatalf("page %d: %v", len(all), err)
		}
		all = append(all, read{req, page})
		if !page.More || page.Next == req.Cursor {
			return all
		}
		req = source.Request{Stream: stream, Cursor: page.Next}
	}
	t.Fatal("the stream does not end")
	return nil
}

func uuids(all []read) []string {
	var ids []string
	for _, r := range all {
		for _, record := range r.page.Records {
			ids = append(ids, record.Facts.UUID)
		}
	}
	return ids
}

func (s Suite) pagesAreWhole(t *testing.T, stream evidence.Stream, all []read) {
	ids := uuids(all)
	if len(ids) < 4 {
		t.Fatalf("the server has only %d events", len(ids))
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
		t.Errorf("%d events came twice", len(ids)-n)
	}
	for i, r := range all {
		at := 0
		for j, record := range r.page.Records {
			if record.Start < at || record.End <= record.Start || record.End > len(r.page.Body) {
				t.Fatalf("page %d: record %d lies at %d to %d after %d", i, j, record.Start, record.End, at)
			}
			at = record.End
			s.recordIsSound(t, stream, record, r.page.Body[record.Start:record.End])
		}
		if r.page.Next == "" {
			t.Errorf("page %d has no cursor", i)
		}
	}
}

func (s Suite) recordIsSound(t *testing.T, stream evidence.Stream, record source.Record, raw []byte) {
	t.Helper()
	f := record.Facts
	if f.UUID == "" || f.At.IsZero() || f.At.Location() != time.UTC || f.At.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("event %s at %v: no uuid, or not whole milliseconds of UTC", f.UUID, f.At)
	}
	again := s.Kind.Normalise(stream, raw)
	if f.Odd&evidence.OddTime != 0 {
		again.At = f.At
	}
	if diff := cmp.Diff(f, again); diff != "" {
		t.Errorf("the facts of the bytes alone are others:\n%s", diff)
	}
	d := s.Kind.Describe(stream, raw)
	if d.Verb == "" || d.Stream == "" || len(d.Fields) == 0 {
		t.Errorf("event %s is not described: %+v", f.UUID, d)
	}
}

func (s Suite) repeats(t *testing.T, stream evidence.Stream, all []read) {
	for _, r := range []read{all[0], all[len(all)-1]} {
		again, err := s.open(t, nil).Next(t.Context(), r.request)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Body, r.page.Body) || again.Next != r.page.Next || again.More != r.page.More {
			t.Errorf("the same request for %s gives another page", stream)
		}
	}
}

func (s Suite) limitHolds(t *testing.T, stream evidence.Stream, all []read) {
	page, err := s.open(t, nil).Next(t.Context(), source.Request{Stream: stream, From: s.From, Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Records) != 3 || !page.More {
		t.Errorf("limit 3 gives %d events, more %v", len(page.Records), page.More)
	}
	if got := uuids([]read{{page: page}}); !slices.Equal(got, uuids(all)[:3]) {
		t.Errorf("limit 3 gives %v", got)
	}
}

func (s Suite) windowsJoin(t *testing.T, stream evidence.Stream, all []read) {
	var events []source.Record
	for _, r := range all {
		events = append(events, r.page.Records...)
	}
	middle := events[len(events)/2].Facts.At
	got := map[string]bool{}
	for _, span := range []evidence.Span{{From: s.From, To: middle}, {From: middle}} {
		opened := s.open(t, nil)
		req := source.Request{Stream: stream, From: span.From, To: span.To, Limit: s.Kind.PageLimit}
		for {
			page, err := opened.Next(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				// The end may be inclusive at the source: an event of the very moment may come in both.
				if r.Facts.Odd&evidence.OddTime == 0 && (r.Facts.At.Before(span.From) || !span.To.IsZero() && r.Facts.At.After(span.To)) {
					t.Errorf("an event at %v lies outside %v", r.Facts.At, span)
				}
				got[r.Facts.UUID] = true
			}
			if !page.More || page.Next == req.Cursor {
				break
			}
			req = source.Request{Stream: stream, Cursor: page.Next}
		}
	}
	if len(got) != len(events) {
		t.Errorf("two windows give %d events, the whole %d", len(got), len(events))
	}
}

func (s Suite) endIsIdle(t *testing.T, stream evidence.Stream, all []read) {
	cursor := all[len(all)-1].page.Next
	for range 2 {
		page, err := s.open(t, nil).Next(t.Context(), source.Request{Stream: stream, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Records) != 0 || page.Next == "" {
			t.Errorf("behind the end there are %d events and the cursor %q", len(page.Records), page.Next)
		}
		cursor = page.Next
	}
}

func (s Suite) inParallel(t *testing.T) {
	opened := s.open(t, nil)
	errs := make(chan error, 12)
	for range 4 {
		for _, st := range s.Kind.Streams {
			go func() {
				_, err := opened.Next(t.Context(), source.Request{Stream: st.Stream, From: s.From, Limit: 10})
				errs <- err
			}()
		}
	}
	for range 4 * len(s.Kind.Streams) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func (s Suite) strangeServer(t *testing.T) {
	c := s.Config
	c.Token = func(context.Context) (string, error) { t.Error("the token was asked for"); return s.Token, nil }
	for _, server := range []string{"https://elsewhere.example.com", "http://127.0.0.1", "", s.Kind.Servers[0].URL + ".example.com", s.Kind.Servers[0].URL + "/path"} {
		c.Server = server
		if _, err := s.Kind.Open(c); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("Open of %q gives %v, want an Invalid error", server, err)
		}
	}
}
