package program

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// maxRequests is how many pieces of evidence an action may ask for.
const maxRequests = 20

// ActionDraft is an action that somebody wants to make.
type ActionDraft struct {
	Key         string // empty: the next free of, …
	Control     string // key or id; empty: none
	Title       string
	Description string
	Owner       string
	Delegate    string
	Due         time.Time // zero: no date; then it cannot come again
	Cadence     evidence.Cadence
	Requests    []evidence.EvidenceRequest // empty: an upload
}

// ActionEdit is what somebody wants to change of an action; nil stays as it is.
type ActionEdit struct {
	Control     *string
	Title       *string
	Description *string
	Owner       *string
	Delegate    *string
	Due         *time.Time
	Cadence     *evidence.Cadence
	Requests    *[]evidence.EvidenceRequest
	Revision    int // the revision that the person looked at; 0: whatever it is now
}

// Cadences gives how often an action can come.
func Cadences() []evidence.Cadence {
	return []evidence.Cadence{evidence.Once, evidence.Weekly, evidence.Monthly, evidence.Quarterly, evidence.Yearly}
}

// AddAction makes an action.
func (s *Service) AddAction(ctx context.Context, c people.Caller, d ActionDraft) (evidence.Action, error) {
	if err := c.May(people.ManageActions); err != nil {
		return evidence.Action{}, err
	}
	a := evidence.Action{
		ID: evidence.NewID(evidence.PrefixAction), Workspace: c.Workspace, Key: strings.TrimSpace(d.Key), Title: strings.TrimSpace(d.Title),
		Description: lines(d.Description), Owner: strings.TrimSpace(d.Owner), Delegate: strings.TrimSpace(d.Delegate), Due: d.Due.UTC().Truncate(time.Second),
		Cadence: d.Cadence, Requests: d.Requests, Status: evidence.ActionOpen, CreatedAt: s.now().UTC().Truncate(time.Millisecond),
	}
	if d.Due.IsZero() {
		a.Due = time.Time{}
	}
	if a.Cadence == "" {
		a.Cadence = evidence.Once
	}
	var err error
	if a.Control, err = s.controlFor(ctx, c.Workspace, d.Control); err != nil {
		return evidence.Action{}, err
	}
	if a.Key == "" {
		if a.Key, err = s.nextActionKey(ctx, c.Workspace); err != nil {
			return evidence.Action{}, err
		}
	}
	if !keyPattern.MatchString(a.Key) {
		return evidence.Action{}, evidence.Errorf(evidence.Invalid, "The key %.60q cannot be used. Write letters, digits, dots and hyphens, such as A-01, at most 32 of them.", a.Key)
	}
	if err := checkAction(&a); err != nil {
		return evidence.Action{}, err
	}
	if a, err = s.store.AddAction(ctx, a); err != nil {
		return evidence.Action{}, err
	}
	return a, s.note(ctx, c.Workspace, c.Who(), "action.add", a.Key, a.Title)
}

// controlFor gives the id of the control that an action is to prove.
func (s *Service) controlFor(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.ID, error) {
	if idOrKey = strings.TrimSpace(idOrKey); idOrKey == "" {
		return "", nil
	}
	control, err := s.store.Control(ctx, ws, idOrKey)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return "", evidence.Errorf(evidence.Invalid, "There is no control %.60q that the action could prove.", idOrKey)
	}
	if err != nil {
		return "", err
	}
	if !control.RetiredAt.IsZero() {
		return "", evidence.Errorf(evidence.Conflict, "%s was retired (%s), so no action proves it any more.", control.Key, control.Retired)
	}
	return control.ID, nil
}

func (s *Service) nextActionKey(ctx context.Context, ws evidence.ID) (string, error) {
	all, err := s.store.Actions(ctx, ws)
	if err != nil {
		return "", fmt.Errorf("listing actions: %w", err)
	}
	for n := 1; ; n++ {
		key := fmt.Sprintf("A-%02d", n)
		if !slices.ContainsFunc(all, func(a evidence.Action) bool { return a.Key == key }) {
			return key, nil
		}
	}
}

// checkAction sees that an action can be kept, and puts its requests in order.
func checkAction(a *evidence.Action) error {
	for _, part := range []struct {
		what, text string
		most       int
		needed     bool
	}{{"title", a.Title, maxName, true}, {"description", a.Description, maxDescription, false}, {"owner", a.Owner, maxName, false}, {"delegate", a.Delegate, maxName, false}} {
		if part.needed && part.text == "" {
			return evidence.Errorf(evidence.Invalid, "An action needs a %s.", part.what)
		}
		if !fit(part.text, part.most) {
			return evidence.Errorf(evidence.Invalid, "The %s must be text of at most %d characters.", part.what, part.most)
		}
	}
	if !slices.Contains(Cadences(), a.Cadence) {
		return evidence.Errorf(evidence.Invalid, "%.40q is no cadence. Write once, weekly, monthly, quarterly or yearly.", a.Cadence)
	}
	if a.Cadence != evidence.Once && a.Due.IsZero() {
		return evidence.Errorf(evidence.Invalid, "What comes again needs a due date: from it follow the period that it asks about and the next date.")
	}
	if y := a.Due.Year(); !a.Due.IsZero() && (y < 2000 || y > 2200) {
		return evidence.Errorf(evidence.Invalid, "The due date must lie between 2000 and 2200.")
	}
	return checkRequests(a)
}

func checkRequests(a *evidence.Action) error {
	if len(a.Requests) > maxRequests {
		return evidence.Errorf(evidence.Invalid, "An action can ask for at most %d pieces of evidence. Make several of it.", maxRequests)
	}
	a.Recipe = ""
	a.Requests = slices.Clone(a.Requests)
	for i := range a.Requests {
		r := &a.Requests[i]
		r.Recipe, r.Upload = strings.TrimSpace(r.Recipe), strings.TrimSpace(r.Upload)
		if r.Recipe == "" {
			if r.Upload == "" || !fit(r.Upload, maxName) || len(r.Params) > 0 {
				return evidence.Errorf(evidence.Invalid, "An evidence request names a recipe, or says in at most %d characters what is to be uploaded.", maxName)
			}
			continue
		}
		if err := checkRecipeRequest(r); err != nil {
			return err
		}
		if a.Recipe == "" {
			a.Recipe = r.Recipe
		}
	}
	return nil
}

// checkRecipeRequest sees that the recipe is there and takes the parameters, and writes them as provenance will.
func checkRecipeRequest(r *evidence.EvidenceRequest) error {
	known, err := recipe.ByID(r.Recipe)
	if err != nil {
		return evidence.Errorf(evidence.Invalid, "There is no recipe %.60q. exhibit recipes lists them.", r.Recipe)
	}
	if r.Upload != "" {
		return evidence.Errorf(evidence.Invalid, "An evidence request names either a recipe or an upload. Make two of it.")
	}
	values, err := known.Values(r.Params)
	if err != nil {
		return err
	}
	given := r.Params
	r.Params = nil
	for _, v := range values {
		if _, ok := given[v.Name]; !ok {
			continue
		}
		if r.Params == nil {
			r.Params = map[string]string{}
		}
		switch v.Unit {
		case recipe.Names:
			r.Params[v.Name] = strings.Join(v.Names, ",")
		case recipe.Words:
			r.Params[v.Name] = v.Text
		default:
			r.Params[v.Name] = fmt.Sprint(v.Value)
		}
	}
	return nil
}

// EditAction changes an action. If somebody else changed it since, the error is Conflict.
func (s *Service) EditAction(ctx context.Context, c people.Caller, idOrKey string, e ActionEdit) (evidence.Action, error) {
	before, err := s.actionInUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	after := before
	if e.Revision != 0 {
		after.Revision = e.Revision
	}
	var told edits
	told.text("title", e.Title, &after.Title, strings.TrimSpace)
	told.text("owner", e.Owner, &after.Owner, strings.TrimSpace)
	told.text("delegate", e.Delegate, &after.Delegate, strings.TrimSpace)
	told.text("description", e.Description, &after.Description, lines)
	more, err := s.editRest(ctx, c.Workspace, e, before, &after)
	if err != nil {
		return evidence.Action{}, err
	}
	if told = append(told, more...); len(told) == 0 {
		return before, nil
	}
	first := after.Recipe
	if err := checkAction(&after); err != nil {
		return evidence.Action{}, err
	}
	if len(after.Requests) == 0 && e.Requests == nil {
		after.Recipe = first // of a starter set, whose requests were never written down
	}
	if after, err = s.store.ChangeAction(ctx, after); err != nil {
		return evidence.Action{}, err
	}
	return after, s.note(ctx, c.Workspace, c.Who(), "action.edit", after.Key, strings.Join(told, "; "))
}

// editRest changes control, due date, cadence and requests, and tells what changed.
func (s *Service) editRest(ctx context.Context, ws evidence.ID, e ActionEdit, before evidence.Action, after *evidence.Action) ([]string, error) {
	var told []string
	if e.Control != nil {
		if strings.TrimSpace(*e.Control) != string(before.Control) {
			var err error
			if after.Control, err = s.controlFor(ctx, ws, *e.Control); err != nil {
				return nil, err
			}
		}
		if after.Control != before.Control {
			told = append(told, "control")
		}
	}
	if e.Due != nil && !e.Due.UTC().Truncate(time.Second).Equal(before.Due) && !(e.Due.IsZero() && before.Due.IsZero()) {
		after.Due, after.Grace = e.Due.UTC().Truncate(time.Second), 0
		if e.Due.IsZero() {
			after.Due = time.Time{}
		}
		told = append(told, fmt.Sprintf("due from %s to %s", dayWords(before.Due), dayWords(after.Due)))
	}
	if e.Cadence != nil && *e.Cadence != before.Cadence {
		after.Cadence, after.Grace = *e.Cadence, 0
		told = append(told, fmt.Sprintf("cadence from %s to %.40s", before.Cadence, after.Cadence))
	}
	if e.Requests != nil && !sameRequests(*e.Requests, before.Requests) {
		after.Requests = *e.Requests
		told = append(told, "what it asks for: "+RequestWords(evidence.Action{Requests: after.Requests}.Asks()))
	}
	return told, nil
}

func sameRequests(a, b []evidence.EvidenceRequest) bool {
	return slices.EqualFunc(a, b, func(x, y evidence.EvidenceRequest) bool {
		return x.Recipe == y.Recipe && x.Upload == y.Upload && maps.Equal(x.Params, y.Params)
	})
}

// RequestWords writes evidence requests in a line.
func RequestWords(all []evidence.EvidenceRequest) string {
	var out []string
	for _, r := range all {
		switch {
		case r.Recipe == "" && r.Upload == "":
			out = append(out, "an upload")
		case r.Recipe == "":
			out = append(out, "upload: "+r.Upload)
		default:
			text := r.Recipe
			for _, name := range slices.Sorted(maps.Keys(r.Params)) {
				text += " " + name + "=" + r.Params[name]
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, "; ")
}

func dayWords(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.UTC().Format("2006-01-02")
}

// actionInUse gives an action that the caller may change and that is not retired.
func (s *Service) actionInUse(ctx context.Context, c people.Caller, idOrKey string) (evidence.Action, error) {
	if err := c.May(people.ManageActions); err != nil {
		return evidence.Action{}, err
	}
	a, err := s.store.Action(ctx, c.Workspace, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	if !a.RetiredAt.IsZero() {
		return evidence.Action{}, evidence.Errorf(evidence.Conflict, "%s was retired (%s) and is no longer changed. Make another action.", a.Key, a.Retired)
	}
	return a, nil
}

// Done marks an action as done with a note, and makes the next one of its series. After a crash in between, Roll makes it.
func (s *Service) Done(ctx context.Context, c people.Caller, idOrKey, note string) (evidence.Action, error) {
	a, err := s.actionInUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	if note = lines(note); !fit(note, maxReason) {
		return evidence.Action{}, evidence.Errorf(evidence.Invalid, "The note must be text of at most %d characters.", maxReason)
	}
	if a.Status == evidence.ActionDone {
		return evidence.Action{}, evidence.Errorf(evidence.Conflict, "%s was marked as done already.", a.Key)
	}
	a.Status, a.Note, a.DoneAt, a.DoneBy = evidence.ActionDone, note, s.now().UTC().Truncate(time.Millisecond), c.Who()
	if a, err = s.store.ChangeAction(ctx, a); err != nil {
		return evidence.Action{}, err
	}
	if err := s.note(ctx, c.Workspace, c.Who(), "action.done", a.Key, note); err != nil {
		return a, err
	}
	return a, s.Roll(ctx, c.Workspace)
}

// Move moves an action on the board: to open, in progress, or done, of which Done and Reopen keep more.
func (s *Service) Move(ctx context.Context, c people.Caller, idOrKey string, to evidence.ActionStatus) (evidence.Action, error) {
	a, err := s.actionInUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	switch {
	case a.Status == to:
		return evidence.Action{}, evidence.Errorf(evidence.Conflict, "%s stands there already.", a.Key)
	case to == evidence.ActionDone:
		return s.Done(ctx, c, idOrKey, "")
	case to != evidence.ActionOpen && to != evidence.ActionStarted:
		return evidence.Action{}, evidence.Errorf(evidence.Invalid, "%.40q is no status. Actions are open, in_progress or done.", to)
	}
	from := a.Status
	a.Status, a.Note, a.DoneAt, a.DoneBy = to, "", time.Time{}, ""
	if a, err = s.store.ChangeAction(ctx, a); err != nil {
		return evidence.Action{}, err
	}
	return a, s.note(ctx, c.Workspace, c.Who(), "action.move", a.Key, fmt.Sprintf("from %s to %s", Column(from).Words(), Column(to).Words()))
}

// Reopen takes back that an action is done. One that its evidence fills stays done: detach the evidence.
func (s *Service) Reopen(ctx context.Context, c people.Caller, idOrKey, reason string) (evidence.Action, error) {
	a, err := s.actionInUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	if reason = lines(reason); !fit(reason, maxReason) {
		return evidence.Action{}, evidence.Errorf(evidence.Invalid, "The reason must be text of at most %d characters.", maxReason)
	}
	if a.Status != evidence.ActionDone {
		return evidence.Action{}, evidence.Errorf(evidence.Conflict, "Nobody marked %s as done. If its evidence fills it, detach the evidence.", a.Key)
	}
	a.Status, a.Note, a.DoneAt, a.DoneBy = evidence.ActionOpen, "", time.Time{}, ""
	if a, err = s.store.ChangeAction(ctx, a); err != nil {
		return evidence.Action{}, err
	}
	return a, s.note(ctx, c.Workspace, c.Who(), "action.reopen", a.Key, reason)
}

// RetireAction takes an action out of use, with a reason that is kept. It is never deleted: what is attached stays
// attached. The series ends with it.
func (s *Service) RetireAction(ctx context.Context, c people.Caller, idOrKey, reason string) (evidence.Action, error) {
	reason = lines(reason)
	if reason == "" || !fit(reason, maxReason) {
		return evidence.Action{}, evidence.Errorf(evidence.Invalid, "Say in at most %d characters why the action is retired. The reason is kept.", maxReason)
	}
	a, err := s.actionInUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	a.RetiredAt, a.Retired = s.now().UTC().Truncate(time.Millisecond), reason
	if a, err = s.store.ChangeAction(ctx, a); err != nil {
		return evidence.Action{}, err
	}
	return a, s.note(ctx, c.Workspace, c.Who(), "action.retire", a.Key, reason)
}

// ActionHistory gives what was done to an action, the newest first, as the activity trail tells it.
func (s *Service) ActionHistory(ctx context.Context, ws evidence.ID, key string) ([]store.Activity, error) {
	all, err := s.store.ActivityAbout(ctx, ws, key, maxHistory)
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", key, err)
	}
	return all, nil
}

// ParseRequest reads an evidence request as the command line and the form spell it: a recipe with its parameters, such as
// "failed-sign-ins threshold=5", or "upload: what is asked for".
func ParseRequest(s string) (evidence.EvidenceRequest, error) {
	s = strings.TrimSpace(s)
	if asked, ok := strings.CutPrefix(s, "upload:"); ok {
		return evidence.EvidenceRequest{Upload: strings.TrimSpace(asked)}, nil
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		return evidence.EvidenceRequest{}, evidence.Errorf(evidence.Invalid, "An evidence request is empty. Write a recipe, or “upload:” and what is asked for.")
	}
	r := evidence.EvidenceRequest{Recipe: words[0]}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return r, evidence.Errorf(evidence.Invalid, "%.80q is no parameter. Write name=value, or begin the line with “upload:”.", w)
		}
		if r.Params == nil {
			r.Params = map[string]string{}
		}
		r.Params[name] = value
	}
	return r, nil
}
