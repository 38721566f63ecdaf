package recipe_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// memory is a recipe.Input over events in memory: the plainest reading of its contract, which real ones are held against.
type memory struct {
	events     []evidence.Event
	coverage   []evidence.StreamCoverage
	rereads    []recipe.Reread
	built      []recipe.Built
	troubles   []evidence.Trouble
	missing    int64
	duplicates int64
	counted    func() // called at each Count; may change the events
}

func (m *memory) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	all := slices.Clone(m.events)
	slices.SortFunc(all, func(a, b evidence.Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Page, b.Page), cmp.Compare(a.Position, b.Position))
	})
	for _, e := range all {
		if !selects(q, e) {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) Count(_ context.Context, q evidence.Query) (int64, error) {
	if m.counted != nil {
		m.counted()
	}
	var n int64
	for _, e := range m.events {
		if selects(q, e) {
			n++
		}
	}
	return n, nil
}

func (m *memory) Coverage(context.Context, evidence.ID, []evidence.Stream, evidence.Span) ([]evidence.StreamCoverage, error) {
	return m.coverage, nil
}

func (m *memory) PageStats(_ context.Context, q evidence.Query) (recipe.PageStats, error) {
	s := recipe.PageStats{Duplicates: m.duplicates}
	pages := map[int64]bool{}
	for _, e := range m.events {
		if selects(q, e) {
			s.Events++
			pages[e.Page] = true
		}
	}
	s.Pages, s.Records = int64(len(pages)), s.Events+s.Duplicates
	return s, nil
}

func (m *memory) Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, fn func(recipe.Group) error) error {
	type group struct {
		stream evidence.Stream
		facts  evidence.Facts
		part   int64 // a combination may be told in parts
	}
	found := map[group]*recipe.Group{}
	err := m.Select(ctx, q, func(e evidence.Event) error {
		g := group{stream: e.Stream, facts: only(e.Facts, keys), part: e.Page % 2}
		if found[g] == nil {
			found[g] = &recipe.Group{Connection: e.Connection, Stream: e.Stream, Facts: g.facts, First: e.At}
		}
		found[g].Events++
		found[g].Last = e.At
		return nil
	})
	for _, g := range found {
		err = errors.Join(err, fn(*g))
	}
	return err
}

// only leaves of facts what the keys name.
func only(f evidence.Facts, keys []evidence.Key) evidence.Facts {
	var out evidence.Facts
	for _, k := range keys {
		switch k {
		case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
			out.Action, out.Type, out.Result = f.Action, f.Type, f.Result
		case evidence.KeyPerson:
			out.Person = f.Person
		case evidence.KeyVault:
			out.Vault = f.Vault
		case evidence.KeyItem:
			out.Item = f.Item
		case evidence.KeyTarget:
			out.Target = f.Target
		case evidence.KeyCountry:
			out.Country = f.Country
		case evidence.KeyIP:
			out.IP = f.IP
		case evidence.KeyClient:
			out.Client = f.Client
		case evidence.KeyOdd, evidence.KeyUUID:
		}
	}
	return out
}

func (m *memory) Pages(ctx context.Context, q evidence.Query, fn func(recipe.Page) error) error {
	q.Where = nil
	pages := map[[2]string]*recipe.Page{}
	err := m.Select(ctx, q, func(e evidence.Event) error {
		key := [2]string{string(e.Stream), fmt.Sprint(e.Page)}
		if pages[key] == nil {
			sum := sha256.Sum256([]byte(key[0] + key[1]))
			pages[key] = &recipe.Page{Connection: e.Connection, Stream: e.Stream, No: e.Page, Sequence: e.Page + 4, RequestedAt: e.At.Add(time.Minute),
				ReceivedAt: e.At.Add(time.Minute + time.Second), ServerDate: e.At.Add(time.Minute), MinAt: e.At, SHA256: fmt.Sprintf("%x", sum)}
		}
		p := pages[key]
		p.Records, p.Events, p.MaxAt, p.Size = p.Records+1, p.Events+1, e.At, p.Size+len(e.Raw)
		return nil
	})
	all := slices.SortedFunc(maps.Values(pages), func(a, b *recipe.Page) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.No, b.No))
	})
	for _, p := range all {
		err = errors.Join(err, fn(*p))
	}
	return err
}

func (m *memory) MissingNumbers(context.Context, evidence.ID, evidence.Stream, int64, int64) (int64, error) {
	return m.missing, nil
}

func (m *memory) Troubles(_ context.Context, _ evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error) {
	if stream != "itemusages" {
		return nil, nil
	}
	return m.troubles, nil
}

func (m *memory) Built(context.Context, evidence.ID, evidence.Span) ([]recipe.Built, error) {
	return m.built, nil
}

func (m *memory) Rereads(_ context.Context, _ evidence.ID, stream evidence.Stream, _ evidence.Span) ([]recipe.Reread, error) {
	if stream != "itemusages" {
		return nil, nil
	}
	return m.rereads, nil
}

func selects(q evidence.Query, e evidence.Event) bool {
	inSpan := (q.Span.From.IsZero() || !e.At.Before(q.Span.From)) && (q.Span.To.IsZero() || e.At.Before(q.Span.To))
	if !inSpan || len(q.Streams) > 0 && !slices.Contains(q.Streams, e.Stream) || len(q.Connections) > 0 && !slices.Contains(q.Connections, e.Connection) {
		return false
	}
	for _, m := range q.Where {
		if !slices.ContainsFunc(m.Values, func(v string) bool { return holds(e, m.Key, v) }) {
			return false
		}
	}
	return true
}

func holds(e evidence.Event, key evidence.Key, v string) bool {
	switch key {
	case evidence.KeyResult:
		return string(e.Result) == v
	case evidence.KeyAction:
		return e.Action == v
	case evidence.KeyType:
		return e.Type == v
	case evidence.KeyIP:
		return e.IP == v
	case evidence.KeyPerson:
		return e.Person.UUID == v || strings.EqualFold(e.Person.Email, v) || e.Person.Name == v
	case evidence.KeyOdd:
		return slices.Contains(e.Odd.Words(), v)
	}
	return false
}

// at gives a moment of the day on which all test events happen.
func at(clock string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, "2026-10-05T"+clock+"Z")
	if err != nil {
		panic(err)
	}
	return t
}

var october = evidence.Span{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

var (
	ada   = evidence.Person{UUID: "ADA7KAPROEJLCK674RHSAY5AAA", Name: "Ada Example", Email: "ada@example.com"}
	bob   = evidence.Person{UUID: "BOB7KAPROEJLCK674RHSAY5BBB", Name: "Bob Example", Email: "bob@example.org"}
	nolan = evidence.Person{Email: "Nolan@example.net"}
)

// signIn makes an attempt as the source would tell it.
func signIn(clock string, p evidence.Person, ip, category, kind string) evidence.Event {
	result := evidence.ResultFailed
	switch category {
	case "success", "firewall_reported_success":
		result = evidence.ResultSuccess
	case "firewall_failed":
		result = evidence.ResultBlocked
	}
	t := at(clock)
	raw := object("uuid", "", "timestamp", t.Format(time.RFC3339Nano), "session_uuid", "SESSION4KFZ5BH37IQWTJ7LGSS", "category", category, "type", kind, "country", "CA",
		"target_user", object("uuid", p.UUID, "name", p.Name, "email", p.Email),
		"client", object("app_name", "1Password for Web", "app_version", "20195", "platform_name", "Chrome", "platform_version", "140.0", "os_name", "MacOSX", "os_version", "26.1", "ip_address", ip),
		"location", object("country", "Canada", "region", "Ontario", "city", "Toronto", "latitude", 43.64))
	return evidence.Event{Stream: "signinattempts", Connection: "cn_one", Raw: raw, Facts: evidence.Facts{
		At: t.Truncate(time.Millisecond), Action: category, Type: kind, Result: result, Person: p, Country: "CA", IP: ip, Client: "1Password for Web",
	}}
}

// usage makes an item usage as the source would tell it.
func usage(clock string, p evidence.Person, ip, action, item string) evidence.Event {
	t := at(clock)
	raw := object("uuid", "", "timestamp", t.Format(time.RFC3339Nano), "used_version", 3, "vault_uuid", "vaultsqf5qylslqiitnduawrnd", "item_uuid", item, "action", action,
		"user", object("uuid", p.UUID, "name", p.Name, "email", p.Email, "user_type", "user"),
		"client", object("app_name", "1Password for Mac", "app_version", "81100010", "platform_name", "Mac", "os_name", "MacOSX", "os_version", "26.1", "ip_address", ip))
	return evidence.Event{Stream: "itemusages", Connection: "cn_one", Raw: raw, Facts: evidence.Facts{
		At: t.Truncate(time.Millisecond), Action: action, Person: p, Vault: "vaultsqf5qylslqiitnduawrnd", Item: item, IP: ip, Client: "1Password for Mac",
	}}
}

// object makes a JSON object whose keys keep their order.
func object(pairs ...any) json.RawMessage {
	b := []byte{'{'}
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		value, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic(err)
		}
		b = append(append(append(b, fmt.Sprintf("%q:", pairs[i])...), value...), []byte(nil)...)
	}
	return append(b, '}')
}

// withEvents files events in pages of three, in the order given.
func withEvents(events ...evidence.Event) *memory {
	m := &memory{duplicates: 2}
	for i, e := range events {
		e.EventRef = evidence.EventRef{Page: int64(i/3) + 1, Position: i % 3}
		e.UUID = fmt.Sprintf("EVENT%021d", i)
		m.events = append(m.events, e)
	}
	m.coverage = covered(october)
	return m
}

// covered says that all three streams have been read over the spans.
func covered(spans ...evidence.Span) []evidence.StreamCoverage {
	var out []evidence.StreamCoverage
	for _, s := range []evidence.Stream{"signinattempts", "itemusages", "auditevents"} {
		c := evidence.StreamCoverage{Connection: "cn_one", Name: "1Password", Stream: s, Asked: october}
		for _, span := range spans {
			c.Windows = append(c.Windows, evidence.Window{Span: span})
		}
		out = append(out, c)
	}
	return out
}

func request() recipe.Request {
	return recipe.Request{
		Workspace: "ws_test",
		Period:    october,
		Engine:    "0.0.0-test",
		Sources: []recipe.Source{{
			Connection: "cn_one", Name: "1Password", Kind: "onepassword", Server: "https://events.example.com", Account: "ACCOUNTKFZ5BH37IQWTJ7LGAAA",
			Integration: "INTEGRATIONZ5BH37IQWTJ7LGI", Features: []evidence.Stream{"signinattempts", "itemusages", "auditevents"},
		}},
	}
}

// busyDay holds what the recipes are about: bursts, a spray, a mass export, odd times and names, late and conflicting events.
func busyDay() *memory {
	var all []evidence.Event
	for i := range 12 {
		all = append(all, signIn(fmt.Sprintf("09:00:%02d.123456789", i*4), ada, "198.51.100.7", "credentials_failed", "password_secret_bad"))
	}
	all = append(all, signIn("09:01:30", ada, "198.51.100.7", "success", "credentials_ok"))
	for i := range 11 {
		p := evidence.Person{UUID: fmt.Sprintf("SPRAY%021d", i), Name: fmt.Sprintf("Spray %d", i), Email: fmt.Sprintf("s%d@example.com", i)}
		all = append(all, signIn(fmt.Sprintf("10:%02d:00.5", i/2), p, "203.0.113.9", "mfa_failed", "totp_bad"))
	}
	all = append(all,
		signIn("11:00:00", bob, "192.0.2.4", "firewall_failed", "country_blocked"),
		signIn("11:30:00", nolan, "2001:db8::7", "sso_failed", "sso_user_mismatch"),
		signIn("12:00:00", evidence.Person{}, "", "modern_version_failed", "modern_version_old"),
		signIn("13:00:00", bob, "192.0.2.4", "success", "mfa_ok"),
	)
	for i := range 21 {
		all = append(all, usage(fmt.Sprintf("14:00:%02d", i), bob, "192.0.2.4", "export", fmt.Sprintf("item%022d", i)))
	}
	late := usage("15:00:00", ada, "192.0.2.9", "reveal", "itembvwmmwxisuca7wbehrbyqh")
	late.Odd = evidence.OddLate | evidence.OddConflict
	old := usage("15:30:00", ada, "192.0.2.9", "", "itembvwmmwxisuca7wbehrbyqh")
	all = append(all, late, old,
		usage("16:00:00", ada, "192.0.2.9", "secure-copy", "itembvwmmwxisuca7wbehrbyqh"),
		usage("16:00:01", nolan, "192.0.2.8", "share", "itembvwmmwxisuca7wbehrbyqh"),
		usage("16:00:02", ada, "192.0.2.9", "fill", "itembvwmmwxisuca7wbehrbyqh"),
	)
	m := withEvents(all...)
	m.rereads = []recipe.Reread{
		{Age: time.Hour, Span: evidence.Span{From: at("14:00:00"), To: at("15:00:00")}, At: at("16:05:00"), Seen: 21, Known: 21},
		{Age: time.Hour, Span: evidence.Span{From: at("15:00:00"), To: at("16:00:00")}, At: at("17:05:00"), Seen: 3, Known: 1, New: 1, Changed: 1},
		{Age: 24 * time.Hour, Span: evidence.Span{From: at("00:00:00"), To: at("16:00:00")}, At: october.To, Seen: 24, Known: 24},
	}
	return m
}
