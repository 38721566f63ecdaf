package web

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// hand sends a form with a file behind its fields, as a browser does.
func (s *site) hand(c *http.Client, path, name, body string, fields map[string]string) answer {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		must(s.t, w.WriteField(k, v))
	}
	part, err := w.CreateFormFile("file", name)
	must(s.t, err)
	_, err = part.Write([]byte(body))
	must(s.t, err)
	must(s.t, w.Close())
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+path, &b)
	must(s.t, err)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, req)
}

func TestUploadForm(t *testing.T) {
	s := filled(t)
	c := s.as(people.Collaborator)
	fields := map[string]string{"title": "Policy <b>", "from": "2026-01-01", "to": "2027-01-01", "effective": "2026-02-01", "reason": "It \"says\" so."}
	controls, err := s.store.Controls(t.Context(), s.ws)
	must(t, err)
	fields["target"] = "control:" + string(controls[0].ID)
	a := s.hand(c, "/artifacts/upload", "policy.pdf", strings.Repeat("<html>", 100_000), fields)
	p := htmlcheck.Parse(t, a.body)
	for id, want := range map[string]string{"#title": "Policy <b>", "#from": "2026-01-01", "#to": "2027-01-01", "#effective": "2026-02-01", "#reason": `It "says" so.`} {
		if got := htmlcheck.Attr(p.One(id), "value"); got != want {
			t.Errorf("after a refusal %s holds %q, want %q", id, got, want)
		}
	}
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "called pdf and is none") || !strings.Contains(a.body, fields["target"]+`" selected`) {
		t.Errorf("a page that is called PDF gives %d", a.status)
	}
	delete(fields, "reason")
	if a := s.hand(c, "/artifacts/upload", "policy.txt", "x", fields); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Say why") {
		t.Errorf("attached without a reason: %d", a.status)
	}
	fields["reason"] = "It says so."
	a = s.hand(c, "/artifacts/upload", "policy.txt", "Nobody shares a password.\n", fields)
	if a.status != http.StatusSeeOther {
		t.Fatalf("uploading gives %d: %s", a.status, a.body)
	}
	path := a.header.Get("Location")
	page := s.get(c, path).body
	for _, want := range []string{"Policy &lt;b&gt;", "policy.txt", "In effect since", "1 Feb 2026", controls[0].Key, "New version", "Not reviewed"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of an upload lacks %q", want)
		}
	}
	f := s.get(c, path+"/v/1/txt")
	if f.body != "Nobody shares a password.\n" || !strings.Contains(f.header.Get("Content-Security-Policy"), "sandbox") || f.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(f.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("its file comes as %q with %v", f.body, f.header)
	}
	if a := s.get(c, "/artifacts/upload?artifact="+strings.TrimPrefix(path, "/artifacts/")); a.status != http.StatusOK || !strings.Contains(a.body, "Policy &lt;b&gt;") {
		t.Errorf("the form for a new version gives %d", a.status)
	}
	if a := s.hand(c, "/artifacts/upload", "v2.txt", "Nobody shares any password.\n", map[string]string{"artifact": strings.TrimPrefix(path, "/artifacts/")}); a.status != http.StatusSeeOther || a.header.Get("Location") != path {
		t.Errorf("a new version gives %d", a.status)
	}
}

func TestUploadByAPI(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Collaborator)
	a := s.hand(c, "/api/v1/artifacts/uploads", "list.json", `{"leavers": []}`, map[string]string{"from": "2026-01-01", "to": "2026-04-01", "effective": "2026-01-15T08:00:00Z", "title": "Leavers"})
	var got apiArtifact
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	if got.Kind != evidence.Uploaded || got.Title != "Leavers" || got.Effective == nil || len(got.Files) != 1 || got.Files[0].Format != "json" {
		t.Errorf("%+v", got)
	}
	for _, x := range []struct {
		c          *http.Client
		name, body string
		want       int
	}{{c, "list.json", `{"leavers": `, http.StatusBadRequest}, {s.as(people.Viewer), "list.json", `{}`, http.StatusForbidden}} {
		if a := s.hand(x.c, "/api/v1/artifacts/uploads", x.name, x.body, map[string]string{"from": "2026-01-01", "to": "2026-04-01"}); a.status != x.want {
			t.Errorf("%q gives %d: %s", x.body, a.status, a.body)
		}
	}
}
