package program_test

import (
	"testing"

	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// TestRecipesAndFrameworksFit holds that every requirement that a recipe speaks to exists, and every recipe that a starter
// action asks for.
func TestRecipesAndFrameworksFit(t *testing.T) {
	shipped, err := framework.Frameworks()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]framework.Framework{}
	for _, f := range shipped {
		byID[f.ID] = f
	}
	for _, r := range recipe.All() {
		for _, m := range r.Mappings {
			f, ok := byID[m.Framework]
			if !ok {
				t.Errorf("%s speaks to the framework %q, which is not there", r.ID, m.Framework)
				continue
			}
			if _, err := f.Requirement(m.Requirement); err != nil {
				t.Errorf("%s: %v", r.ID, err)
			}
		}
	}
	offers, err := framework.Offers()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range offers {
		for _, a := range o.Actions {
			if a.Recipe == "" {
				continue
			}
			if _, err := recipe.ByID(a.Recipe); err != nil {
				t.Errorf("%s: %v", a.Key, err)
			}
		}
	}
}
