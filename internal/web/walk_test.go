package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/hold"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/wording"
)

// place is what stands in one place of an address.
type place struct {
	own       string // the id of a thing of the workspace, and inside of an audit one of the audit
	elsewhere string // below an audit: one of the same workspace that the audit does not hold; empty: there is no such thing
	personal  bool   // it is its maker's alone, here the administrator's
	common    bool   // it is the same in every workspace: a format, a number, a framework that comes with Exhibit
}

// places says of each place what stands there, by the address up to it without the API's prefix. A route with a place that is not
// in this table fails the walk, so that a new one is walked on purpose.
func (x roomed) places() map[string]place {
	t, ctx, me := x.t, x.t.Context(), x.caller()
	t.Helper()
	actions, err := x.store.Actions(ctx, x.ws)
	must(t, err)
	tokens, err := x.tokens.List(ctx, me)
	must(t, err)
	channels, err := x.notify.List(ctx, me)
	must(t, err)
	filters, err := x.server.cfg.Explore.Filters(ctx, me)
	must(t, err)
	exports, err := x.server.cfg.Explore.Exports(ctx, me)
	must(t, err)
	controls, err := x.store.Controls(ctx, x.ws)
	must(t, err)
	foreign := controls[slices.IndexFunc(controls, func(c evidence.Control) bool { return c.Key == "OWN-1" })].ID
	own := controls[slices.IndexFunc(controls, func(c evidence.Control) bool { return c.Key == "EX-01" })].ID
	second := x.secondRoom()
	p := map[string]place{
		"/sources/{id}": {own: "onepassword", common: true}, "/frameworks/{id}": {own: "soc2", common: true}, "/frameworks/{id}/requirements/{requirement}": {own: "CC6.1", common: true},
		"/log/tiles/{path...}": {own: "checkpoint", common: true},
		"/connections/{id}":    {own: string(x.first.ID)}, "/events/{ref}": {own: "1.0"}, "/event-bytes/{ref}": {own: "1.0"},
		"/events/filters/{id}": {own: string(filters[0].ID)}, "/filters/{id}": {own: string(filters[0].ID)}, "/exports/{id}": {own: string(exports[0].ID), personal: true}, "/events/exports/{id}": {own: string(exports[0].ID), personal: true},
		"/artifacts/{id}": {own: string(x.inside)}, "/actions/{id}": {own: string(actions[0].ID)}, "/controls/{id}": {own: string(own)},
		"/members/{id}": {own: string(x.admin.ID)}, "/settings/people/{id}": {own: string(x.admin.ID)},
		"/notifications/{id}": {own: string(channels[0].ID)}, "/settings/notifications/{id}": {own: string(channels[0].ID)},
		"/api-tokens/{id}": {own: string(tokens[0].ID)}, "/settings/api-tokens/{id}": {own: string(tokens[0].ID)},
		"/audits/{id}": {own: string(x.spring.ID), elsewhere: string(x.other.ID)}, "/audits/{id}/artifacts/{artifact}": {own: string(x.inside), elsewhere: string(x.outside)},
		"/audits/{id}/controls/{control}": {own: string(own), elsewhere: string(foreign)}, "/audits/{id}/samples/{sample}": {own: string(x.drawn.ID), elsewhere: string(second.drawn)},
		"/audits/{id}/requests/{request}": {own: string(x.asked.ID), elsewhere: string(second.asked)}, "/audits/{id}/auditors/{member}": {own: string(x.auditor.Member)},
		"/audits/{id}/samples/{sample}/members/{rank}": {own: "1", elsewhere: "9999", common: true}, "/audits/{id}/artifacts/{artifact}/events/{uuid}": {own: x.counted(), elsewhere: "LATEAUDITEVENT000000000001"},
	}
	schedule, err := x.build.Schedule(ctx, "test", x.ws, artifact.ScheduleRequest{Recipe: "failed-sign-ins", Cadence: evidence.Monthly})
	must(t, err)
	p["/schedules/{id}"], p["/artifacts/schedules/{id}"] = place{own: string(schedule.ID)}, place{own: string(schedule.ID)}
	wordings, err := x.server.cfg.Program.Wording(ctx, x.ws, "")
	must(t, err)
	p["/wording/{id}"], p["/wording/causes/{id}"] = place{own: wordings[0].ID}, place{own: wording.Grouped(wordings)[0].ID}
	held, err := x.legal.Place(ctx, me, hold.PlaceRequest{Owner: "ada@example.com", Code: evidence.HoldAudit, Reason: "until the audit is over", Review: noon.AddDate(0, 6, 0)})
	must(t, err)
	p["/holds/{id}"], p["/settings/holds/{id}"] = place{own: string(held.ID)}, place{own: string(held.ID)}
	p["/settings/account/passkeys/{passkey}"] = place{own: "a-passkey"}
	for _, at := range []string{"/sessions/{session}", "/settings/account/sessions/{session}", "/members/{id}/sessions/{session}", "/settings/people/{id}/sessions/{session}"} {
		p[at] = place{own: x.someSession()}
	}
	for _, at := range []string{"/artifacts/{id}/v", "/artifacts/{id}/versions", "/audits/{id}/artifacts/{artifact}/v", "/audits/{id}/artifacts/{artifact}/versions"} {
		p[at+"/{version}"], p[at+"/{version}/{format}"] = place{own: "1", common: true}, place{own: "csv", common: true}
	}
	p["/audits/{id}/samples/{sample}/sheet/{format}"] = place{own: "csv", common: true}
	return p
}

// someSession gives the id of a session of the administrator.
func (s *site) someSession() string {
	s.as(people.Admin)
	list, err := s.store.SessionsOf(s.t.Context(), s.ws, s.admin.ID)
	must(s.t, err)
	return list[0].ID
}

// counted gives the uuid of an event that the artifact inside counts.
func (x roomed) counted() string {
	c, err := x.rooms.Events(x.t.Context(), x.caller(), string(x.spring.ID), x.inside, nil)
	must(x.t, err)
	return c.Events[0].UUID
}

// inSecond is what lies in the other audit's room.
type inSecond struct{ drawn, asked evidence.ID }

// secondRoom fills the other audit's room by another auditor.
func (x roomed) secondRoom() inSecond {
	x.t.Helper()
	ctx := x.t.Context()
	in, err := x.rooms.InviteAuditor(ctx, x.caller(), string(x.other.ID), "Nora Berg", "nora@audit.example")
	must(x.t, err)
	nora := people.Caller{Member: in.Member.ID, Workspace: x.ws, Name: "Nora Berg", Role: people.Auditor}
	d, err := x.rooms.Sample(ctx, nora, string(x.other.ID), "signinattempts", "x", 3)
	must(x.t, err)
	r, err := x.rooms.Ask(ctx, nora, string(x.other.ID), audit.About{}, "Of the other audit.", time.Time{})
	must(x.t, err)
	return inSecond{d.ID, r.ID}
}

// walked is one route or operation.
type walked struct {
	method, path string // with its places
	needs        people.Permission
	body         string // of an operation that changes something, as its schema asks for
}

// unended is what the walk leaves out: it does not end by itself, and TestLiveIsGuarded asks it.
var unended = []string{"GET " + livePath}

// needALink are pages that are reached by a link made before, and not found without it.
var needALink = []string{"GET /connect/approve", "GET /frameworks/import"}

// bodies are those of operations whose schema does not say all that they ask for.
var bodies = map[string]string{
	"POST /api/v1/members/{id}/role":                `{"role":"viewer"}`,
	"POST /api/v1/artifacts/{id}/detach":            `{"control":"EX-01","reason":"words"}`,
	"POST /api/v1/artifacts/{id}/proposals/decline": `{"control":"EX-01","reason":"words"}`,
}

// every gives all routes and operations, as the router has them.
func (s *site) every() []walked {
	var out []walked
	for _, r := range s.server.routes() {
		if method, path, ok := strings.Cut(r.pattern, " "); ok && r.needs != open && !slices.Contains(unended, r.pattern) {
			out = append(out, walked{method: method, path: strings.ReplaceAll(path, "{$}", ""), needs: r.needs})
		}
	}
	doc := s.server.mountAPI(http.NewServeMux()).OpenAPI()
	for _, op := range s.operations() {
		w := walked{method: op.method, path: op.path, needs: op.needs}
		if body := op.doc.RequestBody; body != nil {
			for _, media := range body.Content {
				text, err := json.Marshal(least(doc.Components.Schemas, media.Schema))
				must(s.t, err)
				w.body = string(text)
			}
		}
		if body, ok := bodies[w.method+" "+w.path]; ok {
			w.body = body
		}
		out = append(out, w)
	}
	return out
}

// least gives the smallest value that a schema accepts.
func least(all huma.Registry, s *huma.Schema) any {
	if s.Ref != "" {
		s = all.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Examples) > 0:
		return s.Examples[0]
	}
	switch s.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for _, name := range s.Required {
			out[name] = least(all, s.Properties[name])
		}
		return out
	case huma.TypeArray:
		return []any{}
	case huma.TypeInteger, huma.TypeNumber:
		return 1
	case huma.TypeBoolean:
		return true
	}
	if s.Format == "date-time" {
		return noon.Format(time.RFC3339)
	}
	return "words"
}

var placeInPath = regexp.MustCompile(`\{[^}]+\}`)

// filled writes an address with its places filled; but says which of them holds a thing from elsewhere, -1 for none.
func (w walked) filled(t *testing.T, places map[string]place, but int) (path string, owned int, ok bool) {
	plain := strings.TrimPrefix(w.path, apiPrefix)
	var b strings.Builder
	last := 0
	for i, at := range placeInPath.FindAllStringIndex(plain, -1) {
		p, known := places[plain[:at[1]]]
		if !known {
			t.Errorf("%s %s has no row in the table of places for %s", w.method, w.path, plain[:at[1]])
			return "", 0, false
		}
		if !p.common {
			owned++
		}
		value := p.own
		if i == but {
			if p.elsewhere == "" {
				return "", owned, false
			}
			value = p.elsewhere
		}
		b.WriteString(plain[last:at[0]])
		b.WriteString(url.PathEscape(value))
		last = at[1]
	}
	return strings.TrimSuffix(w.path, plain) + b.String() + plain[last:], owned, true
}

// personal reports whether a route is about something that is its maker's alone.
func (w walked) personal(places map[string]place) bool {
	for at, p := range places {
		if p.personal && strings.HasPrefix(strings.TrimPrefix(w.path, apiPrefix), at) {
			return true
		}
	}
	return false
}

func (s *site) walk(c *http.Client, w walked, path string) answer {
	s.t.Helper()
	body, media := w.body, "application/json"
	if !strings.HasPrefix(path, "/api/") {
		body, media = anyForm.Encode(), "application/x-www-form-urlencoded"
	}
	if w.method == http.MethodGet {
		body = ""
	}
	req, err := http.NewRequestWithContext(s.t.Context(), w.method, s.URL+path, strings.NewReader(body))
	must(s.t, err)
	req.Header.Set("Content-Type", media)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, req)
}

// anyForm fills every form well enough that what is asked next is what it is about.
var anyForm = url.Values{"text": {"words"}, "reason": {"words"}, "name": {"Words"}, "title": {"Words"}, "email": {"new@example.com"}, "role": {"viewer"}, "strength": {"partial"}, "target": {"control:none"}, "rank": {"1"},
	"size": {"3"}, "seed": {"x"}, "stream": {"signinattempts"}, "scope": {"all"}, "verdict": {"approved"}, "version": {"1"}, "attachment": {"none"}, "kind": {"email"}, "revision": {"0"}, "range": {"7d"},
	"add": {"soc2 CC6.1"}, "framework": {"soc2"}, "requirement": {"CC6.1"}, "comment": {"words"}, "decision": {"accept"}, "to": {"words@example.com"}, "owner": {""}, "due": {"2026-12-01"}, "review": {"2027-01-01"}}

// canaries are words of the first workspace that nobody of another may ever be answered with.
var canaries = []string{"Northwind", "Ada Okafor", "ada@example.com", "SOC 2 Type II, autumn", "Max Lund", "Who looks at failed sign-ins", "Grafana"}

// TestWalk asks every route of the router as every role: of this workspace, of another with the ids of this one, and as an auditor with
// the ids of an audit that is not his. Who lacks the permission is forbidden; what is not his is not found; no answer holds a word of it.
func TestWalk(t *testing.T) {
	x := filled(t).fillRooms()
	x.fillExplored()
	places, every := x.places(), x.every()
	t.Run("reading writes nothing", func(t *testing.T) { x.walkReading(t, places, every) })
	t.Run("own workspace", func(t *testing.T) { x.walkOwn(t, places, every) })
	t.Run("other workspace", func(t *testing.T) { x.walkOther(t, places, every) })
	t.Run("other audit", func(t *testing.T) { x.walkAudits(t, places, every) })
}

// TestRoutesTable holds a second time what each page needs, so that nobody opens one by accident; that of operations stands in
// docs/openapi.json. go test -run TestRoutesTable -update writes it anew.
func TestRoutesTable(t *testing.T) {
	s := newSite(t)
	var b strings.Builder
	for _, r := range s.server.routes() {
		needs := string(r.needs)
		if r.needs == open {
			needs = "nothing"
		}
		b.WriteString(r.pattern + " needs " + needs + "\n")
	}
	path := filepath.Join("testdata", "routes.txt")
	if *update {
		must(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("testdata/routes.txt says otherwise (-want +got):\n%s", diff)
	}
}

// walkOwn holds that a role without the permission is forbidden, and that one with it may look.
func (x roomed) walkOwn(t *testing.T, places map[string]place, every []walked) {
	for _, role := range people.Roles() {
		c := x.as(role)
		if role == people.Auditor {
			c = x.max()
		}
		for _, w := range every {
			path, _, ok := w.filled(t, places, -1)
			granted := slices.Contains(role.Grants(), w.needs)
			if !ok || granted && (w.method != http.MethodGet || slices.Contains(needALink, w.method+" "+w.path) || role != people.Admin && w.personal(places)) { // what somebody may change is changed by other tests
				continue
			}
			got := x.walk(c, w, path)
			switch {
			case !granted && got.status != http.StatusForbidden:
				t.Errorf("%s: %s %s gives %d and should be forbidden", role, w.method, w.path, got.status)
			case granted && (got.status >= 500 || slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, got.status)):
				t.Errorf("%s: %s %s gives %d and should be answered: %.300s", role, w.method, w.path, got.status, got.body)
			}
		}
	}
}

// walkOther holds that a member of another workspace finds nothing of this one, whatever he may do in his own.
func (x roomed) walkOther(t *testing.T, places map[string]place, every []walked) {
	own, ada := x.ws, x.admin
	var err error
	x.ws, err = x.store.EnsureWorkspace(t.Context(), "Southwind")
	must(t, err)
	x.admin, err = x.signIn.AddMember(t.Context(), "test", x.ws, "Eve", "eve@example.com")
	must(t, err)
	_, err = program.New(x.store, x.clock).Seed(t.Context(), "test", x.ws, "soc2")
	must(t, err)
	defer func() { x.ws, x.admin = own, ada }()
	for _, role := range people.Roles() {
		c := x.as(role)
		for _, w := range every {
			path, owned, ok := w.filled(t, places, -1)
			if !ok || owned == 0 && w.method != http.MethodGet { // it is about his own workspace
				continue
			}
			got := x.walk(c, w, path)
			granted := slices.Contains(role.Grants(), w.needs)
			switch {
			case !granted && got.status != http.StatusForbidden:
				t.Errorf("%s of another workspace: %s %s gives %d and should be forbidden", role, w.method, w.path, got.status)
			case granted && owned > 0 && got.status != http.StatusNotFound:
				t.Errorf("%s of another workspace: %s %s gives %d and should not be found: %.200s", role, w.method, w.path, got.status, words(got.body))
			}
			for _, bird := range canaries {
				if strings.Contains(got.body, bird) {
					t.Errorf("%s of another workspace: %s %s tells %q", role, w.method, w.path, bird)
				}
			}
		}
	}
}

// words cuts a page to what it says.
func words(body string) string {
	_, main, ok := strings.Cut(body, "<main")
	if !ok {
		main = body
	}
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(main, " ")), " ")
}

// walkAudits holds that an auditor finds nothing of an audit that he was not let into, and in his own nothing that it does not hold.
func (x roomed) walkAudits(t *testing.T, places map[string]place, every []walked) {
	c, n := x.max(), 0
	for _, w := range every {
		if !strings.HasPrefix(strings.TrimPrefix(w.path, apiPrefix), "/audits/{id}") || !slices.Contains(people.Auditor.Grants(), w.needs) {
			continue
		}
		for i := range placeInPath.FindAllString(w.path, -1) {
			path, _, ok := w.filled(t, places, i)
			if !ok {
				continue
			}
			n++
			got := x.walk(c, w, path)
			if got.status != http.StatusNotFound {
				t.Errorf("%s %s gives the auditor %d and should not be found: %.200s", w.method, path, got.status, words(got.body))
			}
			for _, bird := range []string{"House audit", "Of the other audit."} {
				if strings.Contains(got.body, bird) {
					t.Errorf("%s %s tells the auditor %q", w.method, path, bird)
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d addresses of other audits were asked", n)
	}
}
