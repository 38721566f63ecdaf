package web

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// roomed is what a test of rooms stands on: two audits, an auditor in the first of them, and what he can and cannot see.
type roomed struct {
	*site
	spring, other store.Audit
	auditor       people.Caller
	drawn         audit.Drawn
	asked         store.AuditRequest
	inside        evidence.ID // an artifact of the first
	outside       evidence.ID // one that is attached to its controls and of another time
}

// fillRooms makes two audits: the first of October and November, the second of September and of few controls.
func (s *site) fillRooms() roomed {
	s.t.Helper()
	ctx, me := s.t.Context(), s.caller()
	month := func(m time.Month) time.Time { return time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC) }
	x := roomed{site: s}
	var err error
	x.spring, err = s.rooms.Create(ctx, me, audit.CreateRequest{Name: "SOC 2 Type II, autumn", Framework: "soc2", Period: evidence.Span{From: month(10), To: month(12)}})
	must(s.t, err)
	controls, err := s.store.Controls(ctx, s.ws)
	must(s.t, err)
	x.other, err = s.rooms.Create(ctx, me, audit.CreateRequest{Name: "House audit", Framework: "soc2", Period: evidence.Span{From: month(9), To: month(10)}, Controls: []evidence.ID{controls[0].ID}})
	must(s.t, err)
	in, err := s.rooms.InviteAuditor(ctx, me, string(x.spring.ID), "Max Lund", "max@audit.example")
	must(s.t, err)
	x.auditor = people.Caller{Member: in.Member.ID, Workspace: s.ws, Name: "Max Lund", Email: "max@audit.example", Role: people.Auditor}
	room, err := s.rooms.Room(ctx, me, string(x.spring.ID), "")
	must(s.t, err)
	artifacts, err := s.store.Artifacts(ctx, s.ws, store.ArtifactFilter{Recipe: "failed-sign-ins"})
	must(s.t, err)
	for _, a := range artifacts {
		if _, err := room.Holds(a.ID); err == nil {
			x.inside = a.ID
		} else {
			x.outside = a.ID
		}
	}
	x.drawn, err = s.rooms.Sample(ctx, x.auditor, string(x.spring.ID), "signinattempts result=failed", "spring rain", 12)
	must(s.t, err)
	_, err = s.rooms.Replace(ctx, x.auditor, string(x.spring.ID), x.drawn.ID, 3, "The person left before the period began.")
	must(s.t, err)
	part := room.Parts[0]
	x.asked, err = s.rooms.Ask(ctx, x.auditor, string(x.spring.ID), audit.About{Control: part.Control.Key}, "Who looks at failed sign-ins, and where is it written down that somebody did?", noon.Add(5*day))
	must(s.t, err)
	second, err := s.rooms.Ask(ctx, x.auditor, string(x.spring.ID), audit.About{Artifact: x.inside}, "Why is the count of 12 October so high?", time.Time{})
	must(s.t, err)
	must(s.t, s.rooms.Answer(ctx, me, string(x.spring.ID), second.ID, "A laptop with an old password tried for two hours. The artifact lists each attempt.", x.inside))
	_, err = s.rooms.Note(ctx, x.auditor, string(x.spring.ID), audit.About{Control: part.Control.Key}, "Compare with the ticket list before closing.")
	must(s.t, err)
	return x
}

// max signs the auditor in.
func (x roomed) max() *http.Client {
	x.t.Helper()
	link, err := x.signIn.NewLink(x.t.Context(), "test", x.ws, x.auditor.Member)
	must(x.t, err)
	c := x.client()
	if a := x.post(c, "/sign-in", url.Values{"link": {strings.TrimPrefix(link.Path, signin.PathPrefix)}}); a.status != http.StatusSeeOther {
		x.t.Fatalf("signing the auditor in gives %d", a.status)
	}
	return c
}

func (x roomed) at(more string) string { return "/audits/" + string(x.spring.ID) + more }

// TestRoomInTheBrowser walks through a room as its auditor and as an administrator.
func TestRoomInTheBrowser(t *testing.T) {
	x := filled(t).fillRooms()
	admin, max := x.as(people.Admin), x.max()
	if a := x.get(max, "/"); a.header.Get("Location") != "/audits" {
		t.Errorf("the auditor's front page leads to %q", a.header.Get("Location"))
	}
	if a := x.get(max, "/find?q=ada@example.com"); a.header.Get("Location") != "/audits" {
		t.Errorf("what the auditor looks for leads to %q", a.header.Get("Location"))
	}
	p := htmlcheck.Parse(t, x.get(max, "/audits").body)
	p.Has(".card", "SOC 2 Type II, autumn")
	p.Lacks(".card", "House audit")
	p.Lacks(".rail", "Settings")
	p = htmlcheck.Parse(t, x.get(max, x.at("")).body)
	p.Has("table.parts", "Read whole")
	p.Has("table.parts", "Not reviewed")
	p.Lacks("main", "% compliant")
	p = htmlcheck.Parse(t, x.get(max, x.at("/artifacts/"+string(x.inside))).body)
	p.Has("h2", "What it does not show")
	if a := x.get(max, x.at("/artifacts/"+string(x.outside))); a.status != http.StatusNotFound {
		t.Errorf("an artifact of another time gives %d", a.status)
	}
	p = htmlcheck.Parse(t, x.get(max, x.at("/artifacts/"+string(x.inside)+"/events")).body)
	events := p.All("a.go")
	if len(events) == 0 {
		t.Fatal("the artifact counts no events")
	}
	htmlcheck.Parse(t, x.get(max, htmlcheck.Attr(events[0], "href")).body).Has("pre", "uuid")
	p = htmlcheck.Parse(t, x.get(max, x.at("/samples/"+string(x.drawn.ID))).body)
	if n := len(p.All("table a.go")); n != 12 {
		t.Errorf("the sample has %d members", n)
	}
	p.Has("section", "The person left before the period began.")
	p.Has("pre", "exhibit audits sample bundle.zip --bundle --population 'signinattempts result=failed' --seed 'spring rain' --size 12")
	htmlcheck.Parse(t, x.get(max, htmlcheck.Attr(p.All("table a.go")[0], "href")).body).Has("pre", "uuid")
	for form, begins := range map[string]string{"csv": "rank,", "xlsx": "PK"} {
		if a := x.get(max, x.at("/samples/"+string(x.drawn.ID)+"/sheet/"+form)); a.status != http.StatusOK || !strings.HasPrefix(a.body, begins) {
			t.Errorf("the sheet as %s gives %d", form, a.status)
		}
	}
	htmlcheck.Parse(t, x.get(max, x.at("/requests")).body).Has("article", "Ask again or close")
	htmlcheck.Parse(t, x.get(max, x.at("/notes")).body).Has("main", "Compare with the ticket list")
	if body := x.get(admin, x.at("/requests")).body; strings.Contains(body, "Compare with the ticket list") {
		t.Error("the company sees a note of the auditor")
	}
	if a := x.get(admin, x.at("/notes")); a.status != http.StatusForbidden {
		t.Errorf("notes give the administrator %d", a.status)
	}
	x.saysInTurn(admin, max)
	p = htmlcheck.Parse(t, x.get(admin, x.at("/people")).body)
	for _, want := range []string{"overview", "artifact " + string(x.inside), "sheet of sample", "requests", "events of artifact", "member 1 of sample"} {
		p.Has("tr", want)
	}
	if a := x.get(max, x.at("/people")); a.status != http.StatusForbidden {
		t.Errorf("the trail gives the auditor %d", a.status)
	}
	must(t, x.rooms.LetOut(t.Context(), x.caller(), string(x.spring.ID), x.auditor.Member))
	if a := x.get(max, x.at("")); a.status != http.StatusNotFound {
		t.Errorf("let out, the room gives %d", a.status)
	}
}

// saysInTurn answers, asks again, answers and closes.
func (x roomed) saysInTurn(admin, max *http.Client) {
	x.t.Helper()
	at := x.at("/requests/" + string(x.asked.ID))
	if a := x.post(admin, at+"/answer", url.Values{"text": {"See it"}, "artifact": {string(x.outside)}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "cannot see that artifact") || !strings.Contains(a.body, "See it") {
		x.t.Errorf("pointing outside gives %d", a.status)
	}
	for _, step := range []struct {
		who        *http.Client
		path, text string
		status     int
	}{
		{max, "/answer", "no", http.StatusForbidden}, {admin, "/close", "", http.StatusForbidden},
		{admin, "/answer", "Every Monday; the ticket is in the artifact.", http.StatusSeeOther}, {max, "/follow", "", http.StatusBadRequest},
		{max, "/follow", "And in the week of 12 October?", http.StatusSeeOther}, {admin, "/answer", "Also then.", http.StatusSeeOther},
		{max, "/close", "", http.StatusSeeOther}, {admin, "/answer", "Too late.", http.StatusConflict},
	} {
		if a := x.post(step.who, at+step.path, url.Values{"text": {step.text}}); a.status != step.status {
			x.t.Errorf("%s %q gives %d, want %d", step.path, step.text, a.status, step.status)
		}
	}
	htmlcheck.Parse(x.t, x.get(max, x.at("/requests")).body).Has("article", "closed it")
}

// TestBundleIsStreamed holds that the download is a whole bundle whose leaf is in the log.
func TestBundleIsStreamed(t *testing.T) {
	x := filled(t).fillRooms()
	max := x.max()
	a := x.post(max, x.at("/bundle"), nil)
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Disposition"), `attachment; filename="evidence_soc2_2026-10-01_`) {
		t.Fatalf("the bundle gives %d and %q", a.status, a.header.Get("Content-Disposition"))
	}
	z, err := zip.NewReader(bytes.NewReader([]byte(a.body)), int64(len(a.body)))
	must(t, err)
	names := map[string]bool{}
	for _, f := range z.File {
		names[path.Base(f.Name)] = true
		if strings.Contains(f.Name, string(x.outside)) {
			t.Errorf("the bundle holds %s, which is of another time", f.Name)
		}
	}
	for _, want := range []string{"readme.html", "index.csv", "manifest.json"} {
		if !names[want] {
			t.Errorf("the bundle has no %s", want)
		}
	}
	htmlcheck.Parse(t, x.get(max, x.at("/bundle")).body).Has("td", "Max Lund")
	if got := x.post(max, "/audits/"+string(x.other.ID)+"/bundle", nil).status; got != http.StatusNotFound {
		t.Errorf("the bundle of another audit gives %d", got)
	}
}

// TestMakingAnAudit makes one in the browser's way, and keeps what was typed when it is refused.
func TestMakingAnAudit(t *testing.T) {
	s := filled(t)
	c := s.as(people.Admin)
	htmlcheck.Parse(t, s.get(c, "/audits").body).Has("h2", "No audits yet")
	form := url.Values{"name": {"Autumn"}, "framework": {"soc2"}, "from": {"2026-10-01"}, "to": {"2026-09-01"}, "scope": {"all"}}
	a := s.post(c, "/audits", form)
	if p := htmlcheck.Parse(t, a.body); a.status != http.StatusBadRequest || htmlcheck.Attr(p.One("#name"), "value") != "Autumn" {
		t.Errorf("a period that ends before it begins gives %d", a.status)
	}
	form.Set("to", "2026-10-31")
	form.Set("scope", "chosen")
	if a := s.post(c, "/audits", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Tick at least one control") {
		t.Errorf("no control gives %d", a.status)
	}
	form.Set("scope", "all")
	a = s.post(c, "/audits", form)
	if a.status != http.StatusSeeOther {
		t.Fatalf("making an audit gives %d: %s", a.status, a.body)
	}
	at, _, _ := strings.Cut(a.header.Get("Location"), "?")
	htmlcheck.Parse(t, s.get(c, at).body).Has("main", "1 Oct to 31 Oct 2026")
	if a := s.post(c, at+"/scope", url.Values{"scope": {"chosen"}, "control": {"co_none"}}); a.status != http.StatusNotFound {
		t.Errorf("a control that is not there gives %d", a.status)
	}
	if a := s.post(c, at+"/samples", url.Values{"stream": {"signinattempts"}, "where": {"person=ada"}, "seed": {"x"}, "size": {"3"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "cannot be narrowed by") {
		t.Errorf("a population by person gives %d", a.status)
	}
}
