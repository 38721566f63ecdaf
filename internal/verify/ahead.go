package verify

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/exhibithq/exhibit/internal/translog"
)

// pageRead is a page that was read and checked by itself, with what was found.
type pageRead struct {
	cached
	erased   []translog.Segment // of a page of which something was erased, by record; else nil
	path     string
	good     bool // it is what its leaf commits to
	whole    bool // the part is what the manifest says
	failures []Failure
}

// ahead reads pages before they are asked for, several at a time, and gives them in order.
type ahead struct {
	reads chan chan pageRead
	quit  chan struct{}
	wg    sync.WaitGroup
}

// aheadMost bounds how many pages are read ahead of the one that is worked on: each lies in memory.
const aheadMost = 8

// readAhead begins to read pages. The caller stops it.
func (v *verifier) readAhead(pages []pageLeaf, read func(w *verifier, p pageLeaf) pageRead) *ahead {
	a := &ahead{reads: make(chan chan pageRead, aheadMost), quit: make(chan struct{})}
	free := make(chan struct{}, min(derivedAtOnce, runtime.GOMAXPROCS(0)))
	a.wg.Go(func() {
		for _, p := range pages {
			one := make(chan pageRead, 1)
			select {
			case a.reads <- one:
			case <-a.quit:
				return
			}
			free <- struct{}{}
			a.wg.Go(func() {
				one <- v.readApart(p, read)
				<-free
			})
		}
	})
	return a
}

// next gives the next page.
func (a *ahead) next() pageRead { return <-<-a.reads }

// stop ends the reading and waits until nothing is read any more.
func (a *ahead) stop() {
	close(a.quit)
	a.wg.Wait()
}

// readApart reads one page with findings of its own. What it panics over is a defect, and a failure.
func (v *verifier) readApart(p pageLeaf, read func(w *verifier, p pageLeaf) pageRead) (out pageRead) {
	w := &verifier{ctx: v.ctx, opt: v.opt, in: v.in, log: v.log, files: v.files, checked: map[string]bool{}}
	defer func() {
		if p := recover(); p != nil {
			out = pageRead{failures: append(w.Failures, Failure{"0 program", "defect", fmt.Sprintf("the verifier has a defect and stopped: %v", p)})}
		}
	}()
	out = read(w, p)
	out.failures, out.whole = w.Failures, w.checked[out.path]
	return out
}
