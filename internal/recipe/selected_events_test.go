package recipe_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// TestSelectedEvents holds that the filter among the parameters selects, and that everything that depends on it says so.
func TestSelectedEvents(t *testing.T) {
	req := request()
	req.Params = map[string]string{"where": "result=failed,blocked  person=ada@example.com", "stream": "signinattempts"}
	r := run(t, recipe.SelectedEvents, req, busyDay())
	p := r.Provenance
	if p.Counts.Matched == 0 || p.Counts.Matched == p.Counts.Population || p.Counts.Listed != p.Counts.Matched || p.Result != evidence.Complete {
		t.Fatalf("%s: %+v", p.Sentence, p.Counts)
	}
	if diff := cmp.Diff([]evidence.Stream{"signinattempts"}, p.Query.Streams); diff != "" {
		t.Error(diff)
	}
	if got := p.Parameters[0].Text; got != "person=ada@example.com result=blocked,failed" {
		t.Errorf("the filter is written %q", got)
	}
	if want := "Selected events: signinattempts where person is ada@example.com and result is"; !strings.HasPrefix(p.Recipe.Title, want) {
		t.Errorf("the title is %q", p.Recipe.Title)
	}
	for _, c := range p.Coverage {
		if c.Stream != "signinattempts" {
			t.Errorf("it rests on the coverage of %s, too", c.Stream)
		}
	}
	same := request()
	same.Params = map[string]string{"where": "person=ada@example.com result=failed,blocked", "stream": "signinattempts"}
	other := request()
	other.Params = map[string]string{"where": "person=ada@example.com"}
	if a, b, c := r.Variant, run(t, recipe.SelectedEvents, same, busyDay()).Variant, run(t, recipe.SelectedEvents, other, busyDay()).Variant; a != b || a == c || a == "" {
		t.Errorf("the variants are %q, %q of the same filter and %q of another one", a, b, c)
	}
}

func TestSelectedEventsOfOneConnection(t *testing.T) {
	req := request()
	req.Sources = append(req.Sources, recipe.Source{Connection: "cn_other", Name: "Other", Account: "ACCOUNT"})
	req.Params = map[string]string{"connection": string(req.Sources[0].Connection)}
	p := run(t, recipe.SelectedEvents, req, busyDay()).Provenance
	if len(p.Sources) != 1 || len(p.Notes) == 0 || !strings.Contains(p.Notes[0], "Other") {
		t.Errorf("sources %v, notes %v", p.Sources, p.Notes)
	}
}

func TestSelectedEventsRefuses(t *testing.T) {
	r, err := recipe.ByID(recipe.SelectedEvents)
	if err != nil {
		t.Fatal(err)
	}
	for name, params := range map[string]map[string]string{
		"no key": {"where": "reveal"}, "an unknown key": {"where": "colour=red"}, "an unknown stream": {"stream": "mails"}, "no id": {"connection": "a b"},
		"an unknown connection": {"connection": "cn_none"},
	} {
		req := request()
		req.Params = params
		_, err := recipe.Run(context.Background(), r, req, busyDay())
		if code := evidence.ErrorCode(err); code != evidence.Invalid && code != evidence.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
