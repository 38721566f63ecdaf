package program

import (
	"slices"
	"testing"

	"github.com/exhibithq/exhibit/internal/recipe"
)

func TestMatchRecipes(t *testing.T) {
	sources := []string{"1Password", "Northwind vaults"}
	for text, want := range map[string][]string{
		"Review failed sign-ins of 1Password":                               {"failed-sign-ins"},
		"1PASSWORD: Failed logins, and the MFA of everybody":                {"failed-sign-ins", "second-factor"},
		"Export of items and reveals in Northwind Vaults":                   {"secret-exposure"},
		"Check in 1Password that leavers lost their access":                 {"user-removals"},
		"Nobody acts after removal (1Password)":                             {"activity-after-removal"},
		"Review failed sign-ins":                                            nil, // no source
		"Review failed sign-ins of Okta":                                    nil,
		"Renew the 1Password contract":                                      nil, // no evidence
		"Failed sign-ins of all systems except 1Password":                   nil,
		"Failed sign-ins, not in 1Password":                                 nil,
		"Failed sign-ins of systems other than 1Password, and of 1Password": {"failed-sign-ins"},
		"1Passwords failed sign-ins":                                        nil, // another word
		"1Password: what failed, sign-ins apart":                            {"failed-sign-ins"},
		"1Password mfaker":                                                  nil,
		"1Password and the reorganisation":                                  nil,
		"":                                                                  nil,
	} {
		var got []string
		for _, m := range MatchRecipes(text, sources) {
			got = append(got, m.Recipe)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q asks for %v, want %v", text, got, want)
		}
	}
	m := MatchRecipes("Review Failed Sign-ins and brute force (1password)", sources)
	if len(m) != 1 || m[0].Reason() != "It names “1password” and “Failed Sign-ins”, “brute force”." {
		t.Errorf("the reason is %+v", m)
	}
}

// TestMatchRules holds that each rule is about a recipe, and each recipe that builds by itself has a rule whose own phrases
// are found.
func TestMatchRules(t *testing.T) {
	ruled := map[string]bool{}
	for _, r := range matchRules() {
		if _, err := recipe.ByID(r.recipe); err != nil || ruled[r.recipe] {
			t.Errorf("the rule for %s is about no recipe, or the second", r.recipe)
		}
		ruled[r.recipe] = true
		for _, p := range r.phrases {
			text := "1Password " + p
			if !slices.ContainsFunc(MatchRecipes(text, []string{"1Password"}), func(m Match) bool { return m.Recipe == r.recipe }) {
				t.Errorf("%q does not ask for %s", text, r.recipe)
			}
		}
	}
	for _, r := range recipe.All() {
		if !r.OnDemand && !ruled[r.ID] {
			t.Errorf("no rule is about %s", r.ID)
		}
	}
}

func FuzzMatchRecipes(f *testing.F) {
	f.Add("Review failed sign-ins of 1Password")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range MatchRecipes(text, []string{"1Password"}) {
			if len(m.Words) == 0 || m.Source == "" || m.Title == "" {
				t.Errorf("%q gives %+v", text, m)
			}
		}
	})
}
