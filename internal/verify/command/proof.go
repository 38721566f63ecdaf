package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/verify"
)

// maxProof bounds the files of a single proof, in bytes.
const maxProof = 1 << 20

// proof verifies the proof of a single leaf.
func proof(a Arguments, opt verify.Options, out io.Writer) (failed, below bool, err error) {
	if len(a.Pins) > 0 || a.TSARoots != "" {
		return false, false, usagef("--pin and --tsa-roots are for bundles: a proof of one leaf holds neither history nor time stamp.")
	}
	text, err := small(a.File)
	if err != nil {
		return false, false, usagef("The proof cannot be read: %v", err)
	}
	leaf, err := small(a.Leaf)
	if err != nil {
		return false, false, usagef("The leaf cannot be read: %v", err)
	}
	r := verify.Proof(text, leaf, opt.Policy)
	if a.JSON {
		err = printProofJSON(out, r, opt)
	} else {
		err = printProof(out, r, opt)
	}
	return r.Verdict == verify.Failed, !r.Verdict.Reaches(opt.Wanted()), err
}

func small(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxProof))
}

func printProofJSON(out io.Writer, r verify.ProofReport, opt verify.Options) error {
	j := map[string]any{"verdict": r.Verdict, "wanted": opt.Wanted(), "failures": r.Failures, "not_proven": r.NotProven, "index": r.Index, "kind": string(r.Leaf.Kind), "leaf": r.Leaf.Fields,
		"checkpoint": map[string]any{"origin": r.Checkpoint.Origin, "size": r.Checkpoint.Size, "root": r.Checkpoint.Root.String()}, "log_key": r.LogKey, "vouched": vouchedBy(r)}
	if r.Failures == nil {
		j["failures"] = []verify.Failure{}
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(j); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func vouchedBy(r verify.ProofReport) []vouchJSON {
	all := []vouchJSON{}
	for _, w := range r.Witnesses {
		all = append(all, vouchJSON{r.Checkpoint.Size, w.At.UTC().Format(time.RFC3339), "witness " + w.Name})
	}
	return all
}

// proofMeaning says in a sentence what a verdict says of a single leaf.
var proofMeaning = map[verify.Verdict]string{
	verify.Failed:     "Something does not agree. Do not rely on this proof.",
	verify.Unknown:    "The leaf is in the log, but is of a kind that this version does not know. Get a newer verifier.",
	verify.Consistent: "The leaf is in the log of this checkpoint. Whose log it is has not been shown.",
	verify.Authentic:  "The leaf is in the log, which is that of the key that you brought.",
	verify.Witnessed:  "The leaf is in the log, which is that of your key, and enough witnesses saw this very log.",
}

func printProof(out io.Writer, r verify.ProofReport, opt verify.Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", r.Verdict, proofMeaning[r.Verdict])
	if wanted := opt.Wanted(); r.Verdict != verify.Failed && !r.Verdict.Reaches(wanted) {
		fmt.Fprintf(&b, "You asked for %s.\n\n", wanted)
	}
	if r.Checkpoint.Origin != "" {
		fmt.Fprintf(&b, "Log         %s, %d leaves, root %s\n", r.Checkpoint.Origin, r.Checkpoint.Size, r.Checkpoint.Root)
	}
	if r.Leaf.Kind != "" {
		fmt.Fprintf(&b, "Leaf        %d, of kind %s, entered %s\n", r.Index, r.Leaf.Kind, stamp(r.Leaf.At()))
	}
	if id := r.Leaf.Text("artifact"); id != "" {
		fmt.Fprintf(&b, "Artifact    %s, version %d\n", id, r.Leaf.Int("version"))
	}
	for _, v := range vouchedBy(r) {
		fmt.Fprintf(&b, "Vouched     %s saw it at %s\n", v.By, v.Time)
	}
	if len(r.Failures) > 0 {
		b.WriteString("\nWhat does not agree:\n")
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "- %s [%s]\n", f.Detail, f.Code)
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
