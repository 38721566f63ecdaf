package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// proposed gives what mappings propose for an artifact.
func (s *server) proposed(ctx context.Context, c people.Caller, id evidence.ID) ([]artifact.Suggestion, error) {
	if !c.Has(people.AttachArtifacts) {
		return nil, nil
	}
	all, err := s.cfg.Artifacts.Proposals(ctx, c.Workspace)
	return all[id], err
}

func (s *server) acceptProposal(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	_, err := s.cfg.Artifacts.Accept(r.Context(), c.Who(), c.Workspace, proposalOf(r))
	return s.afterAttach(w, r, view.Artifact{}, err)
}

func (s *server) declineProposal(w http.ResponseWriter, r *http.Request) error {
	c, req := people.From(r.Context()), proposalOf(r)
	err := s.cfg.Artifacts.Decline(r.Context(), c.Who(), c.Workspace, req)
	return s.afterAttach(w, r, view.Artifact{Declining: r.PostFormValue("target"), DeclineReason: req.Reason}, err)
}

// proposalOf reads the form of a proposal.
func proposalOf(r *http.Request) artifact.ProposalRequest {
	req := artifact.ProposalRequest{Artifact: evidence.ID(r.PathValue("id")), Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	kind, id, _ := strings.Cut(r.PostFormValue("target"), ":")
	switch kind {
	case "control":
		req.Control = id
	case "action":
		req.Action = id
	}
	return req
}

func (s *server) setAttaching(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	if err := s.cfg.Artifacts.SetAttaching(r.Context(), c, evidence.Attaching(r.PostFormValue("attaching"))); err != nil {
		return err
	}
	http.Redirect(w, r, "/artifacts/schedules#attaching", http.StatusSeeOther)
	return nil
}

// askedToAttach says on the front page that proposed attachments wait.
func (s *server) askedToAttach(ctx context.Context, c people.Caller) ([]view.Attention, error) {
	if !c.Has(people.AttachArtifacts) {
		return nil, nil
	}
	all, err := s.cfg.Artifacts.Proposals(ctx, c.Workspace)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	n := 0
	for _, list := range all {
		n += len(list)
	}
	return []view.Attention{{Tone: ui.Info, Icon: "link", Title: "Proposed as evidence: " + ui.Many(len(all), "artifact"), Href: "/artifacts?attach=proposed",
		Text: ui.Many(n, "attachment") + " that mappings name. Accept them, or decline with a reason."}}, nil
}

type apiAttachProposal struct {
	Control  evidence.ID       `json:"control,omitempty"`
	Action   evidence.ID       `json:"action,omitempty"`
	Key      string            `json:"key"`
	Name     string            `json:"name"`
	Strength evidence.Strength `json:"strength"`
	Reason   string            `json:"reason"`
	Caveat   string            `json:"caveat,omitempty"`
}

type apiProposals struct {
	Proposals []apiAttachProposal `json:"proposals"`
}

func (s *server) apiProposals(ctx context.Context, c people.Caller, in *byID) (apiProposals, error) {
	out := apiProposals{Proposals: []apiAttachProposal{}}
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(in.ID))
	if err != nil {
		return out, err
	}
	all, err := s.cfg.Artifacts.Proposals(ctx, c.Workspace)
	for _, x := range all[a.ID] {
		out.Proposals = append(out.Proposals, apiAttachProposal{x.Target.Control, x.Target.Action, x.Key, x.Name, x.Strength, x.Reason, x.Caveat})
	}
	return out, err
}

type attachProposalInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the artifact"`
	Body struct {
		Control string `json:"control,omitempty" doc:"Id or key of the control; either this or action"`
		Action  string `json:"action,omitempty" doc:"Id or key of the action"`
		Reason  string `json:"reason,omitempty" doc:"Needed to decline"`
	}
}

func (in attachProposalInput) request() artifact.ProposalRequest {
	return artifact.ProposalRequest{Artifact: evidence.ID(in.ID), Control: in.Body.Control, Action: in.Body.Action, Reason: in.Body.Reason}
}

func (s *server) apiAccept(ctx context.Context, c people.Caller, in *attachProposalInput) (apiAttachment, error) {
	at, err := s.cfg.Artifacts.Accept(ctx, c.Who(), c.Workspace, in.request())
	return apiAttachment{at.ID, at.Artifact, at.Target.Control, at.Target.Action, at.Strength}, err
}

func (s *server) apiDecline(ctx context.Context, c people.Caller, in *attachProposalInput) (apiProposals, error) {
	if err := s.cfg.Artifacts.Decline(ctx, c.Who(), c.Workspace, in.request()); err != nil {
		return apiProposals{}, err
	}
	return s.apiProposals(ctx, c, &byID{ID: in.ID})
}

type apiAttaching struct {
	Attaching evidence.Attaching `json:"attaching" enum:"propose,do" doc:"What becomes of attachments that mappings name when an artifact is built"`
}

func (s *server) apiAttachingNow(ctx context.Context, c people.Caller, _ *nothing) (apiAttaching, error) {
	how, err := s.cfg.Artifacts.Attaching(ctx, c.Workspace)
	return apiAttaching{how}, err
}

type attachingInput struct{ Body apiAttaching }

func (s *server) apiSetAttaching(ctx context.Context, c people.Caller, in *attachingInput) (apiAttaching, error) {
	return in.Body, s.cfg.Artifacts.SetAttaching(ctx, c, in.Body.Attaching)
}
