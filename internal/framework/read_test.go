package framework_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
)

// realCatalogue reads NIST's own, which lies in a folder beside the project where it is developed.
func realCatalogue(t *testing.T) []byte {
	t.Helper()
	for _, up := range []string{"../../..", "../../../.."} {
		data, err := os.ReadFile(filepath.Join(up, "shared", "frameworks", "nist-sp-800-53-rev5-moderate.oscal.json"))
		if err == nil {
			return data
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Skip("NIST's catalogue does not lie beside the project")
	return nil
}

// TestRealCatalogue reads NIST's moderate baseline and finds every control of it.
func TestRealCatalogue(t *testing.T) {
	f, err := framework.Read(realCatalogue(t), framework.Loaded{File: "moderate.json", ID: "nist-moderate", Name: "NIST moderate"})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Requirements) != 287 || f.Version != "5.1.1+u4" || f.Date != "2024-02-13" || f.ID != "nist-moderate" {
		t.Errorf("%d requirements, version %q, date %q, id %q", len(f.Requirements), f.Version, f.Date, f.ID)
	}
	ac7, err := f.Requirement("AC-7")
	if err != nil || !strings.Contains(ac7.Text, "a. Enforce a limit of [Assignment: organization-defined number] consecutive invalid logon attempts") {
		t.Errorf("AC-7: %q, %v", ac7.Text, err)
	}
	shipped, err := framework.ByID("nist-800-53r5")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Requirements {
		if got, err := shipped.Requirement(r.ID); err != nil || got != r {
			t.Errorf("%s: what comes with Exhibit differs: %+v, %v", r.ID, got, err)
		}
		if strings.Contains(r.Text, "{{") || strings.Contains(r.Text, "_odp") {
			t.Errorf("%s: a parameter was not written out: %s", r.ID, r.Text)
		}
	}
}

const catalogue = `{"catalog": {"uuid": "0", "metadata": {"title": "Our  catalogue", "version": "2", "last-modified": "2026-02-13T17:43:48Z", "parties": [{"name": "Example Ltd"}]},
 "params": [{"id": "when", "values": ["daily"]}],
 "groups": [{"id": "a", "title": "Access", "groups": [{"id": "b", "title": "Inner", "controls": [
  {"id": "x-1", "title": "First", "props": [{"name": "label", "class": "zero-padded", "value": "X-01"}, {"name": "label", "value": "X-1"}],
   "params": [{"id": "p1", "label": "roles"}, {"id": "p2", "select": {"how-many": "one-or-more", "choice": ["a", "{{ insert: param, p1 }}"]}}],
   "parts": [{"name": "guidance", "prose": "Not this."}, {"name": "statement", "prose": "Do:", "parts": [
     {"name": "item", "props": [{"name": "label", "value": "a."}], "prose": "tell {{ insert: param, p1 }} {{ insert: param, when }};", "parts": [{"name": "item", "props": [{"name": "label", "value": "1."}], "prose": "choose {{ insert: param, p2 }} ."}]},
     {"name": "item", "prose": "see {{insert: param, nowhere}}"}]}],
   "controls": [{"id": "x-1.1", "title": "Enhancement"}]},
  {"id": "x-2", "title": "Gone", "props": [{"name": "status", "value": "Withdrawn"}], "links": [{"rel": "incorporated-into", "href": "#x-1_smt.a"}, {"rel": "related", "href": "#y"}]}
 ]}]}], "controls": [{"id": "top", "title": "Top"}]}}`

func TestOSCAL(t *testing.T) {
	f, err := framework.Read([]byte("\ufeff\n"+catalogue), framework.Loaded{File: `C:\own\file.json`})
	if err != nil {
		t.Fatal(err)
	}
	want := framework.Framework{
		ID: "our-catalogue", Name: "Our catalogue", Title: "Our catalogue", Publisher: "Example Ltd", Version: "2", Date: "2026-02-13",
		Licence: "Loaded by this workspace from file.json. Its publisher's terms apply; Exhibit does not give it on.",
		Requirements: []framework.Requirement{
			{ID: "top", Group: "Controls", Title: "Top"},
			{ID: "X-1", Group: "Access: Inner", Title: "First", Text: "Do:\na. tell [Assignment: organization-defined roles] daily;\n  1. choose [Selection (one or more): a; [Assignment: organization-defined roles]].\nsee [nowhere]"},
			{ID: "x-1.1", Group: "Access: Inner", Title: "Enhancement", Parent: "X-1"},
			{ID: "x-2", Group: "Access: Inner", Title: "Gone", Text: "Withdrawn: see X-1.", Withdrawn: true},
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := framework.Parse(mustJSON(t, f)); err != nil {
		t.Errorf("what was read cannot be kept: %v", err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOSCALRefuses(t *testing.T) {
	deep := strings.Repeat(`{"groups":[`, 40) + `{"controls":[{"id":"a","title":"A"}]}` + strings.Repeat(`]}`, 40)
	var controls string
	for i := range 40 {
		controls = `{"id":"c` + strconv.Itoa(i) + `","title":"C","controls":[` + controls + `]}`
	}
	parts := strings.Repeat(`{"name":"statement","prose":"p","parts":[`, 40) + strings.Repeat(`]}`, 40)
	for name, c := range map[string][2]string{
		"cut off":       {catalogue[:200], "ends in the middle"},
		"a profile":     {`{"profile": {}, "x": "catalog", "catalog": null}`, "no OSCAL catalogue"},
		"wrong shape":   {"{\"catalog\":\n\n{\"groups\": 7}}", "Line 3"},
		"behind it":     {catalogue + "{}", "behind the end"},
		"empty":         {`{"catalog": {"metadata": {"title": "x"}}}`, "no controls"},
		"twice":         {strings.Replace(catalogue, `"id": "x-2"`, `"id": "X-1"`, 1), "twice"},
		"no title":      {strings.Replace(catalogue, `"title": "Gone"`, `"title": " "`, 1), "x-2 is empty"},
		"hidden":        {strings.Replace(catalogue, `"title": "Gone"`, `"title": "Go\u202ene"`, 1), "control characters"},
		"deep groups":   {`{"catalog":` + deep + `}`, "deep"},
		"deep controls": {`{"catalog":{"controls":[` + controls + `]}}`, "deep"},
		"deep parts":    {`{"catalog":{"controls":[{"id":"a","title":"A","parts":[` + parts + `]}]}}`, "refers to itself"},
		"in circles":    {strings.Replace(catalogue, `"label": "roles"`, `"label": "{{ insert: param, p1 }}"`, 1), "refers to itself"},
		"a bomb": {strings.Replace(catalogue, `{"id": "p1", "label": "roles"}`,
			`{"id":"p1","label":"{{insert: param, q}}{{insert: param, q}}{{insert: param, q}}"},{"id":"q","label":"{{insert: param, r}}{{insert: param, r}}{{insert: param, r}}"},{"id":"r","label":"`+strings.Repeat("long ", 900)+`"}`, 1), "longer than"},
		"a silent bomb": {strings.Replace(catalogue, `{"id": "p1", "label": "roles"}`,
			`{"id":"p1","values":["`+strings.Repeat("{{ insert: param, q }}", 60)+`"]},{"id":"q","values":["`+strings.Repeat("{{ insert: param, r }}", 60)+`"]},{"id":"r","values":[""]}`, 1), "longer than"},
		"XML": {"<catalog/>", "XML"},
	} {
		_, err := framework.Read([]byte(c[0]), framework.Loaded{File: "x.json"})
		if evidence.ErrorCode(err) != evidence.Invalid || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", name, err, c[1])
		}
	}
}

func TestCSV(t *testing.T) {
	want := []framework.Requirement{
		{ID: "1", Group: "1 Access", Title: "Access"},
		{ID: "1.1", Group: "1 Access", Title: "Give it", Text: "Line one\nline two", Parent: "1"},
		{ID: "2", Group: "Requirements", Title: "Alone, with a comma"},
	}
	for name, data := range map[string]string{
		"plain":          "id,title,text,parent\n1,Access,,\n1.1,Give it,\"Line one\nline two\",1\n2,\"Alone, with a comma\",,\n",
		"mark and CRLF":  "\ufeffID,Title,Text,Parent\r\n1,Access,,\r\n1.1,Give it,\"Line one\r\nline two\",1\r\n\r\n2,\"Alone, with a comma\",,\r\n",
		"semicolons":     "Control ID;Name;Description;Part of\n1;Access\n1.1;Give it;\"Line one\nline two\";1\n;;;\n2;Alone, with a comma\n",
		"tabs, shuffled": "parent_id\tRequirement-Text\tREF\t short title \n\t\t1\tAccess\n1\t\"Line one\nline two\"\t1.1\t Give   it \n\t\t2\tAlone, with a comma",
	} {
		f, err := framework.Read([]byte(data), framework.Loaded{File: "Our policy.csv"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, f.Requirements); diff != "" || f.ID != "our-policy" || f.Name != "Our policy" {
			t.Errorf("%s: %s %q (-want +got):\n%s", name, f.ID, f.Name, diff)
		}
	}
}

func TestCSVWithoutTitles(t *testing.T) {
	f, err := framework.ParseCSV([]byte("id,text\n1," + strings.Repeat("word ", 50) + "\n"))
	if err != nil || len(f.Requirements[0].Title) > 125 || !strings.HasSuffix(f.Requirements[0].Title, "…") {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestCSVRefuses(t *testing.T) {
	for name, c := range map[string][2]string{
		"nothing":         {"", "empty"},
		"headers alone":   {"id,title\n", "no requirement"},
		"no id column":    {"title,text\na,b\n", "needs id and title"},
		"no headers":      {"1,Access\n", "needs id and title"},
		"twice":           {"id,title\n1,A\n2,B\n1,C\n", "Line 4: the id 1 stands on line 2 already"},
		"no id":           {"id,title\n1,A\n,B\n", "Line 3: there is no id"},
		"no title":        {"id,title\n1,\n", "Line 2: the title of \"1\" is empty"},
		"no parent":       {"id,title,parent\n1,A,\n2,B,7\n", "Line 3: the parent \"7\" of 2"},
		"circle":          {"id,title,parent\n1,A,2\n2,B,1\n", "circle"},
		"own parent":      {"id,title,parent\n1,A,1\n", "circle"},
		"quotes":          {"id,title\n1,\"A\n2,B\n", "Line 2: a quotation mark"},
		"UTF-16":          {"\xff\xfei\x00d\x00", "UTF-8"},
		"Latin-1":         {"id,title\n1,A\n2,Caf\xe9\n", "Line 3 holds bytes"},
		"hidden":          {"id,title\n1,A\u202eB\n", "control characters"},
		"dots":            {"id,title\n..,A\n", "cannot be an id"},
		"several at once": {"id,title\n1,\n,B\n", "Line 3"},
		"too many":        {"id,title\n" + strings.Repeat(",x\n", 50), "And 42 more"},
	} {
		_, err := framework.ParseCSV([]byte(c[0]))
		if evidence.ErrorCode(err) != evidence.Invalid || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want %q", name, err, c[1])
		}
	}
	if _, err := framework.Read([]byte("id,title\n1,A\n"), framework.Loaded{File: "x.csv", ID: "../x"}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("an id that is a path: %v", err)
	}
	if _, err := framework.Read(make([]byte, framework.MaxFile+1), framework.Loaded{}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("a file that is too large: %v", err)
	}
}

func TestCompare(t *testing.T) {
	before := framework.Framework{Requirements: []framework.Requirement{{ID: "1", Title: "A"}, {ID: "2", Title: "B"}, {ID: "3", Title: "C"}}}
	after := framework.Framework{Requirements: []framework.Requirement{{ID: "1", Title: "A"}, {ID: "3", Title: "C2"}, {ID: "4", Title: "D"}}}
	d := framework.Compare(before, after)
	want := framework.Difference{Added: after.Requirements[2:], Removed: before.Requirements[1:2], Changed: []framework.Change{{Before: before.Requirements[2], After: after.Requirements[1]}}, Same: 1}
	if diff := cmp.Diff(want, d); diff != "" || d.None() || !framework.Compare(after, after).None() {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzParseOSCAL(f *testing.F) {
	f.Add([]byte(catalogue))
	f.Add([]byte(`{"catalog":{"controls":[{"id":"a","title":"A","params":[{"id":"p","label":"{{ insert: param, p }}"}],"parts":[{"name":"statement","prose":"{{insert:param,p}}"}]}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) { checkLoaded(t, data, framework.ParseOSCAL) })
}

func FuzzParseCSV(f *testing.F) {
	f.Add([]byte("\ufeffid;title;text;parent\n1;A;\"x\ny\";\n1.1;B;;1\n"))
	f.Add([]byte("ref\tname\n1\tA\n"))
	f.Fuzz(func(t *testing.T, data []byte) { checkLoaded(t, data, framework.ParseCSV) })
}

// checkLoaded holds that a parser either refuses with a sentence or gives what can be kept and read again.
func checkLoaded(t *testing.T, data []byte, parse func([]byte) (framework.Framework, error)) {
	fw, err := parse(data)
	if err != nil {
		if evidence.ErrorCode(err) != evidence.Invalid {
			t.Fatalf("%v is no sentence for a person", err)
		}
		return
	}
	fw.ID, fw.Name, fw.Title, fw.Publisher, fw.Version, fw.Licence, fw.Date = "x", "X", "X", "X", "1", "X", ""
	b, err := json.Marshal(fw)
	if err != nil {
		t.Fatal(err)
	}
	again, err := framework.Parse(b)
	if err != nil {
		t.Fatalf("what was read cannot be kept: %v", err)
	}
	if diff := cmp.Diff(fw, again); diff != "" {
		t.Fatalf("read again (-want +got):\n%s", diff)
	}
}
