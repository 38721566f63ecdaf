package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// find leads from the box in the bar to what was meant: a thing by its id, an event by its place, a page by its name,
// else a search among the events.
func (s *server) find(w http.ResponseWriter, r *http.Request) error {
	q := strings.TrimSpace(r.FormValue("q"))
	to := target(q)
	if people.From(r.Context()).Role.Confined() && !strings.HasPrefix(to, "/audits") { // nothing else is his to find
		to = "/audits"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func target(q string) string {
	if q == "" {
		return "/events"
	}
	if prefix, _, ok := strings.Cut(q, "_"); ok && !strings.ContainsAny(q, "/ ?#%") {
		switch prefix {
		case evidence.PrefixConnection:
			return "/connections/" + url.PathEscape(q)
		case evidence.PrefixArtifact:
			return "/artifacts/" + url.PathEscape(q)
		case evidence.PrefixAction:
			return "/actions/" + url.PathEscape(q)
		case evidence.PrefixControl:
			return "/controls/" + url.PathEscape(q)
		case evidence.PrefixAudit:
			return "/audits/" + url.PathEscape(q)
		}
	}
	if _, err := evidence.ParseEventRef(q); err == nil {
		return "/events/" + q
	}
	for _, e := range entries() {
		if strings.EqualFold(q, e.Name) {
			return e.Path
		}
	}
	return "/events?" + url.Values{"q": {q}, "range": {"120d"}}.Encode()
}
