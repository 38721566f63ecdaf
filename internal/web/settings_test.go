package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// fillSettings adds tokens in every state to a filled site.
func (s *site) fillSettings() {
	s.t.Helper()
	ctx := s.t.Context()
	for _, tok := range []struct {
		name    string
		scopes  []string
		expires time.Duration
		use     bool
		revoke  bool
	}{
		{"Grafana", []string{"monitor"}, 180 * day, true, false},
		{"Nightly export to the warehouse", []string{"read"}, 12 * day, true, false},
		{"Old build script", []string{"read", "build"}, 90 * day, false, true},
	} {
		t, secret, err := s.tokens.Create(ctx, s.caller(), apitoken.CreateRequest{Name: tok.name, Scopes: tok.scopes, Expires: s.clock().Add(tok.expires)})
		must(s.t, err)
		if tok.use {
			_, err = s.tokens.Caller(ctx, secret)
			must(s.t, err)
		}
		if tok.revoke {
			_, err = s.tokens.Revoke(ctx, s.caller(), t.ID)
			must(s.t, err)
		}
	}
	mail := s.channel(notify.Request{Kind: notify.Email, Name: "Security team", Host: "smtp.example.com", From: "exhibit@example.com", To: []string{"ada@example.com", "ben@example.com", "cy@example.com"}})
	must(s.t, s.store.NoteTold(ctx, s.ws, mail, store.Told{At: s.clock().Add(-5 * time.Hour), Sent: true, Digest: true}))
	s.channel(notify.Request{Kind: notify.Teams, Name: "Microsoft Teams", URL: seal.NewSecret("https://prod-12.example.com/workflows/x"), Tells: []string{"gaps", "late"}})
	failing := s.channel(notify.Request{Kind: notify.Slack, Name: "#security-alerts", URL: seal.NewSecret("https://hooks.example.com/services/x"), Tells: []string{"unauthorized", "expiry", "gaps", "stale"}})
	for range 4 {
		must(s.t, s.store.NoteFailure(ctx, s.ws, failing, s.clock().Add(-3*time.Minute), "hooks.example.com answered 404: no_service.", s.clock().Add(9*time.Minute)))
	}
}

func TestSettingsByRole(t *testing.T) {
	s := newSite(t)
	for role, want := range map[people.Role][]string{
		people.Admin:        {"People", "API tokens", "Notifications", "Activity"},
		people.Collaborator: {"People", "API tokens", "Notifications", "Activity"},
	} {
		p := htmlcheck.Parse(t, s.get(s.as(role), "/settings").body)
		for _, name := range want {
			p.Has(".card h3 a", name)
		}
		if got := htmlcheck.Attr(p.All(`nav.low a`)[0], "aria-current"); got != "page" {
			t.Errorf("%s: the rail's entry is lit: %q", role, got)
		}
	}
	p := htmlcheck.Parse(t, s.get(s.as(people.Reviewer), "/").body)
	if n := len(p.All("nav.low")); n != 0 {
		t.Error("somebody who may not open the settings sees their entry")
	}
}

// TestActivityPages walks the whole trail with the keyset, with lines written meanwhile.
func TestActivityPages(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for i := range 2*trailPage + 5 {
		must(t, s.store.AddActivity(t.Context(), store.Activity{Workspace: s.ws, At: noon.Add(time.Duration(i) * time.Second), Who: "Ben <b>", What: "artifact.build", Subject: fmt.Sprintf("ar_%03d", i)}))
	}
	seen, path := map[string]int{}, "/settings/activity?what=artifact"
	for pages := 1; path != ""; pages++ {
		a := s.get(c, path)
		if a.status != http.StatusOK || strings.Contains(a.body, "Ben <b>") {
			t.Fatalf("%s gives %d, or a name as HTML", path, a.status)
		}
		p := htmlcheck.Parse(t, a.body)
		rows := p.All("tbody tr")
		for _, row := range rows {
			for i := range 2*trailPage + 5 {
				if subject := fmt.Sprintf("ar_%03d", i); strings.Contains(htmlcheck.Text(row), subject) {
					seen[subject]++
				}
			}
		}
		path = ""
		for _, link := range p.All(".table-foot a") {
			if htmlcheck.Text(link) == "Older" {
				path = htmlcheck.Attr(link, "href")
			}
		}
		must(t, s.store.AddActivity(t.Context(), store.Activity{Workspace: s.ws, At: noon.Add(time.Hour), Who: "Eve", What: "artifact.read", Subject: "later"}))
		if pages == 3 && path != "" {
			t.Error("there is a fourth page")
		}
	}
	if len(seen) != 2*trailPage+5 {
		t.Errorf("the pages show %d lines", len(seen))
	}
	for subject, n := range seen {
		if n != 1 {
			t.Errorf("%s is shown %d times", subject, n)
		}
	}
	p := htmlcheck.Parse(t, s.get(c, "/settings/activity?who=Nobody").body)
	p.Has("h2", "No such line")
	for _, bad := range []string{"before=x", "before=-1", "before=0", "who=" + strings.Repeat("x", 301)} {
		if a := s.get(c, "/settings/activity?"+bad); a.status != http.StatusBadRequest {
			t.Errorf("%s gives %d", bad, a.status)
		}
	}
}

func TestWithGroups(t *testing.T) {
	got := withGroups([]string{"artifact.build", "artifact.read", "connection.add", "odd", "token.create"})
	if diff := cmp.Diff([]string{"artifact", "artifact.build", "artifact.read", "connection", "connection.add", "odd", "token", "token.create"}, got); diff != "" {
		t.Error(diff)
	}
}
