package audit

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/translog"
)

// TestPageKnowsTheLeaves holds that the verifier in a bundle's page knows each kind of leaf and each chain that the log has.
func TestPageKnowsTheLeaves(t *testing.T) {
	found := regexp.MustCompile(`const kinds = new Set\("([a-z -]+)"\.split`).FindStringSubmatch(verifyJS)
	if found == nil {
		t.Fatal("the page's list of kinds is not found")
	}
	var kinds []string
	for _, k := range translog.Kinds() {
		kinds = append(kinds, string(k))
		chain, _, _ := strings.Cut(translog.ChainOf(translog.Leaf{Kind: k}), "/")
		if chain != "" && !strings.Contains(verifyJS, `"`+chain+`/" + f.`) && !strings.Contains(verifyJS, `"`+chain+`"`) {
			t.Errorf("the page does not follow the chain %q of %s", chain, k)
		}
		if chain != "" && !regexp.MustCompile(`kind === "`+string(k)+`"|\b`+string(k)+`: "s"`).MatchString(verifyJS) {
			t.Errorf("the page follows no chain of %s", k)
		}
	}
	known := strings.Fields(found[1])
	slices.Sort(known)
	slices.Sort(kinds)
	if !slices.Equal(known, kinds) {
		t.Errorf("the page knows %v, the log has %v", known, kinds)
	}
}
