package verify

import (
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
)

// ProofReport is what the proof of a single leaf shows. How long the log kept to it, and what else it says, only a bundle
// shows.
type ProofReport struct {
	Verdict    Verdict
	Failures   []Failure
	NotProven  []string
	Checkpoint translog.Checkpoint
	Index      int64
	Leaf       translog.Leaf
	LogKey     string
	Witnesses  []translog.Cosigned
}

// stepProof is the one step of such a verification.
const stepProof = "proof"

// Proof checks that a leaf is in the log of a tlog-proof's checkpoint, and how far that checkpoint can be relied on. It never
// panics.
func Proof(proof, leaf []byte, policy *translog.Policy) ProofReport {
	r := ProofReport{Verdict: Failed, NotProven: []string{"What else the log says of this artifact: a newer version, or that it is no longer evidence for anything. Only a bundle shows all of it."}}
	fail := func(code, format string, args ...any) ProofReport {
		r.Failures = append(r.Failures, Failure{stepProof, code, fmt.Sprintf(format, args...)})
		return r
	}
	p, err := translog.ParseProof(proof)
	if err != nil {
		return fail("proof", "%v", err)
	}
	r.Index = p.Index
	if r.Checkpoint, err = p.Check(leaf); err != nil {
		return fail("proof", "the proof does not lead from this leaf to the root of its checkpoint: %v", err)
	}
	r.Leaf, err = translog.DecodeLeaf(leaf)
	if errors.Is(err, translog.ErrUnknownKind) || errors.Is(err, translog.ErrSchema) {
		r.Verdict = Unknown
		return fail(codeUnknown, "%v. A newer version of Exhibit may know it", err)
	}
	if err != nil {
		return fail("leaf", "%v", err)
	}
	if policy == nil {
		r.Verdict = Consistent
		r.NotProven = append(r.NotProven, "Whose log this is: no policy was given, so that anybody could have made all of this with a key of his own.")
		return r
	}
	return r.judge(policy, p)
}

// judge says how far the checkpoint can be relied on.
func (r ProofReport) judge(policy *translog.Policy, p translog.Proof) ProofReport {
	_, note, err := translog.OpenCheckpoint(p.Checkpoint)
	var j translog.Judgement
	if err == nil {
		j, err = policy.Judge(note)
	}
	fail := func(code, format string, args ...any) {
		r.Failures = append(r.Failures, Failure{stepProof, code, fmt.Sprintf(format, args...)})
	}
	if err != nil {
		fail("signature_wrong", "%v", err)
		return r
	}
	r.Witnesses = j.Witnesses
	for _, w := range j.Witnesses {
		if time.UnixMilli(r.Leaf.At()).After(w.At.Add(clockSlack)) {
			fail("postdated", "witness %s saw this leaf at %s, and it says that it is of %s", w.Name, w.At.UTC().Format(time.RFC3339), time.UnixMilli(r.Leaf.At()).UTC().Format(time.RFC3339))
			return r
		}
	}
	switch {
	case !j.Logged:
		r.Verdict = Consistent
		fail("log_key_unknown", "no log key of the policy has signed the checkpoint of %s", r.Checkpoint.Origin)
	case j.LogKey.Name != r.Checkpoint.Origin:
		fail("origin", "the checkpoint is of %s and signed by the key of %s", r.Checkpoint.Origin, j.LogKey.Name)
	case j.Quorum:
		r.Verdict, r.LogKey = Witnessed, j.LogKey.String()
	default:
		r.Verdict, r.LogKey = Authentic, j.LogKey.String()
		if policy.WantsWitnesses() {
			fail("quorum_missing", "%d witnesses of the policy have signed, which is no quorum", len(j.Witnesses))
		}
	}
	return r
}
