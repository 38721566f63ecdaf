package framework_test

import (
	"slices"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
)

// TestOffers holds that every starter control names requirements that exist, is proven by an action, and can be offered to somebody.
func TestOffers(t *testing.T) {
	offers, err := framework.Offers()
	if err != nil {
		t.Fatal(err)
	}
	if len(offers) < 20 {
		t.Fatalf("%d offers", len(offers))
	}
	everything := framework.Profile{Industry: "health", Size: "1000+"}
	for _, s := range framework.Systems() {
		everything.Systems = append(everything.Systems, s.ID)
	}
	served := map[string]bool{}
	for i, o := range offers {
		if i > 0 && framework.Order(offers[i-1].Key, o.Key) >= 0 {
			t.Errorf("%s stands behind %s", o.Key, offers[i-1].Key)
		}
		if len(o.Actions) == 0 || o.Name == "" || o.Description == "" {
			t.Errorf("%s has no action, name or description", o.Key)
		}
		if _, ok := o.Fits(everything); !ok {
			t.Errorf("%s is offered to nobody", o.Key)
		}
		for id, list := range o.Requirements {
			f, err := framework.ByID(id)
			if err != nil {
				t.Fatal(err)
			}
			served[id] = true
			for _, r := range list {
				if _, err := f.Requirement(r); err != nil {
					t.Errorf("%s: %v", o.Key, err)
				}
			}
			if !slices.IsSortedFunc(list, framework.Order) && id != "iso27001-2022" && id != "hipaa" {
				t.Errorf("%s: %s is out of order: %v", o.Key, id, list)
			}
		}
	}
	if len(served) != 8 {
		t.Errorf("starter controls serve %v, want every framework", served)
	}
}

func TestProfile(t *testing.T) {
	for _, bad := range []framework.Profile{{Industry: "x"}, {Size: "x"}, {Systems: []string{"sso", "x"}}} {
		if err := bad.Check(); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	p := framework.Profile{Industry: "health", Size: "1-49", Systems: []string{"card-data"}}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Suggest() {
		got = append(got, s.Framework)
		if _, err := framework.ByID(s.Framework); err != nil || s.Why == "" {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if !slices.Equal(got, []string{"pci-dss-4.0.1", "hipaa", "cis-8.1"}) {
		t.Errorf("suggested: %v", got)
	}
}
