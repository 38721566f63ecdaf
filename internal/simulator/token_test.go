package simulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

func TestTokenClaims(t *testing.T) {
	c := newClock(noon())
	sim, _ := newSimulator(t, simulator.Config{Seed: 4, Now: c.now})
	token := issue(t, sim, simulator.TokenOptions{Features: []string{"auditevents"}, Expires: noon().AddDate(0, 0, 90)})
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts", len(parts))
	}
	var header, claims map[string]any
	for i, to := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, to) != nil {
			t.Fatalf("part %d: %v", i, err)
		}
	}
	if header["alg"] != "ES256" || header["typ"] != "JWT" || len(header["kid"].(string)) != 26 {
		t.Errorf("header %v", header)
	}
	if sig, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || len(sig) != 64 {
		t.Errorf("the signature has %d bytes, want 64", len(sig))
	}
	want := map[string]any{
		"iss": "com.1password.b5", "sub": sim.IntegrationUUID(), "aud": []any{host}, "iat": float64(noon().Unix()), "exp": float64(noon().AddDate(0, 0, 90).Unix()),
		"1password.com/auuid": sim.AccountUUID(), "1password.com/fts": []any{"auditevents"},
	}
	for key, value := range want {
		if fmt.Sprint(claims[key]) != fmt.Sprint(value) {
			t.Errorf("claim %s = %v, want %v", key, claims[key], value)
		}
	}
	if len(claims["jti"].(string)) != 26 || len(claims) != len(want)+1 {
		t.Errorf("claims %v", claims)
	}
}

func TestTokenLife(t *testing.T) {
	c := newClock(noon())
	sim, forever := newSimulator(t, simulator.Config{Events: 10, Now: c.now})
	hour := issue(t, sim, simulator.TokenOptions{Expires: noon().Add(time.Hour)})
	status := func(token string) int { return call(sim, token, "POST", "/api/v2/itemusages", `{}`).Code }
	if got := status(hour); got != 200 {
		t.Errorf("before it expires: %d", got)
	}
	c.advance(time.Hour)
	if got := status(hour); got != 401 {
		t.Errorf("when it has expired: %d", got)
	}
	again, err := simulator.New(simulator.Config{Events: 10, Now: c.now, Audience: host})
	if err != nil {
		t.Fatal(err)
	}
	if got := call(again, forever, "POST", "/api/v2/itemusages", `{}`).Code; got != 200 {
		t.Errorf("after a restart with the same seed: %d", got)
	}
	second := issue(t, sim, simulator.TokenOptions{})
	if err := sim.Revoke(forever); err != nil {
		t.Fatal(err)
	}
	if one, two := status(forever), status(second); one != 401 || two != 200 {
		t.Errorf("the revoked token gets %d, the other %d", one, two)
	}
	sim.RevokeAll()
	third := issue(t, sim, simulator.TokenOptions{})
	if two, three := status(second), status(third); two != 401 || three != 200 {
		t.Errorf("after revoking all: an older token gets %d, a new one %d", two, three)
	}
	if sim.Revoke("nonsense") == nil {
		t.Error("nonsense can be revoked")
	}
	if _, err := sim.IssueToken(simulator.TokenOptions{Features: []string{"everything"}}); err == nil {
		t.Error("a token for an unknown feature is issued")
	}
	if _, err := again.IssueToken(simulator.TokenOptions{}); err != nil {
		t.Error(err)
	}
	nowhere, err := simulator.New(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nowhere.IssueToken(simulator.TokenOptions{}); err == nil {
		t.Error("a token without audience is issued")
	}
}

func TestRateLimit(t *testing.T) {
	for _, retryAfter := range []bool{false, true} {
		c := newClock(noon().Add(15 * time.Second))
		sim, token := newSimulator(t, simulator.Config{Events: 10, Now: c.now, RetryAfter: retryAfter})
		second := issue(t, sim, simulator.TokenOptions{})
		for i := range 600 { // over all tokens, streams and introspection
			method, path := "POST", []string{"/api/v2/itemusages", "/api/v1/auditevents", "/api/v2/auth/introspect"}[i%3]
			if i%3 == 2 {
				method = "GET"
			}
			if got := call(sim, []string{token, second}[i%2], method, path, `{}`).Code; got != 200 {
				t.Fatalf("request %d: %d", i, got)
			}
		}
		w := call(sim, token, "POST", "/api/v2/itemusages", `{}`)
		if w.Code != 429 || w.Body.String() != `{"Error":{"Message":"Too Many Requests"}}` {
			t.Errorf("request 601: %d %s", w.Code, w.Body)
		}
		want := ""
		if retryAfter {
			want = "45"
		}
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After = %q, want %q", got, want)
		}
		if got := call(sim, "bad", "POST", "/api/v2/itemusages", `{}`).Code; got != 401 {
			t.Errorf("a bad token over the limit: %d, want 401", got)
		}
		c.advance(45 * time.Second)
		if got := call(sim, token, "POST", "/api/v2/itemusages", `{}`).Code; got != 200 {
			t.Errorf("in the next minute: %d", got)
		}
	}
}
