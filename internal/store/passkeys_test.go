package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// TestPasskeysStore keeps, uses and removes a passkey, and holds that nobody else removes it.
func TestPasskeysStore(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.ok(f.AddMember(ctx, Member{ID: "us_ada", Workspace: f.ws, Name: "Ada", Email: "ada@example.com", Role: "admin", CreatedAt: day0}))
		p := Passkey{ID: "a2V5", Workspace: f.ws, Member: "us_ada", Name: "Laptop", Credential: "{}", CreatedAt: day0}
		f.ok(f.AddPasskey(ctx, p))
		if err := f.AddPasskey(ctx, p); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("adding it twice: %v", err)
		}
		p.Credential, p.UsedAt = `{"n":1}`, day0.Add(time.Hour)
		f.ok(f.UsePasskey(ctx, p))
		got, err := f.PasskeyByID(ctx, p.ID)
		f.ok(err)
		if diff := cmp.Diff(p, got); diff != "" {
			t.Errorf("the passkey (-want +got):\n%s", diff)
		}
		for _, err := range []error{f.RemovePasskey(ctx, "ws_other", "us_ada", p.ID), f.RemovePasskey(ctx, f.ws, "us_ben", p.ID)} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("somebody else removes it: %v", err)
			}
		}
		f.ok(f.RemovePasskey(ctx, f.ws, "us_ada", p.ID))
		if list, err := f.Passkeys(ctx, f.ws, "us_ada"); err != nil || len(list) != 0 {
			t.Errorf("what is left: %v, %v", list, err)
		}
	})
}
