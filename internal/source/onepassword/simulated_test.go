package onepassword

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/sourcetest"
)

// account is a simulated account behind TLS.
type account struct {
	*simulator.Simulator
	config source.Config
	token  string
}

func simulate(t *testing.T, c simulator.Config) account {
	t.Helper()
	c.NoRateLimit = true
	sim, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	url, ca, stop, err := sim.StartTLS("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	token, err := sim.IssueToken(simulator.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return account{sim, source.Config{
		Server: url, UserAgent: "Exhibit/test", Operator: source.Operator{AllowServers: []string{url}, CAPEM: ca},
		Token: func(context.Context) (string, error) { return token, nil },
	}, token}
}

func (a account) open(t *testing.T) source.Source {
	t.Helper()
	opened, err := Kind().Open(a.config)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestConformance(t *testing.T) {
	a := simulate(t, simulator.Config{Seed: 1, Events: 5_000, Days: 30})
	refused, err := a.IssueToken(simulator.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Revoke(refused); err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Suite{Kind: Kind(), Config: a.config, Token: a.token, Refused: refused, From: time.Now().Add(-retention)})
}

// TestEverythingArrives reads a whole account and compares every event with the simulator's own bytes.
func TestEverythingArrives(t *testing.T) {
	a := simulate(t, simulator.Config{Seed: 2, Events: 20_000, Days: 100})
	facts, err := preflight("  Bearer "+a.token+"\n", time.Now())
	if err != nil || facts.Server != a.config.Server || facts.Account != a.AccountUUID() || len(facts.Features) != 3 {
		t.Errorf("preflight of the simulator's token: %+v, %v", facts, err)
	}
	grant, err := a.open(t).Check(t.Context())
	if err != nil || grant.AccountUUID != a.AccountUUID() || grant.Integration != a.IntegrationUUID() || grant.IssuedAt.IsZero() {
		t.Errorf("grant %+v, %v", grant, err)
	}
	odd := map[evidence.Stream]map[string]int{}
	for _, stream := range []evidence.Stream{SignIns, Usages, Audit} {
		var want, got [][]byte
		for raw := range a.Events(simulator.Stream(stream)) {
			want = append(want, bytes.Clone(raw))
		}
		odd[stream] = map[string]int{}
		opened, req := a.open(t), source.Request{Stream: stream, From: time.Now().Add(-retention), Limit: 1000}
		for {
			page, err := opened.Next(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if !page.Ordered {
				t.Errorf("%s: a page came out of order", stream)
			}
			for _, r := range page.Records {
				raw := page.Body[r.Start:r.End]
				got = append(got, raw)
				for _, w := range r.Facts.Odd.Words() {
					odd[stream][w]++
				}
			}
			if !page.More || page.Next == req.Cursor {
				break
			}
			req = source.Request{Stream: stream, Cursor: page.Next}
		}
		slices.SortFunc(want, bytes.Compare)
		slices.SortFunc(got, bytes.Compare)
		if !slices.EqualFunc(want, got, bytes.Equal) {
			t.Errorf("%s: %d events came, the simulator has %d, or their bytes differ", stream, len(got), len(want))
		}
		if share := float64(odd[stream]["action"]) / float64(len(got)); share > 0.05 {
			t.Errorf("%s: %.1f %% have unknown actions; are words missing?", stream, 100*share)
		}
	}
	t.Logf("odd events: %v", odd)
}

// TestSimulatorFaults asks under each fault until a page comes, and looks at what each failure is called.
func TestSimulatorFaults(t *testing.T) {
	for _, kind := range []string{"429", "429-bare", "5xx", "html", "reset", "truncated", "cut", "gzip-bomb"} {
		t.Run(kind, func(t *testing.T) {
			a := simulate(t, simulator.Config{Seed: 3, Events: 300, Days: 3, Faults: []simulator.Fault{{Kind: kind, Probability: 1}}})
			_, err := a.open(t).Next(t.Context(), source.Request{Stream: SignIns, From: time.Now().Add(-retention), Limit: 1000})
			retry, ok := errors.AsType[*source.RetryError](err)
			if !ok || strings.Contains(err.Error(), a.token) {
				t.Fatalf("%v is no RetryError, or tells the token", err)
			}
			if kind == "429" && retry.After <= 0 || kind == "429-bare" && retry.After != 0 {
				t.Errorf("it waits %v", retry.After)
			}
			_, bad := errors.AsType[*source.BadPageError](err)
			if want := kind != "reset"; bad != want && kind != "429-bare" && kind != "gzip-bomb" {
				t.Errorf("BadPageError: %v in %v", bad, err)
			}
			t.Log(err)
		})
	}
	a := simulate(t, simulator.Config{Seed: 3, Events: 300, Days: 3, Faults: []simulator.Fault{{Kind: "bad-cursor", Probability: 1}}})
	opened := a.open(t)
	page, err := opened.Next(t.Context(), source.Request{Stream: Audit, From: time.Now().Add(-retention), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = opened.Next(t.Context(), source.Request{Stream: Audit, Cursor: page.Next}); !errors.Is(err, source.ErrCursorLost) {
		t.Errorf("a bad cursor gives %v", err)
	}
}

// recorder notes what is sent.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	r.mu.Lock()
	r.sent = append(r.sent, req.Method+" "+req.URL.String()+" "+string(body))
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// TestOnlyReads watches a full run: nothing but the documented read endpoints is ever called, each with one of the two
// documented shapes, and the token stands in no address and no body.
func TestOnlyReads(t *testing.T) {
	a := simulate(t, simulator.Config{Seed: 4, Events: 12_000, Days: 60})
	watch := &recorder{next: trusting(t, a.config.Operator.CAPEM)}
	a.config.Transport = watch
	opened := a.open(t)
	if _, err := opened.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, stream := range Kind().Streams {
		req := source.Request{Stream: stream.Stream, From: time.Now().Add(-retention), To: time.Now(), Limit: 1000}
		for {
			page, err := opened.Next(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if !page.More || page.Next == req.Cursor {
				break
			}
			req = source.Request{Stream: stream.Stream, Cursor: page.Next}
		}
	}
	allowed := regexp.MustCompile(`^(GET ` + a.config.Server + `/api/v2/auth/introspect |POST ` + a.config.Server + `/api/v2/(signinattempts|itemusages|auditevents) ` +
		`(\{"limit":1000,"start_time":"[^"]+Z","end_time":"[^"]+Z"\}|\{"cursor":"[^"]+"\}))$`)
	if len(watch.sent) < 12 {
		t.Errorf("only %d requests were seen", len(watch.sent))
	}
	for _, sent := range watch.sent {
		if !allowed.MatchString(sent) || strings.Contains(sent, a.token) {
			t.Errorf("this was sent: %s", sent)
		}
	}
}

// TestOnlyReadPathsExist looks through this folder for any other path or method.
func TestOnlyReadPathsExist(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	paths, methods := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code := regexp.MustCompile(`(?m)//.*$`).ReplaceAllString(regexp.MustCompile("https://[^\"]*").ReplaceAllString(string(text), ""), "")
		for _, p := range regexp.MustCompile(`["`+"`"+`](/[^"`+"`"+`]*)["`+"`"+`]`).FindAllStringSubmatch(code, -1) {
			paths[p[1]] = true
		}
		for _, m := range regexp.MustCompile(`http\.Method(\w+)|"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE)"`).FindAllString(code, -1) {
			methods[m] = true
		}
		for _, way := range []string{"http.Client{", "http.NewRequest", "http.DefaultClient", "http.Get(", "http.Post(", "net.Dial"} {
			if strings.Contains(code, way) {
				t.Errorf("%s sends by itself: %s", file, way)
			}
		}
	}
	if len(paths) != 2 || !paths["/api/v2/auth/introspect"] || !paths["/api/v2/"] {
		t.Errorf("these paths stand in the code: %v", paths)
	}
	if len(methods) != 2 || !methods["http.MethodGet"] || !methods["http.MethodPost"] {
		t.Errorf("these methods stand in the code: %v", methods)
	}
}
