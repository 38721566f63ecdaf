package program

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Limits of what people write about a control, in runes.
const (
	maxName        = 200
	maxDescription = 4000
	maxReason      = 1000
	maxMapped      = 500 // requirements
)

// ControlDraft is a control that somebody wants to make.
type ControlDraft struct {
	Key          string // empty: the next free of C-01, C-02, …
	Name         string
	Description  string
	Owner        string
	Requirements []evidence.RequirementRef
}

// ControlEdit is what somebody wants to change of a control; nil stays as it is.
type ControlEdit struct {
	Name         *string
	Description  *string
	Owner        *string
	Requirements *[]evidence.RequirementRef
	Revision     int // the revision that the person looked at; 0: whatever it is now
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$`)

// AddControl makes a control.
func (s *Service) AddControl(ctx context.Context, c people.Caller, d ControlDraft) (evidence.Control, error) {
	if err := c.May(people.ManageControls); err != nil {
		return evidence.Control{}, err
	}
	control := evidence.Control{
		ID: evidence.NewID(evidence.PrefixControl), Workspace: c.Workspace, Key: strings.TrimSpace(d.Key), Name: strings.TrimSpace(d.Name),
		Description: lines(d.Description), Owner: strings.TrimSpace(d.Owner), Requirements: sorted(d.Requirements), CreatedAt: s.now().UTC().Truncate(time.Millisecond),
	}
	if control.Key == "" {
		var err error
		if control.Key, err = s.nextKey(ctx, c.Workspace); err != nil {
			return evidence.Control{}, err
		}
	}
	if !keyPattern.MatchString(control.Key) {
		return evidence.Control{}, evidence.Errorf(evidence.Invalid, "The key %.60q cannot be used. Write letters, digits, dots and hyphens, such as AC-01, at most 32 of them.", control.Key)
	}
	if err := s.checkControl(ctx, control, nil); err != nil {
		return evidence.Control{}, err
	}
	control, err := s.store.AddControl(ctx, control)
	if err != nil {
		return evidence.Control{}, err
	}
	return control, s.note(ctx, c.Workspace, c.Who(), "control.add", control.Key, control.Name+mapped(control.Requirements))
}

func (s *Service) nextKey(ctx context.Context, ws evidence.ID) (string, error) {
	all, err := s.store.Controls(ctx, ws)
	if err != nil {
		return "", fmt.Errorf("listing controls: %w", err)
	}
	for n := 1; ; n++ {
		key := fmt.Sprintf("C-%02d", n)
		if !slices.ContainsFunc(all, func(c evidence.Control) bool { return c.Key == key }) {
			return key, nil
		}
	}
}

// checkControl sees that a control can be kept. Requirements that it had before need not exist any more.
func (s *Service) checkControl(ctx context.Context, c evidence.Control, before []evidence.RequirementRef) error {
	for _, part := range []struct {
		what, text string
		most       int
		needed     bool
	}{{"name", c.Name, maxName, true}, {"description", c.Description, maxDescription, false}, {"owner", c.Owner, maxName, false}} {
		if part.needed && part.text == "" {
			return evidence.Errorf(evidence.Invalid, "A control needs a %s.", part.what)
		}
		if !fit(part.text, part.most) {
			return evidence.Errorf(evidence.Invalid, "The %s must be text of at most %d characters.", part.what, part.most)
		}
	}
	if len(c.Requirements) > maxMapped {
		return evidence.Errorf(evidence.Invalid, "A control can serve at most %d requirements. Make several of it.", maxMapped)
	}
	all, err := s.Frameworks(ctx, c.Workspace)
	if err != nil {
		return err
	}
	return requirementsOf(all).check(c.Requirements, before)
}

// fit reports whether a text can be kept: not too long, and without control characters but line ends.
func fit(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })
}

// lines writes line ends in one way.
func lines(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(s))
}

// sorted puts requirements in order, each once.
func sorted(refs []evidence.RequirementRef) []evidence.RequirementRef {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, byRef)
	return slices.Compact(refs)
}

// EditControl changes a control. If somebody else changed it since, the error is Conflict.
func (s *Service) EditControl(ctx context.Context, c people.Caller, idOrKey string, e ControlEdit) (evidence.Control, error) {
	before, err := s.inUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Control{}, err
	}
	after := before
	if e.Revision != 0 {
		after.Revision = e.Revision
	}
	var told edits
	told.text("name", e.Name, &after.Name, strings.TrimSpace)
	told.text("owner", e.Owner, &after.Owner, strings.TrimSpace)
	told.text("description", e.Description, &after.Description, lines)
	if e.Requirements != nil {
		after.Requirements = sorted(*e.Requirements)
		told = append(told, differing(before.Requirements, after.Requirements)...)
	}
	if len(told) == 0 {
		return before, nil
	}
	if err := s.checkControl(ctx, after, before.Requirements); err != nil {
		return evidence.Control{}, err
	}
	if after, err = s.store.ChangeControl(ctx, after); err != nil {
		return evidence.Control{}, err
	}
	return after, s.note(ctx, c.Workspace, c.Who(), "control.edit", after.Key, strings.Join(told, "; "))
}

// inUse gives a control that the caller may change and that is not retired.
func (s *Service) inUse(ctx context.Context, c people.Caller, idOrKey string) (evidence.Control, error) {
	if err := c.May(people.ManageControls); err != nil {
		return evidence.Control{}, err
	}
	control, err := s.store.Control(ctx, c.Workspace, idOrKey)
	if err != nil {
		return evidence.Control{}, err
	}
	if !control.RetiredAt.IsZero() {
		return evidence.Control{}, evidence.Errorf(evidence.Conflict, "%s was retired (%s) and is no longer changed. Make another control.", control.Key, control.Retired)
	}
	return control, nil
}

// retries is how often a change that rests on no person's reading is tried again when somebody else was faster.
const retries = 3

// MapControl adds requirements to those that a control serves, and takes others away.
func (s *Service) MapControl(ctx context.Context, c people.Caller, idOrKey string, add, remove []evidence.RequirementRef) (evidence.Control, error) {
	for try := 1; ; try++ {
		control, err := s.inUse(ctx, c, idOrKey)
		if err != nil {
			return evidence.Control{}, err
		}
		for _, ref := range remove {
			if !slices.Contains(control.Requirements, ref) {
				return evidence.Control{}, evidence.Errorf(evidence.NotFound, "%s does not serve %.80s %.80s.", control.Key, ref.Framework, ref.ID)
			}
		}
		refs := slices.DeleteFunc(slices.Concat(control.Requirements, add), func(r evidence.RequirementRef) bool { return slices.Contains(remove, r) })
		control, err = s.EditControl(ctx, c, idOrKey, ControlEdit{Requirements: &refs, Revision: control.Revision})
		if evidence.ErrorCode(err) != evidence.Conflict || try == retries {
			return control, err
		}
	}
}

// RetireControl takes a control out of use, with a reason that is kept. It is never deleted: what is attached stays attached.
func (s *Service) RetireControl(ctx context.Context, c people.Caller, idOrKey, reason string) (evidence.Control, error) {
	reason = lines(reason)
	if reason == "" || !fit(reason, maxReason) {
		return evidence.Control{}, evidence.Errorf(evidence.Invalid, "Say in at most %d characters why the control is retired. The reason is kept.", maxReason)
	}
	control, err := s.inUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Control{}, err
	}
	control.RetiredAt, control.Retired = s.now().UTC().Truncate(time.Millisecond), reason
	if control, err = s.store.ChangeControl(ctx, control); err != nil {
		return evidence.Control{}, err
	}
	return control, s.note(ctx, c.Workspace, c.Who(), "control.retire", control.Key, reason)
}

// Control gives a control by its id or key, retired or not.
func (s *Service) Control(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Control, error) {
	return s.store.Control(ctx, ws, idOrKey)
}

// maxHistory is how many lines of its history are shown with a control.
const maxHistory = 200

// ControlHistory gives what was done to a control, the newest first, as the activity trail tells it.
func (s *Service) ControlHistory(ctx context.Context, ws evidence.ID, key string) ([]store.Activity, error) {
	all, err := s.store.ActivityAbout(ctx, ws, key, maxHistory)
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", key, err)
	}
	return all, nil
}

// ParseRequirement reads a requirement as the command line spells it: soc2:CC6.1.
func ParseRequirement(s string) (evidence.RequirementRef, error) {
	framework, id, ok := strings.Cut(strings.TrimSpace(s), ":")
	ref := evidence.RequirementRef{Framework: strings.TrimSpace(framework), ID: strings.TrimSpace(id)}
	if !ok || ref.Framework == "" || ref.ID == "" {
		return ref, evidence.Errorf(evidence.Invalid, "%.80q names no requirement. Write the framework and the identifier, such as soc2:CC6.1.", s)
	}
	return ref, nil
}

// ParseRequirements reads several and tells everything that is wrong.
func ParseRequirements(all []string) ([]evidence.RequirementRef, error) {
	var out []evidence.RequirementRef
	var wrong []error
	for _, s := range all {
		ref, err := ParseRequirement(s)
		out, wrong = append(out, ref), append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, &evidence.Error{Code: evidence.Invalid, Message: err.Error()}
	}
	return out, nil
}
