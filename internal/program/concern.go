package program

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// tellAgain is how long an action is overdue when its people are told once more.
const tellAgain = 7 * 24 * time.Hour

// Concerns gives the actions that are overdue as what somebody must know, what was due first in front.
func (s *Service) Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error) {
	all, err := s.Actions(ctx, ws)
	if err != nil {
		return nil, err
	}
	return overdueConcerns(all, s.now()), nil
}

func overdueConcerns(all []ActionView, now time.Time) []evidence.Concern {
	var out []evidence.Concern
	for _, v := range all {
		if !v.Overdue {
			continue
		}
		a, stage := v.Action, int64(1)
		if now.Sub(a.Due) > tellAgain {
			stage = 2
		}
		who := cmp.Or(a.Delegate, a.Owner, "nobody")
		out = append(out, evidence.Concern{
			Key: "overdue/" + string(a.ID), Kind: evidence.ConcernOverdue, Action: a.ID, Title: a.Key + " is overdue: " + a.Title, Stage: stage, By: a.Due, ByIs: "was due",
			Text: fmt.Sprintf("It is with %s. Attach the evidence that it asks for, mark it as done, or agree on another date.", who),
		})
	}
	slices.SortStableFunc(out, func(a, b evidence.Concern) int { return a.By.Compare(b.By) })
	return out
}
