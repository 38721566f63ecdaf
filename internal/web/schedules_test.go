package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// TestSchedules sets one up on the page, lets the server build, fail and say so on Home, and stops it over the API.
func TestSchedules(t *testing.T) {
	s := filled(t)
	c := s.as(people.Collaborator)
	if a := s.get(c, "/artifacts/schedules"); !strings.Contains(a.body, "Nothing is scheduled") {
		t.Error("the empty state is missing")
	}
	form := url.Values{"recipe": {"secret-exposure"}, "cadence": {"quarterly"}, "settle": {"soon"}, "before": {"true"}}
	a := s.post(c, "/artifacts/schedules", form)
	p := htmlcheck.Parse(t, a.body)
	if a.status != http.StatusBadRequest || htmlcheck.Attr(p.One("#settle"), "value") != "soon" || !strings.Contains(a.body, `value="quarterly" selected`) || !strings.Contains(a.body, `value="secret-exposure" selected`) {
		t.Errorf("what was typed is lost: %d", a.status)
	}
	form.Set("settle", "1")
	form.Set("cadence", "monthly")
	if a := s.post(c, "/artifacts/schedules", form); a.status != http.StatusSeeOther {
		t.Fatalf("scheduling gives %d: %s", a.status, a.body)
	}
	must(t, s.build.BuildDue(t.Context(), s.ws, "pr_test"))
	page := s.get(c, "/artifacts/schedules").body
	for _, want := range []string{"Every month, 1 day after its end", "Next: 1 Nov", "the last artifact", "Running"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var got apiScheduleList
	s.send(c, "GET", "/schedules", "", "", &got)
	if len(got.Schedules) != 1 || got.Schedules[0].Artifact == "" || got.Schedules[0].DoneUntil == nil {
		t.Fatalf("%+v", got)
	}
	list, err := s.store.Artifacts(t.Context(), s.ws, store.ArtifactFilter{Recipe: "secret-exposure"})
	must(t, err)
	if !strings.HasSuffix(list[0].Latest.BuiltBy, " Collaborator") && !strings.Contains(page, string(list[0].ID)) {
		t.Errorf("built by %s", list[0].Latest.BuiltBy)
	}
	id := got.Schedules[0].ID
	must(t, s.store.ScheduleFailed(t.Context(), s.ws, id, s.clock(), "Two <b>gaps</b>."))
	if a := s.get(c, "/"); !strings.Contains(a.body, "A schedule fails: Reveals") || !strings.Contains(a.body, "Two &lt;b&gt;gaps") {
		t.Error("Home does not say that a schedule fails")
	}
	if a := s.get(c, "/artifacts/schedules"); !strings.Contains(a.body, "Failing") {
		t.Error("the page does not say that it fails")
	}
	if a := s.send(s.as(people.Reviewer), "POST", "/schedules/"+string(id)+"/stop", "application/json", "", nil); a.status != http.StatusForbidden {
		t.Errorf("a reviewer stops it: %d", a.status)
	}
	var stopped apiSchedule
	if a := s.send(c, "POST", "/schedules/"+string(id)+"/stop", "application/json", "", &stopped); a.status != http.StatusOK || stopped.StoppedAt == nil || stopped.NextAt != nil {
		t.Errorf("stopping gives %d: %s", a.status, a.body)
	}
	var again apiSchedule
	if a := s.send(c, "POST", "/schedules", "application/json", `{"recipe":"failed-sign-ins","cadence":"quarterly","params":{"window":"15"}}`, &again); a.status != http.StatusOK || again.Settle != 2 || again.Params["window"] != "15" {
		t.Errorf("over the API: %d %s", a.status, a.body)
	}
	if a := s.post(c, "/artifacts/schedules/"+string(again.ID)+"/stop", nil); a.status != http.StatusSeeOther {
		t.Errorf("stopping on the page gives %d", a.status)
	}
}
