package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

func among(list []string, s string) bool { return slices.Contains(list, s) }

// verbOption writes a verb of the trail for a choice; one without a dot stands for all of its kind.
func verbOption(verb string) string {
	if strings.Contains(verb, ".") {
		return ui.Visible(verb)
	}
	return ui.Visible(verb) + ", all"
}

// Thing splits the subject of a line into the name that people know and the id that programs know; one of them may be empty.
func (l TrailLine) Thing() (name, id string) {
	first, rest, _ := strings.Cut(l.Subject, " ")
	if prefix, _, ok := strings.Cut(first, "_"); ok && len(prefix) == 2 {
		return rest, first
	}
	return l.Subject, ""
}

// tokenBadge gives tone and word of a token's state.
func tokenBadge(s apitoken.State) (ui.Tone, string) {
	switch s {
	case apitoken.Active:
		return ui.OK, "Active"
	case apitoken.Expired:
		return ui.Idle, "Expired"
	case apitoken.Revoked:
		return ui.Idle, "Revoked"
	}
	return ui.Idle, string(s)
}

// hourWords writes the time of the digest.
func hourWords(d store.DigestTime) string {
	return fmt.Sprintf("%02d:00 %s", d.Hour, ui.Visible(d.Zone))
}

// channelIcon draws a kind of channel.
func channelIcon(k notify.Kind) string {
	switch k {
	case notify.Email:
		return "mail"
	case notify.Slack:
		return "message-square"
	case notify.Teams:
		return "users"
	}
	return "webhook"
}

// channelSays tells in a few words what a kind of channel is.
func channelSays(k notify.Kind) string {
	switch k {
	case notify.Email:
		return "SMTP with STARTTLS or TLS"
	case notify.Slack:
		return "An incoming webhook"
	case notify.Teams:
		return "A workflow webhook"
	}
	return "Signed JSON to any program"
}

// channelHelp tells where what the form asks for comes from.
func channelHelp(k notify.Kind) string {
	switch k {
	case notify.Email:
		return "Mail goes over STARTTLS or TLS, never over an open connection."
	case notify.Slack:
		return "In Slack, make an app, switch on Incoming Webhooks, add one to a channel, and copy its address."
	case notify.Teams:
		return "In Teams, open Workflows on a channel, choose the template that posts to a channel when a webhook request is received, and copy its address."
	}
	return "A POST with JSON for each message. The receiver checks its signature and knows a repetition by its id."
}

func hookPlaceholder(v ChannelForm) string {
	switch {
	case v.ID != "":
		return "unchanged"
	case v.Kind == notify.Slack:
		return "https://hooks.slack.com/services/…"
	}
	return "https://…"
}

// channelTo says where a channel leads, as far as that may be seen.
func channelTo(c notify.Channel) string {
	switch n := len(c.Address.To); {
	case n == 0:
		return c.Address.Host
	case n > 2:
		return fmt.Sprintf("%s and %d more", c.Address.To[0], n-1)
	}
	return strings.Join(c.Address.To, ", ")
}

// kindName names a kind of concern.
func kindName(k evidence.ConcernKind) string {
	switch k {
	case evidence.ConcernUnauthorized:
		return "Token refused"
	case evidence.ConcernExpiry:
		return "Token expires"
	case evidence.ConcernGaps:
		return "Gaps"
	case evidence.ConcernStale:
		return "Stale"
	case evidence.ConcernUnreachable:
		return "Unreachable"
	case evidence.ConcernPlan:
		return "Plan"
	case evidence.ConcernDegraded:
		return "Degraded"
	case evidence.ConcernLate:
		return "Late events and conflicts"
	}
	return string(k)
}

// tellsWords says what a channel tells.
func tellsWords(kinds []evidence.ConcernKind) string {
	switch n := len(kinds); {
	case n == len(notify.Kinds()):
		return "everything"
	case n == 0:
		return "nothing"
	case n > 3:
		return fmt.Sprintf("%d of %d kinds", n, len(notify.Kinds()))
	}
	var words []string
	for _, k := range kinds {
		words = append(words, strings.ToLower(kindName(k)))
	}
	return strings.Join(words, ", ")
}

func timesWords(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func channelTone(c notify.Channel) string {
	switch {
	case c.Failures > 0:
		return string(ui.Bad)
	case c.SentAt.IsZero():
		return string(ui.Idle)
	}
	return string(ui.OK)
}

func resultTone(r notify.Result) string {
	if r.OK {
		return string(ui.OK)
	}
	return string(ui.Bad)
}

func resultIcon(r notify.Result) string {
	if r.OK {
		return "circle-check"
	}
	return "circle-alert"
}

func resultWord(r notify.Result) string {
	if r.OK {
		return "The test was taken."
	}
	return "The test was not taken."
}
