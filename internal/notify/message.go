package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// messageKind says why a message is sent. The words are part of what a webhook receives.
type messageKind string

const (
	alert   messageKind = "alert"   // data is at risk, or no longer is
	digest  messageKind = "digest"  // what is new since the last one
	test    messageKind = "test"    // somebody pressed the button
	mention messageKind = "mention" // a comment mentions the one who gets it
)

// item is one thing that a message tells.
type item struct {
	Fact   string
	Kind   evidence.ConcernKind
	Title  string
	Text   string
	By     time.Time
	ByIs   string
	Href   string // path on the server
	AtOnce bool
}

// message is what is sent, before a channel gives it its form.
type message struct {
	ID        string // the same when it is sent again because nobody knows whether it was taken
	Kind      messageKind
	Workspace string
	At        time.Time
	Open      []item // new, or worse than before
	Over      []item // told before and over now
	Lasting   []item // told before and still so; only in a digest
	Link      string // address of the server; empty: not known
}

// itemsMost bounds how many things of a sort a message spells out.
const itemsMost = 20

// subject says the message in one line.
func (m message) subject() string {
	switch {
	case m.Kind == test:
		return "A test from Exhibit"
	case len(m.Open) == 0 && len(m.Over) == 1:
		return "Over: " + line(m.Over[0].Title)
	case len(m.Open) == 0:
		return fmt.Sprintf("%s: %d things are over", line(m.Workspace), len(m.Over))
	case len(m.Open) == 1:
		return line(m.Open[0].Title)
	}
	return fmt.Sprintf("%s and %d more", line(m.Open[0].Title), len(m.Open)-1)
}

// intro says what the message is.
func (m message) intro() string {
	ws := line(m.Workspace)
	switch m.Kind {
	case test:
		return "This is a test from the workspace " + ws + ". Somebody pressed the button; nothing happened, and nothing has to be done."
	case alert:
		if len(m.Open) == 0 {
			return "Workspace " + ws + ": what put data at risk is over."
		}
		return "Workspace " + ws + ": data is at risk."
	case digest:
		return "Workspace " + ws + ": what is new since the last digest."
	case mention:
		return "Workspace " + ws + ": a comment mentions you."
	}
	return ws
}

// heads gives the parts of a message with their titles.
func (m message) parts() []struct {
	Title string
	Items []item
} {
	return []struct {
		Title string
		Items []item
	}{{"", m.Open}, {"Over", m.Over}, {"Still so", m.Lasting}}
}

// when says until when something can be done.
func (i item) when() string {
	if i.By.IsZero() || i.ByIs == "" {
		return ""
	}
	return strings.ToUpper(i.ByIs[:1]) + i.ByIs[1:] + " " + i.By.UTC().Format("2 Jan 2006, 15:04 UTC") + "."
}

// address gives where to look after an item; empty if the server's address is not known.
func (m message) address(href string) string {
	if m.Link == "" || href == "" {
		return ""
	}
	return m.Link + href
}

// plain is the message as text.
func (m message) plain() string {
	var b strings.Builder
	b.WriteString(m.intro() + "\n")
	for _, part := range m.parts() {
		if len(part.Items) > 0 && part.Title != "" {
			b.WriteString("\n" + part.Title + ":\n")
		}
		for _, i := range part.Items[:min(itemsMost, len(part.Items))] {
			if part.Title != "" {
				b.WriteString("- " + line(i.Title) + "\n")
				continue
			}
			b.WriteString("\n" + line(i.Title) + "\n" + line(i.Text) + "\n")
			for _, more := range []string{i.when(), m.address(i.Href)} {
				if more != "" {
					b.WriteString(more + "\n")
				}
			}
		}
		if n := len(part.Items) - itemsMost; n > 0 {
			fmt.Fprintf(&b, "… and %d more.\n", n)
		}
	}
	if a := m.address("/settings/notifications"); a != "" {
		b.WriteString("\nWho is told what: " + a + "\n")
	}
	return b.String()
}

// lineMost bounds text from outside, in characters.
const lineMost = 1000

// line makes one line of text from outside, in which nothing can hide.
func line(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > lineMost {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "[U+%04X]", r)
		}
	}
	return strings.TrimSpace(b.String())
}
