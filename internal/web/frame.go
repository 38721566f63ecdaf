package web

import (
	"net/http"

	"github.com/a-h/templ"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// lowGroup names the entries at the foot of the rail.
const lowGroup = "low"

// entries are the pages of the rail, each with what one needs to see it.
func entries() []struct {
	group string
	needs people.Permission
	ui.Entry
} {
	return []struct {
		group string
		needs people.Permission
		ui.Entry
	}{
		{"", people.Own, ui.Entry{Name: "Home", Path: "/", Icon: "house"}},
		{"", people.ReadSources, ui.Entry{Name: "Sources", Path: "/sources", Icon: "plug"}},
		{"", people.ReadSources, ui.Entry{Name: "Coverage", Path: "/coverage", Icon: "calendar"}},
		{"", people.ReadEvents, ui.Entry{Name: "Events", Path: "/events", Icon: "activity"}},
		{"", people.ReadArtifacts, ui.Entry{Name: "Artifacts", Path: "/artifacts", Icon: "file-check"}},
		{"Compliance", people.ReadActions, ui.Entry{Name: "Actions", Path: "/actions", Icon: "list-checks"}},
		{"Compliance", people.ReadControls, ui.Entry{Name: "Controls", Path: "/controls", Icon: "shield-check"}},
		{"Compliance", people.ReadControls, ui.Entry{Name: "Frameworks", Path: "/frameworks", Icon: "table"}},
		{"Compliance", people.ReadAudits, ui.Entry{Name: "Audits", Path: "/audits", Icon: "scale"}},
		{"Compliance", people.ReadArtifacts, ui.Entry{Name: "Log", Path: "/log", Icon: "file-text"}},
		{lowGroup, people.ReadSettings, ui.Entry{Name: "Settings", Path: "/settings", Icon: "settings"}},
	}
}

// framed gives the whole frame of a page: nav is the entry of the rail that it belongs to, crumbs lead from there to it.
func (s *server) framed(r *http.Request, title, nav string, crumbs ...ui.Crumb) (ui.Page, error) {
	p := s.page(r, title)
	c := people.From(r.Context())
	overdue, err := s.overdue(r)
	if err != nil {
		return p, err
	}
	p.Nav = nav
	p.Crumbs = []ui.Crumb{{Name: p.Workspace, Path: "/"}}
	for _, e := range entries() {
		if e.Path == nav {
			step := ui.Crumb{Name: e.Name, Path: e.Path}
			if len(crumbs) == 0 {
				step.Path = ""
			}
			p.Crumbs = append(p.Crumbs, step)
		}
		if !c.Has(e.needs) || e.Path == "/" && c.Role.Confined() {
			continue
		}
		if e.Path == "/actions" && overdue > 0 {
			e.Count, e.Loud, e.Says = overdue, true, "overdue"
		}
		if e.group == lowGroup {
			p.Low = append(p.Low, e.Entry)
			continue
		}
		if n := len(p.Groups); n == 0 || p.Groups[n-1].Title != e.group {
			p.Groups = append(p.Groups, ui.Group{Title: e.group})
		}
		g := &p.Groups[len(p.Groups)-1]
		g.Entries = append(g.Entries, e.Entry)
	}
	p.Crumbs = append(p.Crumbs, crumbs...)
	p.Others, err = s.otherWorkspaces(r)
	return p, err
}

// overdue counts the overdue actions for the rail.
func (s *server) overdue(r *http.Request) (int, error) {
	c := people.From(r.Context())
	if !c.Has(people.ReadActions) {
		return 0, nil
	}
	actions, err := s.cfg.Program.Actions(r.Context(), c.Workspace)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range actions {
		if a.Overdue {
			n++
		}
	}
	return n, nil
}

// render writes a component as the whole answer. Nothing is sent before it is complete, so an error can still become a
// proper answer.
func render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	buf := templ.GetBuffer()
	defer templ.ReleaseBuffer(buf)
	if err := c.Render(r.Context(), buf); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(buf.Bytes()) // a browser that hangs up is no error of ours
	}
	return nil
}
