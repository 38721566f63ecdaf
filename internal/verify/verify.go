// Package verify checks a bundle without trusting whoever made it: that the file is whole, that its content is what the log
// commits to, that the log is the one that its owner signed, that every artifact follows from the raw pages, and that what is
// claimed of coverage and of controls is what the log says. It reads the file and nothing else: no database, no network, and
// it writes only temporary files of its own. Built with the tag offline it links no network code.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Verdict says how far a bundle can be relied on. Each grade holds what those below it hold.
type Verdict string

// The verdicts.
const (
	Failed      Verdict = "FAILED"      // something does not agree
	Unknown     Verdict = "UNKNOWN"     // nothing disagrees, but the log says things that this version does not know
	Consistent  Verdict = "CONSISTENT"  // all of it agrees with itself; whoever made up a whole log would pass too
	Authentic   Verdict = "AUTHENTIC"   // and the log is that of the key which the verifier brought
	Witnessed   Verdict = "WITNESSED"   // and enough witnesses saw this very log
	Timestamped Verdict = "TIMESTAMPED" // and a time-stamping authority vouches for when
)

// Failure is something that does not agree.
type Failure struct {
	Step   string `json:"step"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Options are what a verifier brings beside the bundle.
type Options struct {
	Policy  *translog.Policy // nil: nobody is trusted, so that the verdict is CONSISTENT at best
	Pins    []translog.Pin   // states of the log that were written down before
	Stamps  StampVerifier    // nil: time stamps are not looked at
	Kinds   []source.Kind    // the sources that this program can read
	TempDir string           // where long tables wait; empty: the system's
	Each    Seen             // told of each event; may be nil
	Memory  int              // bytes of pages and of values of events that are kept beside the index; 0: 176 MiB
	First   bool             // stop behind the first step in which something does not agree
	// Progress is told what is being done. It may be nil.
	Progress func(step string, done, total int64)
}

// StampVerifier checks an RFC 3161 token over data against the roots that the verifier brought, and gives its time.
type StampVerifier func(token, data []byte) (time.Time, error)

// Report is what a verification found.
type Report struct {
	Verdict    Verdict
	Complete   bool // the audit's period was read whole, of every stream, and settled
	Reproduced bool // every derived artifact was made again from the raw pages and is the same
	Failures   []Failure
	NotProven  []string

	Manifest  bundle.Manifest
	Size      int64
	Root      translog.Hash
	Leaves    int64
	Pages     int64
	Outside   int64 // pages of other times, which the log tells of and the bundle need not hold
	Events    int64 // records in the pages
	Erased    int64 // of these: were erased, as the log tells
	Emptied   int   // artifacts whose files were erased
	Artifacts int   // made again
	LogKey    string
	Witnesses []translog.Cosigned
	Stamp     time.Time // zero: none
	Vouched   []Vouch
	Accounts  []Account // that the log tells of
}

// Vouch is the interval of time that outsiders vouch for: the log had Size leaves at Time.
type Vouch struct {
	Size int64
	Time time.Time
	By   string
}

// The steps, as the report names them.
const (
	stepContainer  = "1 container"
	stepCheckpoint = "2 checkpoint"
	stepTree       = "3 tree"
	stepLeaves     = "4 leaves"
	stepTime       = "5 time"
	stepManifest   = "6 manifest"
	stepPages      = "7 pages"
	stepCoverage   = "8 coverage"
	stepArtifacts  = "9 artifacts"
	stepActions    = "10 actions"
)

// maxFailures bounds what is told; one is enough.
const maxFailures = 50

// maxSmall bounds parts that are read into memory, in bytes.
const maxSmall = 64 << 20

// Bundle verifies a bundle of size bytes. An error means that it could not be looked at, or that ctx ended; whatever is
// wrong with the bundle is in the report. It never panics.
func Bundle(ctx context.Context, from io.ReaderAt, size int64, opt Options) (report Report, err error) {
	v := &verifier{ctx: ctx, opt: opt, checked: map[string]bool{}}
	if v.opt.Progress == nil {
		v.opt.Progress = func(string, int64, int64) {}
	}
	defer func() {
		// A part of a bundle must never be able to switch its verifier off. That it panicked is a defect, and a failure.
		if p := recover(); p != nil {
			v.fail("0 program", "defect", "the verifier has a defect and stopped: %v", p)
			report, err = v.finish(), nil
		}
	}()
	for _, step := range []func() error{
		func() error { return v.container(from, size) }, v.checkpoint, v.leaves, v.times, v.manifest, v.proofs, v.pages, v.coverage, v.artifacts, v.actions,
	} {
		err := step()
		if ctx.Err() != nil {
			return Report{}, fmt.Errorf("verifying: %w", ctx.Err())
		}
		if errors.Is(err, errStop) || opt.First && len(v.Failures) > 0 {
			break
		}
		if err != nil {
			return Report{}, err
		}
	}
	return v.finish(), nil
}

// errStop says that what comes next cannot be looked at.
var errStop = errors.New("the verification ends here")

// verifier is one verification on its way.
type verifier struct {
	ctx context.Context
	opt Options
	in  *bundle.Reader
	Report

	head      translog.Checkpoint
	note      translog.Note
	judgement translog.Judgement
	checked   map[string]bool // parts whose content was compared with what commits to it
	log       *logState
	openings  map[string]bundle.Opening
	files     map[string]bundle.File
	replay    *replay
	want      []bundle.Redaction // what was erased of the pages in the bundle, by the log
	found     int                // erasures that the log tells of whose page it tells of
	late      int64              // pages of the period that came in after the evidence was frozen
}

func (v *verifier) fail(step, code, format string, args ...any) {
	if len(v.Failures) < maxFailures {
		v.Failures = append(v.Failures, Failure{step, code, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) unproven(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(v.NotProven, text) {
		v.NotProven = append(v.NotProven, text)
	}
}

// finish gives the verdict.
func (v *verifier) finish() Report {
	r := v.Report
	rejected := slices.ContainsFunc(r.Failures, func(f Failure) bool { return !belowGrade[f.Code] && f.Code != codeUnknown })
	unknown := slices.ContainsFunc(r.Failures, func(f Failure) bool { return f.Code == codeUnknown })
	switch {
	case rejected:
		r.Verdict, r.Complete, r.Reproduced = Failed, false, false
	case unknown:
		r.Verdict, r.Complete, r.Reproduced = Unknown, false, false
	case !v.judgement.Logged:
		r.Verdict = Consistent
	case !v.judgement.Quorum:
		r.Verdict = Authentic
	case r.Stamp.IsZero():
		r.Verdict = Witnessed
	default:
		r.Verdict = Timestamped
	}
	if r.Verdict == Authentic && !r.Stamp.IsZero() && (v.opt.Policy == nil || !v.opt.Policy.WantsWitnesses()) {
		r.Verdict = Timestamped // no witness was asked for, and the time is vouched for
	}
	if v.opt.Policy == nil {
		v.unproven("Whose log this is: no policy was given, so that anybody could have made all of this with a key of his own. Get the log's verifier key by another way and verify with --policy.")
	} else if !v.judgement.Logged {
		v.unproven("Whose log this is: no log key of the policy has signed the checkpoint.")
	}
	if !v.judgement.Quorum {
		v.unproven("That the log's owner shows everybody the same log: no quorum of witnesses has signed the checkpoint. Compare size and root with what others were shown, or verify with --pin.")
	}
	if r.Stamp.IsZero() {
		v.unproven("When the log was in this state: no time stamp was verified. Times in the log are those of its owner's clock.")
	}
	if r.Outside > 0 {
		v.unproven("What stands in %d pages of the log that are not in the bundle and were not looked at: by their leaves they hold events of other times than those that the audit and its artifacts are about.", r.Outside)
	}
	r.NotProven = append(r.NotProven[:0:0], v.NotProven...)
	r.NotProven = append(r.NotProven, v.Manifest.Limits...)
	if len(v.Manifest.Limits) == 0 {
		r.NotProven = append(r.NotProven, "1Password does not sign what its Events API answers: that the pages are what 1Password sent follows from nothing in this file.")
	}
	return r
}

// belowGrade are failures that lower the grade and say nothing against the content.
var belowGrade = map[string]bool{"log_key_unknown": true, "quorum_missing": true, "timestamp_missing": true}

// codeUnknown is the code of leaves that this version does not know: it cannot say whether they are good.
const codeUnknown = "leaf_unknown"

// Wanted gives the verdict that the options ask for, and whether a report reaches it.
func (o Options) Wanted() Verdict {
	switch {
	case o.Stamps != nil:
		return Timestamped
	case o.Policy != nil && o.Policy.WantsWitnesses():
		return Witnessed
	case o.Policy != nil:
		return Authentic
	}
	return Consistent
}

// Reaches reports whether v is at least wanted.
func (v Verdict) Reaches(wanted Verdict) bool {
	order := []Verdict{Failed, Unknown, Consistent, Authentic, Witnessed, Timestamped}
	return slices.Index(order, v) >= slices.Index(order, wanted)
}

func (v *verifier) container(from io.ReaderAt, size int64) error {
	var err error
	if v.in, err = bundle.Open(from, size); err != nil {
		v.fail(stepContainer, "container", "%v", err)
		return errStop
	}
	for _, must := range []string{bundle.PathManifest, bundle.PathSums, bundle.PathReadme, bundle.PathLeaves, bundle.PathFrontier, bundle.PathCheckpoint, bundle.PathHint, bundle.PathOpenings} {
		if !v.in.Has(must) {
			v.fail(stepContainer, "part_missing", "the bundle lacks %s", must)
		}
	}
	if len(v.Failures) > 0 {
		return errStop
	}
	return nil
}

// small reads a part into memory; a failure is noted and gives nil.
func (v *verifier) small(step, name string, limit int64) []byte {
	b, err := v.in.Read(name, limit)
	if err != nil {
		v.fail(step, "part_unreadable", "%v", err)
		return nil
	}
	v.checked[name] = true
	return b
}

func (v *verifier) checkpoint() error {
	b := v.small(stepCheckpoint, bundle.PathCheckpoint, 64<<10)
	if b == nil {
		return errStop
	}
	var err error
	if v.head, v.note, err = translog.OpenCheckpoint(b); err != nil {
		v.fail(stepCheckpoint, "checkpoint_unreadable", "%v", err)
		return errStop
	}
	v.Size, v.Root = v.head.Size, v.head.Root
	if v.opt.Policy == nil {
		return nil
	}
	if v.judgement, err = v.opt.Policy.Judge(v.note); err != nil {
		v.fail(stepCheckpoint, "signature_wrong", "%v", err)
		return nil
	}
	switch {
	case v.judgement.Logged && v.judgement.LogKey.Name != v.head.Origin:
		v.fail(stepCheckpoint, "origin", "the checkpoint is of %s and signed by the key of %s", v.head.Origin, v.judgement.LogKey.Name)
	case !v.judgement.Logged:
		v.fail(stepCheckpoint, "log_key_unknown", "no log key of the policy has signed the checkpoint of %s", v.head.Origin)
	case v.opt.Policy.WantsWitnesses() && !v.judgement.Quorum:
		v.fail(stepCheckpoint, "quorum_missing", "%d witnesses of the policy have signed, which is no quorum", len(v.judgement.Witnesses))
	}
	if v.judgement.Logged {
		v.LogKey = v.judgement.LogKey.String()
	}
	v.Witnesses = v.judgement.Witnesses
	return nil
}
