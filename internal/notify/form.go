package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// encode writes JSON of what this package made. Strings and times always encode.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("notify: a message does not encode: " + err.Error())
	}
	return b
}

// slackBody gives a message the form of Slack's incoming webhooks: text for the notification, blocks for the window.
func slackBody(m message) []byte {
	type text struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	type block struct {
		Type string `json:"type"`
		Text text   `json:"text"`
	}
	section := func(s string) block { return block{"section", text{"mrkdwn", s}} }
	blocks := []block{{"header", text{"plain_text", clip(m.subject(), 150)}}, section(slackText(m.intro()))}
	for _, part := range m.parts() {
		var list []string
		for _, i := range part.Items[:min(itemsMost, len(part.Items))] {
			title := "*" + slackText(i.Title) + "*"
			if a := m.address(i.Href); a != "" {
				title = "*<" + slackText(a) + "|" + slackText(i.Title) + ">*"
			}
			if part.Title != "" {
				list = append(list, "• "+title)
				continue
			}
			blocks = append(blocks, section(strings.TrimSpace(title+"\n"+slackText(i.Text)+"\n"+slackText(i.when()))))
		}
		if len(list) > 0 {
			blocks = append(blocks, section(clip(part.Title+":\n"+strings.Join(list, "\n"), 2900)))
		}
		if n := len(part.Items) - itemsMost; n > 0 {
			blocks = append(blocks, section(fmt.Sprintf("… and %d more.", n)))
		}
	}
	return encode(struct {
		Text   string  `json:"text"`
		Blocks []block `json:"blocks"`
	}{slackText(m.subject()), blocks})
}

// slackText escapes what Slack would take for a link or a mention.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(line(s))
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// Teams takes messages of 28 kB. What is longer spells out fewer things.
const (
	teamsMost     = 24 << 10
	teamsTextMost = 400
)

// teamsBody gives a message the form of a workflow webhook of Microsoft Teams.
func teamsBody(m message) []byte {
	for most := itemsMost; ; most /= 2 {
		if body := teamsCard(m, most); len(body) <= teamsMost || most <= 1 {
			return body
		}
	}
}

// teamsCard is an adaptive card that spells out so many things of a sort. Text stands in text runs, which know no markup.
func teamsCard(m message, most int) []byte {
	type run struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Weight string `json:"weight,omitempty"`
		Size   string `json:"size,omitempty"`
		Subtle bool   `json:"isSubtle,omitempty"`
	}
	type richText struct {
		Type    string `json:"type"`
		Spacing string `json:"spacing,omitempty"`
		Inlines []run  `json:"inlines"`
	}
	type action struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	type card struct {
		Schema  string     `json:"$schema"`
		Type    string     `json:"type"`
		Version string     `json:"version"`
		Body    []richText `json:"body"`
		Actions []action   `json:"actions,omitempty"`
	}
	type attachment struct {
		ContentType string `json:"contentType"`
		Content     card   `json:"content"`
	}
	c := card{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	add := func(spacing string, runs ...run) {
		c.Body = append(c.Body, richText{"RichTextBlock", spacing, runs})
	}
	plain := func(s string) run { return run{Type: "TextRun", Text: clip(line(s), teamsTextMost)} }
	bold := func(s string) run { return run{Type: "TextRun", Text: clip(line(s), teamsTextMost), Weight: "Bolder"} }
	head := bold(m.subject())
	head.Size = "Medium"
	add("", head)
	add("Small", plain(m.intro()))
	for _, part := range m.parts() {
		if len(part.Items) > 0 && part.Title != "" {
			add("Medium", bold(part.Title))
		}
		for _, i := range part.Items[:min(most, len(part.Items))] {
			if part.Title != "" {
				add("None", plain("• "+i.Title))
				continue
			}
			add("Medium", bold(i.Title))
			add("None", plain(i.Text))
			if w := i.when(); w != "" {
				add("None", run{Type: "TextRun", Text: w, Subtle: true})
			}
		}
		if n := len(part.Items) - most; n > 0 {
			add("None", plain(fmt.Sprintf("… and %d more.", n)))
		}
	}
	if m.Link != "" {
		c.Actions = []action{{"Action.OpenUrl", "Open Exhibit", m.Link}}
	}
	return encode(struct {
		Type        string       `json:"type"`
		Attachments []attachment `json:"attachments"`
	}{"message", []attachment{{"application/vnd.microsoft.card.adaptive", c}}})
}

// webhookBody is what a webhook receives. Fields may be added; none is renamed.
func webhookBody(m message) []byte {
	type concern struct {
		Key    string     `json:"key"`
		Kind   string     `json:"kind"`
		State  string     `json:"state"` // new, over, lasting
		Title  string     `json:"title"`
		Text   string     `json:"text"`
		By     *time.Time `json:"by"`
		ByIs   string     `json:"by_is"`
		AtRisk bool       `json:"at_risk"`
		URL    string     `json:"url"`
	}
	list := []concern{}
	for _, part := range []struct {
		state string
		items []item
	}{{"new", m.Open}, {"over", m.Over}, {"lasting", m.Lasting}} {
		for _, i := range part.items {
			c := concern{Key: i.Fact, Kind: string(i.Kind), State: part.state, Title: i.Title, Text: i.Text, ByIs: i.ByIs, AtRisk: i.AtOnce, URL: m.address(i.Href)}
			if !i.By.IsZero() {
				by := i.By.UTC()
				c.By = &by
			}
			list = append(list, c)
		}
	}
	return encode(struct {
		ID        string    `json:"id"`
		Kind      string    `json:"kind"`
		Workspace string    `json:"workspace"`
		SentAt    time.Time `json:"sent_at"`
		Title     string    `json:"title"`
		Concerns  []concern `json:"concerns"`
	}{m.ID, string(m.Kind), m.Workspace, m.At.UTC(), m.subject(), list})
}

// signature signs a webhook's body. A receiver checks HMAC-SHA256(key, timestamp + "." + body), that the time stamp is of
// the last minutes, and by the delivery whether it has had the message already.
func signature(key string, now time.Time, id string, body []byte) http.Header {
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	h := http.Header{}
	h.Set("Exhibit-Timestamp", stamp)
	h.Set("Exhibit-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	h.Set("Exhibit-Delivery", id)
	return h
}
