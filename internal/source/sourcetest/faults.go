package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/source"
)

func (s Suite) cancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.open(t, nil).Next(ctx, source.Request{Stream: s.Kind.Streams[0].Stream, From: s.From, Limit: 10})
	if _, retry := errors.AsType[*source.RetryError](err); !errors.Is(err, context.Canceled) || retry {
		t.Errorf("a cancelled call gives %v", err)
	}
}

func (s Suite) refused(t *testing.T) {
	opened := s.open(t, func(c *source.Config) {
		c.Token = func(context.Context) (string, error) { return s.Refused, nil }
	})
	_, err := opened.Check(t.Context())
	if !errors.Is(err, source.ErrUnauthorized) || strings.Contains(err.Error(), s.Refused) {
		t.Errorf("Check gives %v", err)
	}
	_, err = opened.Next(t.Context(), source.Request{Stream: s.Kind.Streams[0].Stream, From: s.From, Limit: 10})
	if !errors.Is(err, source.ErrUnauthorized) || strings.Contains(err.Error(), s.Refused) {
		t.Errorf("Next gives %v", err)
	}
	failing := s.open(t, func(c *source.Config) {
		c.Token = func(context.Context) (string, error) { return "", errSealed }
	})
	if _, err := failing.Check(t.Context()); !errors.Is(err, errSealed) {
		t.Errorf("a token that cannot be had gives %v", err)
	}
}

var errSealed = errors.New("sealed")

// answering is a transport that gives one answer to everything.
type answering struct {
	status int
	header http.Header
	body   string
	err    error
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d", a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: -1, Request: r,
	}, nil
}

func (s Suite) faults(t *testing.T) {
	echo := "<html>Authorization: Bearer " + s.Token + "</html>"
	for _, c := range []struct {
		name  string
		give  answering
		wait  time.Duration
		keeps bool // the body
	}{
		{"no connection", answering{err: errors.New("no route for Bearer " + s.Token)}, 0, false},
		{"slow down", answering{status: 429, header: http.Header{"Retry-After": {"17"}}}, 17 * time.Second, false},
		{"trouble", answering{status: 503, body: echo}, 0, true},
		{"HTML", answering{status: 200, body: echo}, 0, true},
		{"nothing", answering{status: 200}, 0, false},
		{"JSON of something else", answering{status: 200, body: `{"hello":"` + s.Token + `"}`}, 0, true},
		{"no JSON", answering{status: 200, body: "\x00\xff"}, 0, true},
		{"list", answering{status: 200, body: "[]"}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened := s.open(t, func(config *source.Config) { config.Transport = c.give })
			_, checkErr := opened.Check(t.Context())
			_, nextErr := opened.Next(t.Context(), source.Request{Stream: s.Kind.Streams[0].Stream, From: s.From, Limit: 10})
			for _, err := range []error{checkErr, nextErr} {
				retry, ok := errors.AsType[*source.RetryError](err)
				if !ok || retry.After != c.wait {
					t.Errorf("got %v, want a RetryError that waits %v", err, c.wait)
				}
				bad, ok := errors.AsType[*source.BadPageError](err)
				if c.keeps && (!ok || len(bad.Body) == 0) {
					t.Errorf("%v keeps no body", err)
				}
				if ok && bytes.Contains(bad.Body, []byte(s.Token)) {
					t.Error("the body that is kept holds the token")
				}
				s.tellsNoToken(t, err)
			}
		})
	}
}

func (s Suite) tellsNoToken(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	said := fmt.Sprintf("%v %+v", err, err)
	for e := err; e != nil; e = errors.Unwrap(e) {
		said += fmt.Sprintf("\n%v", e)
	}
	if strings.Contains(said, s.Token) || strings.Contains(said, s.Token[len(s.Token)-20:]) {
		t.Errorf("the token stands in an error")
	}
}
