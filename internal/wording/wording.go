// Package wording holds the rules by which the words of controls and actions follow the sources that are connected and the
// policies that are in force. It is pure: what it proposes follows from its arguments alone, and nothing leaves the program.
//
// What a text says of sources and policies stands in sentences of a fixed form. They are the state as it was when somebody
// last accepted; the state as it is now gives the sentences that should stand there. Where the two differ, a change is
// proposed, with what happened in between as the reason. No other word of a text is touched.
package wording

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Area says what a text belongs to.
type Area string

// The areas.
const (
	Control Area = "control"
	Action  Area = "action"
)

// Source is a connection that is on.
type Source struct {
	Kind    string   // "1Password"
	Name    string   // of the connection
	Missing []string // event types that it does not give, in words
}

// Policy is a policy that is in force.
type Policy struct {
	Title   string
	Version int
}

// Text is what a control or an action says, with what it stands on now.
type Text struct {
	Area     Area
	ID       evidence.ID
	Key      string
	Title    string
	Text     string
	Sources  []Source // those from which its evidence comes
	Policies []Policy // those that are attached to it
}

// Proposal is a change of a text that somebody may accept or decline.
type Proposal struct {
	ID      string // follows from the text and the change: it is another one once either differs
	Area    Area
	Target  evidence.ID
	Key     string
	Title   string
	Before  string
	After   string
	Reasons []string // what happened, a sentence each
}

var (
	sourceSentence = regexp.MustCompile(`Evidence comes from ([^,“”]+), read through the connection “([^”]*)”(?:, without ([^.“”]+))?\.`)
	policySentence = regexp.MustCompile(`It follows the policy “([^”]*)” \(version ([0-9]{1,9})\)\.`)
)

// quotable takes the quotes out of a name that the sentences put it between, and its line breaks.
func quotable(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("“", "'", "”", "'").Replace(s)), " ")
}

func (s Source) sentence() string {
	without := ""
	if len(s.Missing) > 0 {
		without = ", without " + strings.ReplaceAll(quotable(strings.Join(s.Missing, " and ")), ".", "")
	}
	return fmt.Sprintf("Evidence comes from %s, read through the connection “%s”%s.", strings.ReplaceAll(quotable(s.Kind), ",", ""), quotable(s.Name), without)
}

func (p Policy) sentence() string {
	return fmt.Sprintf("It follows the policy “%s” (version %d).", quotable(p.Title), p.Version)
}

// Propose gives the change that a text needs; ok is false if it needs none.
func Propose(t Text) (p Proposal, ok bool) {
	r := &revision{text: t.Text}
	r.sources(t.Sources)
	r.policies(t.Policies)
	after := strings.TrimSpace(r.text)
	if len(r.reasons) == 0 || after == t.Text {
		return Proposal{}, false
	}
	sum := sha256.Sum256([]byte(string(t.Area) + "\x00" + string(t.ID) + "\x00" + t.Text + "\x00" + after))
	return Proposal{ID: "wo_" + hex.EncodeToString(sum[:8]), Area: t.Area, Target: t.ID, Key: t.Key, Title: t.Title, Before: t.Text, After: after, Reasons: r.reasons}, true
}

// revision is a text while the rules are applied to it.
type revision struct {
	text    string
	reasons []string
}

// sources is the rule for sources: one that was connected is named, one that is on no longer is not, and what it does not
// give is said.
func (r *revision) sources(now []Source) {
	var there []string
	r.each(sourceSentence, func(m []string) string {
		name := m[2]
		at := slices.IndexFunc(now, func(s Source) bool { return quotable(s.Name) == name })
		switch {
		case at < 0:
			r.reasons = append(r.reasons, fmt.Sprintf("“%s” is connected no longer, or no evidence asked for here comes from it.", name))
			return ""
		case slices.Contains(there, name):
			return ""
		}
		there = append(there, name)
		if want := now[at].sentence(); want != m[0] {
			r.reasons = append(r.reasons, fmt.Sprintf("What “%s” gives has changed.", name))
			return want
		}
		return m[0]
	})
	for _, s := range now {
		if name := quotable(s.Name); !slices.Contains(there, name) {
			there = append(there, name)
			r.reasons = append(r.reasons, fmt.Sprintf("“%s” is connected, and evidence asked for here comes from it.", name))
			r.add(s.sentence())
		}
	}
}

// policies is the rule for policies: one that was published is named with its version, another version is followed, and one
// that was retired is not named.
func (r *revision) policies(now []Policy) {
	var there []string
	r.each(policySentence, func(m []string) string {
		title := m[1]
		at := slices.IndexFunc(now, func(p Policy) bool { return quotable(p.Title) == title })
		switch {
		case at < 0:
			r.reasons = append(r.reasons, fmt.Sprintf("The policy “%s” was retired, or is attached here no longer.", title))
			return ""
		case slices.Contains(there, title):
			return ""
		}
		there = append(there, title)
		if was, err := strconv.Atoi(m[2]); err != nil || was != now[at].Version {
			r.reasons = append(r.reasons, fmt.Sprintf("The policy “%s” was edited: version %s became version %d.", title, m[2], now[at].Version))
			return now[at].sentence()
		}
		return m[0]
	})
	for _, p := range now {
		if title := quotable(p.Title); !slices.Contains(there, title) {
			there = append(there, title)
			r.reasons = append(r.reasons, fmt.Sprintf("The policy “%s” was published and is attached here.", title))
			r.add(p.sentence())
		}
	}
}

// each replaces every sentence of a form; an empty one takes the space before it along.
func (r *revision) each(form *regexp.Regexp, change func(m []string) string) {
	var b strings.Builder
	end := 0
	for _, at := range form.FindAllStringSubmatchIndex(r.text, -1) {
		m := form.FindStringSubmatch(r.text[at[0]:at[1]])
		b.WriteString(r.text[end:at[0]])
		end = at[1]
		if s := change(m); s != "" {
			b.WriteString(s)
			continue
		}
		kept := strings.TrimRight(b.String(), " \n")
		b.Reset()
		b.WriteString(kept)
	}
	b.WriteString(r.text[end:])
	r.text = b.String()
}

func (r *revision) add(sentence string) {
	if r.text = strings.TrimRight(r.text, " \n"); r.text != "" {
		r.text += " "
	}
	r.text += sentence
}

// IsPolicy reports whether the title of an uploaded artifact names a policy.
func IsPolicy(title string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return r == ' ' || r == '-' || r == '_' || r == '.' || r == ',' }), func(w string) bool {
		return w == "policy" || w == "policies"
	})
}
