package hold

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

var day0 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// world is the use cases on a real store with three members.
type world struct {
	*Service
	admin people.Caller
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{now: day0}
	st, err := store.Open(ctx, store.Config{Dir: t.TempDir(), Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	ws, err := st.EnsureWorkspace(ctx, "Northwind")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []store.Member{{ID: "us_ada", Name: "Ada", Email: "ada@example.com", Role: "admin"}, {ID: "us_max", Name: "Max", Email: "max@audit.example", Role: "auditor"}, {ID: "us_bob", Email: "bob@example.com", Role: "viewer"}} {
		m.Workspace, m.CreatedAt = ws, day0
		if err := st.AddMember(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	w.Service = New(st, func() time.Time { return w.now })
	w.admin = people.Caller{Member: "us_ada", Workspace: ws, Name: "Ada", Role: people.Admin}
	return w
}

func request() PlaceRequest {
	return PlaceRequest{Owner: "bob@example.com", Code: evidence.HoldLitigation, Reason: "A lawsuit.", Review: day0.AddDate(0, 3, 0)}
}

func TestPlaceRefuses(t *testing.T) {
	w := newWorld(t)
	for what, c := range map[string]struct {
		change func(*PlaceRequest)
		code   evidence.Code
	}{
		"no code":             {func(r *PlaceRequest) { r.Code = "because" }, evidence.Invalid},
		"no reason":           {func(r *PlaceRequest) { r.Reason = " \n" }, evidence.Invalid},
		"a review today":      {func(r *PlaceRequest) { r.Review = day0 }, evidence.Invalid},
		"no review":           {func(r *PlaceRequest) { r.Review = time.Time{} }, evidence.Invalid},
		"a review in a life":  {func(r *PlaceRequest) { r.Review = day0.AddDate(30, 0, 0) }, evidence.Invalid},
		"no owner":            {func(r *PlaceRequest) { r.Owner = "" }, evidence.Invalid},
		"an auditor as owner": {func(r *PlaceRequest) { r.Owner = "us_max" }, evidence.Invalid},
		"half a period":       {func(r *PlaceRequest) { r.Span.From = day0 }, evidence.Invalid},
		"an empty period":     {func(r *PlaceRequest) { r.Span = evidence.Span{From: day0, To: day0} }, evidence.Invalid},
		"a strange source":    {func(r *PlaceRequest) { r.Connection = "cn_none" }, evidence.NotFound},
	} {
		r := request()
		c.change(&r)
		if _, err := w.Place(t.Context(), w.admin, r); evidence.ErrorCode(err) != c.code {
			t.Errorf("%s: %v", what, err)
		}
	}
	if all, err := w.List(t.Context(), w.admin); err != nil || len(all) > 0 {
		t.Errorf("something is held: %v, %v", all, err)
	}
}

// TestOnlyAdministrators asks every use case as every role.
func TestOnlyAdministrators(t *testing.T) {
	w := newWorld(t)
	v, err := w.Place(t.Context(), w.admin, request())
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range people.Roles() {
		if role == people.Admin {
			continue
		}
		c := w.admin
		c.Role = role
		_, place := w.Place(t.Context(), c, request())
		_, review := w.Review(t.Context(), c, ReviewRequest{Hold: v.ID, Review: day0.AddDate(1, 0, 0), Reason: "x"})
		_, release := w.Release(t.Context(), c, v.ID, "x")
		for what, err := range map[string]error{"place": place, "review": review, "release": release} {
			if evidence.ErrorCode(err) != evidence.Forbidden {
				t.Errorf("%s may %s: %v", role, what, err)
			}
		}
		if _, err := w.List(t.Context(), c); (err == nil) != c.Has(people.ReadSettings) {
			t.Errorf("%s lists: %v", role, err)
		}
	}
}

// TestReviewDue is told when the day comes, told worse a week later, and no more once somebody looked or released it.
func TestReviewDue(t *testing.T) {
	w := newWorld(t)
	v, err := w.Place(t.Context(), w.admin, request())
	if err != nil {
		t.Fatal(err)
	}
	stages := func() (out []int64) {
		all, err := w.Concerns(t.Context(), w.admin.Workspace)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			out = append(out, c.Stage)
		}
		return out
	}
	if got := stages(); len(got) > 0 {
		t.Errorf("told at once: %v", got)
	}
	w.now = v.Hold.Review
	if got := stages(); len(got) != 1 || got[0] != 1 {
		t.Errorf("on the day: %v", got)
	}
	w.now = w.now.AddDate(0, 0, 8)
	if got := stages(); len(got) != 1 || got[0] != 2 {
		t.Errorf("after a week: %v", got)
	}
	if v, err = w.Review(t.Context(), w.admin, ReviewRequest{Hold: v.ID, Owner: "us_ada", Review: w.now.AddDate(0, 1, 0), Reason: "It goes on."}); err != nil || v.OwnerName != "Ada" || v.ReviewNote != "It goes on." {
		t.Fatalf("%+v, %v", v, err)
	}
	if got := stages(); len(got) > 0 {
		t.Errorf("after the review: %v", got)
	}
	if v, err = w.Release(t.Context(), w.admin, v.ID, "Over."); err != nil || v.Stands() {
		t.Fatalf("%+v, %v", v, err)
	}
	w.now = w.now.AddDate(1, 0, 0)
	if got := stages(); len(got) > 0 {
		t.Errorf("after its end: %v", got)
	}
	if _, err := w.Release(t.Context(), w.admin, v.ID, "Over."); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("released twice: %v", err)
	}
	if _, err := w.Review(t.Context(), w.admin, ReviewRequest{Hold: v.ID, Review: w.now.AddDate(0, 1, 0), Reason: "x"}); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("reviewed after its end: %v", err)
	}
	if _, err := w.Show(t.Context(), w.admin, "ho_none"); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("a hold that is not there: %v", err)
	}
}
