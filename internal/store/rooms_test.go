package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

func (f *fixture) audit(id evidence.ID) Audit {
	a := Audit{ID: id, Workspace: f.ws, Name: string(id), Framework: "soc2", Period: evidence.Span{From: day0, To: day0.Add(24 * time.Hour)}, CreatedAt: day0, CreatedBy: "Ada"}
	f.ok(f.AddAudit(f.t.Context(), a))
	return a
}

// TestRooms lets an auditor in and out, asks and answers, and holds that another workspace or audit sees none of it.
func TestRooms(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		a := f.audit("au_spring")
		f.audit("au_autumn")
		a.Controls = []evidence.ID{"co_1", "co_2"}
		f.ok(f.SetAuditControls(ctx, a))
		got, err := f.Audit(ctx, f.ws, "au_spring")
		f.ok(err)
		if diff := cmp.Diff(a, got); diff != "" {
			t.Errorf("the audit (-want +got):\n%s", diff)
		}
		f.ok(f.AddMember(ctx, Member{ID: "us_max", Workspace: f.ws, Name: "Max", Email: "max@example.com", Role: "auditor", CreatedAt: day0}))
		f.ok(f.LetIn(ctx, f.ws, a.ID, "us_max", day0, "Ada"))
		if rooms, err := f.RoomsOf(ctx, f.ws, "us_max"); err != nil || len(rooms) != 1 || rooms[0] != a.ID {
			t.Errorf("his rooms: %v, %v", rooms, err)
		}
		f.ok(f.LetOut(ctx, f.ws, a.ID, "us_max", day0, "Ada"))
		if rooms, err := f.RoomsOf(ctx, f.ws, "us_max"); err != nil || len(rooms) != 0 {
			t.Errorf("his rooms afterwards: %v, %v", rooms, err)
		}
		if list, err := f.Auditors(ctx, f.ws, a.ID); err != nil || len(list) != 1 || list[0].RemovedAt.IsZero() || list[0].Member.Name != "Max" {
			t.Errorf("the auditors: %+v, %v", list, err)
		}
		r := AuditRequest{ID: "rq_1", Workspace: f.ws, Audit: a.ID, Control: "co_1", Due: day0.Add(time.Hour), State: RequestOpen, AskedAt: day0, AskedBy: "Max",
			Messages: []Message{{ID: "ms_1", Op: Ask, Text: "Who approved it?", At: day0, By: "Max"}}}
		f.ok(f.AddRequest(ctx, r))
		for i, op := range []RequestOp{Answer, Follow, Answer, Close} {
			m := Message{ID: evidence.ID("ms_" + string(rune('2'+i))), Op: op, Text: "text", At: day0.Add(time.Duration(i+1) * time.Minute), By: "Ada"}
			f.ok(f.Say(ctx, f.ws, a.ID, r.ID, m))
			r.Messages, r.State = append(r.Messages, m), op.leaves()
		}
		list, err := f.Requests(ctx, f.ws, a.ID)
		f.ok(err)
		if diff := cmp.Diff([]AuditRequest{r}, list); diff != "" {
			t.Errorf("the requests (-want +got):\n%s", diff)
		}
		f.ok(f.AddNote(ctx, AuditNote{ID: "no_1", Workspace: f.ws, Audit: a.ID, Text: "Looks thin.", At: day0, By: "Max"}))
		later := Message{ID: "ms_9", Op: Answer, Text: "late", At: day0, By: "Ada"}
		for what, want := range map[string]struct {
			err  error
			code evidence.Code
		}{
			"closed":            {f.Say(ctx, f.ws, a.ID, r.ID, later), evidence.Conflict},
			"another audit":     {f.Say(ctx, f.ws, "au_autumn", r.ID, later), evidence.NotFound},
			"another workspace": {f.Say(ctx, "ws_other", a.ID, r.ID, later), evidence.NotFound},
			"no such member":    {f.LetIn(ctx, f.ws, a.ID, "us_none", day0, "Ada"), evidence.NotFound},
			"no such audit":     {f.LetIn(ctx, "ws_other", a.ID, "us_max", day0, "Ada"), evidence.NotFound},
			"is out already":    {f.LetOut(ctx, f.ws, a.ID, "us_max", day0, "Ada"), evidence.NotFound},
		} {
			if evidence.ErrorCode(want.err) != want.code {
				t.Errorf("%s: %v", what, want.err)
			}
		}
		for _, ws := range []evidence.ID{"ws_other", f.ws} {
			audit := map[evidence.ID]evidence.ID{"ws_other": a.ID, f.ws: "au_autumn"}[ws]
			requests, err := f.Requests(ctx, ws, audit)
			f.ok(err)
			notes, err := f.Notes(ctx, ws, audit)
			f.ok(err)
			auditors, err := f.Auditors(ctx, ws, audit)
			f.ok(err)
			if len(requests)+len(notes)+len(auditors) > 0 {
				t.Errorf("%s %s sees %v %v %v", ws, audit, requests, notes, auditors)
			}
		}
		l, err := f.Log(ctx, f.ws)
		f.ok(err)
		var ops []string
		f.ok(f.EachLeaf(ctx, l, 0, l.Size, func(_ int64, raw []byte) error {
			leaf, err := translog.DecodeLeaf(raw)
			if err == nil && leaf.Kind == translog.KindRequest {
				ops = append(ops, leaf.Text("op"))
			}
			return err
		}))
		if diff := cmp.Diff([]string{"ask", "answer", "follow", "answer", "close"}, ops); diff != "" {
			t.Errorf("the log tells (-want +got):\n%s", diff)
		}
	})
}
