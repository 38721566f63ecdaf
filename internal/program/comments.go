package program

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// maxComment is how many characters a comment may have.
const maxComment = 4000

// Comment says something about an action, for ever. Members whom the text names behind an @ are told; who answers has
// seen where he was mentioned.
func (s *Service) Comment(ctx context.Context, c people.Caller, idOrKey, text string) (evidence.Comment, error) {
	a, err := s.actionInUse(ctx, c, idOrKey)
	if err != nil {
		return evidence.Comment{}, err
	}
	if text = lines(text); text == "" || !fit(text, maxComment) {
		return evidence.Comment{}, evidence.Errorf(evidence.Invalid, "A comment is text of at most %d characters. It is kept for ever.", maxComment)
	}
	members, err := s.store.Members(ctx, c.Workspace)
	if err != nil {
		return evidence.Comment{}, err
	}
	made := evidence.Comment{ID: evidence.NewID(evidence.PrefixComment), Workspace: c.Workspace, Action: a.ID, At: s.now().UTC().Truncate(time.Millisecond), Who: c.Who(), Text: text}
	for _, p := range SplitMentions(text, Mentionable(members)) {
		if p.Member != "" && p.Member != c.Member && !slices.Contains(made.Mentions, p.Member) {
			made.Mentions = append(made.Mentions, p.Member)
		}
	}
	return made, s.store.AddComment(ctx, made, a.Key, c.Member)
}

// Comments gives the comments on an action, oldest first.
func (s *Service) Comments(ctx context.Context, ws, action evidence.ID) ([]evidence.Comment, error) {
	return s.store.Comments(ctx, ws, action)
}

// Mentions gives the mentions of a workspace at which nobody has looked, oldest first.
func (s *Service) Mentions(ctx context.Context, ws evidence.ID) ([]store.Mention, error) {
	return s.store.UnseenMentions(ctx, ws)
}

// SeeMentions notes that the caller has seen where comments on an action mention him.
func (s *Service) SeeMentions(ctx context.Context, c people.Caller, idOrKey string) error {
	if err := c.May(people.ReadActions); err != nil {
		return err
	}
	a, err := s.Action(ctx, c.Workspace, idOrKey)
	if err != nil {
		return err
	}
	return s.store.SeeMentions(ctx, c.Workspace, c.Member, a.Action.ID, s.now().UTC())
}

// Mentionable gives the members whom a comment can mention: those who may read actions and are not suspended.
func Mentionable(members []store.Member) []store.Member {
	return slices.DeleteFunc(slices.Clone(members), func(m store.Member) bool {
		return !m.SuspendedAt.IsZero() || !slices.Contains(people.Role(m.Role).Grants(), people.ReadActions)
	})
}

// Part is a piece of a comment: plain text, or a mention with its @.
type Part struct {
	Text   string
	Member evidence.ID // empty: plain text
}

// SplitMentions cuts a text into pieces whose texts, one behind the other, are the text again. A member is mentioned by
// an @ that begins a word, followed by the whole name, the mail address, or, if no other member shares it, the first name,
// in any case of letters. The longest of what fits is taken.
func SplitMentions(text string, members []store.Member) []Part {
	names := callNames(members)
	var out []Part
	plain := 0
	for at := 0; at < len(text); at++ {
		if text[at] != '@' || inWord(lastRune(text[:at])) {
			continue
		}
		who, length := longest(text[at+1:], names)
		if length == 0 {
			continue
		}
		if at > plain {
			out = append(out, Part{Text: text[plain:at]})
		}
		plain = at + 1 + length
		out = append(out, Part{Text: text[at:plain], Member: who})
		at = plain - 1
	}
	if plain < len(text) {
		out = append(out, Part{Text: text[plain:]})
	}
	return out
}

// callName is one of the ways to mention a member.
type callName struct {
	name   string
	member evidence.ID
}

func callNames(members []store.Member) []callName {
	first := map[string]int{}
	for _, m := range members {
		first[strings.ToLower(firstName(m.Name))]++
	}
	var out []callName
	for _, m := range members {
		out = append(out, callName{m.Name, m.ID}, callName{m.Email, m.ID})
		if name := firstName(m.Name); first[strings.ToLower(name)] == 1 {
			out = append(out, callName{name, m.ID})
		}
	}
	return slices.DeleteFunc(out, func(n callName) bool { return n.name == "" })
}

func firstName(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}

// longest gives whom the beginning of a text names, and how many of its bytes do.
func longest(text string, names []callName) (who evidence.ID, length int) {
	for _, n := range names {
		if len(n.name) <= length || len(text) < len(n.name) || !strings.EqualFold(text[:len(n.name)], n.name) {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(text[len(n.name):]); len(text) > len(n.name) && inWord(next) {
			continue
		}
		who, length = n.member, len(n.name)
	}
	return who, length
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// inWord reports whether a character belongs to a word; RuneError, also that of an empty text, does not.
func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}
