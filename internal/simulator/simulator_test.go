package simulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// clock is a time that tests can move.
type clock struct{ nano atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.nano.Store(at.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nano.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.nano.Add(int64(d)) }

const host = "events.example.com"

// noon is an arbitrary moment.
func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// call asks a simulator's handler without a network.
func call(sim *simulator.Simulator, token, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://"+host+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5555"
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	return w
}

func newSimulator(t *testing.T, c simulator.Config) (*simulator.Simulator, string) {
	t.Helper()
	c.Audience = host
	sim, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sim, issue(t, sim, simulator.TokenOptions{})
}

func items(t *testing.T, w *httptest.ResponseRecorder) []json.RawMessage {
	t.Helper()
	var p struct{ Items []json.RawMessage }
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v: %.200s", w.Code, err, w.Body)
	}
	return p.Items
}

func TestRetentionMovesWithTheClock(t *testing.T) {
	c := newClock(noon())
	sim, token := newSimulator(t, simulator.Config{Events: 3000, Now: c.now, NoRateLimit: true})
	first := items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"limit":1,"start_time":"2020-01-01T00:00:00Z"}`))
	cursor := cursorOf(t, call(sim, token, "POST", "/api/v2/itemusages", `{"limit":1,"start_time":"2020-01-01T00:00:00Z"}`))
	c.advance(40 * 24 * time.Hour)
	later := items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"limit":1,"start_time":"2020-01-01T00:00:00Z"}`))
	resumed := items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"cursor":"`+cursor+`"}`))
	if bytes.Equal(first[0], later[0]) {
		t.Error("what is older than 120 days is still served")
	}
	if !bytes.Equal(resumed[0], later[0]) {
		t.Error("an old cursor does not resume at the oldest event that is kept")
	}
	if got, want := call(sim, token, "GET", "/api/v2/auth/introspect", "").Header().Get("Date"), c.now().Format(http.TimeFormat); got != want {
		t.Errorf("Date = %q, want %q, the simulator's clock", got, want)
	}
	c.advance(200 * 24 * time.Hour)
	if got := items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"cursor":"`+cursor+`"}`)); len(got) != 0 {
		t.Errorf("%d events after all have aged", len(got))
	}
	count := 0
	for range sim.Events(simulator.ItemUsages) {
		count++
	}
	if count != sim.Counts()[simulator.ItemUsages] || count != 1800 {
		t.Errorf("%d events are held, want 1800", count)
	}
}

func cursorOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var p struct{ Cursor string }
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p.Cursor
}

func TestLiveEvents(t *testing.T) {
	c := newClock(noon())
	sim, token := newSimulator(t, simulator.Config{Events: 100_000, Now: c.now, Live: true, NoRateLimit: true})
	last := cursorOf(t, call(sim, token, "POST", "/api/v2/itemusages", `{"limit":1000}`))
	if got := items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"cursor":"`+last+`"}`)); len(got) != 0 {
		t.Fatalf("%d events although the clock stands still", len(got))
	}
	c.advance(30 * time.Minute)
	fresh := items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"cursor":"`+last+`"}`))
	if len(fresh) == 0 {
		t.Error("no events in half an hour of a working day")
	}
	for range 9 {
		c.advance(30 * time.Minute)
		sim.Counts()
	}
	// Five hours of a working afternoon have about 500 events at this rate, however often somebody looked.
	if gained := total(sim) - 100_000; gained < 250 || gained > 1000 {
		t.Errorf("%d events in five hours", gained)
	}
}

func total(sim *simulator.Simulator) (sum int) {
	for _, n := range sim.Counts() {
		sum += n
	}
	return sum
}

func TestLateEventsAppear(t *testing.T) {
	c := newClock(noon())
	sim, token := newSimulator(t, simulator.Config{
		Events: 5000, Now: c.now, NoRateLimit: true, LateAfter: time.Minute, Faults: parseFaults(t, "late=0.1", "late@auditevents=0.5"),
	})
	withheld := sim.Stats().Withheld
	if withheld < 400 || total(sim) != 5000-withheld || sim.Stats().Faults["late"] != withheld {
		t.Fatalf("%d withheld, %d held", withheld, total(sim))
	}
	if got := sim.Counts()[simulator.SignInAttempts]; got != 1500 {
		t.Errorf("sign-ins are late too: %d", got)
	}
	c.advance(time.Minute)
	items(t, call(sim, token, "POST", "/api/v2/itemusages", `{}`))
	if total(sim) != 5000 || sim.Stats().Withheld != 0 {
		t.Errorf("after the time: %d events, %d withheld", total(sim), sim.Stats().Withheld)
	}
}

func TestAdd(t *testing.T) {
	sim, token := newSimulator(t, simulator.Config{Retention: -1, NoRateLimit: true})
	raw := "{ \"nested\": {\"uuid\":\"NO\"},\n\"uuid\" : \"ÜBER-ONE\", \"timestamp\":\"2021-08-30T18:57:42.484Z\",\"x\":1.0E+2 }"
	if err := sim.Add(simulator.ItemUsages, []byte(raw)); err != nil {
		t.Fatal(err)
	}
	got := call(sim, token, "POST", "/api/v2/itemusages", `{"start_time":"2020-01-01T00:00:00Z"}`).Body.String()
	if !strings.HasPrefix(got, `{"items":[`+raw+`],"cursor":`) {
		t.Errorf("the event is not served to the byte: %s", got)
	}
	cursor := cursorOf(t, call(sim, token, "POST", "/api/v2/itemusages", `{"start_time":"2020-01-01T00:00:00Z"}`))
	if n := len(items(t, call(sim, token, "POST", "/api/v2/itemusages", `{"cursor":"`+cursor+`"}`))); n != 0 {
		t.Errorf("behind it there are %d events", n)
	}
	for name, bad := range map[string]string{
		"no JSON": `{`, "no uuid": `{"timestamp":"2021-08-30T18:57:42Z"}`, "empty uuid": `{"uuid":"","timestamp":"2021-08-30T18:57:42Z"}`,
		"no time": `{"uuid":"A"}`, "naive time": `{"uuid":"A","timestamp":"2021-08-30T18:57:42"}`, "a list": `[]`, "null": `null`,
		"escaped uuid": `{"uuid":"\u0041","timestamp":"2021-08-30T18:57:42Z"}`, "long uuid": `{"uuid":"` + strings.Repeat("A", 2000) + `","timestamp":"2021-08-30T18:57:42Z"}`,
	} {
		if err := sim.Add(simulator.ItemUsages, []byte(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if sim.Add("nothing", []byte(raw)) == nil {
		t.Error("an unknown stream is accepted")
	}
}

// TestSamples serves the public sample payloads, where they are at hand, and reads them back to the byte.
func TestSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "events-api", "samples", "sumologic")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the sample payloads are not here")
	}
	for file, stream := range map[string]simulator.Stream{
		"audit_event.json": simulator.AuditEvents, "item_usage.json": simulator.ItemUsages, "signin_attempt.json": simulator.SignInAttempts,
	} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		raw = bytes.TrimSpace(raw)
		sim, token := newSimulator(t, simulator.Config{Retention: -1})
		if err := sim.Add(stream, raw); err != nil {
			t.Fatal(err)
		}
		body := call(sim, token, "POST", "/api/v2/"+string(stream), `{"start_time":"2020-01-01T00:00:00Z"}`).Body.Bytes()
		if !bytes.Contains(body, raw) {
			t.Errorf("%s is not served to the byte: %s", file, body)
		}
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	for name, c := range map[string]simulator.Config{
		"negative events": {Events: -1}, "negative days": {Days: -1}, "too many days": {Days: 4000},
	} {
		if _, err := simulator.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestManyAtOnce reads, adds, revokes and changes faults from many goroutines; the race detector is the judge.
func TestManyAtOnce(t *testing.T) {
	c := newClock(noon())
	sim, token := newSimulator(t, simulator.Config{
		Events: 3000, Now: c.now, Live: true, NoRateLimit: true, LateAfter: time.Minute, Faults: parseFaults(t, "late=0.1"),
	})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 50 {
				call(sim, token, "POST", "/api/v1/itemusages", `{"limit":50,"start_time":"2020-01-01T00:00:00Z"}`)
				call(sim, token, "GET", "/simulator/status", "")
				c.advance(2 * time.Second)
				raw := fmt.Appendf(nil, `{"uuid":"ADDED-%d-%d","timestamp":"2026-02-01T00:00:00Z"}`, worker, i)
				if err := sim.Add(simulator.ItemUsages, raw); err != nil {
					t.Error(err)
				}
				if err := sim.SetFaults(simulator.Fault{Kind: "5xx", Probability: 0.1}, simulator.Fault{Kind: "conflict", Probability: 0.1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	added := 0
	for raw := range sim.Events(simulator.ItemUsages) {
		if bytes.HasPrefix(raw, []byte(`{"uuid":"ADDED-`)) {
			added++
		}
	}
	if added != 200 {
		t.Errorf("%d of 200 added events are there", added)
	}
}
