// Package command is the verifier as a person calls it: it reads what was given on the command line and prints what was
// found. exhibit verify and the program exhibit-verify, which stands alone, are both this.
package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// Arguments are what a verification is called with.
type Arguments struct {
	File     string
	Policy   string   // file; empty: none
	Pins     []string // SIZE:ROOT
	TSARoots string   // PEM file; empty: none
	Leaf     string   // file with the leaf that a single proof is about; empty: File is a bundle
	JSON     bool
	Kinds    []source.Kind
	Progress func(step string, done, total int64)
	// Each is told of each event, and Reconcile reads the same again when all of the bundle was verified. Both are nil unless
	// that was asked for; the program that links no network code has none.
	Each      verify.Seen
	Reconcile func(ctx context.Context, r verify.Report) (verify.Reconciliation, error)
}

// UsageError is bad input: nothing was verified.
type UsageError struct{ Text string }

func (e UsageError) Error() string { return e.Text }

func usagef(format string, args ...any) error { return UsageError{fmt.Sprintf(format, args...)} }

// Run verifies a bundle and prints the report. failed says that something does not agree, below that the verdict is lower
// than what was asked for.
func Run(ctx context.Context, a Arguments, out io.Writer) (failed, below bool, err error) {
	opt, err := options(a)
	if err != nil {
		return false, false, err
	}
	if a.Leaf != "" {
		return proof(a, opt, out)
	}
	f, err := os.Open(a.File)
	if err != nil {
		return false, false, usagef("The bundle cannot be opened: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false, false, usagef("%s is not a file.", a.File)
	}
	if os.Getenv("GOGC") == "" { // most of what is in memory stays there: half as much again may become garbage, not as much again
		defer debug.SetGCPercent(debug.SetGCPercent(50))
	}
	r, err := verify.Bundle(ctx, f, info.Size(), opt)
	if err != nil {
		return false, false, err
	}
	again, err := reconcile(ctx, a, r)
	if err != nil {
		return false, false, err
	}
	if a.JSON {
		err = printJSON(out, r, opt, again)
	} else {
		err = printText(out, r, opt, again)
	}
	return r.Verdict == verify.Failed, !r.Verdict.Reaches(opt.Wanted()) || again != nil && !again.Reconciled, err
}

// reconcile reads the bundle's spans again if that was asked for; nil: it was not. A bundle that does not verify is not
// compared with anything.
func reconcile(ctx context.Context, a Arguments, r verify.Report) (*verify.Reconciliation, error) {
	if a.Reconcile == nil {
		return nil, nil
	}
	if r.Verdict == verify.Failed {
		return &verify.Reconciliation{Streams: []verify.ReconciledStream{}, NotRead: []string{"anything: the bundle does not verify"}}, nil
	}
	again, err := a.Reconcile(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("the bundle is %s, but could not be compared with the source: %w", r.Verdict, err)
	}
	return &again, nil
}

func options(a Arguments) (verify.Options, error) {
	opt := verify.Options{Kinds: a.Kinds, Progress: a.Progress, Each: a.Each}
	if a.Policy != "" {
		text, err := os.ReadFile(a.Policy)
		if err != nil {
			return opt, usagef("The policy cannot be read: %v", err)
		}
		if opt.Policy, err = translog.ParsePolicy(text); err != nil {
			return opt, usagef("%s: %v", a.Policy, err)
		}
	}
	for _, s := range a.Pins {
		p, err := translog.ParsePin(s)
		if err != nil {
			return opt, usagef("--pin: %v. It looks like 1234:ROOT, with the root in hex or base64.", err)
		}
		opt.Pins = append(opt.Pins, p)
	}
	if a.TSARoots != "" {
		pem, err := os.ReadFile(a.TSARoots)
		if err != nil {
			return opt, usagef("The roots of time-stamping authorities cannot be read: %v", err)
		}
		if opt.Stamps, err = verify.Stamps(pem); err != nil {
			return opt, usagef("%s: %v", a.TSARoots, err)
		}
	}
	return opt, nil
}

type reportJSON struct {
	Verdict    verify.Verdict   `json:"verdict"`
	Complete   bool             `json:"complete"`
	Reproduced bool             `json:"reproduced"`
	Failures   []verify.Failure `json:"failures"`
	NotProven  []string         `json:"not_proven"`
	Wanted     verify.Verdict   `json:"wanted"`
	Bundle     string           `json:"bundle"`
	Audit      string           `json:"audit"`
	Framework  string           `json:"framework"`
	From       string           `json:"from"`
	To         string           `json:"to"`
	Checkpoint map[string]any   `json:"checkpoint"`
	Leaves     int64            `json:"leaves"`
	Pages      int64            `json:"pages"`
	Outside    int64            `json:"pages_outside"` // of other times: in the log, and not in the bundle
	Events     int64            `json:"events"`
	Erased     int64            `json:"erased"`
	Emptied    int              `json:"artifacts_erased"`
	Artifacts  int              `json:"artifacts_reproduced"`
	LogKey     string           `json:"log_key,omitempty"`
	Vouched    []vouchJSON      `json:"vouched"`

	Reconciled     bool                   `json:"reconciled"`
	Reconciliation *verify.Reconciliation `json:"reconciliation,omitempty"`
}

type vouchJSON struct {
	Size int64  `json:"size"`
	Time string `json:"time"`
	By   string `json:"by"`
}

func printJSON(out io.Writer, r verify.Report, opt verify.Options, again *verify.Reconciliation) error {
	m := r.Manifest
	j := reportJSON{Verdict: r.Verdict, Complete: r.Complete, Reproduced: r.Reproduced, Failures: r.Failures, NotProven: r.NotProven, Wanted: opt.Wanted(), Bundle: m.Bundle, Audit: m.Audit,
		Framework: m.Framework, From: stamp(m.From), To: stamp(m.To), Checkpoint: map[string]any{"origin": m.Origin, "size": r.Size, "root": r.Root.String()},
		Leaves: r.Leaves, Pages: r.Pages, Outside: r.Outside, Events: r.Events, Erased: r.Erased, Emptied: r.Emptied, Artifacts: r.Artifacts, LogKey: r.LogKey, Vouched: []vouchJSON{}}
	if again != nil {
		j.Reconciled, j.Reconciliation = again.Reconciled, again
	}
	if j.Failures == nil {
		j.Failures = []verify.Failure{}
	}
	if j.NotProven == nil {
		j.NotProven = []string{}
	}
	for _, v := range r.Vouched {
		j.Vouched = append(j.Vouched, vouchJSON{v.Size, v.Time.UTC().Format(time.RFC3339), v.By})
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(j); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// meaning says a verdict in a sentence.
var meaning = map[verify.Verdict]string{
	verify.Failed:      "Something does not agree. Do not rely on this bundle.",
	verify.Unknown:     "The log says things that this version does not know: it can say neither that the bundle is good nor that it is not. Get a newer verifier.",
	verify.Consistent:  "Everything agrees with itself. Whose log it is has not been shown.",
	verify.Authentic:   "Everything agrees, and the log is that of the key that you brought.",
	verify.Witnessed:   "Everything agrees, the log is that of your key, and enough witnesses saw this very log.",
	verify.Timestamped: "Everything agrees, the log is that of your key, and a time-stamping authority vouches for when.",
}

func printText(out io.Writer, r verify.Report, opt verify.Options, again *verify.Reconciliation) error {
	var b strings.Builder
	m := r.Manifest
	fmt.Fprintf(&b, "%s\n%s\n\n", r.Verdict, meaning[r.Verdict])
	if wanted := opt.Wanted(); r.Verdict != verify.Failed && !r.Verdict.Reaches(wanted) {
		fmt.Fprintf(&b, "You asked for %s.\n\n", wanted)
	}
	if m.Bundle != "" {
		fmt.Fprintf(&b, "Audit       %s (%s), %s to %s\n", m.Audit, m.Framework, stamp(m.From), stamp(m.To))
	}
	fmt.Fprintf(&b, "Log         %s, %d leaves, root %s\n", m.Origin, r.Size, r.Root)
	fmt.Fprintf(&b, "Checked     %d leaves, %d pages, %d events\n", r.Leaves, r.Pages, r.Events)
	if r.Outside > 0 {
		fmt.Fprintf(&b, "Outside     %d pages of other times are in the log and not in the bundle\n", r.Outside)
	}
	if r.Erased > 0 || r.Emptied > 0 {
		fmt.Fprintf(&b, "Erased      %d of these events and the files of %d artifacts, as the log tells\n", r.Erased, r.Emptied)
	}
	fmt.Fprintf(&b, "Complete    %s\n", yes(r.Complete, "the period was read whole, of every stream", "see below what was not read, or not for long enough"))
	fmt.Fprintf(&b, "Reproduced  %s\n", yes(r.Reproduced, fmt.Sprintf("%d artifacts were made again from the raw pages and are the same", r.Artifacts), "not every artifact could be made again"))
	for _, v := range r.Vouched {
		fmt.Fprintf(&b, "Vouched     %s saw %d leaves at %s\n", v.By, v.Size, v.Time.UTC().Format(time.RFC3339))
	}
	writeReconciliation(&b, again)
	if len(r.Failures) > 0 {
		b.WriteString("\nWhat does not agree:\n")
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "- step %s: %s [%s]\n", f.Step, f.Detail, f.Code)
		}
	}
	b.WriteString("\nWhat this does not prove:\n")
	for _, n := range r.NotProven {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	if _, err := io.WriteString(out, clean(b.String())); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// writeReconciliation says what a second reading found.
func writeReconciliation(b *strings.Builder, again *verify.Reconciliation) {
	if again == nil {
		return
	}
	fmt.Fprintf(b, "Reconciled  %s\n", yes(again.Reconciled, "the source gave the same again, event by event", "see below"))
	for _, s := range again.Streams {
		fmt.Fprintf(b, "Read again  %s of %s: %d events in %d pages, %d the same, %d new, %d changed, %d missing\n", s.Stream, s.Connection, s.Seen, s.Pages, s.Known, s.New, s.Changed, s.Missing)
		for _, e := range s.Examples {
			fmt.Fprintf(b, "            %s\n", e)
		}
	}
	for _, n := range again.NotRead {
		fmt.Fprintf(b, "Not again   %s\n", n)
	}
}

func yes(ok bool, good, bad string) string {
	if ok {
		return "yes: " + good
	}
	return "no: " + bad
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// clean takes out what could play tricks on a terminal: a bundle is of foreign origin.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsGraphic(r) && !unicode.Is(unicode.Bidi_Control, r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
