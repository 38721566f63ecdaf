package web

import (
	"context"
	"net/http"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// Logbook shows the workspace's log. Nothing of it is changed by looking.
type Logbook interface {
	Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error)
	Status(ctx context.Context, ws evidence.ID, most int) (logbook.Status, error)
	OfArtifact(ctx context.Context, ws evidence.ID, v evidence.ArtifactVersion) (logbook.Inclusion, error)
	ProofOf(ctx context.Context, ws evidence.ID, v evidence.ArtifactVersion) (p translog.Proof, leaf []byte, err error)
	Policy(ctx context.Context, ws evidence.ID) (policy []byte, vkey string, err error)
	Tile(ctx context.Context, ws evidence.ID, path string) ([]byte, error)
}

// shownCheckpoints is how many checkpoints the page lists.
const shownCheckpoints = 50

// logPage shows how far the log has come and how somebody else checks it.
func (s *server) logPage(w http.ResponseWriter, r *http.Request) error {
	p, err := s.framed(r, "Log", "/log")
	if err != nil {
		return err
	}
	st, err := s.cfg.Logbook.Status(r.Context(), people.From(r.Context()).Workspace, shownCheckpoints)
	begun := evidence.ErrorCode(err) != evidence.NotFound
	if err != nil && begun {
		return err
	}
	return render(w, r, http.StatusOK, view.LogPage(p, view.Log{Status: st, Begun: begun, Command: s.cfg.Command}))
}

// logTile serves the log in the layout of C2SP tlog-tiles.
func (s *server) logTile(w http.ResponseWriter, r *http.Request) error {
	path := r.PathValue("path")
	b, err := s.cfg.Logbook.Tile(r.Context(), people.From(r.Context()).Workspace, path)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if path == "checkpoint" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	_, err = w.Write(b)
	return err
}
