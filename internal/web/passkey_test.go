package web

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// siteByName serves a site under the name localhost, since passkeys are bound to names.
func siteByName(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.Server.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	s.server.cfg.URL = s.URL
	return s
}

// TestPasskeyInTheBrowser adds a passkey with Chromium's virtual authenticator, signs out, signs in with it, and removes it after
// proving himself anew.
func TestPasskeyInTheBrowser(t *testing.T) {
	s := siteByName(t)
	b := newBrowser(t, s)
	b.run(t, webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, AutomaticPresenceSimulation: true, IsUserVerified: true}).Do(ctx)
		return err
	}))
	b.look(t, accountPath, "light", 1440, 900)
	b.run(t, chromedp.SetValue("#passkey-name", "Virtual <b> key", chromedp.ByQuery))
	press := func(selector string) {
		t.Helper()
		if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector, chromedp.ByQuery)); err != nil {
			t.Fatal(err)
		}
	}
	press("form[data-passkey] button")
	b.run(t, chromedp.WaitVisible("section[aria-labelledby=passkeys] .todo", chromedp.ByQuery))
	list, err := s.signIn.Passkeys(t.Context(), s.caller())
	must(t, err)
	if len(list) != 1 || list[0].Name != "Virtual <b> key" || !list[0].UsedAt.IsZero() {
		t.Fatalf("the passkeys are %+v", list)
	}
	src := axeSource(t)
	for _, v := range b.axe(t, src) {
		t.Errorf("%s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
	b.run(t, network.ClearBrowserCookies())
	b.look(t, "/sign-in", "dark", 390, 844)
	for _, v := range b.axe(t, src) {
		t.Errorf("signing in: %s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
	press("form[data-passkey=get] button")
	b.run(t, chromedp.WaitReady(".bar", chromedp.ByQuery))
	if list, err = s.signIn.Passkeys(t.Context(), s.caller()); err != nil || list[0].UsedAt.IsZero() {
		t.Errorf("after the sign-in: %+v, %v", list, err)
	}
	b.check(t, "passkeys")
	// A sign-in with a passkey is a fresh proof for a while; then removing asks for one, and there is no password to give.
	s.advance(signin.ProofLife)
	b.look(t, accountPath, "light", 390, 844)
	press("section[aria-labelledby=passkeys] .todo button")
	b.run(t, chromedp.WaitVisible(".note.bad", chromedp.ByQuery))
	if list, err = s.signIn.Passkeys(t.Context(), s.caller()); err != nil || len(list) != 1 {
		t.Fatalf("a session alone removed it: %+v, %v", list, err)
	}
	b.look(t, accountPath, "light", 390, 844)
	for _, v := range b.axe(t, src) {
		t.Errorf("confirming: %s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
	press("#prove button")
	b.run(t, chromedp.WaitReady(".note", chromedp.ByQuery))
	press("section[aria-labelledby=passkeys] .todo button")
	if list, err = s.signIn.Passkeys(t.Context(), s.caller()); err != nil || len(list) != 0 {
		t.Fatalf("with a fresh proof it stays: %+v, %v", list, err)
	}
	b.run(t, network.ClearBrowserCookies())
	b.look(t, "/sign-in", "light", 1440, 900)
	press("form[data-passkey=get] button")
	b.run(t, chromedp.WaitVisible("#refusal", chromedp.ByQuery))
}

// TestPasskeyIsRefused holds what is refused without a browser: no ceremony, one that was used, nonsense, and another's key.
func TestPasskeyIsRefused(t *testing.T) {
	s := siteByName(t)
	c := s.as(people.Admin)
	form := url.Values{"name": {"Key"}, "credential": {"{}"}}
	if a := s.post(c, "/settings/account/passkeys", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "longer than five minutes") {
		t.Errorf("without a ceremony: %d", a.status)
	}
	a := s.post(c, "/settings/account/passkeys/begin", nil)
	if a.status != http.StatusOK || !strings.Contains(a.body, `"userVerification":"required"`) || !strings.Contains(a.body, `"id":"localhost"`) {
		t.Fatalf("beginning gives %d: %s", a.status, a.body)
	}
	if a := s.post(c, "/settings/account/passkeys", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "is no passkey") {
		t.Errorf("nonsense: %d", a.status)
	}
	must(t, s.signIn.SetPassword(t.Context(), s.caller(), s.cookie(c), seal.NewSecret(""), seal.NewSecret("a long enough password")))
	must(t, s.store.AddSession(t.Context(), store.Session{Hash: sha256.Sum256([]byte("secret")), ID: "se_1", Member: s.admin.ID, Workspace: s.ws, CreatedAt: s.clock(), LastSeen: s.clock(), ExpiresAt: s.clock().Add(time.Hour), Way: "password"}))
	thief := s.client()
	at, err := url.Parse(s.URL)
	must(t, err)
	thief.Jar.SetCookies(at, []*http.Cookie{{Name: "exhibit", Value: "secret"}})
	if a := s.post(thief, "/settings/account/passkeys/begin", url.Values{"old": {"wrong"}}); a.status == http.StatusOK || s.get(thief, accountPath).status != http.StatusOK {
		t.Errorf("a session alone adds a way in: %d", a.status)
	}
	if a := s.post(thief, "/settings/account/passkeys/begin", url.Values{"old": {"a long enough password"}}); a.status != http.StatusOK {
		t.Errorf("with the password: %d", a.status)
	}
	must(t, s.store.AddPasskey(t.Context(), store.Passkey{ID: "a-key", Workspace: s.ws, Member: s.admin.ID, Name: "Phone", Credential: "{}", CreatedAt: s.clock()}))
	htmlcheck.Parse(t, s.get(thief, accountPath).body).Has(".removing", "Password now")
	for _, wrong := range []string{"", "wrong"} {
		if a := s.post(thief, "/settings/account/passkeys/a-key/remove", url.Values{"old": {wrong}}); a.status != http.StatusBadRequest {
			t.Errorf("a session alone removes a passkey: %d", a.status)
		}
	}
	if a := s.post(thief, "/settings/account/passkeys/prove/begin", nil); a.status != http.StatusOK {
		t.Errorf("beginning to prove oneself gives %d: %s", a.status, a.body)
	}
	if a := s.post(thief, "/settings/account/passkeys/prove", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "none of your passkeys") {
		t.Errorf("nonsense proves: %d", a.status)
	}
	if a := s.post(thief, "/settings/account/passkeys/a-key/remove", url.Values{"old": {"a long enough password"}}); a.status != http.StatusSeeOther {
		t.Errorf("with the password removing gives %d", a.status)
	}
	s.advance(signin.CeremonyLife)
	s.post(c, "/settings/account/passkeys/begin", nil)
	s.advance(signin.CeremonyLife)
	if a := s.post(c, "/settings/account/passkeys", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "longer than five minutes") {
		t.Errorf("too late: %d", a.status)
	}
	if a := s.post(c, "/settings/account/passkeys/none/remove", nil); a.status != http.StatusNotFound {
		t.Errorf("removing what is not there: %d", a.status)
	}
	nobody := s.client()
	if a := s.post(nobody, "/sign-in/passkey", form); a.status != http.StatusBadRequest {
		t.Errorf("signing in without a ceremony: %d", a.status)
	}
	s.post(nobody, "/sign-in/passkey/begin", nil)
	if a := s.post(nobody, "/sign-in/passkey", form); a.status != http.StatusUnauthorized {
		t.Errorf("signing in with nonsense: %d", a.status)
	}
	bare := newSite(t)
	htmlcheck.Parse(t, bare.get(bare.as(people.Admin), accountPath).body).Has("section", "reached under a bare address")
}

// TestPasskeysOverNodes holds that another process takes the second step of a sign-in, once, and that what was begun for one purpose
// serves no other.
func TestPasskeysOverNodes(t *testing.T) {
	s := siteByName(t)
	ctx, other := t.Context(), signin.New(s.store, s.connections, s.clock)
	begun, err := s.signIn.BeginPasskeySignIn(ctx, s.URL)
	must(t, err)
	with := func(secret seal.Secret) evidence.Code {
		_, _, err := other.WithPasskey(ctx, s.URL, secret, []byte("{}"), signin.Device{})
		return evidence.ErrorCode(err)
	}
	if got := with(begun.Secret); got != evidence.Unauthorized { // it is found, and what was sent is none
		t.Errorf("another process says %s", got)
	}
	if got := with(begun.Secret); got != evidence.Invalid {
		t.Errorf("a second time it says %s", got)
	}
	adding, err := s.signIn.BeginPasskey(ctx, s.caller(), "", seal.NewSecret(""), s.URL)
	must(t, err)
	if got := with(adding.Secret); got != evidence.Invalid {
		t.Errorf("signing in with what was begun to add says %s", got)
	}
}
