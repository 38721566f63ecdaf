package program

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Verdict is what a person concluded about evidence: the first of the four axes that are never mixed into one.
type Verdict string

// The verdicts, the one that matters most first: of several, the first of them is the verdict of all.
const (
	Rejected         Verdict = "rejected"
	ChangesRequested Verdict = "changes_requested"
	NotReviewed      Verdict = "not_reviewed"
	Reopened         Verdict = "reopened" // it was reviewed, and what was reviewed is no longer all there is
	Approved         Verdict = "approved"
	NoVerdict        Verdict = "none" // there is nothing to conclude about
)

// Freshness says whether evidence is of the month that is looked at.
type Freshness string

// The degrees of freshness.
const (
	Fresh    Freshness = "current" // it reaches to the end of the month, or as far as the month has come
	EndsOff  Freshness = "partial" // it is of the month and ends before the month did
	Carried  Freshness = "carried" // it is of an earlier period, and the next is not over yet
	Stale    Freshness = "stale"   // it is of an earlier period, and newer evidence should be there
	NotFresh Freshness = "none"    // there is no evidence up to then
	Ahead    Freshness = "ahead"   // the month has not begun
)

// Extent says whether what the evidence stands on was read whole.
type Extent string

// The extents.
const (
	Whole        Extent = "whole"
	Inconclusive Extent = "inconclusive"
	Unmeasured   Extent = "unmeasured" // uploads: Exhibit cannot know what they leave out
	NoExtent     Extent = "none"
)

// Integrity says whether proofs show that evidence is unaltered.
type Integrity string

// The states of integrity; of several, the first of them is that of all.
const (
	ProofsFail  Integrity = "proofs_fail"
	NotChecked  Integrity = "not_checked"
	ProofsHold  Integrity = "proofs_hold"
	NoIntegrity Integrity = "none" // there is nothing to check
)

// verdicts gives what people concluded about artifacts. It is the only place where the matrix reads reviews. An artifact
// that is not in the answer counts as not reviewed.
func (s *Service) verdicts(ctx context.Context, ws evidence.ID) (map[evidence.ID]Verdict, error) {
	if s.reviews == nil {
		return map[evidence.ID]Verdict{}, nil
	}
	standings, err := s.reviews.Standings(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("reading what was reviewed: %w", err)
	}
	out := map[evidence.ID]Verdict{}
	for id, standing := range standings {
		out[id] = Verdict(standing.Status)
	}
	return out, nil
}

// integrity gives what the log proves of the newest versions of artifacts that are shown, checked now. It is the only place where
// the matrix reads proofs. An artifact that is not in the answer counts as not checked.
func (s *Service) integrity(ctx context.Context, ws evidence.ID, shown []evidence.Artifact) (map[evidence.ID]Integrity, error) {
	out := map[evidence.ID]Integrity{}
	if s.proofs == nil || len(shown) == 0 {
		return out, nil
	}
	asked := map[evidence.ID]bool{}
	var newest []evidence.ArtifactVersion
	for _, a := range shown {
		if !asked[a.ID] {
			asked[a.ID] = true
			newest = append(newest, a.Latest)
		}
	}
	holds, err := s.proofs.Unaltered(ctx, ws, newest)
	if err != nil {
		return nil, fmt.Errorf("checking the proofs of artifacts: %w", err)
	}
	for id, ok := range holds {
		if out[id] = ProofsFail; ok {
			out[id] = ProofsHold
		}
	}
	return out, nil
}

// weakest gives the first of the order that is among the marks.
func weakest[M ~string](order []M, none M, marks []M) M {
	for _, o := range order {
		for _, m := range marks {
			if m == o {
				return o
			}
		}
	}
	return none
}
