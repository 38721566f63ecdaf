package artifact

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Proposals gives, for each artifact in use, what mappings propose to attach it to and nobody has accepted or declined:
// the controls and actions that ask for its recipe.
func (s *Service) Proposals(ctx context.Context, ws evidence.ID) (map[evidence.ID][]Suggestion, error) {
	all, err := s.cfg.Store.Artifacts(ctx, ws, store.ArtifactFilter{Kind: evidence.Derived})
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	attached, err := s.cfg.Store.Attachments(ctx, ws, store.AttachmentFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing attachments: %w", err)
	}
	declined, err := s.cfg.Store.Declined(ctx, ws)
	if err != nil {
		return nil, err
	}
	controls, actions, err := s.targets(ctx, ws)
	if err != nil {
		return nil, err
	}
	out := map[evidence.ID][]Suggestion{}
	for _, a := range all {
		if !a.RetiredAt.IsZero() {
			continue
		}
		for _, sug := range open(candidates(a, controls, actions), a.ID, attached, declined[a.ID]) {
			if sug.Asked {
				out[a.ID] = append(out[a.ID], sug)
			}
		}
	}
	return out, nil
}

// ProposalRequest names a proposed attachment: an artifact, and a control or an action by key or id.
type ProposalRequest struct {
	Artifact evidence.ID
	Control  string
	Action   string
	Reason   string // needed to decline
}

// proposal finds what is proposed.
func (s *Service) proposal(ctx context.Context, ws evidence.ID, req ProposalRequest) (evidence.Artifact, Suggestion, error) {
	a, err := s.cfg.Store.Artifact(ctx, ws, req.Artifact)
	if err != nil {
		return a, Suggestion{}, err
	}
	target, _, err := s.target(ctx, ws, req.Control, req.Action)
	if err != nil {
		return a, Suggestion{}, err
	}
	all, err := s.Proposals(ctx, ws)
	if err != nil {
		return a, Suggestion{}, err
	}
	i := slices.IndexFunc(all[a.ID], func(x Suggestion) bool { return x.Target == target.Target })
	if i < 0 {
		return a, Suggestion{}, evidence.Errorf(evidence.Conflict, "To attach it to %s is not proposed, or somebody has accepted or declined it meanwhile.", target.Key)
	}
	return a, all[a.ID][i], nil
}

// Accept makes a proposed attachment. It stays marked as automatic: the mapping chose it, and a person agreed.
func (s *Service) Accept(ctx context.Context, who string, ws evidence.ID, req ProposalRequest) (evidence.Attachment, error) {
	a, sug, err := s.proposal(ctx, ws, req)
	if err != nil {
		return evidence.Attachment{}, err
	}
	return s.attach(ctx, who, a, sug, true)
}

// Decline keeps a proposed attachment from being proposed again.
func (s *Service) Decline(ctx context.Context, who string, ws evidence.ID, req ProposalRequest) error {
	req.Reason = strings.TrimSpace(req.Reason)
	if req.Reason == "" || !fit(req.Reason) {
		return evidence.Errorf(evidence.Invalid, "Say in at most %d characters of text why it is no evidence for that. The reason is kept.", maxReason)
	}
	a, sug, err := s.proposal(ctx, ws, req)
	if err != nil {
		return err
	}
	d := evidence.Declined{Workspace: ws, Artifact: a.ID, Target: sug.Target, Reason: req.Reason, At: s.cfg.Now().UTC().Truncate(time.Millisecond), By: who}
	if err := s.cfg.Store.Decline(ctx, d); err != nil {
		return err
	}
	return s.note(ctx, ws, who, "artifact.decline", a.ID, fmt.Sprintf("for %s: %s", sug.Key, req.Reason))
}

// Attaching says what becomes of the attachments that mappings name.
func (s *Service) Attaching(ctx context.Context, ws evidence.ID) (evidence.Attaching, error) {
	return s.cfg.Store.Attaching(ctx, ws)
}

// SetAttaching chooses what becomes of them from the next build on.
func (s *Service) SetAttaching(ctx context.Context, c people.Caller, how evidence.Attaching) error {
	if err := c.May(people.ManageSettings); err != nil {
		return err
	}
	return s.SetAttachingHere(ctx, c.Who(), c.Workspace, how)
}

// SetAttachingHere is SetAttaching for the person at the command line.
func (s *Service) SetAttachingHere(ctx context.Context, who string, ws evidence.ID, how evidence.Attaching) error {
	if how != evidence.Propose && how != evidence.Do {
		return evidence.Errorf(evidence.Invalid, "%.40q is no way to attach. Write propose or do.", how)
	}
	if err := s.cfg.Store.SetAttaching(ctx, ws, how, who); err != nil {
		return err
	}
	return s.note(ctx, ws, who, "settings.attaching", ws, string(how))
}

// attachBuilt attaches what was just built to the actions that ask for it, so that they fill themselves, and to the controls
// that its mappings name where the workspace chose that. What a person declined or detached stays as he left it.
func (s *Service) attachBuilt(ctx context.Context, who string, v View) (View, error) {
	a := v.Artifact
	how, err := s.cfg.Store.Attaching(ctx, a.Workspace)
	if err != nil {
		return v, err
	}
	made, err := s.attachAsked(ctx, who, a.Workspace, a.ID, func(sug Suggestion) bool { return how == evidence.Do || sug.Target.Action != "" })
	if err != nil || len(made) == 0 {
		return v, err
	}
	unchanged := v.Unchanged
	v, err = s.Show(ctx, a.Workspace, a.ID)
	v.Unchanged = unchanged
	return v, err
}
