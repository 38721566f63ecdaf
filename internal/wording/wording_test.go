package wording

import (
	"strings"
	"testing"
)

func TestPropose(t *testing.T) {
	acme := Source{Kind: "1Password", Name: "Acme"}
	less := Source{Kind: "1Password", Name: "Acme", Missing: []string{"item usages"}}
	odd := Source{Kind: "1Password", Name: "A “b”. c\nd"}
	v1, v2 := Policy{"Access policy", 1}, Policy{"Access policy", 2}
	const src, srcLess = "Evidence comes from 1Password, read through the connection “Acme”.", "Evidence comes from 1Password, read through the connection “Acme”, without item usages."
	const pol1, pol2 = "It follows the policy “Access policy” (version 1).", "It follows the policy “Access policy” (version 2)."
	for name, c := range map[string]struct {
		text     string
		sources  []Source
		policies []Policy
		want     string // empty: no change
		reason   string
	}{
		"nothing":            {"Words.", nil, nil, "", ""},
		"connected":          {"Words.", []Source{acme}, nil, "Words. " + src, "“Acme” is connected"},
		"connected, empty":   {"", []Source{acme}, nil, src, "“Acme” is connected"},
		"said already":       {"Words. " + src, []Source{acme}, nil, "", ""},
		"removed":            {"Words. " + src + " More.", nil, nil, "Words. More.", "connected no longer"},
		"gives less":         {"Words. " + src, []Source{less}, nil, "Words. " + srcLess, "has changed"},
		"gives all again":    {srcLess + " More.", []Source{acme}, nil, src + " More.", "has changed"},
		"said twice":         {src + " " + src + " " + srcLess, []Source{less}, nil, srcLess, "has changed"},
		"odd name":           {"", []Source{odd}, nil, "Evidence comes from 1Password, read through the connection “A 'b'. c d”.", "is connected"},
		"odd name again":     {"Evidence comes from 1Password, read through the connection “A 'b'. c d”.", []Source{odd}, nil, "", ""},
		"published":          {"Words.", nil, []Policy{v1}, "Words. " + pol1, "was published"},
		"edited":             {"Words. " + pol1 + "\nMore.", nil, []Policy{v2}, "Words. " + pol2 + "\nMore.", "version 1 became version 2"},
		"retired":            {"Words.\n" + pol2, nil, nil, "Words.", "was retired"},
		"both":               {"Words. " + pol1, []Source{acme}, []Policy{v2}, "Words. " + pol2 + " " + src, "is connected"},
		"named in own words": {"1password tells it.", []Source{acme}, nil, "", ""},
		"named by its name":  {"Read from ACME-2 and (Acme).", []Source{acme}, nil, "", ""},
		"another word":       {"Acmeist.", []Source{acme}, nil, "Acmeist. " + src, "is connected"},
		"own words stay":     {"Evidence comes from everywhere. It follows the policy.", nil, nil, "", ""},
	} {
		p, ok := Propose(Text{Area: Control, ID: "co_1", Text: c.text, Sources: c.sources, Policies: c.policies})
		if ok != (c.want != "") || p.After != c.want || !strings.Contains(strings.Join(p.Reasons, " "), c.reason) {
			t.Errorf("%s: %q, %q", name, p.After, p.Reasons)
		}
		if again, ok := Propose(Text{Area: Control, ID: "co_1", Text: p.After, Sources: c.sources, Policies: c.policies}); ok && c.want != "" {
			t.Errorf("%s: once accepted it proposes %q", name, again.After)
		}
	}
	a, _ := Propose(Text{ID: "co_1", Text: "x", Sources: []Source{acme}})
	b, _ := Propose(Text{ID: "co_1", Text: "x", Sources: []Source{less}})
	if a.ID == b.ID {
		t.Error("another change has the same id: what was declined once would hide it")
	}
}

// TestDeclined holds that a fact that was declined is not proposed again whatever else changes in the text, and that another fact is.
func TestDeclined(t *testing.T) {
	x := Text{Area: Control, ID: "co_1", Text: "Words.", Sources: []Source{{Kind: "1Password", Name: "Acme"}}}
	p, ok := Propose(x)
	if !ok || len(p.Causes) != 1 || p.Causes[0].Title != "“Acme” is connected" {
		t.Fatalf("proposed: %+v", p)
	}
	x.Declined = []string{p.Causes[0].Fact}
	x.Text = "Other words."
	if p, ok := Propose(x); ok {
		t.Errorf("declined, and proposed again: %q", p.After)
	}
	x.Policies = []Policy{{"Access policy", 1}}
	if p, ok := Propose(x); !ok || p.After != "Other words. It follows the policy “Access policy” (version 1)." {
		t.Errorf("another fact: %q", p.After)
	}
	x.Text, x.Sources = "Read through. Evidence comes from 1Password, read through the connection “Old”.", nil
	x.Policies = nil
	p, _ = Propose(x)
	x.Declined = append(x.Declined, p.Causes[0].Fact)
	if p, ok := Propose(x); ok {
		t.Errorf("a removal that was declined is proposed again: %q", p.After)
	}
	x = Text{ID: "ac_1", Sources: x.Sources, Below: true, Text: ""}
	x.Sources = []Source{{Kind: "1Password", Name: "Acme"}}
	if p, ok := Propose(x); ok {
		t.Errorf("a text below one that names the source: %q", p.After)
	}
}

func TestGrouped(t *testing.T) {
	acme := []Source{{Kind: "1Password", Name: "Acme"}}
	var all []Proposal
	for _, x := range []Text{{ID: "1", Sources: acme}, {ID: "2", Policies: []Policy{{"P", 1}}}, {ID: "3", Sources: acme}, {ID: "4", Sources: acme, Policies: []Policy{{"P", 1}}}} {
		p, _ := Propose(x)
		all = append(all, p)
	}
	var got []string
	for _, g := range Grouped(all) {
		line := strings.Join(g.Titles, "; ")
		for _, p := range g.Changes {
			line += " " + string(p.Target)
		}
		got = append(got, line)
	}
	if s := strings.Join(got, " | "); s != "“Acme” is connected 1 3 | The policy “P” was published 2 | “Acme” is connected; The policy “P” was published 4" {
		t.Errorf("the groups are %s", s)
	}
}

func TestIsPolicy(t *testing.T) {
	for title, want := range map[string]bool{"Access policy": true, "access-policy_v2.pdf": true, "Security Policies": true, "Policyholder list": false, "Minutes": false, "": false} {
		if IsPolicy(title) != want {
			t.Errorf("%q: %v", title, !want)
		}
	}
}

func FuzzPropose(f *testing.F) {
	f.Add("Words.", "Acme", "Access policy")
	f.Fuzz(func(t *testing.T, text, name, title string) {
		x := Text{ID: "co_1", Text: text, Sources: []Source{{Kind: "1Password", Name: name}}, Policies: []Policy{{title, 3}}}
		p, ok := Propose(x)
		if !ok {
			return
		}
		x.Text = p.After
		if again, ok := Propose(x); ok {
			t.Errorf("%q becomes %q, then %q", text, p.After, again.After)
		}
	})
}

func FuzzDiff(f *testing.F) {
	f.Add("one two three", "one 2 three")
	f.Add("", "a\n b")
	f.Fuzz(func(t *testing.T, a, b string) {
		left, right := Diff(a, b)
		var l, r, sameL, sameR strings.Builder
		for _, p := range left {
			l.WriteString(p.Text)
			if !p.Changed {
				sameL.WriteString(p.Text)
			}
		}
		for _, p := range right {
			r.WriteString(p.Text)
			if !p.Changed {
				sameR.WriteString(p.Text)
			}
		}
		if l.String() != a || r.String() != b || sameL.String() != sameR.String() {
			t.Errorf("%q and %q: %+v, %+v", a, b, left, right)
		}
	})
}
