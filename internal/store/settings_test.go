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

func TestChannels(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		want := Channel{ID: "nc_1", Workspace: f.ws, Kind: "slack", Name: "Security", Address: `{"host":"hooks.example.com"}`, Secret: []byte("sealed"),
			Tells: []evidence.ConcernKind{"expiry", "gaps"}, CreatedAt: day0, CreatedBy: "Ada", DigestAt: day0}
		f.ok(f.AddChannel(ctx, want))
		if err := f.AddChannel(ctx, Channel{ID: "nc_2", Workspace: f.ws, Name: "Security", Secret: []byte{1}}); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("the same name: %v", err)
		}
		f.ok(f.AddChannel(ctx, Channel{ID: "nc_2", Workspace: f.ws, Name: "Second", Secret: []byte{1}}))
		got, err := f.Channel(ctx, f.ws, "nc_1")
		f.ok(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		changed := want
		if changed.Name = "Second"; evidence.ErrorCode(f.ChangeChannel(ctx, changed)) != evidence.Conflict {
			t.Error("a channel took another's name")
		}
		changed.Name, changed.Tells, changed.Secret, changed.Address = "Third", nil, []byte("other"), "{}"
		f.ok(f.NoteFailure(ctx, f.ws, "nc_1", day0.Add(time.Hour), "It is full.", day0.Add(2*time.Hour)))
		f.ok(f.NoteFailure(ctx, f.ws, "nc_1", day0.Add(time.Hour), "It is full.", day0.Add(2*time.Hour)))
		got, err = f.Channel(ctx, f.ws, "nc_1")
		f.ok(err)
		if got.Failures != 2 || got.Failure != "It is full." || !got.NextAt.Equal(day0.Add(2*time.Hour)) {
			t.Errorf("after two failures: %+v", got)
		}
		f.ok(f.ChangeChannel(ctx, changed))
		got, err = f.Channel(ctx, f.ws, "nc_1")
		f.ok(err)
		if diff := cmp.Diff(changed, got); diff != "" {
			t.Error(diff)
		}
		changed.Workspace = "ws_other"
		for what, err := range map[string]error{"change": f.ChangeChannel(ctx, changed), "remove": f.RemoveChannel(ctx, "ws_other", "nc_1")} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("%s from another workspace: %v", what, err)
			}
		}
		note := Notice{Fact: "gaps/cn_1", Kind: "gaps", Stage: 2, Title: "A gap", Href: "/x", UpTo: day0, Urgent: true, ToldAt: day0}
		f.ok(f.NoteTold(ctx, f.ws, "nc_1", Told{At: day0.Add(time.Minute), Sent: true, Put: []Notice{note, {Fact: "stale/cn_1"}}}))
		note.Stage = 3
		f.ok(f.NoteTold(ctx, f.ws, "nc_1", Told{At: day0.Add(2 * time.Minute), Digest: true, Put: []Notice{note}, Drop: []string{"stale/cn_1"}}))
		notices, err := f.Notices(ctx, f.ws, "nc_1")
		f.ok(err)
		if diff := cmp.Diff([]Notice{note}, notices); diff != "" {
			t.Error(diff)
		}
		got, err = f.Channel(ctx, f.ws, "nc_1")
		f.ok(err)
		if !got.SentAt.Equal(day0.Add(time.Minute)) || !got.DigestAt.Equal(day0.Add(2*time.Minute)) {
			t.Errorf("sent %s, digest %s", got.SentAt, got.DigestAt)
		}
		f.ok(f.RemoveChannel(ctx, f.ws, "nc_1"))
		if notices, err := f.Notices(ctx, f.ws, "nc_1"); err != nil || notices != nil {
			t.Errorf("what a channel was told outlives it: %v, %v", notices, err)
		}
		if list, err := f.Channels(ctx, f.ws); err != nil || len(list) != 1 {
			t.Errorf("%d channels are left, %v", len(list), err)
		}
	})
}

// TestTurnToTell holds that of several processes one tells.
func TestTurnToTell(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		take := func(holder string, at time.Duration, want bool) {
			t.Helper()
			got, err := f.TakeTelling(ctx, f.ws, holder, day0.Add(at), day0.Add(at+3*time.Minute))
			f.ok(err)
			if got != want {
				t.Errorf("after %s %s has the turn: %v", at, holder, got)
			}
		}
		take("a", 0, true)
		take("b", time.Minute, false)
		take("a", 2*time.Minute, true)
		take("b", 4*time.Minute, false)
		take("b", 5*time.Minute, true)
		take("a", 6*time.Minute, false)
		f.ok(f.LeaveTelling(ctx, f.ws, "a"))
		take("a", 6*time.Minute, false)
		f.ok(f.LeaveTelling(ctx, f.ws, "b"))
		take("a", 6*time.Minute, true)

		if d, err := f.Digest(ctx, "ws_none"); err != nil || d != DefaultDigest() {
			t.Errorf("the time of a workspace that chose none is %+v, %v", d, err)
		}
		want := DigestTime{Hour: 23, Zone: "Europe/Berlin"}
		f.ok(f.SetDigest(ctx, f.ws, want))
		if d, err := f.Digest(ctx, f.ws); err != nil || d != want {
			t.Errorf("the time is %+v, %v", d, err)
		}
		take("b", 7*time.Minute, false) // choosing the hour changes nothing about the turn
	})
}
