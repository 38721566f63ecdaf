package framework

import (
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Profile is what a company tells of itself so that fitting starter controls can be proposed. Its words are the ids of
// Industries, Sizes and Systems.
type Profile struct {
	Industry string
	Size     string
	Systems  []string
}

// Choice is one answer to a question of the profile.
type Choice struct {
	ID   string
	Name string
	Note string
}

// Industries gives the answers to "what do you do".
func Industries() []Choice {
	return []Choice{
		{"software", "Software and cloud services", ""}, {"finance", "Finance and insurance", ""}, {"health", "Health care", ""}, {"retail", "Retail and commerce", ""},
		{"public", "Public sector", ""}, {"manufacturing", "Manufacturing", ""}, {"education", "Education and research", ""}, {"services", "Professional services", ""}, {"other", "Something else", ""},
	}
}

// Sizes gives the answers to "how many people work with the password manager".
func Sizes() []Choice {
	return []Choice{{"1-49", "Up to 49 people", ""}, {"50-249", "50 to 249 people", ""}, {"250-999", "250 to 999 people", ""}, {"1000+", "1,000 people or more", ""}}
}

// Systems gives what a company may run beside the password manager.
func Systems() []Choice {
	return []Choice{
		{"sso", "Single sign-on", "People sign in to 1Password through an identity provider"},
		{"scim", "SCIM provisioning", "A directory makes and removes accounts"},
		{"service-accounts", "Service accounts or Connect", "Programs read secrets"},
		{"own-devices", "Devices of the company", "Laptops and phones hold vaults"},
		{"card-data", "Payment card data", "Secrets of systems that hold card data lie in vaults"},
		{"health-data", "Health data", "Secrets of systems that hold health information lie in vaults"},
		{"ai", "AI systems", "Models or agents that you build or run use secrets"},
	}
}

// Check sees that a profile consists of known answers. Industry and size may be left open.
func (p Profile) Check() error {
	if p.Industry != "" && !known(Industries(), p.Industry) {
		return evidence.Errorf(evidence.Invalid, "%.40q is no industry. There are: %s.", p.Industry, ids(Industries()))
	}
	if p.Size != "" && !known(Sizes(), p.Size) {
		return evidence.Errorf(evidence.Invalid, "%.40q is no size. There are: %s.", p.Size, ids(Sizes()))
	}
	for _, s := range p.Systems {
		if !known(Systems(), s) {
			return evidence.Errorf(evidence.Invalid, "%.40q is no system. There are: %s.", s, ids(Systems()))
		}
	}
	return nil
}

func known(all []Choice, id string) bool {
	return slices.ContainsFunc(all, func(c Choice) bool { return c.ID == id })
}

func ids(all []Choice) string {
	var out []string
	for _, c := range all {
		out = append(out, c.ID)
	}
	return strings.Join(out, ", ")
}

// Suggestion is a framework that a company of some profile is often asked for.
type Suggestion struct {
	Framework string
	Why       string
}

// Suggest gives frameworks that fit a profile. It is a rule of thumb and no advice on what a company must meet.
func (p Profile) Suggest() []Suggestion {
	var out []Suggestion
	add := func(when bool, framework, why string) {
		if when {
			out = append(out, Suggestion{framework, why})
		}
	}
	has := func(s string) bool { return slices.Contains(p.Systems, s) }
	add(p.Industry == "software" || p.Industry == "services" || p.Industry == "finance", "soc2", "Customers of service companies ask for it")
	add(p.Industry == "manufacturing" || p.Industry == "software" || p.Size == "250-999" || p.Size == "1000+", "iso27001-2022", "Customers outside the United States and larger buyers ask for it")
	add(has("card-data"), "pci-dss-4.0.1", "You hold secrets of systems with card data")
	add(has("health-data") || p.Industry == "health", "hipaa", "You work with health information; it binds companies in the United States")
	add(p.Industry == "public", "nist-800-53r5", "Public bodies in the United States build on it")
	add(p.Industry == "public" || p.Industry == "finance", "nist-csf-2.0", "Supervisors ask along its lines")
	add(p.Size == "1-49" || p.Size == "50-249", "cis-8.1", "A practical list for small teams")
	add(has("ai"), "iso42001", "You build or run AI systems")
	return out
}
