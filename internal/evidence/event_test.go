package evidence

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseEventRef(t *testing.T) {
	for _, s := range []string{"1.0", "12.345", "9223372036854775807.7"} {
		r, err := ParseEventRef(s)
		if err != nil || r.String() != s {
			t.Errorf("ParseEventRef(%q) = %v, %v", s, r, err)
		}
	}
	for _, s := range []string{"", "1", ".", "1.", ".1", "0.1", "-1.1", "1.-1", "01.1", "1.1.1", "+1.1", "1.1 ", "9223372036854775808.1"} {
		if r, err := ParseEventRef(s); ErrorCode(err) != Invalid {
			t.Errorf("ParseEventRef(%q) = %v, %v; want an Invalid error", s, r, err)
		}
	}
}

func TestParseMatch(t *testing.T) {
	got, err := ParseMatch("action=reveal,export")
	if diff := cmp.Diff(Match{Key: KeyAction, Values: []string{"reveal", "export"}}, got); err != nil || diff != "" {
		t.Errorf("ParseMatch: %v\n%s", err, diff)
	}
	for _, s := range []string{"", "action", "action=", "colour=red", "=reveal"} {
		if _, err := ParseMatch(s); ErrorCode(err) != Invalid {
			t.Errorf("ParseMatch(%q): %v; want an Invalid error", s, err)
		}
	}
}

func TestQueryString(t *testing.T) {
	q := Query{Streams: []Stream{"itemusages", "auditevents"}, Span: span(0, 60), Where: []Match{
		{KeyAction, []string{"reveal", "export"}}, {KeyPerson, []string{"ada@example.com"}}}}
	want := "events of itemusages, auditevents from 2030-01-01T00:00:00Z to 2030-01-01T01:00:00Z where action is reveal or export and person is ada@example.com"
	if got := q.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOddityWords(t *testing.T) {
	if diff := cmp.Diff([]string{"time", "late"}, (OddTime | OddLate).Words()); diff != "" {
		t.Error(diff)
	}
	if got := OddConflict.Words(); len(got) != 1 || got[0] != "conflict" {
		t.Errorf("the last oddity has the words %v", got)
	}
}

func TestErrorCode(t *testing.T) {
	inner := &Error{Code: NotFound, Message: "There is no such artifact.", Err: errors.New("sql: no rows")}
	if got := ErrorCode(fmt.Errorf("showing: %w", inner)); got != NotFound {
		t.Errorf("got %s", got)
	}
	if got := ErrorCode(errors.New("x")); got != Internal {
		t.Errorf("got %s", got)
	}
	if got := ErrorCode(nil); got != "" {
		t.Errorf("got %s", got)
	}
	if inner.Error() != "There is no such artifact." {
		t.Error("the cause must not be shown to a person")
	}
}

func TestNewID(t *testing.T) {
	form := regexp.MustCompile(`^cn_[a-z2-7]{16}$`)
	seen := map[ID]bool{}
	for range 1000 {
		id := NewID(PrefixConnection)
		if !form.MatchString(string(id)) || seen[id] {
			t.Fatalf("%s is malformed or came twice", id)
		}
		seen[id] = true
	}
}
