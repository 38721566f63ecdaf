package artifact

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// Filter narrows a list of artifacts; every part that is set must hold.
type Filter struct {
	Text     string // every word of it is in title, recipe, id, file name, maker or keys of controls and actions
	Kind     evidence.ArtifactKind
	Source   string // id of a connection that it was made from, or of that connection's kind
	Recipe   string
	Control  string // key or id
	Action   string // key or id
	Result   evidence.Completeness
	Review   string        // a status of reviews, or one of the two below
	Touches  evidence.Span // its period has a moment in common; an end that is zero is open
	Use      Use
	Proposed bool          // a mapping proposes to attach it to something, and nobody has accepted or declined that yet
	Caller   people.Caller // for whom ToReview is asked
}

// What a list of reviews can be asked for beside the statuses: what waits for the caller's review, and what reviewers
// want changed. Both are about what is in use and attached to something.
const (
	ToReview = "to_review"
	ToChange = "to_change"
)

// Use says whether artifacts are listed that were retired.
type Use string

// The choices; the empty one lists all.
const (
	InUse   Use = "in_use"
	Retired Use = "retired"
)

// Check refuses words that no list knows.
func (f Filter) Check() error {
	known := func(word, what string, words ...string) error {
		if word == "" || slices.Contains(words, word) {
			return nil
		}
		return evidence.Errorf(evidence.Invalid, "%.40q is no %s. Write one of: %s.", word, what, strings.Join(words, ", "))
	}
	reviews := []string{ToReview, ToChange}
	for _, s := range evidence.ReviewStatuses() {
		reviews = append(reviews, string(s))
	}
	for _, err := range []error{
		known(string(f.Kind), "kind of artifact", string(evidence.Derived), string(evidence.Uploaded)),
		known(string(f.Result), "result", string(evidence.Complete), string(evidence.Inconclusive)),
		known(f.Review, "status of a review", reviews...),
		known(string(f.Use), "choice of use", string(InUse), string(Retired)),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// Holds reports whether an artifact meets the filter but for recipe, control, action and proposals, which the store knows.
func (f Filter) Holds(v View) bool {
	a := v.Artifact
	switch {
	case f.Kind != "" && a.Kind != f.Kind, f.Result != "" && a.Latest.Result != f.Result:
		return false
	case f.Use == InUse && !a.RetiredAt.IsZero(), f.Use == Retired && a.RetiredAt.IsZero():
		return false
	case !f.Touches.From.IsZero() && !a.Period.To.After(f.Touches.From), !f.Touches.To.IsZero() && !a.Period.From.Before(f.Touches.To):
		return false
	case f.Source != "" && !slices.ContainsFunc(SourcesOf(a.Latest), func(s recipe.Source) bool { return string(s.Connection) == f.Source || s.Kind == f.Source }):
		return false
	}
	return f.reviewHolds(v) && f.textHolds(v)
}

func (f Filter) reviewHolds(v View) bool {
	status := v.Standing.Status
	attached := len(v.ControlKeys)+len(v.ActionKeys) > 0 && v.Artifact.RetiredAt.IsZero()
	switch f.Review {
	case "":
		return true
	case ToReview:
		return attached && (status == evidence.StatusNotReviewed || status == evidence.StatusReopened) && MayReview(f.Caller, v.Artifact.Latest)
	case ToChange:
		return attached && (status == evidence.StatusChanges || status == evidence.StatusRejected)
	}
	return string(status) == f.Review
}

func (f Filter) textHolds(v View) bool {
	words := strings.Fields(strings.ToLower(f.Text))
	if len(words) == 0 {
		return true
	}
	a := v.Artifact
	about := []string{a.Title, a.Recipe, string(a.ID), a.Latest.BuiltBy}
	if h, ok := HandedIn(a.Latest); ok {
		about = append(about, h.Name)
	}
	text := strings.ToLower(strings.Join(slices.Concat(about, v.ControlKeys, v.ActionKeys), "\n"))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// SourcesOf gives the connections that a version was made from; none for an upload.
func SourcesOf(v evidence.ArtifactVersion) []recipe.Source {
	var p struct {
		Sources []recipe.Source `json:"sources"`
	}
	if err := json.Unmarshal(v.Provenance, &p); err != nil {
		return nil // an upload, or written by a version of Exhibit that wrote another form
	}
	return p.Sources
}
