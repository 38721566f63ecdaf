package simulator

import (
	"sync"
	"time"
)

// What 1Password allows an account, documented at https://developer.1password.com/docs/events-api/rate-limits.
const (
	requestsPerMinute = 600
	requestsPerHour   = 30_000
)

// rateLimit counts the requests of the account in fixed windows of the clock.
type rateLimit struct {
	off          bool
	mu           sync.Mutex
	minute, hour int64 // numbers of the current windows since 1970
	inMinute     int
	inHour       int
}

// take counts a request at now. If it is too many, wait is the time until the next one can be accepted.
func (l *rateLimit) take(now time.Time) (ok bool, wait time.Duration) {
	if l.off {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := now.Unix()
	if m := seconds / 60; m != l.minute {
		l.minute, l.inMinute = m, 0
	}
	if h := seconds / 3600; h != l.hour {
		l.hour, l.inHour = h, 0
	}
	if l.inHour >= requestsPerHour {
		return false, time.Unix((l.hour+1)*3600, 0).Sub(now)
	}
	if l.inMinute >= requestsPerMinute {
		return false, time.Unix((l.minute+1)*60, 0).Sub(now)
	}
	l.inMinute++
	l.inHour++
	return true, 0
}
