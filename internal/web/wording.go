package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
	"github.com/exhibithq/exhibit/internal/wording"
)

const wordingPath = "/wording"

func (s *server) wording(w http.ResponseWriter, r *http.Request) error {
	return s.showWording(w, r, http.StatusOK, "")
}

// showWording shows the proposed changes of wording side by side, and why a decision was refused.
func (s *server) showWording(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	c := people.From(r.Context())
	v := view.Wording{Framework: r.URL.Query().Get("framework"), Problem: problem, MayManage: c.Has(people.ManageControls) && c.Has(people.ManageActions)}
	all, err := s.cfg.Program.Wording(r.Context(), c.Workspace, v.Framework)
	if err != nil {
		return err
	}
	for _, g := range wording.Grouped(all) {
		shown := view.WordingGroup{Group: g}
		for _, p := range g.Changes {
			before, after := wording.Diff(p.Before, p.After)
			shown.Items = append(shown.Items, view.WordingItem{Proposal: p, Left: before, Right: after})
		}
		v.Groups = append(v.Groups, shown)
	}
	p, err := s.framed(r, "Changes of wording", "/frameworks", ui.Crumb{Name: "Changes of wording"})
	if err != nil {
		return err
	}
	p.Path = wordingPath
	return render(w, r, status, view.WordingPage(p, v))
}

// decideWording accepts or declines one change, or all that have one cause.
func (s *server) decideWording(w http.ResponseWriter, r *http.Request) error {
	var err error
	c, id, decision := people.From(r.Context()), r.PathValue("id"), r.PostFormValue("decision")
	switch {
	case strings.HasPrefix(id, "wg_") && (decision == "accept" || decision == "decline"):
		_, err = s.cfg.Program.DecideWordings(r.Context(), c, id, decision == "accept")
	case decision == "accept":
		_, err = s.cfg.Program.AcceptWording(r.Context(), c, id)
	case decision == "decline":
		_, err = s.cfg.Program.DeclineWording(r.Context(), c, id)
	default:
		err = evidence.Errorf(evidence.Invalid, "Accept the change, or decline it.")
	}
	if mendable(err) || evidence.ErrorCode(err) == evidence.NotFound { // somebody else decided meanwhile: the list shows what is left
		return s.showWording(w, r, statusOf(err), err.Error())
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, wordingPath+"#content", http.StatusSeeOther)
	return nil
}

// mostCauses is how many causes of proposed changes the front page names; more become one line.
const mostCauses = 3

// wordingAttention says on the front page what happened that texts do not say, a line for each cause.
func (s *server) wordingAttention(ctx context.Context, c people.Caller) ([]view.Attention, error) {
	if !c.Has(people.ReadControls) {
		return nil, nil
	}
	all, err := s.cfg.Program.Wording(ctx, c.Workspace, "")
	if err != nil || len(all) == 0 {
		return nil, err
	}
	groups := wording.Grouped(all)
	if len(groups) > mostCauses {
		return []view.Attention{{Tone: ui.Info, Icon: "file-text", Href: wordingPath, Title: ui.Many(len(groups), "cause") + " for other wording",
			Text: "Sources or policies changed. Review side by side what " + ui.Many(len(all), "text") + " of controls and actions should say."}}, nil
	}
	var out []view.Attention
	for _, g := range groups {
		out = append(out, view.Attention{Tone: ui.Info, Icon: "file-text", Href: wordingPath + "#" + g.ID, Title: strings.Join(g.Titles, ". ") + ": " + ui.Many(len(g.Changes), "text") + " could say so",
			Text: "Review side by side, and accept or decline all at once or one by one. Nothing changes until somebody accepts it."})
	}
	return out, nil
}

type apiWordingChange struct {
	ID      string       `json:"id" example:"wo_0123456789abcdef"`
	Area    wording.Area `json:"area" doc:"control or action"`
	Target  evidence.ID  `json:"target"`
	Key     string       `json:"key"`
	Title   string       `json:"title"`
	Before  string       `json:"before"`
	After   string       `json:"after"`
	Reasons []string     `json:"reasons"`
	Cause   string       `json:"cause" example:"wg_0123456789abcdef" doc:"Changes with the same cause can be decided at once"`
}

type apiWording struct {
	Changes []apiWordingChange `json:"changes"`
}

func wordingJSON(p wording.Proposal) apiWordingChange {
	return apiWordingChange{p.ID, p.Area, p.Target, p.Key, p.Title, p.Before, p.After, all(p.Reasons), wording.Grouped([]wording.Proposal{p})[0].ID}
}

// wordingOperations are the operations of changes of wording.
func (s *server) wordingOperations(api huma.API) {
	add(s, api, "/wording", "list-wording", "Changes of wording that sources and policies call for", people.ReadControls, s.apiWordingList)
	change := func(path, id, summary string) huma.Operation {
		return operation(http.MethodPost, path, id, summary, people.ManageControls, quick)
	}
	mount(s, api, change("/wording/causes/{id}/accept", "accept-wordings", "Make all changes of wording that have one cause"), s.apiAcceptWordings)
	mount(s, api, change("/wording/causes/{id}/decline", "decline-wordings", "Leave all texts that have one cause to change as they are"), s.apiDeclineWordings)
	mount(s, api, change("/wording/{id}/accept", "accept-wording", "Make a proposed change of wording"), s.apiAcceptWording)
	mount(s, api, change("/wording/{id}/decline", "decline-wording", "Leave the text as it is"), s.apiDeclineWording)
}

type wordingInput struct {
	Framework string `query:"framework" maxLength:"60" doc:"Only what serves this framework"`
}

func (s *server) apiWordingList(ctx context.Context, c people.Caller, in *wordingInput) (apiWording, error) {
	out := apiWording{Changes: []apiWordingChange{}}
	all, err := s.cfg.Program.Wording(ctx, c.Workspace, in.Framework)
	for _, p := range all {
		out.Changes = append(out.Changes, wordingJSON(p))
	}
	return out, err
}

func (s *server) apiAcceptWording(ctx context.Context, c people.Caller, in *byID) (apiWordingChange, error) {
	p, err := s.cfg.Program.AcceptWording(ctx, c, in.ID)
	return wordingJSON(p), err
}

func (s *server) apiDeclineWording(ctx context.Context, c people.Caller, in *byID) (apiWordingChange, error) {
	p, err := s.cfg.Program.DeclineWording(ctx, c, in.ID)
	return wordingJSON(p), err
}

func (s *server) apiAcceptWordings(ctx context.Context, c people.Caller, in *byID) (apiWording, error) {
	return s.apiWordings(ctx, c, in.ID, true)
}

func (s *server) apiDeclineWordings(ctx context.Context, c people.Caller, in *byID) (apiWording, error) {
	return s.apiWordings(ctx, c, in.ID, false)
}

func (s *server) apiWordings(ctx context.Context, c people.Caller, group string, accept bool) (apiWording, error) {
	out := apiWording{Changes: []apiWordingChange{}}
	decided, err := s.cfg.Program.DecideWordings(ctx, c, group, accept)
	for _, p := range decided {
		out.Changes = append(out.Changes, wordingJSON(p))
	}
	return out, err
}
