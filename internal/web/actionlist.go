package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// actionFilters are what the list of actions can be narrowed by, beside its tabs.
func actionFilters() []string {
	return []string{"q", "owner", "control", "framework", "due", "evidence"}
}

// actionQuery reads the filters of the list from an address, and gives those that are set.
func actionQuery(q url.Values) (program.ActionFilter, url.Values) {
	kept := url.Values{}
	for _, name := range actionFilters() {
		if v := strings.TrimSpace(q.Get(name)); v != "" {
			kept.Set(name, v)
		}
	}
	return program.ActionFilter{Text: kept.Get("q"), Owner: kept.Get("owner"), Control: kept.Get("control"), Framework: kept.Get("framework"),
		Due: kept.Get("due"), Evidence: kept.Get("evidence"), Retired: true}, kept
}

// actionTab is one tab of the list.
type actionTab struct {
	word, name string
	holds      func(program.ActionView) bool
}

func actionTabs() []actionTab {
	done := func(v program.ActionView) bool { return v.Action.Status == evidence.ActionDone }
	return []actionTab{
		{"", "All", func(v program.ActionView) bool { return v.State != program.StateRetired }},
		{"overdue", "Overdue", func(v program.ActionView) bool { return v.Overdue }},
		{"open", "Open", func(v program.ActionView) bool { return !done(v) && !v.Idle }},
		{"in_review", "Waiting for review", func(v program.ActionView) bool { return v.Column() == program.ColumnInReview && !v.Idle }},
		{"done", "Done", func(v program.ActionView) bool { return v.State == program.StateDone }},
		{"retired", "Retired", func(v program.ActionView) bool { return v.State == program.StateRetired }},
	}
}

// actionsHref is the address of the list with filters, and with a status or as a board.
func actionsHref(kept url.Values, name, value string) string {
	q := url.Values{}
	for k, v := range kept {
		q[k] = v
	}
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return "/actions"
	}
	return "/actions?" + q.Encode()
}

func (s *server) actions(w http.ResponseWriter, r *http.Request) error {
	return s.showActions(w, r, http.StatusOK, "")
}

// showActions shows the list or the board, and why a move was refused.
func (s *server) showActions(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	ctx, c := r.Context(), people.From(r.Context())
	f, kept := actionQuery(r.URL.Query())
	list, err := s.cfg.Program.FilteredActions(ctx, c.Workspace, f)
	if err != nil {
		return err
	}
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return err
	}
	v := view.Actions{Now: s.now(), MayManage: c.Has(people.ManageActions), Board: r.URL.Query().Get("view") == "board", Kept: kept, Problem: problem,
		ListHref: actionsHref(kept, "", ""), BoardHref: actionsHref(kept, "view", "board")}
	tabs, wanted := actionTabs(), r.URL.Query().Get("status")
	if !slices.ContainsFunc(tabs, func(t actionTab) bool { return t.word == wanted }) {
		return evidence.Errorf(evidence.Invalid, "There is no status %.40q. Actions are overdue, open, in_review, done or retired.", wanted)
	}
	for _, t := range tabs {
		tab := view.Tab{Name: t.name, Here: t.word == wanted, Href: actionsHref(kept, "status", t.word)}
		for _, a := range list {
			if !t.holds(a) {
				continue
			}
			tab.Count++
			if tab.Here || v.Board && t.word == "" {
				v.Rows = append(v.Rows, all.actionRow(a))
			}
		}
		v.Tabs = append(v.Tabs, tab)
	}
	for _, a := range all.actions {
		if a.Overdue {
			v.Overdue++
		}
	}
	slices.SortStableFunc(v.Rows, func(a, b view.ActionRow) int { return dueFirst(a.Action, b.Action) })
	if err := s.actionChoices(r, all, &v); err != nil {
		return err
	}
	p, err := s.framed(r, "Actions", "/actions")
	if err != nil {
		return err
	}
	return render(w, r, status, view.ActionsPage(p, v))
}

// actionChoices gives what the filters offer: owners and delegates, controls and frameworks in use.
func (s *server) actionChoices(r *http.Request, all programme, v *view.Actions) error {
	for _, a := range all.actions {
		v.Owners = append(v.Owners, a.Action.Owner, a.Action.Delegate)
	}
	slices.Sort(v.Owners)
	v.Owners = slices.DeleteFunc(slices.Compact(v.Owners), func(s string) bool { return s == "" })
	frameworks := map[string]bool{}
	for _, c := range all.controls {
		v.Controls = append(v.Controls, c.Control)
		for _, ref := range c.Control.Requirements {
			frameworks[ref.Framework] = true
		}
	}
	known, err := s.cfg.Program.Frameworks(r.Context(), people.From(r.Context()).Workspace)
	if err != nil {
		return err
	}
	for _, f := range known {
		if frameworks[f.ID] {
			v.Frameworks = append(v.Frameworks, view.NamedFramework{ID: f.ID, Name: f.Name})
		}
	}
	return nil
}

// moveAction moves an action on the board and leads back to it there.
func (s *server) moveAction(w http.ResponseWriter, r *http.Request) error {
	_, kept := actionQuery(r.URL.Query())
	a, err := s.cfg.Program.Move(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ActionStatus(r.PostFormValue("to")))
	if mendable(err) {
		r.URL.RawQuery = url.Values{"view": {"board"}}.Encode()
		return s.showActions(w, r, statusOf(err), err.Error())
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, actionsHref(kept, "view", "board")+"#"+string(a.ID), http.StatusSeeOther)
	return nil
}
