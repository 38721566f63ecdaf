package store

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestMembersComeAndGo(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		for _, id := range []evidence.ID{"us_ada", "us_ben"} {
			f.ok(f.AddMember(ctx, Member{ID: id, Workspace: f.ws, Name: "N", Email: string(id) + "@example.com", Role: "admin", CreatedAt: day0}))
			f.ok(f.AddSession(ctx, Session{Hash: [32]byte{id[3]}, ID: "se_" + string(id), Member: id, Workspace: f.ws, CreatedAt: day0, ExpiresAt: day0.Add(time.Hour), LastSeen: day0, Address: "192.0.2.1", Way: "link"}))
		}
		f.ok(f.SetRole(ctx, f.ws, "us_ben", "viewer", "admin"))
		if s, err := f.Session(ctx, [32]byte{'b'}); err != nil || !s.Rotate || s.Address != "192.0.2.1" || s.Way != "link" {
			t.Errorf("after a change of role: %+v, %v", s, err)
		}
		if ok, err := f.RotateSession(ctx, [32]byte{'b'}, [32]byte{'c'}); err != nil || !ok {
			t.Errorf("rotating: %v, %v", ok, err)
		}
		if ok, err := f.RotateSession(ctx, [32]byte{'b'}, [32]byte{'d'}); err != nil || ok {
			t.Errorf("rotating what is gone: %v, %v", ok, err)
		}
		for _, err := range []error{f.SetRole(ctx, f.ws, "us_ada", "viewer", "admin"), f.Suspend(ctx, f.ws, "us_ada", "Eve", day0, "admin"), f.Reinstate(ctx, f.ws, "us_ada")} {
			if evidence.ErrorCode(err) != evidence.Conflict {
				t.Errorf("the last administrator: %v", err)
			}
		}
		for _, err := range []error{f.SetRole(ctx, "ws_other", "us_ada", "viewer", "admin"), f.Suspend(ctx, "ws_other", "us_ada", "Eve", day0, "admin"), f.EndSession(ctx, "ws_other", "us_ada", "se_us_ada")} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("from another workspace: %v", err)
			}
		}
		f.ok(f.Suspend(ctx, f.ws, "us_ben", "Ada", day0, "admin"))
		if list, err := f.SessionsOf(ctx, f.ws, "us_ben"); err != nil || len(list) != 0 {
			t.Errorf("his sessions: %v, %v", list, err)
		}
		if list, err := f.SessionsOf(ctx, f.ws, "us_ada"); err != nil || len(list) != 1 {
			t.Errorf("hers: %v, %v", list, err)
		}
		f.ok(f.Reinstate(ctx, f.ws, "us_ben"))
	})
}
