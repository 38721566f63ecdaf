package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

// TestActionsInTheLog holds that actions and comments have a leaf each, of the same transaction, that tells of no person,
// and that a comment is kept with whom it mentions until he looked.
func TestActionsInTheLog(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		ada := Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: f.ws, Name: "Ada Okafor", Email: "ada@example.com", Role: "admin", CreatedAt: day0}
		f.ok(f.AddMember(ctx, ada))
		before := len(f.leaves())
		a, err := f.AddAction(ctx, evidence.Action{ID: evidence.NewID(evidence.PrefixAction), Workspace: f.ws, Key: "A-01", Title: "Ask Marek", Owner: "Marek", Cadence: evidence.Once, Status: evidence.ActionOpen, CreatedAt: day0})
		f.ok(err)
		a.Title = "Ask Marek again"
		if a, err = f.ChangeAction(ctx, a); err != nil {
			t.Fatal(err)
		}
		stale := a
		stale.Revision--
		if _, err := f.ChangeAction(ctx, stale); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("changing an old revision: %v", err)
		}
		c := evidence.Comment{ID: evidence.NewID(evidence.PrefixComment), Workspace: f.ws, Action: a.ID, At: day0, Who: "Marek Dvořák", Text: "Look, @Ada", Mentions: []evidence.ID{ada.ID}}
		f.ok(f.AddComment(ctx, c, a.Key, ""))
		leaves := f.leaves()[before:]
		if got := kindsOf(leaves); !slices.Equal(got, []string{"config", "config", "action"}) {
			t.Fatalf("the log tells %v", got)
		}
		if last := leaves[2].Fields; last["type"] != CommentActivity || last["actor_commit"] == "" || last["comment_commit"] == "" {
			t.Errorf("the comment's leaf is %v", last)
		}
		for _, l := range leaves {
			raw, err := translog.Leaf{Kind: l.Kind, Fields: l.Fields}.Encode()
			f.ok(err)
			for _, word := range []string{"Marek", "Ada", "Look"} {
				if strings.Contains(string(raw), word) {
					t.Errorf("a leaf tells of a person: %s", raw)
				}
			}
		}
		unseen, err := f.UnseenMentions(ctx, f.ws)
		if err != nil || len(unseen) != 1 || unseen[0].Key != "A-01" || unseen[0].Member != ada.ID || !unseen[0].ToldAt.IsZero() {
			t.Fatalf("unseen: %+v, %v", unseen, err)
		}
		f.ok(f.MentionTold(ctx, unseen[0], day0.Add(time.Minute)))
		if unseen, err = f.UnseenMentions(ctx, f.ws); err != nil || len(unseen) != 1 || !unseen[0].ToldAt.Equal(day0.Add(time.Minute)) {
			t.Errorf("after a mail: %+v, %v", unseen, err)
		}
		f.ok(f.SeeMentions(ctx, "ws_other", ada.ID, a.ID, day0))
		f.ok(f.SeeMentions(ctx, f.ws, ada.ID, a.ID, day0))
		if unseen, err = f.UnseenMentions(ctx, f.ws); err != nil || len(unseen) != 0 {
			t.Errorf("after looking: %+v, %v", unseen, err)
		}
		if list, err := f.Comments(ctx, f.ws, a.ID); err != nil || len(list) != 1 || list[0].Text != c.Text || !slices.Equal(list[0].Mentions, c.Mentions) {
			t.Errorf("kept: %+v, %v", list, err)
		}
	})
}
