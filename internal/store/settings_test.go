package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestAPITokens(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.ok(f.AddMember(ctx, Member{ID: "us_ada", Workspace: f.ws, Name: "Ada", Email: "ada@example.com", Role: "admin", CreatedAt: day0}))
		want := APIToken{ID: "tk_1", Workspace: f.ws, Member: "us_ada", Name: "deploy", Hash: [32]byte{7}, Scopes: "read build", CreatedAt: day0, CreatedBy: "Ada", ExpiresAt: day0.Add(time.Hour)}
		f.ok(f.AddAPIToken(ctx, want))
		if err := f.AddAPIToken(ctx, APIToken{ID: "tk_2", Workspace: f.ws, Member: "us_ada", Hash: want.Hash}); err == nil {
			t.Error("two tokens have one secret")
		}
		f.ok(f.TouchAPIToken(ctx, want.Hash, day0.Add(time.Minute)))
		want.LastUsedAt = day0.Add(time.Minute)
		got, err := f.APITokenByHash(ctx, want.Hash)
		f.ok(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by hash: %s", diff)
		}
		if _, err := f.APITokenByHash(ctx, [32]byte{8}); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("no such hash: %v", err)
		}
		if err := f.RevokeAPIToken(ctx, "ws_other", "tk_1", "Ada", day0); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("from another workspace: %v", err)
		}
		f.ok(f.RevokeAPIToken(ctx, f.ws, "tk_1", "Ada", day0.Add(2*time.Minute)))
		if err := f.RevokeAPIToken(ctx, f.ws, "tk_1", "Ben", day0); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("twice: %v", err)
		}
		f.ok(f.TouchAPIToken(ctx, want.Hash, day0.Add(3*time.Minute)))
		want.RevokedAt, want.RevokedBy, want.MemberName, want.MemberRole, want.Hash = day0.Add(2*time.Minute), "Ada", "Ada", "admin", [32]byte{}
		list, err := f.APITokens(ctx, f.ws)
		f.ok(err)
		if diff := cmp.Diff([]APIToken{want}, list); diff != "" {
			t.Errorf("the list: %s", diff)
		}
		if list, err := f.APITokens(ctx, "ws_other"); err != nil || list != nil {
			t.Errorf("another workspace sees %v, %v", list, err)
		}
	})
}

func TestTrail(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		for i, line := range [][2]string{{"Ada", "artifact.build"}, {"Ben", "artifact.read"}, {"Ada", "artifacts"}, {"Ada", "connection.check"}, {"Ben", "a_tifact.read"}} {
			f.ok(f.AddActivity(ctx, Activity{Workspace: f.ws, At: day0.Add(time.Duration(i) * time.Minute), Who: line[0], What: line[1]}))
		}
		f.ok(f.AddActivity(ctx, Activity{Workspace: "ws_other", At: day0, Who: "Eve", What: "artifact.read"}))
		for name, test := range map[string]struct {
			r    TrailRequest
			want []string
		}{
			"all":               {TrailRequest{}, []string{"a_tifact.read", "connection.check", "artifacts", "artifact.read", "artifact.build"}},
			"who":               {TrailRequest{Who: "Ben"}, []string{"a_tifact.read", "artifact.read"}},
			"a verb":            {TrailRequest{What: "artifact.read"}, []string{"artifact.read"}},
			"first word":        {TrailRequest{What: "artifact"}, []string{"artifact.read", "artifact.build"}},
			"no pattern":        {TrailRequest{What: "a%"}, nil},
			"literal":           {TrailRequest{What: "a_tifact"}, []string{"a_tifact.read"}},
			"both":              {TrailRequest{Who: "Ada", What: "artifact"}, []string{"artifact.build"}},
			"another workspace": {TrailRequest{Workspace: "ws_none"}, nil},
		} {
			for _, limit := range []int{1, 2, 100} {
				r, got := test.r, []string(nil)
				if r.Limit = limit; r.Workspace == "" {
					r.Workspace = f.ws
				}
				for range 10 {
					p, err := f.Trail(ctx, r)
					f.ok(err)
					if len(p.Lines) > limit {
						t.Fatalf("%s: %d lines on a page of %d", name, len(p.Lines), limit)
					}
					for _, l := range p.Lines {
						got = append(got, l.What)
					}
					if r.Before = p.Next; p.Next == 0 {
						break
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s, pages of %d: %s", name, limit, diff)
				}
			}
		}
		whos, whats, err := f.TrailWords(ctx, f.ws)
		f.ok(err)
		if diff := cmp.Diff([]string{"Ada", "Ben"}, whos); diff != "" || len(whats) != 5 {
			t.Errorf("who %s, what %v", diff, whats)
		}
	})
}
