package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// exportEvents offers what a filter shows as a file, and shows the files that are there or being made.
func (s *server) exportEvents(w http.ResponseWriter, r *http.Request) error {
	return s.showExport(w, r, r.URL.Query(), http.StatusOK, "")
}

func (s *server) showExport(w http.ResponseWriter, r *http.Request, params url.Values, status int, problem string) error {
	ctx, c := r.Context(), people.From(r.Context())
	v := view.Export{Now: s.now(), Problem: problem}
	var err error
	if v.Taking, err = s.taking(ctx, c, params); err != nil {
		return err
	}
	for _, f := range explore.Formats() {
		v.Formats = append(v.Formats, view.ExportFormat{ID: f.ID, Name: f.Name, Says: f.Says})
	}
	list, err := s.cfg.Explore.Exports(ctx, c)
	if err != nil {
		return err
	}
	running := false
	for _, e := range list {
		running = running || e.State == store.ExportRunning
		v.List = append(v.List, exportRow(e))
	}
	p, err := s.framed(r, "Export events", "/events", ui.Crumb{Name: "Export"})
	if err != nil {
		return err
	}
	p.Reload = running
	return render(w, r, status, view.ExportPage(p, v))
}

// taking says what a filter takes: in words, how many events, and what of its time was not read.
func (s *server) taking(ctx context.Context, c people.Caller, params url.Values) (view.Taking, error) {
	t := view.Taking{Back: "/events" + encode(clone(params)), Filter: clone(params).Encode()}
	sr, err := s.parseSearch(ctx, c.Workspace, params)
	if err != nil {
		return t, err
	}
	for _, ch := range sr.chips {
		t.Chips = append(t.Chips, ch.text)
	}
	t.From, t.To = sr.query.Span.From, sr.query.Span.To
	h, err := s.cfg.Store.Histogram(ctx, store.HistogramRequest{Query: sr.query, Bucket: bucketOf(sr.query.Span.Duration())})
	if err != nil {
		return t, err
	}
	t.Total, t.Exact = h.Total, h.Exact
	var gaps view.Events
	if err := s.coverageNote(ctx, sr.query, &gaps); err != nil {
		return t, err
	}
	t.Gaps = gaps.Coverage
	return t, nil
}

func exportRow(e explore.Export) view.ExportRow {
	name := e.Format
	if f, err := explore.FormatOf(e.Format); err == nil {
		name = f.Name
	}
	return view.ExportRow{ID: string(e.ID), Format: name, Words: e.Words, State: string(e.State), Total: e.Total, Written: e.Written, Rate: int64(e.Rate), Left: e.Left,
		Size: e.Size, SHA256: e.SHA256, Problem: e.Problem, Created: e.CreatedAt, Expires: e.ExpiresAt}
}

func (s *server) beginExport(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	params, err := url.ParseQuery(r.PostFormValue("filter"))
	if err != nil {
		return evidence.Errorf(evidence.Invalid, "The filter cannot be read. Go back to the events and export from there.")
	}
	sr, err := s.parseSearch(ctx, c.Workspace, params)
	if err == nil {
		_, err = s.cfg.Explore.BeginExport(ctx, c, sr.query, r.PostFormValue("format"))
	}
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Conflict:
		return s.showExport(w, r, params, statusOf(err), err.Error())
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/events/export"+encode(clone(params))+"#exports", http.StatusSeeOther)
	return nil
}

// cancelExport stops an export or removes its file, and leads back to the filter that the person looked at.
func (s *server) cancelExport(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Explore.CancelExport(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id"))); err != nil {
		return err
	}
	params, err := url.ParseQuery(r.PostFormValue("filter"))
	if err != nil {
		params = url.Values{}
	}
	http.Redirect(w, r, "/events/export"+encode(clone(params))+"#exports", http.StatusSeeOther)
	return nil
}

// exportFile gives the file of an export, to be saved and never to be shown.
func (s *server) exportFile(w http.ResponseWriter, r *http.Request) error {
	body, e, err := s.cfg.Explore.ExportFile(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // opened for reading
	f, err := explore.FormatOf(e.Format)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", downloadPolicy)
	h.Set("Content-Type", f.Media)
	h.Set("Content-Length", strconv.FormatInt(e.Size, 10))
	h.Set("Content-Disposition", `attachment; filename="events_`+e.CreatedAt.UTC().Format("20060102_150405")+"."+f.ID+`"`)
	h.Set("ETag", `"`+e.SHA256+`"`)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(w, body); err != nil {
		if !errors.Is(err, context.Canceled) && r.Context().Err() == nil {
			s.log.Error("a download broke off", "export", e.ID, "error", err)
		}
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	return nil
}

// saveAsArtifact asks for the period of an artifact of a filter, and says beforehand what it will stand on.
func (s *server) saveAsArtifact(w http.ResponseWriter, r *http.Request) error {
	ctx, c, params := r.Context(), people.From(r.Context()), r.URL.Query()
	t, err := s.taking(ctx, c, params)
	if err != nil {
		return err
	}
	sr, err := s.parseSearch(ctx, c.Workspace, params)
	if err != nil {
		return err
	}
	f := filterOf(sr)
	to := t.To
	if now := s.now(); to.After(now) {
		to = now
	}
	rc, err := recipe.ByID(recipe.SelectedEvents)
	if err != nil {
		return err
	}
	v := view.SaveAsArtifact{
		Taking: t, Recipe: rc, From: machine(t.From.Truncate(time.Second)), To: machine(to.Truncate(time.Second)),
		Hidden: [][2]string{
			{"recipe", rc.ID}, {rc.ID + "." + recipe.ParamWhere, evidence.FormatWhere(f.Where)}, {rc.ID + "." + recipe.ParamStream, string(f.Stream)},
			{rc.ID + "." + recipe.ParamConnection, string(f.Connection)},
		},
	}
	p, err := s.framed(r, "Save as artifact", "/events", ui.Crumb{Name: "Save as artifact"})
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.SaveAsArtifactPage(p, v))
}
