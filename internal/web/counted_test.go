package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// TestCountsLeadToWhatTheyCount builds an artifact of every recipe, follows each of its counts, and holds that what is shown there is as
// much as was counted.
func TestCountsLeadToWhatTheyCount(t *testing.T) {
	s := filled(t)
	c := s.as(people.Admin)
	span := evidence.Span{From: time.Date(2026, 9, 5, 7, 30, 0, 0, time.UTC), To: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	all, followed := recipe.All(), 0
	for _, r := range all {
		b := artifact.BuildRequest{Recipe: r.ID, Span: span}
		if r.ID == recipe.SelectedEvents {
			b.Params = map[string]string{recipe.ParamWhere: "result=failed,blocked"}
		}
		v, err := s.build.Build(t.Context(), "Ada Okafor", s.ws, b)
		must(t, err)
		page := htmlcheck.Parse(t, s.get(c, "/artifacts/"+string(v.Artifact.ID)).body)
		rows := page.All(".reckon tr")
		if len(rows) < 8 {
			t.Errorf("%s: only %d counts are shown", r.ID, len(rows))
		}
		for _, tr := range rows {
			row := htmlcheck.In(t, tr)
			name, number := htmlcheck.Text(row.One("th")), strings.Trim(htmlcheck.Text(row.One("td")), "−= ")
			links := row.All("a")
			if number == "0" {
				continue
			}
			if len(links) != 1 {
				t.Errorf("%s: %q says %s and leads nowhere", r.ID, name, number)
				continue
			}
			followed++
			at := htmlcheck.Attr(links[0], "href")
			a := s.get(c, at)
			if a.status != http.StatusOK {
				t.Errorf("%s: %q leads to %s, which gives %d", r.ID, name, at, a.status)
				continue
			}
			there := htmlcheck.Parse(t, a.body)
			if got := htmlcheck.Text(there.One(".chart-head b")); got != number {
				t.Errorf("%s: %q says %s and leads to %s, which shows %s", r.ID, name, number, at, got)
			}
		}
	}
	if len(all) < 27 || followed < 150 {
		t.Errorf("only %d counts of %d recipes were followed", followed, len(all))
	}
	for at, want := range map[string]int{"/pages?artifact=ar_none": http.StatusNotFound, "/pages?range=nonsense": http.StatusBadRequest, "/pages?after=-5": http.StatusOK, "/pages?range=30d&stream=signinattempts": http.StatusOK} {
		if a := s.get(c, at); a.status != want {
			t.Errorf("%s gives %d", at, a.status)
		}
	}
}
