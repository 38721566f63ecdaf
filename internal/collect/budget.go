package collect

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits say how many requests may go to one account. 0 lifts a limit; whether that is allowed for a server is decided
// where the connection is opened.
type Limits struct {
	PerMinute int
	PerHour   int
}

// DefaultLimits are a fifth of what 1Password allows an account (600 a minute, 30,000 an hour), so that other readers of
// the same account keep their share: https://developer.1password.com/docs/events-api/rate-limits.
var DefaultLimits = Limits{PerMinute: 120, PerHour: 6000}

// Budget shares one account's requests among all its streams and connections in this process. It may be used by many
// goroutines at once.
type Budget struct {
	limits   Limits
	mu       sync.Mutex
	accounts map[string]*account
}

// account is the state of one account's budget.
type account struct {
	minute *rate.Limiter
	hour   *rate.Limiter

	mu    sync.Mutex
	until time.Time // the source asked for silence until then
}

// NewBudget makes a budget with the same limits for every account.
func NewBudget(limits Limits) *Budget {
	return &Budget{limits: limits, accounts: map[string]*account{}}
}

// limiter allows at most n requests in any span of the given length, for n of 10 and more: a tenth may come at once,
// the rest evenly. Below 10 one may come at once, and a span may see n+1.
func limiter(n int, span time.Duration) *rate.Limiter {
	if n <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	burst := n / 10
	steady := n - burst
	return rate.NewLimiter(rate.Limit(float64(steady)/span.Seconds()), max(burst, 1))
}

func (b *Budget) account(name string) *account {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[name]
	if a == nil {
		a = &account{minute: limiter(b.limits.PerMinute, time.Minute), hour: limiter(b.limits.PerHour, time.Hour)}
		b.accounts[name] = a
	}
	return a
}

// Wait returns when a request may be sent to the account, or with ctx's error.
func (b *Budget) Wait(ctx context.Context, name string) error {
	a := b.account(name)
	if err := a.waitSilence(ctx); err != nil {
		return err
	}
	// rate refuses at once to wait beyond a deadline, with an error of its own; ctx's word is the one callers know.
	for _, l := range []*rate.Limiter{a.hour, a.minute} {
		if err := l.Wait(ctx); err != nil {
			return contextError(ctx, err)
		}
	}
	return a.waitSilence(ctx)
}

// contextError prefers ctx's own error, or the one it is bound to end with.
func contextError(ctx context.Context, err error) error {
	if own := ctx.Err(); own != nil {
		return own
	}
	if _, bounded := ctx.Deadline(); bounded {
		return context.DeadlineExceeded
	}
	return err
}

// waitSilence waits as long as the source asked for silence. Another answer may lengthen it meanwhile.
func (a *account) waitSilence(ctx context.Context) error {
	for {
		a.mu.Lock()
		left := time.Until(a.until)
		a.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, left); err != nil {
			return err
		}
	}
}

// Slow keeps all streams of the account from asking for d, since the source asked for it. A shorter wait than one that
// runs already changes nothing.
func (b *Budget) Slow(name string, d time.Duration) {
	a := b.account(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if until := time.Now().Add(min(d, askedMost)); until.After(a.until) {
		a.until = until
	}
}

// sleep waits for d, or gives ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
