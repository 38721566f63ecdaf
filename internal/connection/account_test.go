package connection

import (
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
)

// TestAccountMustBeSaid holds that a token that names no account cannot take the place of one that does: its events may
// be another company's.
func TestAccountMustBeSaid(t *testing.T) {
	kind := onepassword.Kind()
	for _, test := range []struct {
		known, said string
		refused     bool
	}{{"A", "A", false}, {"A", "B", true}, {"A", "", true}, {"", "A", false}, {"", "", false}} {
		err := sameAccount(kind, evidence.Connection{Name: "1Password", AccountUUID: test.known}, source.Grant{AccountUUID: test.said})
		if (err != nil) != test.refused {
			t.Errorf("known %q, said %q: %v", test.known, test.said, err)
		}
	}
}
