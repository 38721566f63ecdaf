package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) frameworks(w http.ResponseWriter, r *http.Request) error {
	return s.showFrameworks(w, r, http.StatusOK, view.Frameworks{})
}

// showFrameworks shows the list with its forms as they were filled in.
func (s *server) showFrameworks(w http.ResponseWriter, r *http.Request, status int, v view.Frameworks) error {
	ctx, c := r.Context(), people.From(r.Context())
	list, err := s.cfg.Program.Frameworks(ctx, c.Workspace)
	if err != nil {
		return err
	}
	controls, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return err
	}
	profile, told, err := s.cfg.Program.Profile(ctx, c.Workspace)
	if err != nil {
		return err
	}
	v.Now, v.MayManage, v.Told = s.now(), c.Has(people.ManageControls), told
	if v.Problem == "" {
		v.Profile = profile
	}
	why := map[string]string{}
	for _, sug := range profile.Suggest() {
		why[sug.Framework] = sug.Why
	}
	serving := servingControls(controls)
	for _, f := range list {
		card := view.FrameworkCard{Framework: f, Why: why[f.ID]}
		for _, q := range f.Requirements {
			if len(serving[evidence.RequirementRef{Framework: f.ID, ID: q.ID}]) > 0 {
				card.Served++
			}
		}
		v.Cards = append(v.Cards, card)
	}
	p, err := s.framed(r, "Frameworks", "/frameworks")
	if err != nil {
		return err
	}
	return render(w, r, status, view.FrameworksPage(p, v))
}

// servingControls gives the controls in use that are meant to meet each requirement.
func servingControls(controls []program.ControlView) map[evidence.RequirementRef][]evidence.Control {
	out := map[evidence.RequirementRef][]evidence.Control{}
	for _, c := range controls {
		for _, ref := range c.Control.Requirements {
			if c.Control.RetiredAt.IsZero() {
				out[ref] = append(out[ref], c.Control)
			}
		}
	}
	return out
}

// setProfile keeps what was told and leads on to what fits.
func (s *server) setProfile(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	p := framework.Profile{Industry: r.PostFormValue("industry"), Size: r.PostFormValue("size"), Systems: r.PostForm["system"]}
	err := s.cfg.Program.SetProfile(r.Context(), people.From(r.Context()), p)
	if mendable(err) {
		return s.showFrameworks(w, r, statusOf(err), view.Frameworks{Profile: p, Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	to := "/frameworks"
	if ids := r.PostForm["framework"]; len(ids) > 0 {
		to = "/frameworks/proposal?" + url.Values{"framework": ids}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// formError tells a form that is too large or broken off from one that is nonsense.
func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return &evidence.Error{Code: evidence.Invalid, Message: "The form did not arrive whole. Send it again.", Err: err}
}

func (s *server) proposal(w http.ResponseWriter, r *http.Request) error {
	return s.showProposal(w, r, http.StatusOK, r.URL.Query()["framework"], view.Proposal{})
}

func (s *server) showProposal(w http.ResponseWriter, r *http.Request, status int, ids []string, v view.Proposal) error {
	var err error
	if v.Proposal, err = s.cfg.Program.Propose(r.Context(), people.From(r.Context()).Workspace, ids); err != nil {
		return err
	}
	if len(v.Frameworks) == 0 {
		http.Redirect(w, r, "/frameworks", http.StatusSeeOther)
		return nil
	}
	p, err := s.framed(r, "What fits", "/frameworks", ui.Crumb{Name: "What fits"})
	if err != nil {
		return err
	}
	return render(w, r, status, view.ProposalPage(p, v))
}

// adopt makes what is ticked. Nothing ticked is nothing made, not everything.
func (s *server) adopt(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	ids, items := r.PostForm["framework"], append([]string{}, r.PostForm["item"]...)
	_, err := s.cfg.Program.Adopt(r.Context(), people.From(r.Context()), ids, items)
	if mendable(err) {
		return s.showProposal(w, r, statusOf(err), ids, view.Proposal{Chosen: items, Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/frameworks", http.StatusSeeOther)
	return nil
}

// previewFramework reads an uploaded file and leads to what it would change.
func (s *server) previewFramework(w http.ResponseWriter, r *http.Request) error {
	data, as, err := uploaded(r)
	if err != nil {
		return err
	}
	l, err := s.cfg.Program.PreviewFramework(r.Context(), people.From(r.Context()), data, as)
	if mendable(err) {
		return s.showFrameworks(w, r, statusOf(err), view.Frameworks{Load: view.LoadForm{ID: as.ID, Name: as.Name, Problem: err.Error()}})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/frameworks/import?"+url.Values{"draft": {string(l.Draft)}}.Encode(), http.StatusSeeOther)
	return nil
}

// uploaded reads the form part by part, so that no file is written to disk on its way.
func uploaded(r *http.Request) (data []byte, as framework.Loaded, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, as, formError(err)
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return data, as, nil
		}
		if err != nil {
			return nil, as, formError(err)
		}
		most := int64(1000)
		if part.FormName() == "file" {
			most = framework.MaxFile + 1 // one more than may be: whoever reads it refuses it then
		}
		body, err := io.ReadAll(io.LimitReader(part, most))
		if err != nil {
			return nil, as, formError(err)
		}
		switch part.FormName() {
		case "file":
			data, as.File = body, part.FileName()
		case "id":
			as.ID = string(body)
		case "name":
			as.Name = string(body)
		}
	}
}

func (s *server) frameworkDraft(w http.ResponseWriter, r *http.Request) error {
	l, err := s.cfg.Program.FrameworkDraft(r.Context(), people.From(r.Context()), evidence.ID(r.URL.Query().Get("draft")))
	if err != nil {
		return err
	}
	p, err := s.framed(r, "Load "+l.Framework.Name, "/frameworks", ui.Crumb{Name: "Load a file"})
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.LoadingPage(p, l))
}

func (s *server) acceptFramework(w http.ResponseWriter, r *http.Request) error {
	l, err := s.cfg.Program.AcceptFramework(r.Context(), people.From(r.Context()), evidence.ID(r.PostFormValue("draft")))
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/frameworks/"+l.Framework.ID, http.StatusSeeOther)
	return nil
}
