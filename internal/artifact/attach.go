package artifact

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// AttachRequest attaches an artifact to exactly one of a control and an action, each by key or id. What is empty takes
// the default of the recipe's mapping to the requirements of the control, or of the action's control.
type AttachRequest struct {
	Artifact evidence.ID
	Control  string
	Action   string
	Strength evidence.Strength
	Reason   string
	Caveat   string
}

// DetachRequest ends an attachment: the one named, or the one of the artifact to the control or action.
type DetachRequest struct {
	Attachment evidence.ID
	Artifact   evidence.ID
	Control    string // key or id
	Action     string // key or id
	Reason     string // kept with the attachment
}

// Suggestion is something that an artifact could be attached to.
type Suggestion struct {
	Target   evidence.Target
	Key      string // of the control or action
	Name     string
	Strength evidence.Strength
	Reason   string
	Caveat   string
	// Asked says that the action, or an action of the control, asks for the artifact's recipe. Without it the control
	// merely shares a requirement with the recipe's mapping, which a person has to judge.
	Asked bool
}

// maxReason is how long a reason or caveat may be, in runes.
const maxReason = 2000

// Attach attaches an artifact. If it is attached there already the error is evidence.Conflict.
func (s *Service) Attach(ctx context.Context, who string, ws evidence.ID, req AttachRequest) (evidence.Attachment, error) {
	a, err := s.cfg.Store.Artifact(ctx, ws, req.Artifact)
	if err != nil {
		return evidence.Attachment{}, err
	}
	if !a.RetiredAt.IsZero() {
		return evidence.Attachment{}, evidence.Errorf(evidence.Conflict, "%s was retired (%s), so it can no longer be attached.", a.ID, a.Retired)
	}
	target, control, err := s.target(ctx, ws, req.Control, req.Action)
	if err != nil {
		return evidence.Attachment{}, err
	}
	if !control.RetiredAt.IsZero() {
		return evidence.Attachment{}, evidence.Errorf(evidence.Conflict, "%s was retired (%s), so nothing can be attached to it any more.", control.Key, control.Retired)
	}
	sug := support(a, control)
	if req.Strength != "" {
		sug.Strength = req.Strength
	}
	if req.Reason != "" {
		sug.Reason = req.Reason
	}
	if req.Caveat != "" {
		sug.Caveat = req.Caveat
	}
	sug.Target, sug.Key = target.Target, target.Key
	return s.attach(ctx, who, a, sug, false)
}

// attach checks and stores an attachment and notes it.
func (s *Service) attach(ctx context.Context, who string, a evidence.Artifact, sug Suggestion, automatic bool) (evidence.Attachment, error) {
	if !slices.Contains([]evidence.Strength{evidence.Strong, evidence.Partial, evidence.Context}, sug.Strength) {
		return evidence.Attachment{}, evidence.Errorf(evidence.Invalid, "%.40q is no strength. Write strong, partial or context.", sug.Strength)
	}
	for what, text := range map[string]string{"reason": sug.Reason, "caveat": sug.Caveat} {
		if !fit(text) {
			return evidence.Attachment{}, evidence.Errorf(evidence.Invalid, "The %s must be text of at most %d characters.", what, maxReason)
		}
	}
	x := evidence.Attachment{
		ID: evidence.NewID(evidence.PrefixAttachment), Workspace: a.Workspace, Artifact: a.ID, Target: sug.Target,
		Strength: sug.Strength, Reason: sug.Reason, Caveat: sug.Caveat, Automatic: automatic, AttachedAt: s.cfg.Now().UTC(), AttachedBy: who,
	}
	if err := s.cfg.Store.Attach(ctx, x); err != nil {
		return evidence.Attachment{}, err
	}
	return x, s.note(ctx, a.Workspace, who, "artifact.attach", a.ID, fmt.Sprintf("to %s as %s evidence", sug.Key, sug.Strength))
}

// fit reports whether text can be kept as a reason or caveat: not too long, and without control characters but line ends.
func fit(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxReason &&
		!strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\r' && r != '\n' })
}

// named is a target with its key.
type named struct {
	evidence.Target
	Key string
}

// target resolves a control or an action, and the control that it stands for.
func (s *Service) target(ctx context.Context, ws evidence.ID, control, action string) (named, evidence.Control, error) {
	switch {
	case (control == "") == (action == ""):
		return named{}, evidence.Control{}, evidence.Errorf(evidence.Invalid, "Name either a control or an action.")
	case control != "":
		c, err := s.cfg.Store.Control(ctx, ws, control)
		return named{evidence.Target{Control: c.ID}, c.Key}, c, err
	}
	a, err := s.cfg.Store.Action(ctx, ws, action)
	if err != nil {
		return named{}, evidence.Control{}, err
	}
	c, err := s.cfg.Store.Control(ctx, ws, string(a.Control))
	return named{evidence.Target{Action: a.ID}, a.Key}, c, err
}

// Detach ends an attachment. It is kept with the reason, who ended it and when.
func (s *Service) Detach(ctx context.Context, who string, ws evidence.ID, req DetachRequest) error {
	if strings.TrimSpace(req.Reason) == "" || !fit(req.Reason) {
		return evidence.Errorf(evidence.Invalid, "Say in at most %d characters of text why it is detached. The reason is kept.", maxReason)
	}
	x, err := s.attachment(ctx, ws, req)
	if err != nil {
		return err
	}
	if err := s.cfg.Store.Detach(ctx, ws, x.ID, s.cfg.Now().UTC(), who, req.Reason); err != nil {
		return err
	}
	// What a person took off is not proposed again.
	if err := s.cfg.Store.Decline(ctx, evidence.Declined{Workspace: ws, Artifact: x.Artifact, Target: x.Target, Reason: req.Reason, At: s.cfg.Now().UTC(), By: who}); err != nil {
		return err
	}
	return s.note(ctx, ws, who, "artifact.detach", x.Artifact, fmt.Sprintf("from %s%s: %s", x.Target.Control, x.Target.Action, req.Reason))
}

func (s *Service) attachment(ctx context.Context, ws evidence.ID, req DetachRequest) (evidence.Attachment, error) {
	matches := func(x evidence.Attachment) bool { return x.ID == req.Attachment }
	if req.Attachment == "" {
		target, _, err := s.target(ctx, ws, req.Control, req.Action)
		if err != nil {
			return evidence.Attachment{}, err
		}
		matches = func(x evidence.Attachment) bool { return x.Target == target.Target }
	}
	all, err := s.cfg.Store.Attachments(ctx, ws, store.AttachmentFilter{Artifact: req.Artifact})
	if err != nil {
		return evidence.Attachment{}, fmt.Errorf("listing attachments: %w", err)
	}
	at := slices.IndexFunc(all, matches)
	if at < 0 {
		return evidence.Attachment{}, evidence.Errorf(evidence.NotFound, "The artifact is not attached there.")
	}
	return all[at], nil
}

// SuggestAttachments gives what an artifact could be attached to and is not: the controls one of whose requirements its
// recipe's mapping names, and the actions that ask for its recipe and for no moment outside its period. Controls come first.
func (s *Service) SuggestAttachments(ctx context.Context, ws, id evidence.ID) ([]Suggestion, error) {
	a, err := s.cfg.Store.Artifact(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	attached, err := s.cfg.Store.Attachments(ctx, ws, store.AttachmentFilter{Artifact: id})
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
	return open(candidates(a, controls, actions), id, attached, declined[id]), nil
}

// open leaves out what is attached already, and what somebody declined.
func open(all []Suggestion, id evidence.ID, attached []evidence.Attachment, declined []evidence.ID) []Suggestion {
	return slices.DeleteFunc(all, func(sug Suggestion) bool {
		return slices.Contains(declined, sug.Target.Control+sug.Target.Action) ||
			slices.ContainsFunc(attached, func(x evidence.Attachment) bool { return x.Artifact == id && x.Target == sug.Target })
	})
}

// targets gives everything that artifacts can be attached to.
func (s *Service) targets(ctx context.Context, ws evidence.ID) ([]evidence.Control, []evidence.Action, error) {
	controls, err := s.cfg.Store.Controls(ctx, ws)
	if err != nil {
		return nil, nil, fmt.Errorf("listing controls: %w", err)
	}
	actions, err := s.cfg.Store.Actions(ctx, ws)
	if err != nil {
		return nil, nil, fmt.Errorf("listing actions: %w", err)
	}
	return controls, actions, nil
}

// candidates gives everything that an artifact fits.
func candidates(a evidence.Artifact, controls []evidence.Control, actions []evidence.Action) []Suggestion {
	var out []Suggestion
	byID := map[evidence.ID]evidence.Control{}
	asks := map[evidence.ID]bool{}
	for _, x := range actions {
		asks[x.Control] = asks[x.Control] || x.AsksFor(a.Recipe) && x.RetiredAt.IsZero()
	}
	for _, c := range controls {
		byID[c.ID] = c
		if sug, ok := mapped(a, c); ok && c.RetiredAt.IsZero() {
			sug.Target, sug.Key, sug.Name, sug.Asked = evidence.Target{Control: c.ID}, c.Key, c.Name, asks[c.ID]
			out = append(out, sug)
		}
	}
	fit := a
	fit.Latest.Result = evidence.Complete // an inconclusive artifact belongs to the action too; it only does not fill it
	for _, x := range actions {
		if x.AsksFor(a.Recipe) && x.FilledBy(fit) && x.RetiredAt.IsZero() && byID[x.Control].RetiredAt.IsZero() {
			sug := support(a, byID[x.Control])
			sug.Target, sug.Key, sug.Name, sug.Asked = evidence.Target{Action: x.ID}, x.Key, x.Title, true
			out = append(out, sug)
		}
	}
	return out
}

// AutoAttach attaches an artifact to what asks for its recipe, and marks the attachments as automatic. Controls that merely
// share a requirement with it stay suggestions: that failed sign-ins support CC6.1 does not make them evidence for every
// control that serves CC6.1.
func (s *Service) AutoAttach(ctx context.Context, who string, ws, id evidence.ID) ([]evidence.Attachment, error) {
	return s.attachAsked(ctx, who, ws, id, func(Suggestion) bool { return true })
}

// attachAsked makes, of the attachments that are asked for, those that are wanted, and marks them as automatic.
func (s *Service) attachAsked(ctx context.Context, who string, ws, id evidence.ID, wanted func(Suggestion) bool) ([]evidence.Attachment, error) {
	a, err := s.cfg.Store.Artifact(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	suggestions, err := s.SuggestAttachments(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	var out []evidence.Attachment
	for _, sug := range suggestions {
		if !sug.Asked || !wanted(sug) {
			continue
		}
		x, err := s.attach(ctx, who, a, sug, true)
		if evidence.ErrorCode(err) == evidence.Conflict {
			continue // somebody else attached it meanwhile
		}
		if err != nil {
			return out, fmt.Errorf("attaching to %s: %w", sug.Key, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// support is mapped, or for a control that the mapping does not name, mere context.
func support(a evidence.Artifact, c evidence.Control) Suggestion {
	if sug, ok := mapped(a, c); ok {
		return sug
	}
	return Suggestion{Strength: evidence.Context, Reason: "Attached by a person; no mapping ties this evidence to the control's requirements."}
}

// mapped gives the strongest support that an artifact's recipe offers to one of a control's requirements.
func mapped(a evidence.Artifact, c evidence.Control) (Suggestion, bool) {
	r, err := recipe.ByID(a.Recipe)
	if err != nil {
		return Suggestion{}, false // an upload, or a recipe that this version does not have
	}
	order := []evidence.Strength{evidence.Strong, evidence.Partial, evidence.Context}
	for _, strength := range order {
		for _, m := range r.Mappings {
			if m.Strength == strength && slices.Contains(c.Requirements, evidence.RequirementRef{Framework: m.Framework, ID: m.Requirement}) {
				return Suggestion{Strength: m.Strength, Reason: m.Reason, Caveat: m.Caveat}, true
			}
		}
	}
	return Suggestion{}, false
}
