package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// rowsOf counts the rows of the list at an address.
func (s *site) rowsOf(c *http.Client, path string) int {
	s.t.Helper()
	a := s.get(c, path)
	if a.status != http.StatusOK {
		s.t.Fatalf("%s gives %d: %s", path, a.status, a.body)
	}
	return len(htmlcheck.Parse(s.t, a.body).All("table.artifacts tbody tr"))
}

// TestArtifactList holds that filters narrow the list, that every number above it leads to as many rows, and that the API
// finds the same.
func TestArtifactList(t *testing.T) {
	s := filled(t)
	must(t, func() error {
		list, err := s.build.List(t.Context(), s.ws, artifact.Filter{Recipe: "coverage"})
		must(t, err)
		return s.build.Retire(t.Context(), "Ada Okafor", s.ws, list[0].Artifact.ID, "Not needed.")
	}())
	rita := s.as(people.Reviewer)
	for path, want := range map[string]int{
		"/artifacts": 3, "/artifacts?use=all": 4, "/artifacts?use=retired": 1, "/artifacts?recipe=failed-sign-ins": 2, "/artifacts?recipe=failed-sign-ins&q=2026": 0,
		"/artifacts?from=2026-10-01&recipe=failed-sign-ins": 1, "/artifacts?result=inconclusive": 1, "/artifacts?kind=uploaded": 0, "/artifacts?control=EX-01": 2,
		"/artifacts?review=to_review": 3, "/artifacts?q=SIGN-INS+ex-01": 2, "/artifacts?source=onepassword": 3, "/artifacts?page=99": 3,
	} {
		if got := s.rowsOf(rita, path); got != want {
			t.Errorf("%s shows %d, want %d", path, got, want)
		}
		if strings.Contains(path, "page") {
			continue
		}
		v, err := url.ParseQuery(strings.TrimPrefix(path, "/artifacts?"))
		must(t, err)
		if path == "/artifacts" {
			v = url.Values{}
		}
		if v.Get("use") == "" {
			v.Set("use", "in_use")
		}
		var got apiArtifacts
		s.send(rita, "GET", "/artifacts?"+v.Encode(), "", "", &got)
		if got.Total != want || len(got.Artifacts) != want {
			t.Errorf("%s over the API gives %d", path, got.Total)
		}
	}
	figures := htmlcheck.Parse(t, s.get(rita, "/artifacts").body).All(".figures a")
	for _, f := range figures {
		n, err := strconv.Atoi(htmlcheck.Text(htmlcheck.In(t, f).One("b")))
		must(t, err)
		if got := s.rowsOf(rita, htmlcheck.Attr(f, "href")); got != n {
			t.Errorf("%s says %d and leads to %d rows", htmlcheck.Text(f), n, got)
		}
	}
	if len(figures) < 5 {
		t.Errorf("only %d numbers stand above the list", len(figures))
	}
	home := htmlcheck.Parse(t, s.get(rita, "/").body)
	home.Has("a", "Review asked: 3 artifacts")
	for _, path := range []string{"/artifacts?result=fine", "/artifacts?control=EX-999", "/artifacts?from=soon"} {
		if a := s.get(rita, path); a.status == http.StatusOK || !strings.Contains(a.body, `name="q"`) {
			t.Errorf("%s gives %d, or loses the filters", path, a.status)
		}
	}
	if a := s.get(rita, "/artifacts?q=zzz"); !strings.Contains(a.body, "No artifact meets these filters") || !strings.Contains(a.body, "Clear all filters") {
		t.Error("the empty state has no way out")
	}
	if a := s.get(rita, "/artifacts"); strings.Contains(a.body, `href="/artifacts/upload"`) {
		t.Error("a reviewer is offered to upload")
	}
}
