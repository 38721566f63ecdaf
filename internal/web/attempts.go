package web

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// How many sign-in attempts may fail per network address (ASVS 6.3.1). Nobody guesses 256 random bits; the limit keeps
// attempts from costing the database anything. Behind a proxy all people share its address, so that only what fails counts.
const (
	attemptsBurst = 10
	attemptsEvery = 6 * time.Second
	attemptsMost  = 10_000 // addresses that are remembered
	attemptsSweep = time.Second
)

// How many sign-ins with a passkey may be begun per network address: each writes a row, and all people behind a proxy share its address.
const (
	begunBurst = 100
	begunEvery = time.Second
)

// attempts counts failed sign-in attempts by network address, in bounded memory. It may be used by many goroutines.
type attempts struct {
	now  func() time.Time
	text string // what somebody is told who failed too often

	burst int
	every time.Duration

	mu     sync.Mutex
	by     map[string]*rate.Limiter
	others *rate.Limiter // what addresses share that there is no room for
	swept  time.Time
}

func newAttempts(now func() time.Time, text string) *attempts {
	return newLimited(now, text, attemptsBurst, attemptsEvery)
}

func newLimited(now func() time.Time, text string, burst int, every time.Duration) *attempts {
	return &attempts{now: now, text: text, burst: burst, every: every, by: map[string]*rate.Limiter{}, others: rate.NewLimiter(rate.Every(every), burst)}
}

// begin takes one attempt of the address that r comes from, or says no. An attempt that succeeds is given back with worked.
func (a *attempts) begin(r *http.Request) (worked func(), err error) {
	return a.take(addressOf(r).String())
}

// take is begin for anything that can be counted by, such as an account.
func (a *attempts) take(key string) (worked func(), err error) {
	now := a.now()
	taken := a.limiter(key, now).ReserveN(now, 1)
	if wait := taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
		return nil, &tooManyError{wait, a.text}
	}
	return func() { taken.CancelAt(now) }, nil
}

// limiter gives the limiter of an address or account. When all room is taken, addresses that have not failed for a minute make way;
// a flood from more addresses than that shares one limiter, and takes nothing from those that are known.
func (a *attempts) limiter(from string, now time.Time) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.by[from]; l != nil {
		return l
	}
	if len(a.by) >= attemptsMost && now.Sub(a.swept) >= attemptsSweep {
		a.swept = now
		for known, l := range a.by {
			if l.TokensAt(now) >= float64(a.burst) {
				delete(a.by, known)
			}
		}
	}
	if len(a.by) >= attemptsMost {
		return a.others
	}
	l := rate.NewLimiter(rate.Every(a.every), a.burst)
	a.by[from] = l
	return l
}

// addressOf gives the network that a request comes from: an IPv4 address, or the /64 of an IPv6 address, which is what one
// customer of a provider has. What cannot be read is the zero Prefix, shared by all such requests.
func addressOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// tooManyError says that something was asked for too often, and when to ask again.
type tooManyError struct {
	wait time.Duration
	text string
}

func (e *tooManyError) Error() string { return e.text }

// Unwrap gives the error its code.
func (e *tooManyError) Unwrap() error { return evidence.Errorf(evidence.Unavailable, "%s", e.Error()) }

// seconds is the wait as the header Retry-After takes it (RFC 9110 section 10.2.3), rounded up.
func (e *tooManyError) seconds() string {
	return strconv.FormatInt(int64((e.wait+time.Second-1)/time.Second), 10)
}

// forget drops what was counted against a key, once it has proved itself.
func (a *attempts) forget(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, key)
}
