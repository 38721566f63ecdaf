package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// proofOf gives where an artifact version stands in the log. That the log does not tell of it is shown and no error.
func (s *server) proofOf(ctx context.Context, ws evidence.ID, v evidence.ArtifactVersion) (view.Proof, error) {
	in, err := s.cfg.Logbook.OfArtifact(ctx, ws, v)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return view.Proof{Artifact: v.Artifact, Version: v.Version}, nil
	}
	if err != nil {
		return view.Proof{}, fmt.Errorf("looking up the proof of %s: %w", v.Artifact, err)
	}
	return view.Proof{Artifact: v.Artifact, Version: v.Version, Inclusion: in, Found: true}, nil
}

// versionAsked gives the artifact version of an address.
func (s *server) versionAsked(r *http.Request) (evidence.ArtifactVersion, error) {
	ws, id := people.From(r.Context()).Workspace, evidence.ID(r.PathValue("id"))
	a, err := s.cfg.Store.Artifact(r.Context(), ws, id)
	if err != nil {
		return evidence.ArtifactVersion{}, err
	}
	versions, err := s.cfg.Store.ArtifactVersions(r.Context(), ws, a.ID)
	if err != nil {
		return evidence.ArtifactVersion{}, fmt.Errorf("listing the versions of %s: %w", a.ID, err)
	}
	return wantedVersion(a, versions, r.PathValue("version"))
}

// artifactProof gives the proof of one artifact version as a C2SP tlog-proof.
func (s *server) artifactProof(w http.ResponseWriter, r *http.Request) error {
	v, err := s.versionAsked(r)
	if err != nil {
		return err
	}
	p, _, err := s.cfg.Logbook.ProofOf(r.Context(), people.From(r.Context()).Workspace, v)
	if err != nil {
		return err
	}
	return giveText(w, fmt.Sprintf("%s_v%d.tlog-proof", v.Artifact, v.Version), p.Bytes())
}

// artifactLeaf gives the leaf of one artifact version: what its proof proves.
func (s *server) artifactLeaf(w http.ResponseWriter, r *http.Request) error {
	v, err := s.versionAsked(r)
	if err != nil {
		return err
	}
	_, leaf, err := s.cfg.Logbook.ProofOf(r.Context(), people.From(r.Context()).Workspace, v)
	if err != nil {
		return err
	}
	return giveText(w, fmt.Sprintf("%s_v%d.leaf", v.Artifact, v.Version), leaf)
}

// giveText gives a small text as a file. Its name is made of what Exhibit itself made.
func giveText(w http.ResponseWriter, name string, text []byte) error {
	h := w.Header()
	h.Set("Content-Security-Policy", downloadPolicy)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err := w.Write(text)
	return err
}

// trustPolicy gives the trust file for auditors.
func (s *server) trustPolicy(w http.ResponseWriter, r *http.Request) error {
	text, _, err := s.cfg.Logbook.Policy(r.Context(), people.From(r.Context()).Workspace)
	if err != nil {
		return err
	}
	return giveText(w, "trust.policy", text)
}

// verifyPage explains to an auditor how he checks evidence without this server.
func (s *server) verifyPage(w http.ResponseWriter, r *http.Request) error {
	p, err := s.framed(r, "Verify", "/log", crumb("Verify", ""))
	if err != nil {
		return err
	}
	st, err := s.cfg.Logbook.Status(r.Context(), people.From(r.Context()).Workspace, 1)
	if err != nil && evidence.ErrorCode(err) != evidence.NotFound {
		return err
	}
	return render(w, r, http.StatusOK, view.VerifyPage(p, view.Verify{Status: st}))
}
