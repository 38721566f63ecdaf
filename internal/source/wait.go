//go:build !offline

package source

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// LongestWait bounds what a server can make Exhibit wait: the longest window of a known rate limit is an hour.
const LongestWait = time.Hour

// WaitAsked gives how long the headers of an answer ask to wait, 0 if they do not say; at most LongestWait. It reads
// Retry-After (RFC 9110, seconds or a date), the RateLimit fields of the drafts of the IETF's httpapi group (one field
// each, one list, and the structured field with r and t) and X-RateLimit fields, whose reset is a number of seconds or
// a Unix time. Dates count from the server's own clock, if it told it.
func WaitAsked(h http.Header, now time.Time) time.Duration {
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d
	}
	if wait, ok := retryAfter(h.Get("Retry-After"), now); ok {
		return bounded(wait)
	}
	var longest time.Duration
	for _, l := range rateLimits(h) {
		if l.used {
			longest = max(longest, resetWait(l.reset, now))
		}
	}
	return bounded(longest)
}

func bounded(d time.Duration) time.Duration { return max(0, min(d, LongestWait)) }

func retryAfter(v string, now time.Time) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if at, err := http.ParseTime(v); err == nil {
		return at.Sub(now), true
	}
	return seconds(v)
}

// seconds reads a number of seconds. What is too long for a Duration is given as 285 years.
func seconds(v string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || !(f >= 0) {
		return 0, false
	}
	return time.Duration(min(f, 9e9) * float64(time.Second)), true
}

// rateLimit is one limit that an answer tells of.
type rateLimit struct {
	used  bool   // nothing remains, or it does not say
	reset string // seconds or Unix time
}

func rateLimits(h http.Header) []rateLimit {
	var found []rateLimit
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"} {
		if reset := h.Get(prefix + "Reset"); reset != "" {
			found = append(found, rateLimit{used: spent(h.Get(prefix + "Remaining")), reset: reset})
		}
	}
	for _, field := range h.Values("RateLimit") {
		for item := range strings.SplitSeq(field, ",") {
			found = addMember(found, item)
		}
	}
	return found
}

// addMember reads one member of a RateLimit field: `"name";r=0;t=30` is a limit by itself, `remaining=0` and
// `reset=30` of the older list belong together.
func addMember(found []rateLimit, item string) []rateLimit {
	remaining, reset := "", ""
	for part := range strings.SplitSeq(item, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(key) {
		case "r", "remaining":
			remaining = value
		case "t", "reset":
			reset = value
		}
	}
	n := len(found)
	if reset != "" && remaining == "" && n > 0 && found[n-1].reset == "" {
		found[n-1].reset = reset
		return found
	}
	if remaining == "" && reset == "" {
		return found
	}
	return append(found, rateLimit{used: spent(remaining), reset: reset})
}

func spent(remaining string) bool {
	n, err := strconv.ParseFloat(strings.TrimSpace(remaining), 64)
	return err != nil || n < 1
}

// resetWait reads a reset: a number over thirty years in seconds can only be a Unix time.
func resetWait(reset string, now time.Time) time.Duration {
	const unix = 1_000_000_000
	wait, ok := seconds(reset)
	if !ok {
		return 0
	}
	if wait >= unix*time.Second {
		return wait - time.Duration(now.Unix())*time.Second
	}
	return wait
}
