package htmlcheck_test

import (
	"testing"

	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

func TestSelectors(t *testing.T) {
	p := htmlcheck.Parse(t, `<main id=m><a class="go far" href="/x" rel=next>one <b>two</b></a><a class=go>three</a></main>`)
	for selector, want := range map[string]int{
		"a": 2, ".go": 2, ".far": 1, "a.go[href]": 1, `a[href="/x"]`: 1, "#m a.go": 2, "#m b": 1, "p": 0, "a[rel=prev]": 0,
	} {
		if got := len(p.All(selector)); got != want {
			t.Errorf("%q matches %d, want %d", selector, got, want)
		}
	}
	if got := htmlcheck.Text(p.One(".far")); got != "one two" {
		t.Errorf("text is %q", got)
	}
}
