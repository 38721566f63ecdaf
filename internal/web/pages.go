package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// pagesShown is how many kept answers a page of their list shows.
const pagesShown = 100

// pages lists the answers of the source that hold records of a time, or of an artifact's: those that counts of pages, of records and
// of records that had come before lead to.
func (s *server) pages(w http.ResponseWriter, r *http.Request) error {
	ctx, c, params := r.Context(), people.From(r.Context()), r.URL.Query()
	v := view.Pages{Now: s.now(), Step: params.Get("step")}
	status := http.StatusOK
	sr, err := s.parseSearch(ctx, c.Workspace, params)
	if err == nil {
		err = s.heldPages(r, sr, &v)
	}
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.NotFound:
		v.Problem, status = err.Error(), statusOf(err)
	case err != nil:
		return err
	}
	p, err := s.framed(r, "Pages", "/events", ui.Crumb{Name: "Pages"})
	if err != nil {
		return err
	}
	p.Wide = true
	return render(w, r, status, view.PagesPage(p, v))
}

func (s *server) heldPages(r *http.Request, sr search, v *view.Pages) error {
	params := r.URL.Query()
	all, err := s.cfg.Store.HeldPages(r.Context(), sr.query)
	if err != nil {
		return err
	}
	switch v.Step {
	case stepDuplicates:
		all = slices.DeleteFunc(all, func(p store.HeldPage) bool { return p.Repeats == 0 })
	case stepRecords:
	default:
		v.Step = stepPages
		all = slices.DeleteFunc(all, func(p store.HeldPage) bool { return p.Fresh == 0 })
	}
	for _, p := range all {
		v.Fresh, v.Repeats = v.Fresh+p.Fresh, v.Repeats+p.Repeats
	}
	v.Total, v.Streams, v.Span = len(all), s.streamTitles(), sr.query.Span
	if sr.of != nil {
		v.Of, v.OfHref = sr.of.words(), "/artifacts/"+string(sr.of.version.Artifact)+"?version="+strconv.Itoa(sr.of.version.Version)
		v.Differs = sr.of.differs(v.Counted())
	}
	names, err := s.cfg.Store.Connections(r.Context(), sr.query.Workspace)
	if err != nil {
		return err
	}
	v.Names = map[evidence.ID]string{}
	for _, c := range names {
		v.Names[c.ID] = c.Name
	}
	from, _ := strconv.Atoi(params.Get("after")) // nothing and nonsense begin at the first
	from = min(max(from, 0), len(all))
	end := min(from+pagesShown, len(all))
	v.First, v.Rows = from+1, all[from:end]
	at := func(n int) string {
		q := clone(params)
		if n > 0 {
			q.Set("after", strconv.Itoa(n))
		}
		return "/pages?" + q.Encode()
	}
	if end < len(all) {
		v.Next = at(end)
	}
	if from > 0 {
		v.Before = at(max(0, from-pagesShown))
	}
	for _, step := range []string{stepPages, stepRecords, stepDuplicates} {
		q := url.Values(clone(params))
		q.Set("step", step)
		v.Steps = append(v.Steps, view.Option{Value: "/pages?" + q.Encode(), Label: map[string]string{stepPages: "With new events", stepRecords: "All with records", stepDuplicates: "With records that had come before"}[step], Here: step == v.Step})
	}
	return nil
}
