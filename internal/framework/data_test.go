package framework_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/framework"
)

// TestShippedData holds what every framework file that comes with Exhibit must be.
func TestShippedData(t *testing.T) {
	all, err := framework.Frameworks()
	if err != nil {
		t.Fatal(err)
	}
	day := regexp.MustCompile(`^\d{4}(-\d\d(-\d\d)?)?$`)
	for _, f := range all {
		if f.Licence == "" || !strings.HasPrefix(f.Source, "https://") || !day.MatchString(f.Date) || f.Publisher == "" {
			t.Errorf("%s: licence %q, source %q, date %q, publisher %q", f.ID, f.Licence, f.Source, f.Date, f.Publisher)
		}
		seen, groups := map[string]bool{}, map[string]bool{}
		for i, r := range f.Requirements {
			if seen[r.ID] {
				t.Errorf("%s: %s stands there twice", f.ID, r.ID)
			}
			seen[r.ID] = true
			if n := utf8.RuneCountInString(r.Title); n == 0 || n > 120 {
				t.Errorf("%s: the title of %s has %d characters", f.ID, r.ID, n)
			}
			if i > 0 && f.Requirements[i-1].Group == r.Group {
				if framework.Order(f.Requirements[i-1].ID, r.ID) >= 0 {
					t.Errorf("%s: %s stands behind %s", f.ID, r.ID, f.Requirements[i-1].ID)
				}
				continue
			}
			if groups[r.Group] {
				t.Errorf("%s: the group %q begins twice", f.ID, r.Group)
			}
			groups[r.Group] = true
		}
	}
}

// TestTextOnlyWhereFree keeps text that its publisher sells out of the program.
func TestTextOnlyWhereFree(t *testing.T) {
	free := map[string]bool{"nist-csf-2.0": true, "nist-800-53r5": true, "hipaa": true}
	all, err := framework.Frameworks()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for _, r := range f.Requirements {
			if (r.Text != "") != free[f.ID] {
				t.Errorf("%s %s: text of %d bytes", f.ID, r.ID, len(r.Text))
			}
		}
	}
}

// mapped are the identifiers that evidence from events speaks to. Recipes and starter controls name them.
var mapped = map[string]string{
	"soc2": "CC2.1 CC4.1 CC5.1 CC6.1 CC6.2 CC6.3 CC6.6 CC6.7 CC6.8 CC7.1 CC7.2 CC7.3 CC7.4 CC8.1 CC9.2",
	"iso27001-2022": "A.5.3 A.5.14 A.5.15 A.5.16 A.5.17 A.5.18 A.5.22 A.5.23 A.5.25 A.5.26 A.5.27 A.5.28 A.5.33 A.6.5 A.8.1 A.8.2 A.8.3 A.8.5 A.8.8 A.8.9 A.8.12 " +
		"A.8.15 A.8.16 A.8.17 A.8.18 A.8.19 A.8.20 A.8.32 7.5.3 9.1",
	"nist-800-53r5": "AC-2 AC-2(3) AC-2(4) AC-2(12) AC-3 AC-5 AC-6 AC-6(1) AC-6(7) AC-6(9) AC-7 AC-17(1) AC-20 AC-21 AU-2 AU-3 AU-3(1) AU-4 AU-5 AU-6 AU-6(1) AU-8 AU-9 " +
		"AU-9(3) AU-9(4) AU-10 AU-11 AU-12 CA-7 CM-3 CM-5 CM-6 IA-2(1) IA-2(2) IA-3 IA-4 IA-5 IA-9 IR-4 IR-5 IR-6 PS-4 PS-5 SA-9 SC-7 SI-2 SI-4",
	"cis-8.1": "1.1 3.3 3.14 4.1 5.1 5.3 5.4 5.5 6.1 6.2 6.3 6.5 6.8 7.3 8.2 8.3 8.4 8.5 8.9 8.10 8.11 8.12 12.2 13.1 15.6 17.4",
	"pci-dss-4.0.1": "6.3.3 7.2.1 7.2.2 7.2.4 7.2.5 7.2.5.1 7.3.1 8.2.2 8.2.4 8.2.5 8.2.6 8.3.1 8.3.3 8.3.4 8.4.1 8.4.2 8.4.3 8.5.1 8.6.1 8.6.3 10.2.1 10.2.1.1 10.2.1.2 " +
		"10.2.1.3 10.2.1.4 10.2.1.5 10.2.1.7 10.2.2 10.3.1 10.3.2 10.3.4 10.4.1 10.4.1.1 10.4.2 10.4.2.1 10.4.3 10.5.1 10.6.1 10.6.2 10.7.2 10.7.3 12.8.4 12.10.5",
	"hipaa": "164.308(a)(1)(ii)(B) 164.308(a)(1)(ii)(D) 164.308(a)(3)(ii)(A) 164.308(a)(3)(ii)(B) 164.308(a)(3)(ii)(C) 164.308(a)(4)(ii)(B) 164.308(a)(4)(ii)(C) " +
		"164.308(a)(5)(ii)(C) 164.308(a)(5)(ii)(D) 164.308(a)(6)(ii) 164.308(a)(8) 164.308(b)(1) 164.312(a)(1) 164.312(b) 164.312(c)(1) 164.312(d) 164.316(b)(2)(i)",
	"nist-csf-2.0": "PR.AA-01 PR.AA-03 PR.AA-05 PR.PS-04 DE.CM-01 DE.CM-03 DE.CM-09 DE.AE-02 DE.AE-03 DE.AE-06 RS.AN-03 RS.AN-06 RS.AN-07 ID.IM-02 ID.IM-03 GV.SC-07",
	"iso42001":     "9.1 A.6.2.6 A.6.2.8",
}

func TestMappedIdentifiersAreThere(t *testing.T) {
	for id, list := range mapped {
		f, err := framework.ByID(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.Fields(list) {
			if _, err := f.Requirement(r); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
}

// TestSizes counts the requirements, so that none is dropped by an edit.
func TestSizes(t *testing.T) {
	for id, want := range map[string]int{"soc2": 61, "iso27001-2022": 123, "iso42001": 70, "nist-csf-2.0": 106, "nist-800-53r5": 291, "pci-dss-4.0.1": 250, "hipaa": 72, "cis-8.1": 153} {
		f, err := framework.ByID(id)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Requirements) != want {
			t.Errorf("%s has %d requirements, want %d", id, len(f.Requirements), want)
		}
	}
	annex := 0
	f, _ := framework.ByID("iso27001-2022")
	for _, r := range f.Requirements {
		if strings.HasPrefix(r.ID, "A.") {
			annex++
		}
	}
	if annex != 93 {
		t.Errorf("Annex A has %d controls, want 93", annex)
	}
}

func TestOrder(t *testing.T) {
	sorted := strings.Fields("4.1 6.1.1 6.1.2 6.2 10.1 A.5.9 A.5.10 A.6.1 AC-2 AC-2(3) AC-2(12) AC-10 CC6.1 CC6.10")
	for i, a := range sorted {
		for j, b := range sorted {
			got, want := framework.Order(a, b), min(max(i-j, -1), 1)
			if min(max(got, -1), 1) != want {
				t.Errorf("Order(%s, %s) = %d", a, b, got)
			}
		}
	}
}
