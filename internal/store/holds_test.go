package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// aHold is a hold of Ada's over the first day, with its line of the trail.
func (f *fixture) aHold(id evidence.ID) (evidence.Hold, Activity) {
	f.t.Helper()
	if _, err := f.Member(f.t.Context(), f.ws, "us_ada"); evidence.ErrorCode(err) == evidence.NotFound {
		f.ok(f.AddMember(f.t.Context(), Member{ID: "us_ada", Workspace: f.ws, Name: "Ada", Email: "ada@example.com", Role: "admin", CreatedAt: day0}))
	}
	return evidence.Hold{ID: id, Workspace: f.ws, Code: evidence.HoldAudit, Reason: "until the report is signed", Connection: f.conn, Owner: "us_ada", Span: evidence.Span{From: day0, To: day0.Add(24 * time.Hour)},
		Review: day0.AddDate(0, 6, 0), PlacedAt: day0, PlacedBy: "Ada"}, Activity{Workspace: f.ws, At: day0, Who: "Ada", What: "hold.place", Subject: string(id)}
}

// TestHolds places, reviews and releases a hold, and holds that the log tells of each and of no person or word.
func TestHolds(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		h, a := f.aHold("ho_aaaaaaaaaaaaaaaa")
		f.ok(f.AddHold(ctx, h, a))
		kept := h
		kept.Review, kept.ReviewedAt, kept.ReviewedBy, kept.ReviewNote = h.Review.AddDate(0, 6, 0), day0.Add(time.Hour), "Ada", "not signed yet"
		f.ok(f.ReviewHold(ctx, kept, a))
		all, err := f.Holds(ctx, f.ws)
		f.ok(err)
		if diff := cmp.Diff([]evidence.Hold{kept}, all); diff != "" {
			t.Errorf("reviewed (-want +got):\n%s", diff)
		}
		over := kept
		over.ReleasedAt, over.ReleasedBy, over.Release = day0.Add(2*time.Hour), "Ada", "it was signed"
		strange := over
		strange.Workspace = "ws_other"
		if err := f.ReleaseHold(ctx, strange, a); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("another workspace releases it: %v", err)
		}
		f.ok(f.ReleaseHold(ctx, over, a))
		for what, err := range map[string]error{"released twice": f.ReleaseHold(ctx, over, a), "reviewed after its end": f.ReviewHold(ctx, kept, a)} {
			if evidence.ErrorCode(err) != evidence.Conflict {
				t.Errorf("%s: %v", what, err)
			}
		}
		all, err = f.Holds(ctx, f.ws)
		f.ok(err)
		if diff := cmp.Diff([]evidence.Hold{over}, all); diff != "" {
			t.Errorf("released (-want +got):\n%s", diff)
		}
		leaves := f.leaves()
		if got, want := kindsOf(leaves)[3:], []string{"hold", "action", "hold", "action", "release", "action"}; !slices.Equal(got, want) {
			t.Errorf("the log tells %v, want %v", got, want)
		}
		for _, l := range leaves {
			for _, word := range []string{"Ada", "us_ada", "signed", string(f.conn) + "\""} {
				if l.Kind != "connection" && l.Kind != "config" && strings.Contains(fmt.Sprint(l.Fields), word) {
					t.Errorf("a leaf of kind %s tells of %s", l.Kind, word)
				}
			}
		}
		f.opens(leaves)
		f.clean()
	})
}

func TestHoldRefusals(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		for what, change := range map[string]func(*evidence.Hold){
			"no such member":     func(h *evidence.Hold) { h.Owner = "us_none" },
			"no such connection": func(h *evidence.Hold) { h.Connection = "cn_none" },
			"another workspace":  func(h *evidence.Hold) { h.Workspace = "ws_other" },
		} {
			h, a := f.aHold("ho_bbbbbbbbbbbbbbbb")
			change(&h)
			if err := f.AddHold(t.Context(), h, a); evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
		if all, err := f.Holds(t.Context(), f.ws); err != nil || len(all) > 0 {
			t.Errorf("something is stored: %v, %v", all, err)
		}
	})
}

// TestHoldCrashes fails each durable step of placing a hold: hold, leaf and line of the trail are there, or none of them.
func TestHoldCrashes(t *testing.T) {
	for step, stored := range map[string]bool{"leaf added": false, "before commit": false, "after commit": true} {
		t.Run(step, func(t *testing.T) {
			both(t, func(t *testing.T, f *fixture) {
				h, a := f.aHold("ho_cccccccccccccccc")
				before := len(f.leaves())
				f.fail = func(s string) error {
					if s == step {
						return errCrash
					}
					return nil
				}
				if err := f.AddHold(t.Context(), h, a); err == nil {
					t.Error("nothing failed")
				}
				f.fail = nil
				all, err := f.Holds(t.Context(), f.ws)
				f.ok(err)
				if (len(all) == 1) != stored || (len(f.leaves()) == before+2) != stored {
					t.Errorf("%d holds and %d new leaves", len(all), len(f.leaves())-before)
				}
				f.clean()
			})
		})
	}
}
