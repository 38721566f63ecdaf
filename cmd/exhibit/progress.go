package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far a long piece of work is: a bar with rate and time left on a terminal, a plain line now and then
// elsewhere. It may be updated from several goroutines at once.
type progress struct {
	mu      sync.Mutex
	out     io.Writer
	bar     *progressbar.ProgressBar // nil: plain lines
	title   string
	started time.Time
	last    time.Time
}

// plainEvery is how often a line is printed where there is no terminal.
const plainEvery = 5 * time.Second

// steps is how finely a bar shows a fraction.
const steps = 1000

// newProgress starts showing work under a title. Nothing is shown with --json, whose reader is a program.
func (g *Globals) newProgress(title string) *progress {
	p := &progress{out: g.err, title: title, started: time.Now(), last: time.Now()}
	switch {
	case g.JSON && !g.terminal:
		p.out = io.Discard
	case g.terminal:
		p.bar = progressbar.NewOptions(steps,
			progressbar.OptionSetWriter(g.err),
			progressbar.OptionSetDescription(title),
			progressbar.OptionSetWidth(24),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// update says that fraction (0 to 1) of the work is done and n things of it, such as events.
func (p *progress) update(fraction float64, n int64, things string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rate := float64(n) / max(time.Since(p.started).Seconds(), 0.001)
	text := fmt.Sprintf("%s: %s %s, %s/s", p.title, count(n), things, count(int64(rate)))
	if p.bar != nil {
		p.bar.Describe(text)
		_ = p.bar.Set(int(min(max(fraction, 0), 1) * steps)) // a bar that cannot be drawn is no failure of the work
		return
	}
	if time.Since(p.last) < plainEvery {
		return
	}
	p.last = time.Now()
	left := ""
	if fraction > 0.01 && fraction < 1 {
		d := time.Duration(float64(time.Since(p.started)) * (1 - fraction) / fraction)
		left = ", about " + d.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.out, "%s, %.0f %%%s\n", text, fraction*100, left)
}

// done ends the bar and prints a last line.
func (p *progress) done(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}
