package program_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
)

// TestWording holds that a source that is connected and removed, and a policy that is published, edited and retired, propose
// the words for it, that an accepted change stands and a declined one does not come again.
func TestWording(t *testing.T) {
	st, ws, c := open(t)
	p, me, ctx := program.New(st, c.now), ada(ws), t.Context()
	control, err := p.AddControl(ctx, me, program.ControlDraft{Key: "C-1", Name: "Sign-ins are watched", Description: "We look at them."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddControl(ctx, me, program.ControlDraft{Key: "C-2", Name: "1Password is read", Description: "Everything that 1Password tells."}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"A-2", "A-3"} { // one below a control that names the source, one that stands alone
		below := map[string]string{"A-2": "C-2"}[key]
		if _, err := p.AddAction(ctx, me, program.ActionDraft{Key: key, Title: "Review", Control: below, Requests: []evidence.EvidenceRequest{{Recipe: "failed-sign-ins"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.AddAction(ctx, me, program.ActionDraft{Key: "A-1", Title: "Review", Control: "C-1", Requests: []evidence.EvidenceRequest{{Recipe: "failed-sign-ins"}}}); err != nil {
		t.Fatal(err)
	}
	expect := func(when string, want ...string) (ids []string) {
		t.Helper()
		all, err := p.Wording(ctx, ws, "")
		if err != nil || len(all) != len(want) {
			t.Fatalf("%s: %+v, %v", when, all, err)
		}
		for i, x := range all {
			if got := x.Key + ": " + strings.Join(x.Reasons, " "); !strings.Contains(got, want[i]) {
				t.Errorf("%s: %s, want %s", when, got, want[i])
			}
			ids = append(ids, x.ID)
		}
		return ids
	}
	expect("nothing happened")
	conn := evidence.Connection{ID: evidence.NewID(evidence.PrefixConnection), Workspace: ws, Source: "onepassword", Name: "Acme", Server: "https://events.1password.com", CreatedAt: c.now()}
	if err := st.CreateConnection(ctx, conn, []byte("sealed"), nil); err != nil {
		t.Fatal(err)
	}
	ids := expect("connected", "C-1: “Acme” is connected", "A-3: “Acme” is connected")
	if _, err := p.AcceptWording(ctx, me, ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DeclineWording(ctx, me, ids[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AcceptWording(ctx, me, ids[0]); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("accepted twice: %v", err)
	}
	expect("decided")
	other := "Review, in other words"
	if _, err := p.EditAction(ctx, me, "A-3", program.ActionEdit{Description: &other, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	expect("what was declined, after an edit")
	if got, err := st.Control(ctx, ws, "C-1"); err != nil || got.Description != "We look at them. Evidence comes from 1Password, read through the connection “Acme”." || got.Revision != 2 {
		t.Errorf("the control says %q, %v", got.Description, err)
	}
	policy := evidence.Artifact{ID: evidence.NewID(evidence.PrefixArtifact), Workspace: ws, Kind: evidence.Uploaded, Title: "Access policy", CreatedAt: c.now(),
		Period: evidence.Span{From: start, To: start.Add(time.Hour)}, Latest: evidence.ArtifactVersion{Result: evidence.Complete, BuiltAt: c.now(), Provenance: []byte(`{}`)}}
	if policy, err = st.SaveArtifact(ctx, policy); err != nil {
		t.Fatal(err)
	}
	err = st.Attach(ctx, evidence.Attachment{ID: evidence.NewID(evidence.PrefixAttachment), Workspace: ws, Artifact: policy.ID, Target: evidence.Target{Control: control.ID}, Strength: evidence.Context, AttachedAt: c.now()})
	if err != nil {
		t.Fatal(err)
	}
	accept := func(when, want string) {
		t.Helper()
		if _, err := p.AcceptWording(ctx, me, expect(when, want)[0]); err != nil {
			t.Fatal(err)
		}
	}
	accept("published", "C-1: The policy “Access policy” was published")
	if policy, err = st.SaveArtifact(ctx, policy); err != nil {
		t.Fatal(err)
	}
	accept("edited", "version 1 became version 2")
	if err := st.RetireArtifact(ctx, ws, policy.ID, c.now(), "Ada", "Replaced"); err != nil {
		t.Fatal(err)
	}
	accept("retired", "was retired")
	if err := st.ForgetToken(ctx, ws, conn.ID, c.now()); err != nil {
		t.Fatal(err)
	}
	accept("removed", "C-1: “Acme” is connected no longer")
	if got, err := st.Control(ctx, ws, "C-1"); err != nil || got.Description != "We look at them." {
		t.Errorf("in the end the control says %q, %v", got.Description, err)
	}
	me.Role = "viewer"
	if _, err := p.DeclineWording(ctx, me, ids[0]); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("a viewer declines: %v", err)
	}
}
