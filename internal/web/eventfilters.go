package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// filterOf makes of a search what can be kept under a name. What was looked up stays as it was found.
func filterOf(sr search) evidence.Filter {
	f := evidence.Filter{Lapse: sr.lapse, Where: sr.query.Where}
	if sr.lapse == "" {
		f.Span = sr.query.Span
	}
	if len(sr.query.Connections) > 0 {
		f.Connection = sr.query.Connections[0]
	}
	if len(sr.query.Streams) > 0 {
		f.Stream = sr.query.Streams[0]
	}
	return f
}

// filterParams gives the parameters of the address that a filter stands for.
func filterParams(f evidence.Filter) url.Values {
	v := url.Values{}
	if f.Lapse != "" {
		v.Set("range", f.Lapse)
	} else {
		spanParams(v, f.Span)
	}
	if f.Connection != "" {
		v.Set("connection", string(f.Connection))
	}
	if f.Stream != "" {
		v.Set("stream", string(f.Stream))
	}
	whereParams(v, f.Where)
	return v
}

func spanParams(v url.Values, span evidence.Span) {
	if !span.From.IsZero() {
		v.Set("from", machine(span.From))
	}
	if !span.To.IsZero() {
		v.Set("to", machine(span.To))
	}
}

// whereParams puts matches of one value into the field of their own, and all others into the search box.
func whereParams(v url.Values, where []evidence.Match) {
	var box []evidence.Match
	for _, m := range where {
		if len(m.Values) == 1 && m.Values[0] != "" && !v.Has(string(m.Key)) {
			v.Set(string(m.Key), m.Values[0])
			continue
		}
		box = append(box, m)
	}
	if len(box) > 0 {
		v.Set("q", evidence.FormatWhere(box))
	}
}

// savedFilters gives the filters that the caller can use; the one that is shown is marked.
func (s *server) savedFilters(ctx context.Context, c people.Caller, params url.Values) ([]view.SavedFilter, error) {
	list, err := s.cfg.Explore.Filters(ctx, c)
	if err != nil {
		return nil, err
	}
	now := clone(params).Encode()
	var out []view.SavedFilter
	for _, f := range list {
		p := filterParams(f)
		out = append(out, view.SavedFilter{
			ID: string(f.ID), Name: f.Name, Owner: f.Owner, Own: f.Member == c.Member, Shared: f.Shared, Words: s.filterWords(f), Href: "/events?" + p.Encode(),
			Here: p.Encode() == now, MayChange: explore.MayChange(c, f), Updated: f.UpdatedAt,
		})
	}
	return out, nil
}

// filterWords says in words what a filter finds.
func (s *server) filterWords(f evidence.Filter) []string {
	var words []string
	for _, l := range evidence.Lapses() {
		if l.Word == f.Lapse {
			words = append(words, l.Label)
		}
	}
	if f.Lapse == "" {
		words = append(words, ui.Period(f.Span.From, f.Span.To))
	}
	if f.Stream != "" {
		words = append(words, s.streamTitle(f.Stream))
	}
	if f.Connection != "" {
		words = append(words, "connection "+string(f.Connection))
	}
	for _, m := range f.Where {
		words = append(words, s.matchWords(m))
	}
	return words
}

func (s *server) filters(w http.ResponseWriter, r *http.Request) error {
	return s.showFilters(w, r, http.StatusOK, view.Filters{})
}

// showFilters lists the filters; v holds what was typed for one of them, and why it was refused.
func (s *server) showFilters(w http.ResponseWriter, r *http.Request, status int, v view.Filters) error {
	var err error
	if v.List, err = s.savedFilters(r.Context(), people.From(r.Context()), url.Values{}); err != nil {
		return err
	}
	v.Now = s.now()
	p, err := s.framed(r, "Saved filters", "/events", ui.Crumb{Name: "Saved filters"})
	if err != nil {
		return err
	}
	return render(w, r, status, view.FiltersPage(p, v))
}

// saveFilter keeps what an address of the events page asks for under a name.
func (s *server) saveFilter(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	form := view.SaveForm{Name: r.PostFormValue("name"), Shared: r.PostFormValue("shared") != ""}
	params, err := url.ParseQuery(r.PostFormValue("filter"))
	if err != nil {
		return evidence.Errorf(evidence.Invalid, "The filter cannot be read. Go back to the events and save it from there.")
	}
	sr, err := s.parseSearch(ctx, c.Workspace, params)
	if err != nil {
		return err
	}
	f := filterOf(sr)
	f.Name, f.Shared = form.Name, form.Shared
	f, err = s.cfg.Explore.SaveFilter(ctx, c, f)
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.Conflict:
		form.Problem = err.Error()
		return s.showEvents(w, r, params, statusOf(err), form)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/events?"+filterParams(f).Encode(), http.StatusSeeOther)
	return nil
}

func (s *server) changeFilter(w http.ResponseWriter, r *http.Request) error {
	v := view.Filters{Changed: r.PathValue("id"), Name: r.PostFormValue("name"), Shared: r.PostFormValue("shared") != ""}
	_, err := s.cfg.Explore.ChangeFilter(r.Context(), people.From(r.Context()), evidence.ID(v.Changed), v.Name, v.Shared)
	return s.afterFilter(w, r, v, err)
}

func (s *server) removeFilter(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.Explore.RemoveFilter(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	return s.afterFilter(w, r, view.Filters{}, err)
}

func (s *server) afterFilter(w http.ResponseWriter, r *http.Request, v view.Filters, err error) error {
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.Conflict:
		v.Problem = err.Error()
		return s.showFilters(w, r, statusOf(err), v)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/events/filters", http.StatusSeeOther)
	return nil
}
