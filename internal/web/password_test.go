package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

const goodPassword = "lantern orchid seventeen"

func (s *site) code(secret string) string {
	s.t.Helper()
	code, err := totp.GenerateCode(secret, s.clock())
	must(s.t, err)
	return code
}

// TestPasswordWithoutScript sets a password and an app up, and signs in with them, by forms alone.
func TestPasswordWithoutScript(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	if a := s.post(c, "/settings/account/password", url.Values{"fresh": {"short"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "15 characters") {
		t.Errorf("a short password gives %d", a.status)
	}
	if a := s.post(c, "/settings/account/password", url.Values{"fresh": {goodPassword}}); a.status != http.StatusSeeOther {
		t.Fatalf("setting a password gives %d", a.status)
	}
	p := htmlcheck.Parse(t, s.post(c, "/settings/account/codes", nil).body)
	secret := htmlcheck.Text(p.One("#totp-secret"))
	if src := htmlcheck.Attr(p.One("img.qr"), "src"); !strings.HasPrefix(src, "data:image/png;base64,") {
		t.Errorf("the picture is %.40q", src)
	}
	a := s.post(c, "/settings/account/codes/confirm", url.Values{"code": {s.code(secret)}})
	p = htmlcheck.Parse(t, a.body)
	if n := len(p.All(".codes li")); n != 10 {
		t.Fatalf("confirming gives %d and %d recovery codes", a.status, n)
	}
	recovery := htmlcheck.Text(p.All(".codes li")[0])
	if body := s.get(c, "/settings/account").body; strings.Contains(body, recovery) || strings.Contains(body, secret) {
		t.Error("a later page shows a secret")
	}
	s.advance(time.Minute)
	fresh := s.client()
	if a := s.post(fresh, "/sign-in/password", url.Values{"email": {"ada@example.com"}, "password": {"wrong"}}); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "Mail address or password is wrong") {
		t.Errorf("a wrong password gives %d", a.status)
	}
	p = htmlcheck.Parse(t, s.post(fresh, "/sign-in/password", url.Values{"email": {"ada@example.com"}, "password": {goodPassword}}).body)
	form := url.Values{"step": {htmlcheck.Attr(p.One("input[name=step]"), "value")}, "workspace": {htmlcheck.Attr(p.One("input[name=workspace]"), "value")}, "code": {"000000"}}
	if a := s.post(fresh, "/sign-in/code", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "This code is wrong") {
		t.Errorf("a wrong code gives %d", a.status)
	}
	form.Set("code", s.code(secret))
	if a := s.post(fresh, "/sign-in/code", form); a.status != http.StatusSeeOther {
		t.Fatalf("signing in gives %d: %s", a.status, a.body)
	}
	if got := s.get(fresh, "/").status; got != http.StatusOK {
		t.Errorf("the front page gives %d", got)
	}
	for _, canary := range []string{goodPassword, secret, recovery, form.Get("step"), form.Get("code")} {
		if strings.Contains(s.log.String(), canary) {
			t.Errorf("the log holds %q", canary)
		}
	}
}

// TestPasswordsAreLimitedByAccount holds that guessing one account's password slows down, from whatever network.
func TestPasswordsAreLimitedByAccount(t *testing.T) {
	s := newSite(t)
	c := s.client()
	last := 0
	for range attemptsBurst + 1 {
		last = s.post(c, "/sign-in/password", url.Values{"email": {"Ada@example.com"}, "password": {"x"}}).status
		s.server.tries.forget("127.0.0.1/32")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("guess %d gives %d", attemptsBurst+1, last)
	}
}

// TestSignInInBrowser signs in by role and name in Chromium, under the policy of every page.
func TestSignInInBrowser(t *testing.T) {
	s := newSite(t)
	b := newBrowser(t, s)
	text := func(label, value string) chromedp.Action {
		return chromedp.SendKeys(`//input[@id=//label[normalize-space()="`+label+`"]/@for]`, value, chromedp.BySearch)
	}
	press := func(name string) chromedp.Action {
		return chromedp.Click(`//button[normalize-space()="`+name+`"]`, chromedp.BySearch)
	}
	var secret string
	var seen bool
	b.run(t, chromedp.Navigate(s.URL+"/settings/account"), text("New password", goodPassword), press("Set the password"), chromedp.WaitVisible(".note.ok"),
		press("Add an app"), chromedp.WaitVisible("img.qr"), chromedp.Text("#totp-secret", &secret), chromedp.Evaluate(`document.querySelector('img.qr').naturalWidth > 0`, &seen))
	if !seen {
		t.Error("the picture of the secret is not shown")
	}
	b.run(t, text("Code that the app shows", s.code(secret)), press("Turn them on"), chromedp.WaitVisible(".codes"))
	s.advance(time.Minute)
	b.run(t, network.ClearBrowserCookies(), chromedp.Navigate(s.URL+"/events"), chromedp.Click(`//a[normalize-space()="Sign in"]`, chromedp.BySearch),
		text("Mail address", "ada@example.com"), text("Password", goodPassword), press("Next"), chromedp.WaitVisible("#code"),
		text("Code of your app, or a recovery code", s.code(secret)), press("Sign in"), chromedp.WaitReady("aside.rail", chromedp.ByQuery))
	b.check(t, "signing in")
	src := axeSource(t)
	for _, theme := range []string{"light", "dark"} {
		b.look(t, "/settings/account", theme, 390, 844)
		for _, v := range b.axe(t, src) {
			t.Errorf("account %s: %s: %s\n\t%s", theme, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
		}
		b.look(t, "/settings/people", theme, 390, 844)
		for _, v := range b.axe(t, src) {
			t.Errorf("people %s: %s: %s\n\t%s", theme, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
		}
	}
}
