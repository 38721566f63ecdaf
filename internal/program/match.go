package program

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// matchRules say by which words a text asks for what a recipe makes. A phrase is whole words in lower case; a star at its
// end lets its last word go on. Each recipe that builds by itself has a rule.
func matchRules() []matchRule {
	return []matchRule{
		{"failed-sign-ins", []string{"failed sign-in*", "failed login*", "failed log-in*", "failed authentication*", "unsuccessful sign-in*", "unsuccessful login*", "brute force", "brute-force"}},
		{"second-factor", []string{"second factor*", "two-factor", "two factor", "multi-factor", "multifactor", "mfa", "2fa"}},
		{"firewall-blocks", []string{"firewall"}},
		{"outdated-clients", []string{"outdated client*", "outdated app*", "old client*", "client version*"}},
		{"new-places-and-apps", []string{"new place*", "new location*", "new countr*", "unusual location*", "unusual sign-in*", "first seen"}},
		{"user-additions", []string{"new user*", "joiner*", "onboard*", "invit*", "users added", "added users", "user additions"}},
		{"user-removals", []string{"leaver*", "offboard*", "off-board*", "deprovision*", "suspended user*", "removed user*", "users removed", "user removals", "terminated"}},
		{"activity-after-removal", []string{"after removal", "after they left", "after leaving", "after suspension", "after offboarding"}},
		{"privileged-grants", []string{"privileged", "admin right*", "admin role*", "administrator right*", "administrator role*", "administrative access"}},
		{"vault-access", []string{"vault access", "access to vault*", "access to the vault*", "vault permission*"}},
		{"policy-changes", []string{"policy change*", "policies changed", "account setting*", "settings change*", "configuration change*", "changed settings"}},
		{"secret-use", []string{"item usage*", "use of shared", "use of secrets", "used secret*", "used which secret*", "shared secret*", "shared item*"}},
		{"secret-exposure", []string{"reveal*", "export of item*", "exports of item*", "exported item*", "shared externally", "external share*", "shared outside"}},
		{"service-accounts", []string{"service account*", "connect server*", "machine account*"}},
		{"account-recoveries", []string{"account recover*", "recovery of account*", "recovered account*"}},
		{"devices", []string{"authorised device*", "authorized device*", "devices authorised", "devices authorized", "device list", "trusted device*"}},
		{"dormant-users", []string{"dormant", "inactive user*", "inactive account*", "unused account*"}},
		{"owner-use", []string{"break-glass", "break glass", "owner account*", "use of owner*", "emergency access"}},
		{"self-grants", []string{"segregation of dut*", "separation of dut*", "self-grant*", "granted themselves", "own access"}},
		{"access-grants", []string{"access review*", "who has access", "entitlement*", "user access review*"}},
		{"coverage", []string{"collection was whole", "log collection", "collected without gap*", "coverage", "complete log*"}},
		{"integrity", []string{"integrity", "tamper*", "unaltered"}},
		{"log-review", []string{"log review*", "review of the log*", "review the log*", "logs reviewed", "logs are reviewed"}},
		{"log-content", []string{"content of the log*", "log content*", "what is logged"}},
		{"retention", []string{"retention", "retained"}},
		{"time-quality", []string{"clock*", "time synchron*", "time source*"}},
		{"source-availability", []string{"availability", "outage*"}},
	}
}

type matchRule struct {
	recipe  string
	phrases []string
}

// notFrom stand before the name of a source that a text does not ask.
func notFrom() []string {
	return []string{"not in", "not from", "not", "without", "except", "other than", "outside", "outside of", "instead of"}
}

// Match is a recipe that a text asks for, with the words that say so.
type Match struct {
	Recipe string
	Title  string
	Source string   // the word that names the source, as it stands in the text
	Words  []string // the words that name the evidence, as they stand in the text
}

// Reason says to a person why the recipe is proposed.
func (m Match) Reason() string {
	return fmt.Sprintf("It names “%s” and “%s”.", m.Source, strings.Join(m.Words, "”, “"))
}

// MatchRecipes gives the recipes that a text asks for, in the order of the rules: it must name one of the sources, and in a
// rule's words a kind of evidence. It depends on its arguments alone.
func MatchRecipes(text string, sources []string) []Match {
	words := wordsOf(text)
	named := ""
	for _, s := range sources {
		if named = namedIn(words, wordsOf(s)); named != "" {
			break
		}
	}
	if named == "" {
		return nil
	}
	var out []Match
	for _, rule := range matchRules() {
		m := Match{Recipe: rule.recipe, Source: named}
		for _, p := range rule.phrases {
			if at, n := find(words, p); at >= 0 && !slices.Contains(m.Words, said(words[at:at+n])) {
				m.Words = append(m.Words, said(words[at:at+n]))
			}
		}
		known, err := recipe.ByID(rule.recipe)
		if len(m.Words) == 0 || err != nil {
			continue
		}
		m.Title = known.Title
		out = append(out, m)
	}
	return out
}

// word is a word of a text as it stands there, and in lower case.
type word struct{ as, low string }

// wordsOf cuts a text into words: letters, digits, and hyphens inside.
func wordsOf(text string) []word {
	var out []word
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' }) {
		if w = strings.Trim(w, "-"); w != "" {
			out = append(out, word{w, strings.ToLower(w)})
		}
	}
	return out
}

func said(words []word) string {
	var all []string
	for _, w := range words {
		all = append(all, w.as)
	}
	return strings.Join(all, " ")
}

// find gives where a phrase first stands among words and how many it takes; -1: nowhere.
func find(words []word, phrase string) (at, n int) {
	parts := strings.Fields(phrase)
	for at := 0; at+len(parts) <= len(words); at++ {
		if stands(words[at:], parts) {
			return at, len(parts)
		}
	}
	return -1, 0
}

func stands(words []word, parts []string) bool {
	for i, p := range parts {
		if begin, open := strings.CutSuffix(p, "*"); words[i].low != p && !(open && strings.HasPrefix(words[i].low, begin)) {
			return false
		}
	}
	return true
}

// namedIn gives a source's name as it stands in the text, unless each time a word before it says that it is not asked.
func namedIn(words, name []word) string {
	if len(name) == 0 {
		return ""
	}
	for at := 0; at+len(name) <= len(words); at++ {
		same := slices.EqualFunc(words[at:at+len(name)], name, func(a, b word) bool { return a.low == b.low })
		if same && !slices.ContainsFunc(notFrom(), func(p string) bool { return endsWith(words[:at], p) }) {
			return said(words[at : at+len(name)])
		}
	}
	return ""
}

func endsWith(words []word, phrase string) bool {
	parts := strings.Fields(phrase)
	return len(words) >= len(parts) && stands(words[len(words)-len(parts):], parts)
}

// sourceNames gives what a text can call the sources: 1Password, and the names of connections that are on.
func (s *Service) sourceNames(ctx context.Context, ws evidence.ID) ([]string, error) {
	names := []string{"1Password"}
	all, err := s.store.Connections(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	for _, c := range all {
		if c.OffAt.IsZero() {
			names = append(names, c.Name)
		}
	}
	return names, nil
}

// Matches gives the recipes that the words of an open action ask for and its requests do not.
func (s *Service) Matches(ctx context.Context, ws evidence.ID, v ActionView) ([]Match, error) {
	if v.Idle || v.Action.Status == evidence.ActionDone {
		return nil, nil
	}
	names, err := s.sourceNames(ctx, ws)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(MatchRecipes(v.Action.Title+"\n"+v.Action.Description, names), func(m Match) bool { return v.Action.AsksFor(m.Recipe) }), nil
}

// AcceptMatch makes an evidence request of a recipe that is proposed for an action. From then on the action fills itself
// when that evidence arrives. One that asked for any upload, as it was made without requests, asks for the recipe instead.
func (s *Service) AcceptMatch(ctx context.Context, c people.Caller, idOrKey, recipeID string) (evidence.Action, error) {
	if err := c.May(people.ManageActions); err != nil {
		return evidence.Action{}, err
	}
	v, err := s.Action(ctx, c.Workspace, idOrKey)
	if err != nil {
		return evidence.Action{}, err
	}
	all, err := s.Matches(ctx, c.Workspace, v)
	if err != nil {
		return evidence.Action{}, err
	}
	if !slices.ContainsFunc(all, func(m Match) bool { return m.Recipe == recipeID }) {
		return evidence.Action{}, evidence.Errorf(evidence.Conflict, "%.60q is not proposed for %s any more: its words changed, or it asks for it already.", recipeID, v.Action.Key)
	}
	requests := slices.DeleteFunc(slices.Clone(v.Action.Asks()), func(r evidence.EvidenceRequest) bool { return r.Recipe == "" && r.Upload == "" })
	requests = append(requests, evidence.EvidenceRequest{Recipe: recipeID})
	return s.EditAction(ctx, c, string(v.Action.ID), ActionEdit{Requests: &requests, Revision: v.Action.Revision})
}
