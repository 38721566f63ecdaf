package framework_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
)

func TestFrameworksThatShip(t *testing.T) {
	all, err := framework.Frameworks()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 || all[0].ID != "soc2" {
		t.Fatalf("frameworks: %v, want soc2 first", all)
	}
	files, err := os.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	shipped := 0
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "starter-") {
			shipped++
		}
	}
	if shipped != len(all) {
		t.Errorf("%d framework files lie in data, %d are published", shipped, len(all))
	}
}

// TestSOC2Series counts the criteria of each series, so that none is dropped by an edit.
func TestSOC2Series(t *testing.T) {
	f, err := framework.ByID("soc2")
	if err != nil {
		t.Fatal(err)
	}
	series := regexp.MustCompile(`^(CC\d|A\d|C\d|PI\d|P\d)\.\d$`)
	got := map[string]int{}
	for _, r := range f.Requirements {
		m := series.FindStringSubmatch(r.ID)
		if m == nil {
			t.Fatalf("%q is no identifier of the criteria", r.ID)
		}
		got[m[1]]++
	}
	want := map[string]int{"CC1": 5, "CC2": 3, "CC3": 4, "CC4": 2, "CC5": 3, "CC6": 8, "CC7": 5, "CC8": 1, "CC9": 2,
		"A1": 3, "C1": 2, "PI1": 5, "P1": 1, "P2": 1, "P3": 2, "P4": 3, "P5": 2, "P6": 7, "P7": 1, "P8": 1}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("series %s has %d criteria, want %d", k, got[k], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("series: %v", got)
	}
}

func TestLookups(t *testing.T) {
	f, err := framework.ByID("soc2")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := f.Requirement("CC6.1"); err != nil || r.Title == "" || r.Group == "" {
		t.Errorf("CC6.1: %+v, %v", r, err)
	}
	for name, err := range map[string]error{
		"requirement": second(f.Requirement("CC6.9")),
		"framework":   second(framework.ByID("../starter-soc2")),
		"starter":     second(framework.StarterFor("nist")),
	} {
		var e *evidence.Error
		if !errors.As(err, &e) || e.Code != evidence.NotFound {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestStarter(t *testing.T) {
	s, err := framework.StarterFor("soc2")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Controls) < 12 || len(s.Actions) < len(s.Controls) {
		t.Fatalf("%d controls, %d actions", len(s.Controls), len(s.Actions))
	}
	proven := map[string]bool{}
	for _, a := range s.Actions {
		proven[a.Control] = true
	}
	for _, c := range s.Controls {
		if !proven[c.Key] {
			t.Errorf("no action proves %s", c.Key)
		}
	}
}

// TestStarterDue checks on every day of two years that the period asked for can be told from the due date.
func TestStarterDue(t *testing.T) {
	s, err := framework.StarterFor("soc2")
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Date(2027, 1, 1, 9, 30, 0, 0, time.UTC); start.Year() < 2029; start = start.AddDate(0, 0, 1) {
		for _, a := range s.Actions {
			due := a.Due(start)
			asked := a.Cadence.PeriodAt(start)
			if a.First == "previous" {
				asked = a.Cadence.PeriodBefore(start)
			}
			if got := (evidence.Action{Cadence: a.Cadence, Due: due}).Period(); got != asked {
				t.Fatalf("%s started %s is due %s: period %v, want %v", a.Key, start, due, got, asked)
			}
			if due.Before(start) {
				t.Fatalf("%s started %s is due %s, before the start", a.Key, start, due)
			}
		}
	}
}

func TestDueOnce(t *testing.T) {
	a := framework.StarterAction{Cadence: evidence.Once, First: "current", GraceDays: 30}
	want := time.Date(2026, 12, 23, 23, 59, 59, 0, time.UTC)
	if got := a.Due(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)); !got.Equal(want) {
		t.Errorf("due %s, want %s", got, want)
	}
}

const small = `{"id":"x","name":"X","title":"X","publisher":"X","version":"1","licence":"Own words.","requirements":[{"id":"1","group":"G","title":"T"}]}`

func TestParseRefuses(t *testing.T) {
	if _, err := framework.Parse([]byte(small)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no licence":      {`"Own words."`, `""`},
		"unknown key":     {`"name":"X"`, `"name":"X","nmae":"Y"`},
		"bad id":          {`"id":"x"`, `"id":"../x"`},
		"two ids":         {`"title":"T"}`, `"title":"T"},{"id":"1","group":"G","title":"U"}`},
		"empty title":     {`"title":"T"`, `"title":" "`},
		"empty group":     {`"group":"G"`, `"group":""`},
		"padded id":       {`"id":"1"`, `"id":" 1"`},
		"bidi":            {`"title":"T"`, `"title":"T\u202e"`},
		"escape":          {`"title":"T"`, `"title":"T\u001b[2J"`},
		"no requirements": {`{"id":"1","group":"G","title":"T"}`, ``},
		"trailing":        {`]}`, `]} {}`},
		"wrong type":      {`"name":"X"`, `"name":7`},
		"long":            {`"title":"T"`, `"title":"` + strings.Repeat("T", 700) + `"`},
	} {
		_, err := framework.Parse([]byte(strings.Replace(small, change[0], change[1], 1)))
		if evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range []string{"data/soc2.json", "data/starter-soc2.json"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fw, err := framework.Parse(data)
		if err != nil {
			if evidence.ErrorCode(err) != evidence.Invalid {
				t.Fatalf("%v is no sentence for a person", err)
			}
			return
		}
		if fw.Licence == "" || len(fw.Requirements) == 0 {
			t.Fatalf("accepted without licence or requirements: %+v", fw)
		}
		for _, r := range fw.Requirements {
			if _, err := fw.Requirement(r.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}
