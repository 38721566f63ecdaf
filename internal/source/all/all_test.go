package all_test

import (
	"regexp"
	"testing"

	"github.com/exhibithq/exhibit/internal/source/all"
)

// TestKindsHaveTheirOwnNames: an id is stored with every connection and stands in addresses and on the command line.
func TestKindsHaveTheirOwnNames(t *testing.T) {
	kinds := all.Kinds()
	if len(kinds) == 0 {
		t.Fatal("there is no source")
	}
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.ID] || seen[k.Name] || !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(k.ID) {
			t.Errorf("the source %q (%q) has no usable name of its own", k.Name, k.ID)
		}
		seen[k.ID], seen[k.Name] = true, true
	}
}
