package web

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// askUpload shows the form that hands in a file; with ?artifact=ID, as a new version of that artifact.
func (s *server) askUpload(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	return s.showUpload(w, r, http.StatusOK, view.UploadForm{Artifact: v.Get("artifact"), From: v.Get("from"), To: v.Get("to"), Target: v.Get("target")})
}

func (s *server) showUpload(w http.ResponseWriter, r *http.Request, status int, form view.UploadForm) error {
	ctx, c := r.Context(), people.From(r.Context())
	crumbs := []ui.Crumb{{Name: "Upload a file"}}
	if form.Artifact != "" {
		a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(form.Artifact))
		if err != nil {
			return err
		}
		if a.Kind != evidence.Uploaded {
			return evidence.Errorf(evidence.Conflict, "This artifact was built by a recipe. Build it again for a new version, or hand the file in as an artifact of its own.")
		}
		form.Of = a
		if form.Title == "" {
			form.Title = a.Title
		}
		crumbs = []ui.Crumb{{Name: a.Title, Path: "/artifacts/" + string(a.ID)}, {Name: "New version"}}
	} else if c.Has(people.AttachArtifacts) {
		all, err := s.programme(ctx, c.Workspace)
		if err != nil {
			return err
		}
		_, form.Targets = targets(all, evidence.Artifact{})
	}
	for _, q := range quickPeriods(s.now(), "") {
		_, query, _ := strings.Cut(q.Href, "?")
		form.Quick = append(form.Quick, view.QuickPeriod{Name: q.Name, Href: "/artifacts/upload?" + query})
	}
	p, err := s.framed(r, "Upload a file", "/artifacts", crumbs...)
	if err != nil {
		return err
	}
	return render(w, r, status, view.UploadPage(p, form))
}

// upload reads the form part by part and hands the file on as it comes. The fields stand before the file in the form, so
// that what was typed is there when the file is refused; a browser gives a file only once, so it has to be chosen again.
func (s *server) upload(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	done, err := s.builds.begin(c.Member)
	if err != nil {
		return err
	}
	defer done()
	parts, err := r.MultipartReader()
	if err != nil {
		return formError(err)
	}
	var form view.UploadForm
	given, err := s.uploadParts(r.Context(), c, parts, &form)
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.Conflict:
		form.Problem = err.Error()
		_, _ = io.Copy(io.Discard, r.Body) // a browser that is answered before it has sent everything shows nothing but that
		return s.showUpload(w, r, statusOf(err), form)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/artifacts/"+string(given.Artifact.ID), http.StatusSeeOther)
	return nil
}

// uploadParts reads the parts up to the file, keeps what was typed in form, and uploads and attaches the file.
func (s *server) uploadParts(ctx context.Context, c people.Caller, parts *multipart.Reader, form *view.UploadForm) (artifact.View, error) {
	typed := map[string]*string{"title": &form.Title, "from": &form.From, "to": &form.To, "effective": &form.Effective, "artifact": &form.Artifact, "target": &form.Target, "reason": &form.Reason}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return artifact.View{}, evidence.Errorf(evidence.Invalid, "Choose a file.")
		}
		if err != nil {
			return artifact.View{}, formError(err)
		}
		if part.FormName() == "file" {
			return s.uploadFile(ctx, c, *form, part.FileName(), part)
		}
		text, err := io.ReadAll(io.LimitReader(part, 8000))
		if err != nil {
			return artifact.View{}, formError(err)
		}
		if into := typed[part.FormName()]; into != nil {
			*into = strings.TrimSpace(string(text))
		}
	}
}

// uploadFile takes a file with what was said about it, and attaches it if a target was chosen.
func (s *server) uploadFile(ctx context.Context, c people.Caller, form view.UploadForm, name string, body io.Reader) (artifact.View, error) {
	if name == "" {
		return artifact.View{}, evidence.Errorf(evidence.Invalid, "Choose a file.")
	}
	req := artifact.UploadRequest{Name: name, Body: body, Title: form.Title, Artifact: evidence.ID(form.Artifact)}
	for text, into := range map[*string]*time.Time{&form.From: &req.Span.From, &form.To: &req.Span.To, &form.Effective: &req.Effective} {
		if *text == "" {
			continue
		}
		var err error
		if *into, err = parseTime(*text); err != nil {
			return artifact.View{}, err
		}
	}
	at := artifact.AttachRequest{Strength: evidence.Partial, Reason: form.Reason}
	if form.Target != "" {
		if err := c.May(people.AttachArtifacts); err != nil {
			return artifact.View{}, err
		}
		kind, id, _ := strings.Cut(form.Target, ":")
		switch kind {
		case "control":
			at.Control = id
		case "action":
			at.Action = id
		}
		if at.Reason == "" {
			return artifact.View{}, evidence.Errorf(evidence.Invalid, "Say why the file is evidence for what you chose. The reason is shown with it.")
		}
	}
	v, err := s.cfg.Artifacts.Upload(ctx, c.Who(), c.Workspace, req)
	if err != nil || form.Target == "" {
		return v, err
	}
	at.Artifact = v.Artifact.ID
	_, err = s.cfg.Artifacts.Attach(ctx, c.Who(), c.Workspace, at)
	return v, err
}

type uploadInput struct {
	RawBody huma.MultipartFormFiles[struct {
		File      huma.FormFile `form:"file" required:"true" doc:"PDF, PNG, JPEG, CSV, TXT, XLSX, DOCX or JSON, up to 50 MB"`
		From      string        `form:"from" required:"false" doc:"Start of the period it is evidence about: RFC 3339 or a date"`
		To        string        `form:"to" required:"false" doc:"End of that period, exclusive; it may lie ahead"`
		Effective string        `form:"effective" required:"false" doc:"Since when what it says holds"`
		Title     string        `form:"title" required:"false" doc:"Default the file's name"`
		Artifact  string        `form:"artifact" required:"false" doc:"Id of an uploaded artifact of which it is a new version, for the same period"`
	}]
}

func (s *server) apiUpload(ctx context.Context, c people.Caller, in *uploadInput) (apiArtifact, error) {
	done, err := s.builds.begin(c.Member)
	if err != nil {
		return apiArtifact{}, err
	}
	defer done()
	d := in.RawBody.Data()
	defer d.File.Close() //nolint:errcheck // opened for reading
	form := view.UploadForm{Title: d.Title, From: d.From, To: d.To, Effective: d.Effective, Artifact: d.Artifact}
	v, err := s.uploadFile(ctx, c, form, d.File.Filename, d.File)
	if err != nil {
		return apiArtifact{}, err
	}
	return s.apiArtifact(ctx, c, &byID{ID: string(v.Artifact.ID)})
}
