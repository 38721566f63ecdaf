package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// TestApprovals follows an approval through its life, and holds that nobody else gets at it.
func TestApprovals(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		for _, id := range []evidence.ID{"us_ada", "us_bob"} {
			f.ok(f.AddMember(ctx, Member{ID: id, Workspace: f.ws, Name: "Ada", Email: string(id), Role: "admin", CreatedAt: day0}))
		}
		other, err := f.EnsureWorkspace(ctx, "other")
		f.ok(err)
		a := Approval{Hash: [32]byte{7}, Workspace: f.ws, Member: "us_ada", Source: "onepassword", Step: "server", CreatedAt: day0, ExpiresAt: day0.Add(time.Hour)}
		f.ok(f.AddApproval(ctx, a))
		a.Server, a.Name, a.Step, a.Token = "https://events.example.com", "Account", "accept", []byte("sealed")
		a.Missing = []evidence.Stream{usages, signIns}
		f.ok(f.UpdateApproval(ctx, a, day0))
		got, err := f.Approval(ctx, f.ws, a.Member, a.Hash, day0)
		f.ok(err)
		if diff := cmp.Diff(a, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		f.waits(f.ws, day0, OpenApproval{Source: "onepassword", Member: "us_ada", Name: "Ada", ExpiresAt: a.ExpiresAt})
		f.waits(other, day0)
		f.waits(f.ws, a.ExpiresAt)
		for name, who := range map[string]Approval{
			"another member":    {Hash: a.Hash, Workspace: f.ws, Member: "us_bob"},
			"another workspace": {Hash: a.Hash, Workspace: other, Member: a.Member},
			"another link":      {Hash: [32]byte{8}, Workspace: f.ws, Member: a.Member},
		} {
			f.refuses(name, who, day0, evidence.NotFound)
		}
		f.refuses("an expired link", a, a.ExpiresAt, evidence.NotFound)
		f.usesOnce(a)
		f.ok(f.ReopenApproval(ctx, a))
		f.usesOnce(a)
		f.ok(f.CloseApproval(ctx, a, "cn_made"))
		f.waits(f.ws, day0)
		got, err = f.Approval(ctx, f.ws, a.Member, a.Hash, day0)
		f.ok(err)
		if got.Token != nil || got.Connection != "cn_made" || got.UsedAt.IsZero() {
			t.Errorf("closed: %+v", got)
		}
		f.ok(f.AddApproval(ctx, Approval{Hash: [32]byte{9}, Workspace: f.ws, Member: "us_bob", CreatedAt: a.ExpiresAt, ExpiresAt: a.ExpiresAt.Add(time.Hour)}))
		f.refuses("one that was swept away", a, day0, evidence.NotFound)
	})
}

// waits holds which approvals of a workspace wait for their person.
func (f *fixture) waits(ws evidence.ID, now time.Time, want ...OpenApproval) {
	f.t.Helper()
	got, err := f.OpenApprovals(f.t.Context(), ws, now)
	f.ok(err)
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("waiting (-want +got):\n%s", diff)
	}
}

// refuses holds that an approval can neither be read nor changed nor used.
func (f *fixture) refuses(name string, a Approval, now time.Time, reading evidence.Code) {
	f.t.Helper()
	ctx := f.t.Context()
	if _, err := f.Approval(ctx, a.Workspace, a.Member, a.Hash, now); evidence.ErrorCode(err) != reading {
		f.t.Errorf("%s is read: %v", name, err)
	}
	if err := f.UpdateApproval(ctx, a, now); evidence.ErrorCode(err) != evidence.Conflict {
		f.t.Errorf("%s is changed: %v", name, err)
	}
	if err := f.UseApproval(ctx, a, now); evidence.ErrorCode(err) != evidence.Conflict {
		f.t.Errorf("%s is used: %v", name, err)
	}
}

// usesOnce holds that of several at once one uses it.
func (f *fixture) usesOnce(a Approval) {
	f.t.Helper()
	var used atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if f.UseApproval(f.t.Context(), a, day0) == nil {
				used.Add(1)
			}
		})
	}
	all.Wait()
	if used.Load() != 1 {
		f.t.Errorf("it was used %d times", used.Load())
	}
}
