package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// TestNothingIsLostUnderFaults mixes all faults; the small client above must still end with every event, byte for byte.
func TestNothingIsLostUnderFaults(t *testing.T) {
	var mix []string
	for _, k := range simulator.FaultKinds() {
		probability := "=0.04"
		if strings.HasSuffix(k.Name, "-error") || k.Name == "error-shape" { // of errors only
			probability = "=0.3"
		}
		mix = append(mix, k.Name+probability)
	}
	sim, url, client := start(t, simulator.Config{
		Seed: 3, Events: 6000, NoRateLimit: true, Faults: parseFaults(t, mix...), SlowFor: 20 * time.Millisecond, LateAfter: time.Hour,
	})
	r := newReader(url, client, issue(t, sim, simulator.TokenOptions{}))
	for _, stream := range simulator.Streams() {
		r.drain(t, string(stream))
	}
	if n := sim.Stats().Withheld; n == 0 || sim.ReleaseLate() != n {
		t.Errorf("%d events were withheld", n)
	}
	r.drain(t, "itemusages") // the second reading finds the late ones
	total := 0
	for _, stream := range simulator.Streams() {
		for raw := range sim.Events(stream) {
			total++
			if got := r.events[uuidOf(t, raw)]; got != string(raw) {
				t.Fatalf("%s: an event is missing or has other bytes:\n got %s\nwant %s", stream, got, raw)
			}
		}
	}
	if total != 6000 || len(r.events) != total {
		t.Errorf("%d events read, %d exist, 6000 were asked for", len(r.events), total)
	}
	faults := sim.Stats().Faults
	for _, k := range simulator.FaultKinds() {
		if faults[k.Name] == 0 {
			t.Errorf("the fault %s was never injected", k.Name)
		}
	}
	if len(r.others) == 0 {
		t.Error("no event came again with other bytes, although conflicts are among the faults")
	}
}

// TestFaults looks at each fault by itself, certain to happen.
func TestFaults(t *testing.T) {
	first := fmt.Sprintf(`{"limit":20,"start_time":%q}`, time.Now().AddDate(0, 0, -60).Format(time.RFC3339)) // older events exist
	type seen struct{ honest, second, faulty result }                                                        // page one and two as they should be, then page two with the fault
	status := func(want int) func(*testing.T, seen) {
		return func(t *testing.T, s seen) {
			if s.faulty.status != want {
				t.Errorf("status %d, want %d", s.faulty.status, want)
			}
		}
	}
	broken := func(t *testing.T, s seen) {
		if s.faulty.err == nil {
			t.Errorf("the answer could be read: %d %.100s", s.faulty.status, s.faulty.body)
		}
	}
	for kind, check := range map[string]func(*testing.T, seen){
		"429": func(t *testing.T, s seen) {
			status(429)(t, s)
			if s.faulty.header.Get("Retry-After") != "1" || string(s.faulty.body) != `{"Error":{"Message":"Too Many Requests"}}` {
				t.Errorf("Retry-After %q, body %s", s.faulty.header.Get("Retry-After"), s.faulty.body)
			}
		},
		"429-bare": func(t *testing.T, s seen) {
			status(429)(t, s)
			if s.faulty.header.Get("Retry-After") != "" {
				t.Error("there is a Retry-After")
			}
		},
		"5xx": func(t *testing.T, s seen) {
			if !slices.Contains([]int{500, 502, 503}, s.faulty.status) {
				t.Errorf("status %d", s.faulty.status)
			}
		},
		"html": func(t *testing.T, s seen) {
			status(200)(t, s)
			if !strings.HasPrefix(s.faulty.header.Get("Content-Type"), "text/html") || !bytes.Contains(s.faulty.body, []byte("<html>")) {
				t.Errorf("no HTML page: %s", s.faulty.body)
			}
		},
		"reset": broken, "hang": broken, "truncated": broken, "gzip-bomb": broken, "cut": broken,
		"bad-cursor": status(400), "revoked-token": status(401),
		"slow-body": func(t *testing.T, s seen) {
			if s.faulty.cursor != s.second.cursor || !bytes.Equal(s.faulty.body, s.second.body) {
				t.Error("the page differs from the quick one")
			}
		},
		"duplicate-page": func(t *testing.T, s seen) {
			if !slices.EqualFunc(s.faulty.items, s.honest.items, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				t.Error("the items are not those of the page before")
			}
			if s.faulty.cursor == s.honest.cursor || s.faulty.cursor == s.second.cursor || !s.faulty.more {
				t.Error("the cursor is not a new one, or has_more is false")
			}
		},
		"cursor-loop": func(t *testing.T, s seen) {
			if s.faulty.cursor != s.honest.cursor || !s.faulty.more || len(s.faulty.items) != 20 {
				t.Errorf("cursor stands still %t, has_more %t, %d items", s.faulty.cursor == s.honest.cursor, s.faulty.more, len(s.faulty.items))
			}
		},
		"has-more-lies": func(t *testing.T, s seen) {
			if s.faulty.more || s.faulty.cursor != s.second.cursor || len(s.faulty.items) != 20 {
				t.Error("want the right page with has_more false")
			}
		},
		"unordered": func(t *testing.T, s seen) {
			if bytes.Equal(s.faulty.body, s.second.body) || len(s.faulty.body) != len(s.second.body) || s.faulty.cursor != s.second.cursor {
				t.Error("want the same items in another order, and the same cursor")
			}
		},
		"conflict": func(t *testing.T, s seen) {
			different := 0
			for i := range s.second.items {
				if !bytes.Equal(s.faulty.items[i], s.second.items[i]) {
					different++
				}
			}
			if different != 1 || s.faulty.cursor != s.second.cursor {
				t.Errorf("%d events with other bytes, want one", different)
			}
		},
		"clock-skew": func(t *testing.T, s seen) {
			date, err := http.ParseTime(s.faulty.header.Get("Date"))
			if err != nil || time.Since(date).Abs() < time.Hour {
				t.Errorf("Date %q is right", s.faulty.header.Get("Date"))
			}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			sim, url, client := start(t, simulator.Config{Seed: 3, Events: 1500, NoRateLimit: true, SlowFor: 20 * time.Millisecond})
			r := newReader(url, client, issue(t, sim, simulator.TokenOptions{}))
			ask := func(body string) result {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				if kind == "hang" {
					ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
				}
				defer cancel()
				return r.post(ctx, "itemusages", body)
			}
			var s seen
			set := func(text ...string) {
				t.Helper()
				if err := sim.SetFaults(parseFaults(t, text...)...); err != nil {
					t.Fatal(err)
				}
			}
			set(kind + "=0") // conflicts are found by what was served while the fault was known
			set("conflict=0.0000001")
			s.honest = ask(first)
			next := fmt.Sprintf(`{"cursor":%q}`, s.honest.cursor)
			s.second = ask(next)
			if s.honest.err != nil || s.second.err != nil || len(s.second.items) != 20 {
				t.Fatalf("the honest pages: %v, %v", s.honest.err, s.second.err)
			}
			set(kind + "=1")
			s.faulty = ask(next)
			check(t, s)
			if got := sim.Stats().Faults[kind]; got != 1 {
				t.Errorf("counted %d times, want once", got)
			}
			set()
			if after := ask(next); after.err != nil || !bytes.Equal(after.body, s.second.body) {
				t.Errorf("without the fault the page is not the right one again: %v", after.err)
			}
		})
	}
}

func TestErrorManners(t *testing.T) {
	for kind, want := range map[string]string{
		"error-shape": `{"status":401,"message":"Unauthorized"}`,
		"plain-error": "Unauthorized\n",
		"empty-error": "",
	} {
		sim, url, client := start(t, simulator.Config{Faults: parseFaults(t, kind+"=1")})
		res := newReader(url, client, "nonsense").post(t.Context(), "auditevents", `{}`)
		if res.status != 401 || string(res.body) != want {
			t.Errorf("%s: %d %q, want 401 %q", kind, res.status, res.body, want)
		}
		if sim.Stats().Faults[kind] != 1 {
			t.Errorf("%s was not counted", kind)
		}
	}
}

func TestFaultTargets(t *testing.T) {
	sim, url, client := start(t, simulator.Config{Events: 100, Faults: parseFaults(t, "5xx@itemusages=1", "429@introspect=1")})
	r := newReader(url, client, issue(t, sim, simulator.TokenOptions{}))
	if res := r.post(t.Context(), "itemusages", `{}`); res.status < 500 {
		t.Errorf("itemusages: %d, want a server error", res.status)
	}
	if res := r.post(t.Context(), "auditevents", `{}`); res.status != 200 {
		t.Errorf("auditevents: %d, want 200", res.status)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v2/auth/introspect", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 429 {
		t.Errorf("introspection: %d, want 429", res.StatusCode)
	}
}

// TestStreaks: a fault that is not certain never keeps a stream from answering for more than three requests.
func TestStreaks(t *testing.T) {
	sim, url, client := start(t, simulator.Config{Events: 100, NoRateLimit: true, Faults: parseFaults(t, "5xx=0.999999")})
	r := newReader(url, client, issue(t, sim, simulator.TokenOptions{}))
	for range 5 {
		for try := 0; ; try++ {
			if r.post(t.Context(), "auditevents", `{}`).status == 200 {
				break
			}
			if try == 3 {
				t.Fatal("four faults in a row")
			}
		}
	}
}

func TestParseFault(t *testing.T) {
	for text, want := range map[string]simulator.Fault{
		"hang":                {Kind: "hang", Probability: 0.05},
		"5xx=0.5":             {Kind: "5xx", Probability: 0.5},
		"5xx@auditevents=1":   {Kind: "5xx", Target: "auditevents", Probability: 1},
		"429-bare@introspect": {Kind: "429-bare", Target: "introspect", Probability: 0.05},
		"late=0":              {Kind: "late"},
	} {
		if got, err := simulator.ParseFault(text); err != nil || got != want {
			t.Errorf("ParseFault(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "nonsense", "5xx=", "5xx=x", "5xx=-0.1", "5xx=1.1", "5xx=NaN", "5xx@=1x", "5xx@nowhere=1", "=1", "@itemusages"} {
		if f, err := simulator.ParseFault(text); err == nil {
			t.Errorf("ParseFault(%q) = %+v, want an error", text, f)
		}
	}
	for text, want := range map[string]int{"mix": 18, "mix@auditevents=0.5": 18, "hang=1": 1} {
		if got, err := simulator.ParseFaults(text); err != nil || len(got) != want {
			t.Errorf("ParseFaults(%q) = %d faults, %v; want %d", text, len(got), err, want)
		}
	}
	for _, text := range []string{"mix=2", "mix@nowhere", "x"} {
		if _, err := simulator.ParseFaults(text); err == nil {
			t.Errorf("ParseFaults(%q): no error", text)
		}
	}
	sim, err := simulator.New(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if sim.SetFaults(simulator.Fault{Kind: "late", Probability: 0.5}) == nil || sim.SetFaults(simulator.Fault{Kind: "x"}) == nil {
		t.Error("SetFaults takes faults that it cannot inject")
	}
	if _, err := simulator.New(simulator.Config{Faults: []simulator.Fault{{Kind: "hang", Probability: 2}}}); err == nil {
		t.Error("New takes a probability of 2")
	}
}
