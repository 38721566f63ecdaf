package program_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
)

func crew() []store.Member {
	return []store.Member{{ID: "ada", Name: "Ada Okafor", Email: "ada@example.com"}, {ID: "marek", Name: "Marek Dvořák", Email: "marek@example.com"},
		{ID: "ann", Name: "Ann Lee", Email: "ann@example.com"}, {ID: "ann2", Name: "Ann Lee-Park", Email: "ann.lp@example.com"}, {ID: "none", Email: "x@example.com"}}
}

func TestSplitMentions(t *testing.T) {
	for text, want := range map[string][]program.Part{
		"":                            nil,
		"nobody":                      {{"nobody", ""}},
		"@Ada Okafor, look":           {{"@Ada Okafor", "ada"}, {", look", ""}},
		"Hi @ada!":                    {{"Hi ", ""}, {"@ada", "ada"}, {"!", ""}},
		"(@marek dvořák)":             {{"(", ""}, {"@marek dvořák", "marek"}, {")", ""}},
		"write to ada@example.com":    {{"write to ada@example.com", ""}},
		"@ada@example.com please":     {{"@ada@example.com", "ada"}, {" please", ""}},
		"@adamant":                    {{"@adamant", ""}},
		"@Ann":                        {{"@Ann", ""}}, // two have that first name
		"@Ann Lee-Park and @Ann Lee.": {{"@Ann Lee-Park", "ann2"}, {" and ", ""}, {"@Ann Lee", "ann"}, {".", ""}},
		"@ @@Marek":                   {{"@ @", ""}, {"@Marek", "marek"}},
		"\xff@Ada":                    {{"\xff", ""}, {"@Ada", "ada"}},
	} {
		if diff := cmp.Diff(want, program.SplitMentions(text, crew())); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzSplitMentions(f *testing.F) {
	f.Add("Hi @Ada Okafor and @marek, not me@example.com")
	f.Fuzz(func(t *testing.T, text string) {
		var joined strings.Builder
		for _, p := range program.SplitMentions(text, crew()) {
			if p.Text == "" || (p.Member != "") != strings.HasPrefix(p.Text, "@") && p.Member != "" {
				t.Errorf("%q gives the part %+v", text, p)
			}
			joined.WriteString(p.Text)
		}
		if joined.String() != text {
			t.Errorf("%q becomes %q", text, joined.String())
		}
	})
}

// TestComment holds that a comment is kept with whom it mentions, that the trail tells of it, and that who looks has seen it.
func TestComment(t *testing.T) {
	st, ws, c := open(t)
	p, me, ctx := program.New(st, c.now), ada(ws), t.Context()
	marek := store.Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: ws, Name: "Marek Dvořák", Email: "marek@example.com", Role: "collaborator", CreatedAt: c.now()}
	auditor := store.Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: ws, Name: "Olu Auditor", Email: "olu@example.com", Role: "auditor", CreatedAt: c.now()}
	for _, m := range []store.Member{marek, auditor} {
		if err := st.AddMember(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	a, err := p.AddAction(ctx, me, program.ActionDraft{Title: "Review"})
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Comment(ctx, me, a.Key, " @marek and @Olu Auditor,\r\nplease look, @Marek. ")
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.Comments(ctx, ws, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []evidence.Comment{{ID: made.ID, Workspace: ws, Action: a.ID, At: made.At, Who: me.Who(), Text: "@marek and @Olu Auditor,\nplease look, @Marek.", Mentions: []evidence.ID{marek.ID}}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	unseen, err := p.Mentions(ctx, ws)
	if err != nil || len(unseen) != 1 || unseen[0].Member != marek.ID || unseen[0].Key != a.Key {
		t.Errorf("mentions: %+v, %v", unseen, err)
	}
	history, err := p.ActionHistory(ctx, ws, a.Key)
	if err != nil || len(history) != 2 || history[0].What != store.CommentActivity || history[0].Detail != want[0].Text {
		t.Errorf("the trail: %+v, %v", history, err)
	}
	reader := me
	reader.Member = marek.ID
	if err := p.SeeMentions(ctx, reader, a.Key); err != nil {
		t.Fatal(err)
	}
	if unseen, err := p.Mentions(ctx, ws); err != nil || len(unseen) != 0 {
		t.Errorf("after looking: %+v, %v", unseen, err)
	}
	for _, bad := range []string{"", " \n ", "a\x00b", strings.Repeat("x", 4001)} {
		if _, err := p.Comment(ctx, me, a.Key, bad); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	reader.Role = "evidence_reviewer"
	if _, err := p.Comment(ctx, reader, a.Key, "x"); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("a reviewer comments: %v", err)
	}
}
