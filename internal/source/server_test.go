package source

import (
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestParseServer(t *testing.T) {
	for in, want := range map[string]string{
		"https://events.1password.com":     "https://events.1password.com",
		" https://Events.1Password.EU/ ":   "https://events.1password.eu",
		"https://events.1password.com:443": "https://events.1password.com",
		"https://127.0.0.1:7390":           "https://127.0.0.1:7390",
		"https://[::1]:7390/":              "https://[::1]:7390",
	} {
		if got, err := ParseServer(in); err != nil || got != want {
			t.Errorf("ParseServer(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "events.1password.com", "http://events.1password.com", "https://", "https://:443", "https://a@b", "https://a/b", "https://a?b", "https://a#b", "https://a b", "ftp://a", "https://%zz", "https://a:0", "https://a:70000", "https://a:", "https://a..b", "https://ex\u00e4mple.com", "https://[fe80::1%25eth0]", "https://a_b%2f"} {
		if got, err := ParseServer(in); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("ParseServer(%q) = %q, %v; want an Invalid error", in, got, err)
		}
	}
}
