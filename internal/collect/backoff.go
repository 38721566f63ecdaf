package collect

import (
	"math/rand/v2"
	"time"
)

// Waits between attempts. Full jitter (every wait is drawn evenly from zero to the bound) spreads the attempts of many
// streams best; see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
const (
	backoffFirst = time.Second     // bound of the first wait
	backoffMost  = 5 * time.Minute // bound of every later wait
	askedMost    = time.Hour       // longest wait that a source can ask for; the longest rate window of 1Password
	pausedFor    = 15 * time.Minute
)

// backoffBound is the longest wait after the given number of failures in a row: 1 s, 2 s, 4 s … 5 min.
func backoffBound(failures int) time.Duration {
	if failures < 1 {
		failures = 1
	}
	if failures > 20 { // beyond it the shift would overflow long after the bound is reached
		return backoffMost
	}
	return min(backoffFirst<<(failures-1), backoffMost)
}

// backoff draws the wait before the next attempt. asked is the least that the source wants, 0 if it did not say.
func backoff(failures int, asked time.Duration) time.Duration {
	wait := time.Duration(rand.Int64N(int64(backoffBound(failures)) + 1))
	return max(wait, min(asked, askedMost))
}

// jittered spreads a regular interval by a tenth to both sides, so that the streams of many connections do not come
// to poll in step.
func jittered(every time.Duration) time.Duration {
	tenth := int64(every / 10)
	if tenth <= 0 {
		return every
	}
	return every - time.Duration(tenth) + time.Duration(rand.Int64N(2*tenth+1))
}
