package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Columns of failed-sign-ins.
const (
	fsTime = iota
	fsUntil
	fsAttempts
	fsBurst
	fsGroupedBy
	fsPerson
	fsEmail
	fsPersonUUID
	fsIP
	fsPeople
	fsIPs
	fsSuccess
	fsSuccessAt
	fsSuccessBy
	fsResult
	fsCategory
	fsType
	fsDetails
	fsCountry
	fsRegion
	fsCity
	fsApp
	fsAppVersion
	fsPlatform
	fsPlatformVersion
	fsOS
	fsOSVersion
	fsSession
	fsConnection
	fsNoteworthy
)

// failedSignIns is kind E1 of the mapping: every failed or blocked sign-in, and bursts of them.
func failedSignIns() Recipe {
	return Recipe{
		ID:      "failed-sign-ins",
		Version: 1,
		Title:   "Failed sign-ins and bursts",
		Shows: "Every sign-in attempt of the period that failed or was blocked by a firewall rule, and the bursts among them: " +
			"who, from which addresses, from when to when, how many, and whether a sign-in succeeded around them.",
		Method: []string{
			"The population is every sign-in attempt of the period. Those whose category is a failure or a firewall block have a row.",
			"Attempts are grouped by person (uuid, else email) and, separately, by IP address.",
			"An attempt is in a burst if some stretch of time shorter than the window holds it together with at least as many attempts of its group as the threshold says. Bursts that share an attempt are one.",
			"A burst of an address is left out if one person alone stands behind it and has a burst of the very same attempts.",
			"For each burst the first successful sign-in of the same person, or from the same address, is looked up: from the burst's first attempt to the given time after its last, within the period.",
		},
		NotShown: []string{
			"Whether a password, second factor or firewall rule is demanded by policy: only attempts and their outcomes are recorded.",
			"Attempts that never reached 1Password, and attempts for which 1Password records no event.",
			"Who stood behind an address: addresses of offices, VPNs and mobile networks are shared by many people.",
			"That a burst was an attack: a forgotten password or a device with old credentials looks the same.",
			"Anything older than 120 days before the first reading: 1Password no longer gives it.",
		},
		Streams: []evidence.Stream{signIns},
		Parameters: []Parameter{
			{"window", "Length of the window in which attempts make a burst", Minutes, 10, 1, 24 * 60},
			{"threshold", "Attempts of one person or address that make a burst", Events, 10, 2, 10000},
			{"success", "Time after a burst in which a success is looked for", Minutes, 60, 1, 24 * 60},
		},
		Mappings: failedSignInMappings(),
		columns: []Column{
			{"time", "Time (UTC)", Time}, {"until", "Until (UTC)", Time}, {"attempts", "Attempts", Number}, {"burst", "Burst", Text},
			{"grouped_by", "Grouped by", Text}, {"person", "Person", Text}, {"email", "Email", Text}, {"person_uuid", "Person's uuid", Text},
			{"ip", "IP address", Text}, {"people", "People", List}, {"ips", "IP addresses", List},
			{"success", "Success around it", Text}, {"success_at", "Success at (UTC)", Time}, {"success_by", "Success by", Text},
			{"result", "Result", Text}, {"category", "Category", Text}, {"type", "Type", Text}, {"details", "Details", Text},
			{"country", "Country", Text}, {"region", "Region", Text}, {"city", "City", Text},
			{"app", "App", Text}, {"app_version", "App version", Text}, {"platform", "Platform", Text}, {"platform_version", "Platform version", Text},
			{"os", "System", Text}, {"os_version", "System version", Text}, {"session_uuid", "Session's uuid", Text},
			{"connection", "Connection", Text}, {"noteworthy", "Noteworthy", Text},
		},
		where:   []evidence.Match{{Key: evidence.KeyResult, Values: []string{string(evidence.ResultFailed), string(evidence.ResultBlocked)}}},
		matched: "failed or were blocked",
		build:   buildFailedSignIns,
	}
}

func failedSignInMappings() []evidence.Mapping {
	const (
		why    = "Each failed or blocked attempt and each burst in the period is listed, over a population that is counted whole."
		caveat = "It shows attempts and outcomes, not which policy was in force, and not that somebody looked into them: attach the review beside it."
	)
	return supports(evidence.Strong, why, caveat, ids{
		soc2: "CC6.1 CC7.2", iso: "A.8.5 A.8.15 A.8.16", nist: "AC-7 AU-6 SI-4", cis: "8.2 8.11 13.1", pci: "10.2.1.4 8.3.4 10.4.1",
		hipaa: "164.308(a)(5)(ii)(C)", csf: "PR.AA-03 PR.PS-04 DE.CM-03 DE.AE-02",
	})
}

// signInRun is what one run of failed-sign-ins remembers.
type signInRun struct {
	*builder
	byPerson *burstFinder
	byIP     *burstFinder
	people   map[string]evidence.Person // one for each person with an attempt, to look successes up
}

func buildFailedSignIns(ctx context.Context, b *builder) error {
	window, threshold := b.values.minutes("window"), b.values.count("threshold")
	run := &signInRun{
		builder:  b,
		byPerson: newBurstFinder(window, threshold),
		byIP:     newBurstFinder(window, threshold),
		people:   map[string]evidence.Person{},
	}
	summary := b.section(Section{
		Record: "burst", Title: "Bursts",
		Note:  fmt.Sprintf("At least %d attempts of one person or one address in less than %d minutes.", threshold, b.values.count("window")),
		Empty: "No person and no address had so many attempts in so short a time.",
		Full:  []int{fsTime, fsUntil, fsAttempts, fsBurst, fsGroupedBy, fsPerson, fsEmail, fsPersonUUID, fsIP, fsPeople, fsIPs, fsSuccess, fsSuccessAt, fsSuccessBy},
		Brief: []int{fsBurst, fsTime, fsUntil, fsAttempts, fsGroupedBy, fsPeople, fsIPs, fsSuccess, fsSuccessAt, fsSuccessBy},
	})
	attempts := b.section(Section{
		Record: "sign-in", Title: "Failed and blocked sign-ins",
		Empty: "No sign-in attempt failed or was blocked.",
		Full: []int{fsTime, fsBurst, fsPerson, fsEmail, fsPersonUUID, fsIP, fsResult, fsCategory, fsType, fsDetails, fsCountry, fsRegion, fsCity,
			fsApp, fsAppVersion, fsPlatform, fsPlatformVersion, fsOS, fsOSVersion, fsSession, fsConnection, fsNoteworthy},
		Brief: []int{fsTime, fsBurst, fsPerson, fsEmail, fsIP, fsCategory, fsType, fsCountry, fsCity, fsApp, fsAppVersion},
	})
	err := b.in.Select(ctx, b.candidates(b.report.Recipe), func(e evidence.Event) error {
		run.remember(e)
		b.counts.Listed++
		return attempts.rows.add(b.signInRow(e))
	})
	if err != nil {
		return fmt.Errorf("reading attempts: %w", err)
	}
	found := run.distinctBursts()
	attempts.finish = markBursts(found)
	return run.summarise(ctx, summary, found)
}

// remember shows an attempt to both burst finders.
func (r *signInRun) remember(e evidence.Event) {
	key, label := personKey(e.Person), personLabel(e.Person)
	if _, known := r.people[key]; !known {
		r.people[key] = e.Person
	}
	at := e.At.UnixMilli()
	r.byPerson.add(attempt{at: at, key: key, labels: []string{label, e.IP}})
	r.byIP.add(attempt{at: at, key: e.IP, labels: []string{label, e.IP, key}})
}

func (b *builder) signInRow(e evidence.Event) Row {
	f := b.raw.read(e.Raw)
	return Row{
		Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(),
		Cells: []string{
			fsTime: when(e, f), fsPerson: e.Person.Name, fsEmail: e.Person.Email, fsPersonUUID: e.Person.UUID, fsIP: e.IP,
			fsResult: string(e.Result), fsCategory: e.Action, fsType: e.Type, fsDetails: f.get("details.value"),
			fsCountry: e.Country, fsRegion: f.get("location.region"), fsCity: f.get("location.city"),
			fsApp: e.Client, fsAppVersion: f.get("client.app_version"), fsPlatform: f.get("client.platform_name"), fsPlatformVersion: f.get("client.platform_version"),
			fsOS: f.get("client.os_name"), fsOSVersion: f.get("client.os_version"), fsSession: f.get("session_uuid"),
			fsConnection: b.source(e.Connection), fsNoteworthy: strings.Join(e.Odd.Words(), " "),
		},
	}
}

// namedBurst is a burst that is shown.
type namedBurst struct {
	*burst
	name     string
	byPerson bool
}

// distinctBursts gives the bursts to show in order of time, people's before addresses'.
func (r *signInRun) distinctBursts() []namedBurst {
	var out []namedBurst
	people := map[string]*burst{}
	for _, b := range r.byPerson.bursts() {
		out = append(out, namedBurst{burst: b, byPerson: true})
		people[sameness(b.key, b)] = b
	}
	for _, b := range r.byIP.bursts() {
		if keys := b.sets[2].order; len(keys) == 1 {
			twin := people[sameness(keys[0], b)]
			if twin != nil && len(twin.sets[1].order) == 1 {
				continue
			}
		}
		out = append(out, namedBurst{burst: b})
	}
	slices.SortStableFunc(out, func(x, y namedBurst) int { return time.UnixMilli(x.from).Compare(time.UnixMilli(y.from)) })
	for i := range out {
		out[i].name = "B" + strconv.Itoa(i+1)
	}
	return out
}

// sameness is equal for two bursts of the same number of attempts of one person over the same time.
func sameness(person string, b *burst) string {
	return fmt.Sprintf("%s %d %d %d", person, b.from, b.to, b.count)
}

// markBursts writes into each attempt's row the bursts that it is in.
func markBursts(found []namedBurst) func(*Row) {
	people, addresses := burstIndex{}, burstIndex{}
	for _, b := range found {
		if b.byPerson {
			people.add(b.burst, b.name)
		} else {
			addresses.add(b.burst, b.name)
		}
	}
	return func(r *Row) {
		key := personKey(evidence.Person{UUID: r.Cells[fsPersonUUID], Email: r.Cells[fsEmail]})
		in := []string{people.find(key, r.At), addresses.find(r.Cells[fsIP], r.At)}
		r.Cells[fsBurst] = strings.TrimSpace(strings.Join(in, " "))
	}
}

func (r *signInRun) summarise(ctx context.Context, s *Section, found []namedBurst) error {
	for _, b := range found {
		row := []string{
			fsTime: milli(b.from), fsUntil: milli(b.to), fsAttempts: strconv.FormatInt(b.count, 10), fsBurst: b.name,
			fsPeople: list(b.sets[0].order), fsIPs: list(b.sets[1].order), fsNoteworthy: "",
		}
		if b.byPerson {
			p := r.people[b.key]
			row[fsGroupedBy], row[fsPerson], row[fsEmail], row[fsPersonUUID] = "person", p.Name, p.Email, p.UUID
		} else {
			row[fsGroupedBy], row[fsIP] = "ip", b.key
		}
		success, ok, err := r.success(ctx, b)
		if err != nil {
			return fmt.Errorf("looking for a success around burst %s: %w", b.name, err)
		}
		row[fsSuccess] = "no"
		if ok {
			row[fsSuccess] = "yes"
			row[fsSuccessAt] = when(success, r.raw.read(success.Raw))
			row[fsSuccessBy] = personLabel(success.Person)
		}
		if err := s.rows.add(Row{Cells: row, At: b.from}); err != nil {
			return err
		}
	}
	return nil
}

// errFound ends a selection at the event that was looked for.
var errFound = errors.New("found")

// success looks up the first successful sign-in of the burst's person or address around the burst.
func (r *signInRun) success(ctx context.Context, b namedBurst) (evidence.Event, bool, error) {
	q := r.query(signIns)
	q.Span = q.Span.Intersect(evidence.Span{From: time.UnixMilli(b.from), To: time.UnixMilli(b.to).Add(r.values.minutes("success"))})
	who := evidence.Match{Key: evidence.KeyIP, Values: []string{b.key}}
	if b.byPerson {
		who = evidence.Match{Key: evidence.KeyPerson, Values: []string{personFilter(r.people[b.key])}}
	}
	q.Where = []evidence.Match{{Key: evidence.KeyResult, Values: []string{string(evidence.ResultSuccess)}}, who}
	var found evidence.Event
	err := r.in.Select(ctx, q, func(e evidence.Event) error {
		if b.byPerson && personKey(e.Person) != b.key {
			return nil
		}
		found = e
		found.Raw = slices.Clone(e.Raw)
		return errFound
	})
	if errors.Is(err, errFound) {
		return found, true, nil
	}
	return evidence.Event{}, false, err
}
