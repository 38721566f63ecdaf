package recipe_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// hostile are values that try to be something else than text in some program.
var hostile = []string{
	"=HYPERLINK(\"https://example.com/x\")", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\r\nx,y", "\x00", "  =1+1", "\uFF1D1+1", "\uFF0B1", "\uFF0D1", "\uFF20x",
	"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "</style><script>", "</table></body>", "{{.}}", "a\u202Egpj.exe", "\u2066x\u2069", "zero\u200Bwidth",
	"quote\"in,side", "line\nbreak", "\u2028", "\xff\xfe", strings.Repeat("w", 5000), "\x1b[2J", "&lt;b&gt;", "\U000E0041tag",
}

func TestHostileValues(t *testing.T) {
	var all []evidence.Event
	for i, h := range hostile {
		p := evidence.Person{UUID: "U" + h, Name: h, Email: h}
		for range 12 {
			e := signIn("09:00:00", p, h, "credentials_failed", h)
			e.Client, e.Country = h, h
			all = append(all, e)
		}
		for range 25 {
			u := usage(fmt.Sprintf("10:00:%02d", i), p, h, "export", h)
			u.Vault, u.Client = h, h
			all = append(all, u)
		}
		for _, kind := range [][2]string{{"user", "suspend"}, {"gm", "role"}, {"uva", "grant"}, {"account", "updatfw"}, {"satoken", "create"}, {"device", "create"}, {"user", "beginr"}, {"user", "create"}} {
			all = append(all, audit(deed{clock: "09:30:00", who: p, object: kind[0], action: kind[1], id: h, whom: p, aux: h, info: h}))
		}
	}
	req := request()
	req.Sources[0].Name = "<b>conn</b>\u202E"
	in := withEvents(all...)
	in.troubles = []evidence.Trouble{{Span: october, Cause: evidence.Unreachable, Reason: hostile[0]}}
	in.built = []recipe.Built{{Artifact: "ar_one", Recipe: "coverage", Title: hostile[10], Period: october, By: hostile[1], For: hostile}}
	for _, r := range recipe.All() {
		out := render(t, run(t, r.ID, req, in))
		checkCSV(t, r.ID, out["csv"])
		checkNDJSON(t, r.ID, out["ndjson"])
		checkHTML(t, r.ID, out["html"])
	}
}

func checkCSV(t *testing.T, id, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.IndexAny(strings.TrimLeft(cell, " "), "=+-@\t\r\n\x00\uFF1D\uFF0B\uFF0D\uFF20") == 0 {
				t.Errorf("%s: cell %q could run", id, cell)
			}
		}
	}
}

func checkNDJSON(t *testing.T, id, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s: %v in %q", id, err, line)
		}
		if name, ok := row["person"].(string); ok && name != "" && !slices.Contains(hostile, name) && name != "\uFFFD" {
			t.Errorf("%s: the name %q is none that was given", id, name)
		}
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

func checkHTML(t *testing.T, id, text string) {
	t.Helper()
	for _, bad := range []string{"<script", "<img", "<b>", " onerror", " onmouseover=", "\u202E", "\u2066", "\u200B", "\x00", "\x1b"} {
		if strings.Contains(text, bad) && (bad[0] != ' ' || slices.ContainsFunc(tag.FindAllString(text, -1), func(s string) bool { return strings.Contains(s, bad) })) {
			t.Errorf("%s: the page holds %q", id, bad)
		}
	}
	for _, load := range []string{"src=", "href=", "url(", "@import", "<link", "<iframe", "<object", "<form"} {
		for _, s := range tag.FindAllString(text, -1) {
			if strings.Contains(s, load) {
				t.Errorf("%s: %q loads or leads outside", id, s)
			}
		}
	}
	if strings.Count(text, "</body>") != 1 || strings.Count(text, "<style>") != 1 {
		t.Errorf("%s: a value broke out of its cell", id)
	}
}
