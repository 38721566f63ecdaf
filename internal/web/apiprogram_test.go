package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

// send asks the API with a body as a browser's script of our own site would.
func (s *site) send(c *http.Client, method, path, media, body string, into any) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+"/api/v1"+path, strings.NewReader(body))
	must(s.t, err)
	req.Header.Set("Content-Type", media)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	a := s.do(c, req)
	if into != nil {
		if err := json.Unmarshal([]byte(a.body), into); err != nil {
			s.t.Fatalf("%s %s gives %d: %s", method, path, a.status, a.body)
		}
	}
	return a
}

// TestProgramAPI goes through everything that a program can do with controls and frameworks.
func TestProgramAPI(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	const jsonType, raw = "application/json", "application/octet-stream"
	var loading apiLoading
	if a := s.send(c, "POST", "/frameworks?id=own&name=Own", raw, "id,title\n1,A\n2,B\n", &loading); a.status != 200 || loading.Revision != 0 || len(loading.Added) != 2 {
		t.Errorf("a preview: %d %+v", a.status, loading)
	}
	if a := s.send(c, "POST", "/frameworks?id=own&name=Own&accept=true&file=own.csv", raw, "id,title\n1,A\n2,B\n", &loading); a.status != 200 || loading.Revision != 1 {
		t.Errorf("loading: %d %+v", a.status, loading)
	}
	var control apiControl
	if a := s.send(c, "POST", "/controls", jsonType, `{"name":"Ours","requirements":[{"framework":"own","id":"2"},{"framework":"soc2","id":"CC6.1"}]}`, &control); a.status != 200 || control.Key != "C-01" || len(control.Requirements) != 2 {
		t.Errorf("making: %d %s", a.status, a.body)
	}
	if a := s.send(c, "PATCH", "/controls/C-01", jsonType, `{"owner":"Marek","revision":1}`, &control); a.status != 200 || control.Owner != "Marek" || control.Name != "Ours" || control.Revision != 2 {
		t.Errorf("changing: %d %s", a.status, a.body)
	}
	for name, bad := range map[string]struct {
		method, path, body string
		status             int
	}{
		"an old revision":      {"PATCH", "/controls/C-01", `{"owner":"x","revision":1}`, 409},
		"an unknown control":   {"PATCH", "/controls/C-99", `{"owner":"x"}`, 404},
		"an unknown id":        {"POST", "/controls", `{"name":"x","requirements":[{"framework":"soc2","id":"x"}]}`, 400},
		"no reason":            {"POST", "/controls/C-01/retire", `{"reason":" "}`, 400},
		"an unknown framework": {"POST", "/proposal", `{"frameworks":["x"],"items":[]}`, 404},
		"an unknown item":      {"POST", "/proposal", `{"frameworks":["hipaa"],"items":["control:x"]}`, 409},
		"an unknown industry":  {"PUT", "/profile", `{"industry":"mining","size":"","systems":[]}`, 400},
	} {
		if a := s.send(c, bad.method, bad.path, jsonType, bad.body, nil); a.status != bad.status || !strings.Contains(a.header.Get("Content-Type"), "problem+json") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := s.send(c, "POST", "/frameworks?id=own&accept=true", raw, "id,title\n1,\n", nil); a.status != 400 || !strings.Contains(a.body, "Line 2") {
		t.Errorf("a bad file: %d %s", a.status, a.body)
	}
	if a := s.send(c, "POST", "/frameworks?id=own&accept=true&name=Own", raw, "id,title\n1,A\n", &loading); a.status != 200 || len(loading.Orphaned) != 1 {
		t.Errorf("a new version: %d %s", a.status, a.body)
	}
	var in apiControl
	if a := s.send(c, "GET", "/controls/C-01", "", "", &in); a.status != 200 || len(in.History) != 2 || len(in.Findings) == 0 || in.Findings[0].Code != program.UnknownRequirement {
		t.Errorf("one control: %d %s", a.status, a.body)
	}
	if a := s.send(c, "PUT", "/profile", jsonType, `{"industry":"health","size":"1-49","systems":["health-data"]}`, nil); a.status != 200 {
		t.Errorf("the profile: %d %s", a.status, a.body)
	}
	var proposal apiProposal
	s.send(c, "GET", "/proposal?framework=hipaa,soc2", "", "", &proposal)
	var adoption apiAdoption
	if a := s.send(c, "POST", "/proposal", jsonType, `{"frameworks":["hipaa"],"items":["control:EX-17","action:EX-17-A1"]}`, &adoption); a.status != 200 || adoption.Controls != 1 || adoption.Actions != 1 || len(proposal.Items) < 20 {
		t.Errorf("adopting: %d %s, %d items", a.status, a.body, len(proposal.Items))
	}
	var one apiFramework
	if s.send(c, "GET", "/frameworks/hipaa", "", "", &one); one.InUse == nil || len(one.Requirements) != one.Count {
		t.Errorf("one framework: %+v", one.InUse)
	}
	var matrix program.MatrixDocument
	if s.send(c, "GET", "/frameworks/hipaa/matrix?by=controls&from=2026-09&to=2026-11", "", "", &matrix); len(matrix.Rows) != 1 || len(matrix.Rows[0].Months) != 3 {
		t.Errorf("the matrix: %+v", matrix)
	}
	s.send(c, "POST", "/controls/C-01/retire", jsonType, `{"reason":"gone"}`, nil)
	var list apiControls
	if s.send(c, "GET", "/controls", "", "", &list); len(list.Controls) != 1 {
		t.Errorf("%d controls in use", len(list.Controls))
	}
	if s.send(c, "GET", "/controls?retired=true", "", "", &list); len(list.Controls) != 2 {
		t.Errorf("%d controls in all", len(list.Controls))
	}
}

// TestProgramAPIIsGuarded holds that nobody changes anything without the permission, nor from another site.
func TestProgramAPIIsGuarded(t *testing.T) {
	s := newSite(t)
	reviewer, admin := s.as(people.Reviewer), s.as(people.Admin)
	for path, item := range s.server.mountAPI(http.NewServeMux()).OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			if op.Method == http.MethodGet || op.Extensions[needsKey] != string(people.ManageControls) {
				continue
			}
			at := strings.ReplaceAll(strings.TrimPrefix(path, apiPrefix), "{id}", "none")
			if a := s.send(reviewer, op.Method, at, "application/json", "{}", nil); a.status != http.StatusForbidden {
				t.Errorf("a reviewer: %s %s gives %d", op.Method, at, a.status)
			}
			if a := s.send(s.client(), op.Method, at, "application/json", "{}", nil); a.status != http.StatusUnauthorized {
				t.Errorf("nobody: %s %s gives %d", op.Method, at, a.status)
			}
			req, err := http.NewRequestWithContext(t.Context(), op.Method, s.URL+apiPrefix+at, strings.NewReader("{}"))
			must(t, err)
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			req.Header.Set("Origin", "https://evil.example.com")
			if a := s.do(admin, req); a.status != http.StatusForbidden {
				t.Errorf("another site: %s %s gives %d", op.Method, at, a.status)
			}
		}
	}
	token := s.token("build")
	if a := s.ask(token, http.MethodPost, "/api/v1/controls", `{"name":"Ours"}`); a.status != http.StatusOK {
		t.Errorf("a token made for it: %d %s", a.status, a.body)
	}
	if a := s.ask(s.token("read"), http.MethodPost, "/api/v1/controls", `{"name":"Ours"}`); a.status != http.StatusForbidden {
		t.Errorf("a token for reading: %d", a.status)
	}
}
