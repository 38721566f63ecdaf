package notify

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// mailRequest is a channel of mail as somebody fills it in.
func mailRequest() Request {
	return Request{Kind: Email, Name: "Mail", Host: "SMTP.example.com", From: "exhibit@example.com", To: []string{"ada@example.com"}, User: "ada", Password: seal.NewSecret("canary-passw0rd")}
}

func TestAddRefuses(t *testing.T) {
	h := newHouse(t, nil)
	defer h.close()
	good := "https://hooks.example.com/services/x"
	for name, test := range map[string]struct {
		req  Request
		want string
	}{
		"no kind":              {Request{Name: "x"}, "no kind of channel"},
		"no address":           {hook(Slack, ""), "Give the address"},
		"plain http":           {hook(Slack, "http://hooks.example.com/canary"), "It begins with https://"},
		"a user in it":         {hook(Slack, "https://canary@hooks.example.com/x"), "no user"},
		"no host":              {hook(Slack, "https:///canary"), "It begins with https://"},
		"an odd host":          {hook(Slack, "https://hööks.example.com/canary"), "cannot be used"},
		"a zone":               {hook(Slack, "https://[fe80::1%25eth0]/canary"), "cannot be used"},
		"a control character":  {hook(Slack, "https://hooks.example.com/\ncanary"), "It begins with https://"},
		"too long":             {hook(Slack, good+strings.Repeat("x", 1000)), "It begins with https://"},
		"no key":               {Request{Kind: Webhook, URL: seal.NewSecret(good)}, "at least 16 characters"},
		"a short key":          {Request{Kind: Webhook, URL: seal.NewSecret(good), Key: seal.NewSecret("short")}, "at least 16 characters"},
		"a name that hides":    {Request{Kind: Slack, Name: "a\u202eb", URL: seal.NewSecret(good)}, "all of which can be seen"},
		"nothing such to tell": {hook(Slack, good, "expiry", "weather"), `"weather" is nothing that can be told`},
		"no mail server":       {with(func(r *Request) { r.Host = "" }), "no mail server"},
		"an odd mail server":   {with(func(r *Request) { r.Host = "smtp.example.com:x" }), "no mail server"},
		"mail without TLS":     {with(func(r *Request) { r.TLS = "none" }), "never without"},
		"no sender":            {with(func(r *Request) { r.From = "exhibit" }), "no mail address"},
		"a sender with lines":  {with(func(r *Request) { r.From = "a@example.com\r\nBcc: b@example.com" }), "no mail address"},
		"nobody to send to":    {with(func(r *Request) { r.To = []string{" , "} }), "1 to 50 mail addresses"},
		"a name to send to":    {with(func(r *Request) { r.To = []string{"Ada<ada@example.com>"} }), "no mail address"},
		"no password":          {with(func(r *Request) { r.Password = seal.Secret{} }), "needs a password"},
		"a password of lines":  {with(func(r *Request) { r.Password = seal.NewSecret("canary\r\nQUIT") }), "no mail server takes"},
	} {
		c, err := h.Add(t.Context(), h.admin, test.req)
		if evidence.ErrorCode(err) != evidence.Invalid || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if list, err := h.List(t.Context(), h.admin); err != nil || len(list) != 0 {
		t.Errorf("%d were made, %v", len(list), err)
	}
}

func with(change func(*Request)) Request {
	r := mailRequest()
	change(&r)
	return r
}

// TestSecretsStay holds that secrets are sealed, stay when others are changed, and never come out.
func TestSecretsStay(t *testing.T) {
	h := newHouse(t, nil)
	defer h.close()
	made, err := h.Add(t.Context(), h.admin, mailRequest())
	h.must(err)
	want := Address{Host: "smtp.example.com:587", TLS: StartTLS, From: "exhibit@example.com", To: []string{"ada@example.com"}, User: "ada"}
	if diff := cmp.Diff(want, made.Address); diff != "" || len(made.Tells) != len(Kinds()) {
		t.Errorf("%s; it tells %v", diff, made.Tells)
	}
	hooked, err := h.Add(t.Context(), h.admin, Request{Kind: Webhook, URL: seal.NewSecret("https://hooks.example.com/canary-address"), Key: seal.NewSecret("canary-key-of-enough-length")})
	h.must(err)

	secretsOf := func(id evidence.ID) secrets {
		t.Helper()
		row, err := h.store.Channel(t.Context(), h.ws, id)
		h.must(err)
		sec, err := h.open(t.Context(), row)
		h.must(err)
		return sec
	}
	changed, err := h.Change(t.Context(), h.admin, made.ID, with(func(r *Request) {
		r.Name, r.To, r.Password, r.Host, r.Tells = "Other", []string{"ben@example.com;ada@example.com ben@example.com"}, seal.Secret{}, "smtp.example.com:587", []string{"gaps"}
	}))
	h.must(err)
	if sec := secretsOf(made.ID); sec.Password != "canary-passw0rd" || changed.Name != "Other" || len(changed.Address.To) != 2 || len(changed.Tells) != 1 {
		t.Errorf("changed to %+v with %+v", changed, sec)
	}
	for name, req := range map[string]Request{
		"another server": with(func(r *Request) { r.Host, r.Password = "evil.example.com", seal.Secret{} }),
		"another user":   with(func(r *Request) { r.Host, r.User, r.Password = "smtp.example.com:587", "ben", seal.Secret{} }),
	} {
		if _, err := h.Change(t.Context(), h.admin, made.ID, req); err == nil || !strings.Contains(err.Error(), "Give it again") {
			t.Errorf("%s gets the old password: %v", name, err)
		}
	}
	if _, err := h.Change(t.Context(), h.admin, made.ID, hook(Slack, "https://hooks.example.com/x")); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("mail became Slack: %v", err)
	}
	_, err = h.Change(t.Context(), h.admin, hooked.ID, Request{Kind: Webhook, Name: "Renamed"})
	h.must(err)
	if sec := secretsOf(hooked.ID); sec.Key != "canary-key-of-enough-length" || sec.URL != "https://hooks.example.com/canary-address" {
		t.Errorf("after a change that gives none, the secrets are %+v", sec)
	}

	list, err := h.List(t.Context(), h.admin)
	h.must(err)
	trail, err := h.store.Activity(t.Context(), h.ws, 10)
	h.must(err)
	if out := fmt.Sprintf("%+v %+v", list, trail); strings.Contains(out, "canary") || len(trail) != 4 {
		t.Errorf("a secret comes out, or the trail has %d lines: %s", len(trail), out)
	}
	h.must(filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("canary")) {
			t.Errorf("%s holds a secret in clear", path)
		}
		return err
	}))

	// What was sealed for one channel does not open for another.
	row, err := h.store.Channel(t.Context(), h.ws, made.ID)
	h.must(err)
	row.ID = hooked.ID
	if _, err := h.open(t.Context(), row); err == nil || !strings.Contains(err.Error(), "it was altered") {
		t.Errorf("a moved secret opens: %v", err)
	}
}

// TestWhoMay asks every use case as every role.
func TestWhoMay(t *testing.T) {
	h := newHouse(t, nil)
	defer h.close()
	c, err := h.Add(t.Context(), h.admin, mailRequest())
	h.must(err)
	ctx := t.Context()
	for _, role := range append(people.Roles(), "") {
		who := people.Caller{Member: "us_x", Workspace: h.ws, Role: role}
		for name, use := range map[string]struct {
			needs people.Permission
			do    func() error
		}{
			"list":     {people.ReadSettings, func() error { _, err := h.List(ctx, who); return err }},
			"show":     {people.ReadSettings, func() error { _, err := h.Show(ctx, who, c.ID); return err }},
			"hour":     {people.ReadSettings, func() error { _, err := h.Digest(ctx, who); return err }},
			"set hour": {people.ManageSettings, func() error { _, err := h.SetDigest(ctx, who, store.DigestTime{Hour: 9}); return err }},
			"add":      {people.ManageSettings, func() error { _, err := h.Add(ctx, who, Request{}); return err }},
			"change":   {people.ManageSettings, func() error { _, err := h.Change(ctx, who, c.ID, Request{}); return err }},
			"test":     {people.ManageSettings, func() error { _, err := h.Test(ctx, who, "nc_none", ""); return err }},
			"remove":   {people.ManageSettings, func() error { _, err := h.Remove(ctx, who, "nc_none"); return err }},
		} {
			forbidden := evidence.ErrorCode(use.do()) == evidence.Forbidden
			if forbidden == who.Has(use.needs) {
				t.Errorf("%q, %s: forbidden %v", role, name, forbidden)
			}
		}
	}
	elsewhere := people.Caller{Member: "us_x", Workspace: "ws_other", Role: people.Admin}
	if _, err := h.Remove(ctx, elsewhere, c.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("from another workspace: %v", err)
	}
	for _, d := range []store.DigestTime{{Hour: -1}, {Hour: 24}, {Hour: 7, Zone: "Local"}, {Hour: 7, Zone: "Europe/Nowhere"}, {Hour: 7, Zone: "../etc/passwd"}} {
		if _, err := h.SetDigest(ctx, h.admin, d); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%+v: %v", d, err)
		}
	}
}
