package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// state is one state of a connection, how it comes about, and what the pages say of it.
type state struct {
	state   evidence.State
	change  func(*evidence.Connection)
	trouble *evidence.Trouble // open, on every stream that is granted
	unread  bool              // nothing was read
	behind  bool              // it has not reached the end
	read    time.Duration     // before now, when it was last read; 0: a minute
	badge   string
	says    []string // on the connection's page
	loses   bool     // something is lost if nobody acts
	onHome  bool
	help    string // the help that is open
}

func states() []state {
	since := noon.Add(-3 * time.Hour)
	trouble := func(c evidence.Cause, s evidence.State, reason string) *evidence.Trouble {
		return &evidence.Trouble{Span: evidence.Span{From: since}, Cause: c, State: s, Reason: reason}
	}
	return []state{
		{state: evidence.StateOff, change: func(c *evidence.Connection) { c.OffAt = since }, badge: "Off", loses: true,
			says: []string{"Switched off. Its token is forgotten", "switch it on again with a token of the same account", "can be read back until 23 March 2027"}},
		{state: evidence.StatePending, change: func(c *evidence.Connection) { c.CheckedAt = time.Time{} }, unread: true, badge: "Pending", onHome: true,
			says: []string{"Waiting for approval", "Finish the approval"}},
		{state: evidence.StateBackfilling, change: func(c *evidence.Connection) { c.CheckedAt = noon.Add(-time.Minute) }, behind: true, badge: "Backfilling", help: "No events come",
			says: []string{"Reading the past", "Reading the last 120 days", "it is being read without a pause"}},
		{state: evidence.StateActive, badge: "Active", says: []string{"Every stream has been read to the end", "nothing new is at risk"}},
		{state: evidence.StateDegraded, change: func(c *evidence.Connection) { c.Features, c.Missing = c.Features[:2], c.Features[2:] }, badge: "Degraded", loses: true, onHome: true, help: "No events come",
			says: []string{"lacks some event types", "Make a token with all event types", "not granted", "joiners and leavers"}},
		{state: evidence.StateUnauthorized, trouble: trouble(evidence.TokenRefused, evidence.StateUnauthorized, "1Password refuses the token."), read: 3 * time.Hour, badge: "Unauthorized", loses: true, onHome: true,
			help: "The token is refused (401)", says: []string{"refuses the token", "Make a new token at 1Password and rotate it in", "can be read back until", "It was revoked, or its integration was deleted"}},
		{state: evidence.StatePlan, trouble: trouble(evidence.TokenRefused, evidence.StatePlan, "The account's plan does not offer the Events API."), read: 3 * time.Hour, badge: "Plan lacks the Events API", loses: true, onHome: true,
			help: "The plan lacks the Events API", says: []string{"does not offer the Events API", "Ask an owner of the account about its plan"}},
		{state: evidence.StateUnreachable, trouble: trouble(evidence.Unreachable, evidence.StateUnreachable, "events.1password.com cannot be reached."), read: 3 * time.Hour, badge: "Unreachable", loses: true, onHome: true,
			help: "The server is unreachable", says: []string{"cannot be reached", "Check the network between here and https://events.1password.com", "Exhibit keeps trying"}},
		{state: evidence.StateStale, read: 3 * time.Hour, badge: "Stale", loses: true, onHome: true, help: "No events come",
			says: []string{"Nothing has been read lately", "Start the server with exhibit serve", "nobody plans to"}},
	}
}

// make stores a connection in the state.
func (st state) make(s *site) evidence.Connection {
	s.t.Helper()
	c := s.connect("The "+string(st.state)+" one", func(c *evidence.Connection) {
		c.AccountUUID = "ACCOUNT" + strings.ToUpper(string(st.state))
		if st.change != nil {
			st.change(c)
		}
	})
	if st.unread {
		return c
	}
	was := s.clock()
	if st.read > 0 {
		s.advance(-st.read)
	}
	end := s.clock().Add(-time.Minute)
	for _, stream := range c.Features {
		from := noon.Add(-120 * day)
		f := feed{connection: c, stream: stream, spans: []evidence.Span{{From: from, To: end}}, caughtUp: !st.behind, trouble: st.trouble,
			events: [][]byte{oneAudit("EVENT"+strings.ToUpper(string(st.state)+string(stream)), from.Add(time.Hour), "Ada", "ada@example.com")}}
		if stream != onepassword.Audit {
			f.events = nil
		}
		s.fill(f)
	}
	s.advance(was.Sub(s.clock()))
	return c
}

// TestEveryState holds for each state of a connection what its page, the catalogue, Home and the API say.
func TestEveryState(t *testing.T) {
	for _, st := range states() {
		t.Run(string(st.state), func(t *testing.T) {
			s := newSite(t)
			s.first = st.make(s)
			c := s.as(people.Admin)
			id := string(s.first.ID)
			p := htmlcheck.Parse(t, s.get(c, "/connections/"+id).body)
			p.Has("#live-badge .badge", st.badge)
			for _, want := range st.says {
				p.Has("main", want)
			}
			p.Has("#live-state .note", "Since ")
			for _, d := range p.All("details[open] summary") {
				if got := htmlcheck.Text(d); st.help == "" && got != "" {
					t.Errorf("the help about %q is open", got)
				}
			}
			if st.help != "" {
				p.Has("details[open] summary", st.help)
			}
			card := htmlcheck.Parse(t, s.get(c, "/sources").body)
			switch on := htmlcheck.Attr(card.One("#switch-"+id), "aria-checked"); {
			case st.state == evidence.StateBackfilling:
				card.Has("#live-cards .card-foot", "Backfilling")
				if len(card.All("#live-cards progress")) != 1 {
					t.Error("the card has no bar")
				}
			case (st.state == evidence.StateOff) == (on == "true"):
				t.Errorf("the toggle says %q", on)
			default:
				card.Has("#live-cards .card-foot", st.badge)
			}
			home := htmlcheck.Parse(t, s.get(c, "/").body)
			if st.onHome {
				home.Has(".todo li h3", "The "+string(st.state)+" one: "+strings.ToLower(st.badge[:1])+st.badge[1:])
			} else {
				home.Lacks(".todo li h3", "one: "+strings.ToLower(st.badge[:1])+st.badge[1:])
			}
			st.inAPI(t, s.get(c, "/api/v1/connections/"+id).body)
		})
	}
}

func (st state) inAPI(t *testing.T, body string) {
	t.Helper()
	var got struct {
		State, Reason string
		ToDo          string     `json:"to_do"`
		LostFrom      *time.Time `json:"lost_from"`
		Backfill      *struct{ Percent int }
	}
	must(t, json.Unmarshal([]byte(body), &got))
	if got.State != string(st.state) || got.Reason == "" || (got.LostFrom != nil) != st.loses || (got.Backfill != nil) != (st.state == evidence.StateBackfilling) {
		t.Errorf("the API says %s", body)
	}
	if (got.ToDo == "") != (st.state == evidence.StateActive || st.state == evidence.StateBackfilling) {
		t.Errorf("to do is %q", got.ToDo)
	}
}

// TestExpiryIsCountedDown holds the warnings 30, 14, 7 and 1 days before a token's end on page, card, Home and API.
func TestExpiryIsCountedDown(t *testing.T) {
	s := newSite(t)
	active := state{state: evidence.StateActive}
	for _, test := range []struct {
		left time.Duration
		tone string // none: empty
		days string
	}{
		{31 * day, "", ""}, {29 * day, "warn", `"days":30`}, {13 * day, "warn", `"days":14`}, {6 * day, "bad", `"days":7`}, {20 * time.Hour, "bad", `"days":1`},
	} {
		active.change = func(c *evidence.Connection) {
			c.Name, c.ExpiresAt = "Ends in "+test.left.String(), noon.Add(test.left)
		}
		conn := active.make(s)
		c := s.as(people.Admin)
		p := htmlcheck.Parse(t, s.get(c, "/connections/"+string(conn.ID)).body)
		home := htmlcheck.Parse(t, s.get(c, "/").body)
		api := s.get(c, "/api/v1/connections/"+string(conn.ID)).body
		title := "The token of " + conn.Name + " expires soon"
		if test.tone == "" {
			p.Lacks(".note", "The token expires")
			home.Lacks(".todo", title)
			continue
		}
		p.Has(".note."+test.tone, "If no new token is rotated in by "+conn.ExpiresAt.Add(120*day).Format("2 January 2006")+", events are lost for good")
		home.Has(".todo li h3", title)
		htmlcheck.Parse(t, s.get(c, "/sources").body).Has(".card-say."+test.tone, "Token expires in")
		if !strings.Contains(api, test.days) {
			t.Errorf("%v before its end the API says %s", test.left, api)
		}
	}
}
