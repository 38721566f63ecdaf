package evidence_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestWhereIsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string][]evidence.Match{
		"":                                    nil,
		"action=reveal,export":                {{Key: evidence.KeyAction, Values: []string{"reveal", "export"}}},
		` client="1Password CLI"  country=CA`: {{Key: evidence.KeyClient, Values: []string{"1Password CLI"}}, {Key: evidence.KeyCountry, Values: []string{"CA"}}},
		`person="Okafor, Ada",b`:              {{Key: evidence.KeyPerson, Values: []string{"Okafor, Ada", "b"}}},
		`person="say \"hi\" \\ now"`:          {{Key: evidence.KeyPerson, Values: []string{`say "hi" \ now`}}},
		`person=a"b`:                          {{Key: evidence.KeyPerson, Values: []string{`a"b`}}},
		`vault=""`:                            {{Key: evidence.KeyVault, Values: []string{""}}},
	} {
		got, err := evidence.ParseWhere(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"colour=red", "reveal", "action=", "=x"} {
		if _, err := evidence.ParseWhere(text); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %v, want invalid", text, err)
		}
	}
}

// FuzzWhere holds that whatever values a filter has, they come back from its text as they were.
func FuzzWhere(f *testing.F) {
	f.Add("a", `"b,c`)
	f.Add(`\`, "")
	f.Add("x y", `x\" y`)
	f.Fuzz(func(t *testing.T, one, two string) {
		want := []evidence.Match{{Key: evidence.KeyPerson, Values: []string{one, two}}, {Key: evidence.KeyIP, Values: []string{two}}}
		got, err := evidence.ParseWhere(evidence.FormatWhere(want))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%q came back otherwise: %v %s", evidence.FormatWhere(want), err, diff)
		}
		if _, err := evidence.ParseWhere(one); err != nil && evidence.ErrorCode(err) != evidence.Invalid {
			t.Fatalf("%q: %v", one, err)
		}
	})
}
