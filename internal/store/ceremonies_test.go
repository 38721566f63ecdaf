package store

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// TestCeremonies holds that a half is given once, that those which ended make way, and that no more than a number are kept.
func TestCeremonies(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		unknown := Ceremony{Hash: [32]byte{1}, Purpose: "sign in", Data: "{}", ExpiresAt: day0.Add(time.Minute)}
		known := Ceremony{Hash: [32]byte{2}, Purpose: "add", Workspace: f.ws, Data: "{}", ExpiresAt: day0.Add(time.Minute)}
		f.ok(f.PutCeremony(ctx, unknown, day0, 2))
		f.ok(f.PutCeremony(ctx, known, day0, 2))
		late := Ceremony{Hash: [32]byte{3}, Purpose: "add", Data: "{}", ExpiresAt: day0.Add(time.Hour)}
		if err := f.PutCeremony(ctx, late, day0, 2); evidence.ErrorCode(err) != evidence.Unavailable {
			t.Errorf("a third of two: %v", err)
		}
		for _, want := range []Ceremony{unknown, known} {
			if got, err := f.TakeCeremony(ctx, want.Hash); err != nil || got != want {
				t.Errorf("taken: %+v, %v", got, err)
			}
			if _, err := f.TakeCeremony(ctx, want.Hash); evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("taken twice: %v", err)
			}
		}
		f.ok(f.PutCeremony(ctx, unknown, day0, 1))
		f.ok(f.PutCeremony(ctx, late, day0.Add(time.Minute), 1))
		if _, err := f.TakeCeremony(ctx, unknown.Hash); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("one that ended is kept: %v", err)
		}
	})
}
