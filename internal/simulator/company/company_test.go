package company_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/company"
	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

var (
	to   = time.Date(2026, 6, 1, 14, 30, 0, 0, time.UTC)
	from = to.AddDate(0, 0, -120)
)

func invent(t *testing.T, seed uint64, events int) (*company.Company, map[feed.Stream]*feed.Snapshot) {
	t.Helper()
	c, err := company.New(company.Plan{Seed: seed, Events: events, From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	out := map[feed.Stream]*feed.Snapshot{}
	for s, builders := range c.Generate() {
		out[s] = feed.New(builders...).Snapshot()
	}
	return c, out
}

func TestExactlySoManyEvents(t *testing.T) {
	for _, n := range []int{0, 1, 7, 100, 1999, 2000, 2001, 9_999} {
		_, feeds := invent(t, 1, n)
		sum := 0
		for _, f := range feeds {
			sum += f.Len()
		}
		if sum != n {
			t.Errorf("%d events were asked for, %d came", n, sum)
		}
	}
}

func TestMixAndPeriod(t *testing.T) {
	_, feeds := invent(t, 1, 20_000)
	for s, share := range map[feed.Stream]int{feed.SignInAttempts: 6000, feed.ItemUsages: 12_000, feed.AuditEvents: 2000} {
		f := feeds[s]
		if f.Len() != share {
			t.Errorf("%s: %d events, want %d", s, f.Len(), share)
		}
		if first := time.UnixMilli(f.Milli(0)); first.Before(from.Add(-time.Second)) {
			t.Errorf("%s begins at %s, before %s", s, first, from)
		}
		last := time.UnixMilli(f.Milli(f.Len() - 1))
		if !last.Before(to) || last.Before(to.Add(-time.Minute)) {
			t.Errorf("%s ends at %s, want the last minute before %s", s, last, to)
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	one, a := invent(t, 5, 5000)
	two, b := invent(t, 5, 5000)
	_, other := invent(t, 6, 5000)
	if one.Account() != two.Account() || one.Integration() != two.Integration() {
		t.Error("the same seed gives other identifiers")
	}
	for s := range a {
		for i := range a[s].Len() {
			if !bytes.Equal(a[s].Raw(i), b[s].Raw(i)) {
				t.Fatalf("%s: event %d differs:\n%s\n%s", s, i, a[s].Raw(i), b[s].Raw(i))
			}
		}
		if bytes.Equal(a[s].Raw(0), other[s].Raw(0)) {
			t.Errorf("%s: another seed gives the same first event", s)
		}
	}
}

func TestWorkingHours(t *testing.T) {
	_, feeds := invent(t, 1, 20_000)
	f := feeds[feed.ItemUsages]
	var weekday, weekend int
	for i := range f.Len() {
		switch time.UnixMilli(f.Milli(i)).UTC().Weekday() {
		case time.Saturday, time.Sunday:
			weekend++
		default:
			weekday++
		}
	}
	if weekend == 0 || weekend*8 > weekday {
		t.Errorf("%d usages on weekends and %d on weekdays: too many at rest", weekend, weekday)
	}
}

// reserved are the addresses that documentation may use (RFC 5737, RFC 3849).
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
	}
}

func TestEveryEventIsWellFormed(t *testing.T) {
	_, feeds := invent(t, 3, 20_000)
	type user struct{ Email *string }
	seen := map[string]bool{}
	for s, f := range feeds {
		for i := range f.Len() {
			var e struct {
				UUID      string
				Timestamp time.Time
				Client    struct {
					Address string `json:"ip_address"`
				}
				Session struct{ IP string }
				Target  *user `json:"target_user"`
				User    *user
				Actor   *user `json:"actor_details"`
			}
			if err := json.Unmarshal(f.Raw(i), &e); err != nil {
				t.Fatalf("%s: %v: %s", s, err, f.Raw(i))
			}
			if e.UUID != f.At(i).UUID || e.Timestamp.UnixMilli() != f.Milli(i) || seen[e.UUID] {
				t.Fatalf("%s: the index says %v (seen %t) of %s", s, f.At(i), seen[e.UUID], f.Raw(i))
			}
			seen[e.UUID] = true
			text := e.Client.Address + e.Session.IP
			ip, err := netip.ParseAddr(text)
			if err != nil || ip.String() != text || !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(ip) }) {
				t.Fatalf("%s: the address %q is not one for documentation: %s", s, text, f.Raw(i))
			}
			for _, u := range []*user{e.Target, e.User, e.Actor} {
				if u != nil && (u.Email == nil || *u.Email != "" && !strings.HasSuffix(*u.Email, "@example.com") && !strings.HasSuffix(*u.Email, "@example.net")) {
					t.Fatalf("%s: a mail address outside of the reserved domains: %s", s, f.Raw(i))
				}
			}
		}
	}
}

// TestOddities looks for each kind of odd event in the smallest company that has them all.
func TestOddities(t *testing.T) {
	_, feeds := invent(t, 1, 20_000)
	texts := map[feed.Stream]string{}
	for s, f := range feeds {
		var b strings.Builder
		ties := 0
		for i := range f.Len() {
			b.Write(f.Raw(i))
			b.WriteByte('\n')
			if i > 0 && f.Milli(i) == f.Milli(i-1) {
				ties++
			}
			if !bytes.Contains(f.Raw(i), []byte(`"location"`)) {
				b.WriteString("NO LOCATION\n")
			}
			if s == feed.ItemUsages && !bytes.Contains(f.Raw(i), []byte(`"action"`)) {
				b.WriteString("NO ACTION\n")
			}
			if s == feed.AuditEvents && !bytes.Contains(f.Raw(i), []byte(`"actor_details"`)) {
				b.WriteString("NO ACTOR\n")
			}
		}
		if ties == 0 {
			t.Errorf("%s: no two events of the same millisecond", s)
		}
		texts[s] = b.String()
	}
	for s, wanted := range map[feed.Stream][]string{
		feed.SignInAttempts: {
			"NO LOCATION", `"details":null`, `"details":{"value":`, `"u2f_timout"`, `"posture_failed"`, `"quantum_ok"`, `"country":"Germany"`, `"country":"DE"`,
			`<script>`, `=cmd|`, `"country":""`, `\u0000`, "\u202E", "🧨", `future_field`, "-03:00\"",
		},
		feed.ItemUsages: {
			"NO LOCATION", "NO ACTION", `"action":""`, `"action":"agent-fill"`, `"used_version":0,`, `"used_version":4294967295`, "-03:00\"",
			`"action":"export"`, `"action":"share"`, `"action":"server-fetch"`, `"action":"other"`, `future_field`, `"email":""`, `"user_type":"external_user"`,
		},
		feed.AuditEvents: {
			"NO LOCATION", "NO ACTOR", `"action":"rotate","object_type":"quantumkey"`, `"action":"view","object_type":"slackapp"`, `"aux_info":""`, "-03:00\"",
			`"country":"Canada"`, `"country":"CA"`, `future_field`, `"object_type":"gva"`, `"object_type":"satoken"`,
		},
	} {
		for _, text := range wanted {
			if !strings.Contains(texts[s], text) {
				t.Errorf("%s: no event with %q", s, text)
			}
		}
		for _, digits := range []int{0, 3, 8, 9} {
			if !hasFraction(feeds[s], digits) {
				t.Errorf("%s: no timestamp with %d digits", s, digits)
			}
		}
	}
}

func hasFraction(f *feed.Snapshot, digits int) bool {
	for i := range f.Len() {
		_, rest, _ := strings.Cut(string(f.Raw(i)), `"timestamp":"`)
		stamp, _, _ := strings.Cut(rest, `"`)
		if len(stamp) < 20 {
			continue
		}
		fraction := strings.TrimLeft(stamp[19:], ".")
		n := 0
		for n < len(fraction) && fraction[n] >= '0' && fraction[n] <= '9' {
			n++
		}
		if n == digits && !strings.HasPrefix(stamp[19:], "-") {
			return true
		}
	}
	return false
}

func TestNewRefusesNonsense(t *testing.T) {
	for name, p := range map[string]company.Plan{
		"negative count": {Events: -1, From: from, To: to},
		"empty period":   {Events: 1, From: to, To: to},
		"backwards":      {Events: 1, From: to, To: from},
	} {
		if _, err := company.New(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAfterGoesOnAtTheSameRate(t *testing.T) {
	c, _ := invent(t, 1, 100_000)
	count := func(from, to time.Time) int {
		n := 0
		for _, b := range c.After(from, to) {
			n += b.Len()
		}
		return n
	}
	week := count(to, to.AddDate(0, 0, 7))
	if want := 100_000 * 7 / 120; week < want*9/10 || week > want*11/10 {
		t.Errorf("a week after the plan has %d events, want about %d", week, want)
	}
	if count(to, to) != 0 {
		t.Error("no time at all has events")
	}
}
