package verify

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/exhibithq/exhibit/internal/bundle"
)

// derivation is an artifact to be made again, with its files.
type derivation struct {
	leaf  artLeaf
	files []bundle.File
}

// derivedAtOnce bounds how many artifacts are made at the same time: each takes memory for its rows.
const derivedAtOnce = 4

// deriveAll makes artifacts again, several at a time. What is found is told in their order, however they end.
func (v *verifier) deriveAll(all []derivation) error {
	for _, t := range v.replay.streams {
		t.sorted()   // once, before several read it
		t.seen = nil // all pages were indexed
	}
	found, errs := make([]*verifier, len(all)), make([]error, len(all))
	next, done := make(chan int), make(chan struct{}, len(all))
	var wg sync.WaitGroup
	for range min(derivedAtOnce, runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			for i := range next {
				found[i], errs[i] = v.deriveApart(all[i])
				done <- struct{}{}
			}
		})
	}
	order := longestFirst(all)
	for i, n := 0, 0; i < len(order); {
		v.opt.Progress("artifacts", int64(n), int64(len(all)))
		select {
		case next <- order[i]:
			i++
		case <-done:
			n++
		}
	}
	close(next)
	wg.Wait()
	for i, w := range found {
		if errs[i] != nil {
			return errs[i]
		}
		for _, f := range w.Failures {
			v.fail(f.Step, f.Code, "%s", f.Detail)
		}
		for _, n := range w.NotProven {
			v.unproven("%s", n)
		}
		v.Reproduced = v.Reproduced && w.Reproduced
		v.Artifacts += w.Artifacts
	}
	return nil
}

// longestFirst gives the indices of artifacts, those with most rows first, so that none of them is left to one processor at the end.
func longestFirst(all []derivation) []int {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[b].leaf.leaf.Int("rows"), all[a].leaf.leaf.Int("rows")) })
	return order
}

// deriveApart makes one artifact again with findings of its own. What it panics over is a defect, and a failure.
func (v *verifier) deriveApart(d derivation) (w *verifier, err error) {
	w = &verifier{ctx: v.ctx, opt: v.opt, in: v.in, log: v.log, openings: v.openings, files: v.files, replay: v.replay}
	w.Report.Manifest, w.Reproduced = v.Report.Manifest, true
	w.opt.Progress = func(string, int64, int64) {}
	defer func() {
		if p := recover(); p != nil {
			w.Failures = append(w.Failures, Failure{"0 program", "defect", fmt.Sprintf("the verifier has a defect and stopped: %v", p)})
			err = nil
		}
	}()
	return w, w.derive(d.leaf, d.files)
}
