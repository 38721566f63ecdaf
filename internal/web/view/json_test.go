package view

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzPretty holds that laying out loses nothing: without white space the text is the same, with what hides named.
func FuzzPretty(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e3,true,null],"b\"":"x\\","c":{}}`))
	f.Add([]byte(`not json`))
	f.Add([]byte(`"a`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b strings.Builder
		for _, tok := range Pretty(raw) {
			if tok.Odd {
				continue
			}
			b.WriteString(tok.Text)
		}
		if json.Valid(raw) && isPrintable(raw) && squeeze(b.String()) != squeeze(string(raw)) {
			t.Fatalf("%q became %q", raw, b.String())
		}
	})
}

func isPrintable(raw []byte) bool {
	for _, c := range raw {
		if c < ' ' && c != '\n' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func TestPrettyColours(t *testing.T) {
	classes := map[string]string{}
	for _, tok := range Pretty([]byte(`{"key":"value","n":12,"t":true}`)) {
		classes[tok.Text] = tok.Class
	}
	for text, want := range map[string]string{`"key"`: "j-key", `"value"`: "j-str", "12": "j-num", "true": "j-num"} {
		if classes[text] != want {
			t.Errorf("%s has class %q, want %q", text, classes[text], want)
		}
	}
}
