package verify_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestNoNetwork holds that the verifier that stands alone links nothing that speaks over a network. Package net itself comes
// with crypto/x509, which reads the certificates of time stamps.
func TestNoNetwork(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "offline", "-deps", "../../cmd/exhibit-verify").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/exhibithq/exhibit/internal/verify") {
		t.Fatal("the list of packages is not that of the verifier")
	}
	for _, bad := range []string{"net/http", "crypto/tls", "net/rpc", "net/smtp", "database/sql"} {
		if slices.Contains(deps, bad) {
			t.Errorf("exhibit-verify links %s", bad)
		}
	}
}
