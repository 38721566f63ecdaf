package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// TestWebhooks sends a test to a real server in each form and holds what comes there.
func TestWebhooks(t *testing.T) {
	srv := newReceiver(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok for "+r.URL.Path) })
	h := newHouse(t, allow(srv.Server))
	defer h.close()
	for _, kind := range []Kind{Slack, Teams, Webhook} {
		c, err := h.Add(t.Context(), h.admin, hook(kind, srv.URL+"/services/T0/B0/s3cr3t-path"))
		h.must(err)
		if want := strings.TrimPrefix(srv.URL, "https://"); c.Address.Host != want {
			t.Errorf("%s: of its address %q is seen, want %q", kind, c.Address.Host, want)
		}
		res, err := h.Test(t.Context(), h.admin, c.ID, "https://exhibit.example.com")
		h.must(err)
		if !res.OK || res.Said != c.Address.Host+" answered 200: ok for [redacted]." {
			t.Errorf("%s: %+v", kind, res)
		}
		req, body := srv.last(t)
		if req.Method != http.MethodPost || req.URL.Path != "/services/T0/B0/s3cr3t-path" || req.Header.Get("Content-Type") != "application/json" || req.Header.Get("User-Agent") != "Exhibit/test" || req.Header.Get("Authorization") != "" {
			t.Errorf("%s: came as %s %s %v", kind, req.Method, req.URL.Path, req.Header)
		}
		var tree map[string]any
		h.must(json.Unmarshal([]byte(body), &tree))
		if !strings.Contains(body, "This is a test from the workspace Northwind") && kind != Webhook {
			t.Errorf("%s: %s", kind, body)
		}
		if kind == Webhook {
			mac := hmac.New(sha256.New, []byte("a-key-that-both-know"))
			fmt.Fprintf(mac, "%s.%s", req.Header.Get("Exhibit-Timestamp"), body)
			if got := req.Header.Get("Exhibit-Signature"); got != "v1="+hex.EncodeToString(mac.Sum(nil)) || req.Header.Get("Exhibit-Delivery") != tree["id"] {
				t.Errorf("the signature is %q, the delivery %q", got, req.Header.Get("Exhibit-Delivery"))
			}
		}
	}
}

// TestRefusals holds that what goes wrong is told in words, that nothing is followed, and that no secret comes out.
func TestRefusals(t *testing.T) {
	elsewhere := newReceiver(t, func(http.ResponseWriter, *http.Request) {})
	srv := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/moved"):
			http.Redirect(w, r, elsewhere.URL+"/taken", http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/echo"):
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, "no_service at %s%s\x1b[31m\u202e", srvHost(r), r.URL.RequestURI())
		case strings.HasSuffix(r.URL.Path, "/flood"):
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, strings.Repeat("x", 1<<20))
		case strings.HasSuffix(r.URL.Path, "/hangup"):
			panic(http.ErrAbortHandler)
		}
	})
	h := newHouse(t, allow(srv.Server))
	defer h.close()
	host := strings.TrimPrefix(srv.URL, "https://")
	for path, want := range map[string]string{
		"moved":  host + " leads elsewhere (it answered 307), which is not followed. Give the address that it leads to.",
		"echo":   host + " answered 404: no_service at " + host + "[redacted][U+001B][31m[U+202E].",
		"flood":  host + " answered 502: " + strings.Repeat("x", 200) + "….",
		"hangup": host + " could not be reached: EOF.",
	} {
		req := hook(Slack, srv.URL+"/services/s3cr3t-part-of-path/"+path)
		req.Name = path
		c, err := h.Add(t.Context(), h.admin, req)
		h.must(err)
		res, err := h.Test(t.Context(), h.admin, c.ID, "")
		h.must(err)
		if res.OK || res.Said != want || strings.Contains(res.Said, "s3cr3t") {
			t.Errorf("%s: %q, want %q", path, res.Said, want)
		}
	}
	if n := len(elsewhere.got); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	c, err := h.Add(t.Context(), h.admin, hook(Slack, srv.URL+"/s3cr3t"))
	h.must(err)
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"not admitted":       {nil, "127.0.0.1"},
		"admitted elsewhere": {func(cfg *Config) { cfg.Operator.AllowHosts = []string{"10.0.0.1", "127.0.0.1:1"} }, "leads to an address that is not public. Whoever starts Exhibit can admit it with --allow-notify-host " + host},
		"not trusted":        {func(cfg *Config) { cfg.Operator.AllowHosts = []string{host} }, "certificate"},
	} {
		before := len(srv.got)
		res, err := h.service(test.change).Test(t.Context(), h.admin, c.ID, "")
		h.must(err)
		if res.OK || !strings.Contains(res.Said, test.want) || len(srv.got) != before {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

func srvHost(r *http.Request) string { return r.Host }

func TestMail(t *testing.T) {
	cert := newReceiver(t, func(http.ResponseWriter, *http.Request) {})
	h := newHouse(t, allow(cert.Server))
	defer h.close()
	const password = "s3cr3t-passw0rd"
	for name, test := range map[string]struct {
		server func(*postOffice)
		tls    string
		user   string
		ok     bool
		says   string
		words  string
	}{
		"starttls, plain":      {func(m *postOffice) {}, "starttls", "ada", true, "took the message for 2 addresses: 250 2.0.0 queued as 4711.", "EHLO example.com,STARTTLS,EHLO example.com,AUTH PLAIN,MAIL,RCPT,RCPT,DATA,QUIT"},
		"tls, login":           {func(m *postOffice) { m.implicit, m.auth = true, "LOGIN XOAUTH2" }, "tls", "ada", true, "took the message", "EHLO example.com,AUTH LOGIN,MAIL,RCPT,RCPT,DATA,QUIT"},
		"without a user":       {func(m *postOffice) { m.auth = "" }, "starttls", "", true, "took the message", "EHLO example.com,STARTTLS,EHLO example.com,MAIL,RCPT,RCPT,DATA,QUIT"},
		"offers no encryption": {func(m *postOffice) { m.noTLS = true }, "starttls", "ada", false, "offers no STARTTLS, so nothing was sent", "EHLO example.com,QUIT"},
		"refuses a receiver":   {func(m *postOffice) { m.refuse = "RCPT" }, "starttls", "ada", false, "refused the message: ada@example.com: 550 5.7.1 not from here", ""},
		"refuses to sign in":   {func(m *postOffice) { m.refuse = "AUTH" }, "starttls", "ada", false, "signing in as ada: 550 5.7.1 not from here: PLAIN [redacted]", ""},
	} {
		m := newPostOffice(t, cert.Server, test.server)
		req := Request{Kind: Email, Name: name, Host: m.Addr().String(), TLS: test.tls, From: "exhibit@example.com", To: []string{"ada@example.com, ben@example.com"}, User: test.user}
		if test.user != "" {
			req.Password = seal.NewSecret(password)
		}
		c, err := h.Add(t.Context(), h.admin, req)
		h.must(err)
		res, err := h.Test(t.Context(), h.admin, c.ID, "https://exhibit.example.com")
		h.must(err)
		if res.OK != test.ok || !strings.Contains(res.Said, test.says) || strings.Contains(res.Said, password) {
			t.Errorf("%s: %+v", name, res)
		}
		var words []string
		for _, w := range m.words {
			if cut, _, ok := strings.Cut(w, ":"); ok {
				w, _, _ = strings.Cut(cut, " ")
			}
			words = append(words, w)
		}
		if got := strings.Join(words, ","); test.words != "" && got != test.words {
			t.Errorf("%s: it said %s", name, got)
		}
		if strings.Contains(strings.Join(m.clear, "\n"), "AUTH") || strings.Contains(strings.Join(m.clear, "\n"), "MAIL") {
			t.Errorf("%s: before the encryption it said %v", name, m.clear)
		}
		if !test.ok {
			continue
		}
		if test.user != "" && !strings.Contains(strings.Join(m.secrets, " "), password) {
			t.Errorf("%s: it signed in with %q", name, m.secrets)
		}
		got, err := mail.ReadMessage(strings.NewReader(m.message))
		h.must(err)
		body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
		h.must(err)
		to, err := got.Header.AddressList("To")
		h.must(err)
		if got.Header.Get("Subject") != "[Exhibit] A test from Exhibit" || len(to) != 2 || got.Header.Get("Auto-Submitted") != "auto-generated" || got.Header.Get("Date") == "" ||
			!strings.Contains(string(body), "https://exhibit.example.com/settings/notifications") {
			t.Errorf("%s: the message is\n%s", name, m.message)
		}
	}
}

// hostile is a message whose every text is an attack.
func hostile() message {
	attack := "\r\nBcc: eve@example.com\r\n\r\n<!channel> <https://evil.example.com|click> [x](https://evil.example.com) *b* \u202e\x00" + strings.Repeat("ä", 3000)
	i := item{Fact: "gaps/x", Kind: evidence.ConcernGaps, Title: attack, Text: attack, Href: "/connections/cn_1"}
	m := message{ID: "id", Kind: alert, Workspace: attack, Link: "https://exhibit.example.com"}
	for range 3 * itemsMost {
		m.Open, m.Over, m.Lasting = append(m.Open, i), append(m.Over, i), append(m.Lasting, i)
	}
	return m
}

// TestHostileText holds that text from outside makes no header, no link and no mention.
func TestHostileText(t *testing.T) {
	m := hostile()
	got, err := mail.ReadMessage(strings.NewReader(string(mailText(Address{From: "a@example.com", To: []string{"b@example.com"}}, m))))
	if err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Bcc") != "" || len(got.Header) != 9 {
		t.Errorf("the mail has the headers %v", got.Header)
	}
	slack := string(slackBody(m))
	var tree struct {
		Blocks []struct{ Text struct{ Type, Text string } }
	}
	if err := json.Unmarshal([]byte(slack), &tree); err != nil {
		t.Fatal(err)
	}
	if len(tree.Blocks) > 50 {
		t.Errorf("%d blocks are more than Slack takes", len(tree.Blocks))
	}
	for _, b := range tree.Blocks {
		if b.Text.Type == "mrkdwn" && strings.Contains(b.Text.Text, "<!") || b.Text.Type == "mrkdwn" && strings.Contains(b.Text.Text, "<https://evil") || len([]rune(b.Text.Text)) > 3000 {
			t.Errorf("Slack would show %.200q (%d)", b.Text.Text, len(b.Text.Text))
		}
	}
	teams := string(teamsBody(m))
	if strings.Contains(teams, `"TextBlock"`) || len(teams) > 28_000 {
		t.Errorf("the card has text that knows markup, or %d bytes", len(teams))
	}
	for name, text := range map[string]string{"slack": slack, "teams": teams, "mail": m.plain()} {
		if strings.ContainsAny(text, "\u202e\x00") || strings.Contains(text, `\u202e`) || strings.Contains(text, `\u0000`) {
			t.Errorf("%s shows characters that hide", name)
		}
	}
}

// FuzzLine holds that no text breaks a line or hides, and that every form can be made of it.
func FuzzLine(f *testing.F) {
	f.Add("a\r\nb")
	f.Add("\u202e<x>|\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if got := line(s); strings.ContainsAny(got, "\r\n\x00\u202e\u200b") {
			t.Fatalf("%q", got)
		}
		i := item{Title: s, Text: s, Kind: evidence.ConcernGaps}
		m := message{ID: "id", Kind: digest, Workspace: s, Open: []item{i}, Over: []item{i}}
		for _, b := range [][]byte{slackBody(m), teamsBody(m), webhookBody(m)} {
			if !json.Valid(b) {
				t.Fatalf("no JSON: %s", b)
			}
		}
		got, err := mail.ReadMessage(strings.NewReader(string(mailText(Address{From: "a@example.com", To: []string{"b@example.com"}}, m))))
		if err != nil || len(got.Header) != 9 {
			t.Fatalf("the mail has %d headers, %v", len(got.Header), err)
		}
	})
}

// TestStopsWithItsContext holds that a server that says nothing does not hold up the one who waits.
func TestStopsWithItsContext(t *testing.T) {
	cert := newReceiver(t, func(http.ResponseWriter, *http.Request) {})
	held := make(chan struct{})
	srv := newReceiver(t, func(http.ResponseWriter, *http.Request) { <-held })
	defer close(held)
	h := newHouse(t, allow(cert.Server))
	defer h.close()
	c, err := h.Add(t.Context(), h.admin, hook(Slack, srv.URL+"/x"))
	h.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	row, err := h.store.Channel(ctx, h.ws, c.ID)
	h.must(err)
	done := make(chan error, 1)
	go func() { _, err := h.send(ctx, row, message{Kind: test}); done <- err }()
	cancel()
	if err := <-done; err == nil {
		t.Error("it was sent")
	}
}

// TestMention holds that whom a comment mentions gets one mail, to his own address and nobody else's, and none once he looked.
func TestMention(t *testing.T) {
	cert := newReceiver(t, func(http.ResponseWriter, *http.Request) {})
	h := newHouse(t, allow(cert.Server))
	defer h.close()
	ctx, actions := t.Context(), program.New(h.store, nil)
	marek := store.Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: h.ws, Name: "Marek Dvořák", Email: "marek@example.com", Role: "collaborator", CreatedAt: time.Now()}
	h.must(h.store.AddMember(ctx, marek))
	a, err := actions.AddAction(ctx, h.admin, program.ActionDraft{Title: "Review"})
	h.must(err)
	_, err = actions.Comment(ctx, h.admin, a.Key, "@Marek, please look.")
	h.must(err)
	h.must(h.Round(ctx, h.ws, "https://exhibit.example.com")) // no channel: he sees it on his front page
	m := newPostOffice(t, cert.Server, func(m *postOffice) { m.auth = "" })
	_, err = h.Add(ctx, h.admin, Request{Kind: Email, Name: "Mail", Host: m.Addr().String(), TLS: "starttls", From: "exhibit@example.com", To: []string{"ops@example.com"}})
	h.must(err)
	h.must(h.Round(ctx, h.ws, "https://exhibit.example.com"))
	got, err := mail.ReadMessage(strings.NewReader(m.message))
	h.must(err)
	body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	h.must(err)
	if to := got.Header.Get("To"); !strings.Contains(to, "marek@example.com") || strings.Contains(to, "ops@") || !strings.Contains(got.Header.Get("Subject"), "Ada mentions you on A-01: Review") ||
		!strings.Contains(string(body), "please look.") || !strings.Contains(string(body), "https://exhibit.example.com/actions/"+string(a.ID)) {
		t.Errorf("the mail is\n%s", m.message)
	}
	m.message = ""
	h.must(h.Round(ctx, h.ws, ""))
	if m.message != "" {
		t.Error("he is told twice")
	}
	_, err = actions.Comment(ctx, h.admin, a.Key, "@Marek, once more.")
	h.must(err)
	h.must(actions.SeeMentions(ctx, people.Caller{Member: marek.ID, Workspace: h.ws, Role: people.Reviewer}, a.Key))
	h.must(h.Round(ctx, h.ws, ""))
	if m.message != "" {
		t.Error("he looked and is told by mail")
	}
}
