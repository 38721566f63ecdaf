package web

import (
	"net/http"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// newest is how many artifacts the front page shows.
const newest = 5

func (s *server) home(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	if c.Role.Confined() { // of everything that the front page shows he may see nothing
		http.Redirect(w, r, "/audits", http.StatusSeeOther)
		return nil
	}
	mark, err := s.liveMark(r)
	if err != nil {
		return err
	}
	o, err := s.overview(r.Context(), c)
	if err != nil {
		return err
	}
	var rows []artifact.View
	if c.Has(people.ReadArtifacts) {
		if rows, err = s.cfg.Artifacts.List(r.Context(), c.Workspace, artifact.Filter{Use: artifact.InUse}); err != nil {
			return err
		}
	}
	steps, err := s.steps(r.Context(), c, o, rows)
	if err != nil {
		return err
	}
	mentions, err := s.mentions(r.Context(), c)
	if err != nil {
		return err
	}
	changes, err := s.wordingAttention(r.Context(), c)
	if err != nil {
		return err
	}
	o.attention = append(append(mentions, o.attention...), changes...)
	p, err := s.framed(r, "Home", "/")
	if err != nil {
		return err
	}
	if c.Has(people.ReadSources) { // others have no stream to listen to
		p.Mark = mark
	}
	return render(w, r, http.StatusOK, view.HomePage(p, view.Home{
		Now: s.now(), Numbers: o.numbers, Steps: steps, Attention: o.attention, Connections: o.cards, Artifacts: rows[:min(newest, len(rows))],
		MayManage: c.Has(people.ManageConnections), MaySources: c.Has(people.ReadSources), MayArtifact: c.Has(people.ReadArtifacts), MayEvents: c.Has(people.ReadEvents),
	}))
}
