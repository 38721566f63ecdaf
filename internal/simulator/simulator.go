package simulator

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/company"
	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// Stream names one of the three streams, spelt as in paths and features.
type Stream = feed.Stream

// The streams of the Events API.
const (
	SignInAttempts = feed.SignInAttempts
	ItemUsages     = feed.ItemUsages
	AuditEvents    = feed.AuditEvents
)

// Streams lists the three streams.
func Streams() []Stream { return feed.Streams() }

// Incident is something worth finding among the events; see Simulator.Story.
type Incident = company.Incident

const (
	defaultRetention = 120 * 24 * time.Hour
	defaultDays      = 120
)

// Config says what to simulate. The zero value serves an account without any event.
type Config struct {
	Seed   uint64           // the same seed, Events, Days and End give the same bytes, UUIDs and token key
	Events int              // of all streams together: exactly so many are made
	Days   int              // over how many days before End they spread; default 120
	End    time.Time        // the newest event lies just before; default Now()
	Now    func() time.Time // the clock of retention, rate limit, token expiry and live events; default time.Now
	Live   bool             // go on producing events behind End, at the same rate, as the clock advances

	Audience    string        // host, or host:port, that tokens are issued for; default the address that StartTLS or Serve listens on
	NoRateLimit bool          // lift 600 requests a minute and 30,000 an hour
	RetryAfter  bool          // send Retry-After with a 429 of the rate limit; the real API is not known to
	HTTP2       bool          // offer HTTP/2 beside HTTP/1.1 over TLS; it halves the speed
	Retention   time.Duration // what is older than this is not served; default 120 days, negative for no limit

	Faults    []Fault       // injected from the start; see FaultKinds
	LateAfter time.Duration // when the events withheld by the fault "late" appear, counted from New; default 30 s
	SlowFor   time.Duration // how long a page takes under the fault "slow-body"; default 2 s
}

// Simulator is one simulated account. All methods are safe for concurrent use.
type Simulator struct {
	config  Config
	company *company.Company
	feeds   map[Stream]*feed.Feed
	key     signer
	handler http.Handler
	limit   rateLimit
	tally   tally
	faults  faultSet

	mu       sync.Mutex
	revoked  map[string]bool // by token id
	all      bool            // only fresh tokens are good
	fresh    map[string]bool // issued since RevokeAll, by token id
	issued   int
	audience []string

	live liveState
	late lateState
	seen seenSet

	buffers buffers
}

// New invents the account and its events. It takes about two seconds and 750 MB for each million events.
func New(c Config) (*Simulator, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	s := &Simulator{config: c, revoked: map[string]bool{}, fresh: map[string]bool{}, feeds: map[Stream]*feed.Feed{}}
	s.company, err = company.New(company.Plan{Seed: c.Seed, Events: c.Events, From: c.oldest(), To: c.End})
	if err != nil {
		return nil, err
	}
	if s.key, err = newSigner(c.Seed); err != nil {
		return nil, err
	}
	s.limit.off = c.NoRateLimit
	s.faults.reset(c.Seed, c.Faults)
	s.live.through = c.End
	if c.Audience != "" {
		s.audience = []string{c.Audience}
	}
	builders := s.company.Generate()
	for _, stream := range Streams() {
		s.feeds[stream] = feed.New(builders[stream]...)
	}
	s.withhold()
	s.handler = s.routes()
	return s, nil
}

// complete fills in defaults and refuses nonsense.
func (c Config) complete() (Config, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Days == 0 {
		c.Days = defaultDays
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.LateAfter == 0 {
		c.LateAfter = 30 * time.Second
	}
	if c.SlowFor == 0 {
		c.SlowFor = 2 * time.Second
	}
	if c.End.IsZero() {
		c.End = c.Now()
	}
	switch {
	case c.Events < 0:
		return c, fmt.Errorf("starting the simulator: the number of events is %d, it cannot be negative", c.Events)
	case c.Days < 1 || c.Days > 3650:
		return c, fmt.Errorf("starting the simulator: %d days are asked for, it can be 1 to 3650", c.Days)
	}
	return c, checkFaults(c.Faults)
}

// oldest is where the events begin: a little later than Days before End, so that the oldest ones do not slip out of
// the retention while a test is running.
func (c Config) oldest() time.Time {
	period := time.Duration(c.Days) * 24 * time.Hour
	return c.End.Add(-period + min(period/20, 12*time.Hour))
}

// AccountUUID is the UUID of the simulated account.
func (s *Simulator) AccountUUID() string { return s.company.Account() }

// IntegrationUUID is the UUID of the simulated Events Reporting integration, the subject of its tokens.
func (s *Simulator) IntegrationUUID() string { return s.company.Integration() }

// Story lists the incidents among the events, oldest first. Below 2,000 events there are none.
func (s *Simulator) Story() []Incident { return slices.Clone(s.company.Story()) }

// Events gives the exact bytes, as v2 serves them, of all events of a stream that have appeared, ascending by
// (millisecond, uuid), whether or not the retention still lets them be served. It is the ground truth for tests.
// Callers must not change the bytes. Events withheld by the fault "late" come only once they have appeared.
func (s *Simulator) Events(stream Stream) iter.Seq[[]byte] {
	s.advance()
	f := s.feeds[stream]
	return func(yield func([]byte) bool) {
		if f == nil {
			return
		}
		snap := f.Snapshot()
		for i := range snap.Len() {
			if !yield(snap.Raw(i)) {
				return
			}
		}
	}
}

// Counts tells how many events of each stream have appeared.
func (s *Simulator) Counts() map[Stream]int {
	s.advance()
	out := map[Stream]int{}
	for stream, f := range s.feeds {
		out[stream] = f.Snapshot().Len()
	}
	return out
}

// Handler serves the Events API, and below /simulator/ the controls, without listening anywhere.
func (s *Simulator) Handler() http.Handler { return s.handler }
