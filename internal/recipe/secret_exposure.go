package recipe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Columns of secret-exposure.
const (
	seTime = iota
	seUntil
	seUses
	seBurst
	seAction
	sePerson
	seEmail
	sePersonUUID
	seUserType
	seVault
	seItem
	seItemVersion
	seIP
	seIPs
	seCountry
	seRegion
	seCity
	seApp
	seAppVersion
	sePlatform
	sePlatformVersion
	seOS
	seOSVersion
	seConnection
	seNoteworthy
)

// exposing are the item usages in which a secret leaves the vault in clear or in a file, in the source's words.
var exposing = [...]string{"reveal", "secure-copy", "export", "share"}

// otherUsages are the documented item usages in which it does not.
var otherUsages = [...]string{"enter-item-edit-mode", "fill", "select-sso-provider", "server-create", "server-fetch", "server-update"}

// secretExposure is kind E14 of the mapping: reveal, copy, export and share of shared items.
func secretExposure() Recipe {
	return Recipe{
		ID:      "secret-exposure",
		Version: 1,
		Title:   "Reveals, copies, exports and shares of shared items",
		Shows: "Every item usage of the period in which somebody revealed, copied, exported or shared an item of a shared vault: who, which item of which vault " +
			"by identifier, when, from where and with which app; counted by person and action, with mass exports marked.",
		Method: []string{
			"The population is every item usage of the period. Those whose action is reveal, secure-copy, export or share have a row.",
			"The summary counts them by person (uuid, else email) and action, most first.",
			"An export is in a mass export if some stretch of time shorter than the window holds it together with at least as many exports of the same person as the threshold says. Mass exports that share an export are one. 1Password records one event for each exported item.",
		},
		NotShown: []string{
			"Names of items and vaults: they are encrypted on the devices and 1Password does not give them. The identifiers can be looked up in the account.",
			"Use of items in private vaults: 1Password reports shared vaults alone.",
			"What apps older than 8.4.0 did: their usages come without an action or as \"other\", and are counted in a note, not listed.",
			"Usages that an app has not sent yet: it does so when it syncs, at times days later. They come as late events, and building the artifact again then makes a new version.",
			"Exports of whole vaults that the account records as audit events alone.",
			"Whether a use was justified: nearly all of them are everyday work.",
			"Anything older than 120 days before the first reading: 1Password no longer gives it.",
		},
		Streams: []evidence.Stream{usages},
		Parameters: []Parameter{
			{"window", "Length of the window in which exports make a mass export", Minutes, 10, 1, 24 * 60},
			{"threshold", "Exports of one person that make a mass export", Events, 20, 2, 10000},
		},
		Mappings: secretExposureMappings(),
		columns: []Column{
			{"time", "Time (UTC)", Time}, {"until", "Until (UTC)", Time}, {"uses", "Uses", Number}, {"burst", "Mass export", Text}, {"action", "Action", Text},
			{"person", "Person", Text}, {"email", "Email", Text}, {"person_uuid", "Person's uuid", Text}, {"user_type", "Kind of user", Text},
			{"vault_uuid", "Vault's uuid", Text}, {"item_uuid", "Item's uuid", Text}, {"item_version", "Item's version", Number},
			{"ip", "IP address", Text}, {"ips", "IP addresses", List}, {"country", "Country", Text}, {"region", "Region", Text}, {"city", "City", Text},
			{"app", "App", Text}, {"app_version", "App version", Text}, {"platform", "Platform", Text}, {"platform_version", "Platform version", Text},
			{"os", "System", Text}, {"os_version", "System version", Text}, {"connection", "Connection", Text}, {"noteworthy", "Noteworthy", Text},
		},
		where:   []evidence.Match{{Key: evidence.KeyAction, Values: exposing[:]}},
		matched: "revealed, copied, exported or shared an item",
		build:   buildSecretExposure,
	}
}

func secretExposureMappings() []evidence.Mapping {
	const (
		why    = "Each reveal, copy, export and share of a shared item in the period is listed, over a population that is counted whole."
		caveat = "1Password decides which uses are recorded, names no items, and reports shared vaults alone. It does not show that somebody looked into them: attach the review beside it."
	)
	return supports(evidence.Strong, why, caveat, ids{
		soc2: "CC6.7 CC7.2", iso: "A.8.12 A.5.14", nist: "AC-21 AU-6 SI-4", cis: "3.14", pci: "10.2.1.2 10.4.3",
		hipaa: "164.312(c)(1)", csf: "PR.PS-04 DE.CM-03 DE.AE-02",
	})
}

// usageRun is what one run of secret-exposure remembers. Its memory grows with people, not with events.
type usageRun struct {
	*builder
	counts  personCounts // by action
	exports *burstFinder
}

func buildSecretExposure(ctx context.Context, b *builder) error {
	run := &usageRun{
		builder: b,
		counts:  personCounts{},
		exports: newBurstFinder(b.values.minutes("window"), b.values.count("threshold")),
	}
	if err := run.noteUnknown(ctx); err != nil {
		return err
	}
	bursts, summary, uses := run.sections()
	err := b.in.Select(ctx, b.candidates(b.report.Recipe), func(e evidence.Event) error {
		run.remember(e)
		b.counts.Listed++
		return uses.rows.add(b.usageRow(e))
	})
	if err != nil {
		return fmt.Errorf("reading item usages: %w", err)
	}
	index, err := run.massExports(bursts)
	if err != nil {
		return err
	}
	uses.finish = func(r *Row) {
		if r.Cells[seAction] == "export" {
			key := personKey(evidence.Person{UUID: r.Cells[sePersonUUID], Email: r.Cells[seEmail]})
			r.Cells[seBurst] = index.find(key, r.At)
		}
	}
	return run.summarise(summary)
}

func (r *usageRun) sections() (bursts, summary, uses *Section) {
	bursts = r.section(Section{
		Record: "mass-export", Title: "Mass exports",
		Note:  fmt.Sprintf("At least %d exports of one person in less than %d minutes.", r.values.count("threshold"), r.values.count("window")),
		Empty: "Nobody exported so many items in so short a time.",
		Full:  []int{seTime, seUntil, seUses, seBurst, seAction, sePerson, seEmail, sePersonUUID, seIPs},
		Brief: []int{seBurst, seTime, seUntil, seUses, sePerson, seEmail, seIPs},
	})
	summary = r.section(Section{
		Record: "summary", Title: "By person and action",
		Empty: "Nobody revealed, copied, exported or shared an item.",
		Full:  []int{seTime, seUntil, seUses, seAction, sePerson, seEmail, sePersonUUID},
		Brief: []int{sePerson, seEmail, seAction, seUses, seTime, seUntil},
	})
	uses = r.section(Section{
		Record: "usage", Title: "Each use",
		Empty: "No item was revealed, copied, exported or shared.",
		Full: []int{seTime, seBurst, seAction, sePerson, seEmail, sePersonUUID, seUserType, seVault, seItem, seItemVersion, seIP, seCountry, seRegion, seCity,
			seApp, seAppVersion, sePlatform, sePlatformVersion, seOS, seOSVersion, seConnection, seNoteworthy},
		Brief: []int{seTime, seBurst, seAction, sePerson, seEmail, seVault, seItem, seIP, seCountry, seCity, seApp},
	})
	return bursts, summary, uses
}

// noteUnknown says how many usages cannot be judged because their action is missing or not documented.
func (r *usageRun) noteUnknown(ctx context.Context) error {
	q := r.query(usages)
	q.Where = []evidence.Match{{Key: evidence.KeyAction, Values: slices.Concat(exposing[:], otherUsages[:])}}
	known, err := r.in.Count(ctx, q)
	if err != nil {
		return fmt.Errorf("counting usages with a known action: %w", err)
	}
	if unknown := r.builder.counts.Population - known; unknown > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d of the %d item usages name no action or one that is not documented; they are not listed.", unknown, r.builder.counts.Population))
	}
	return nil
}

func (r *usageRun) remember(e evidence.Event) {
	at := e.At.UnixMilli()
	r.counts.add(e.Person, e.Action, at, at, 1)
	if e.Action == "export" {
		r.exports.add(attempt{at: at, key: personKey(e.Person), labels: []string{e.IP}})
	}
}

func (b *builder) usageRow(e evidence.Event) Row {
	f := b.raw.read(e.Raw)
	return Row{
		Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(),
		Cells: []string{
			seTime: when(e, f), seAction: e.Action, sePerson: e.Person.Name, seEmail: e.Person.Email, sePersonUUID: e.Person.UUID,
			seUserType: f.get("user.user_type"), seVault: e.Vault, seItem: e.Item, seItemVersion: wholeNumber(f.get("used_version")),
			seIP: e.IP, seCountry: cmp.Or(e.Country, f.get("location.country")), seRegion: f.get("location.region"), seCity: f.get("location.city"),
			seApp: e.Client, seAppVersion: f.get("client.app_version"), sePlatform: f.get("client.platform_name"), sePlatformVersion: f.get("client.platform_version"),
			seOS: f.get("client.os_name"), seOSVersion: f.get("client.os_version"),
			seConnection: b.source(e.Connection), seNoteworthy: strings.Join(e.Odd.Words(), " "),
		},
	}
}

// wholeNumber gives s if it is a whole number in shortest decimal form, else "".
func wholeNumber(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return ""
	}
	return s
}

// massExports writes a row for each mass export and gives the index that finds an export's.
func (r *usageRun) massExports(s *Section) (burstIndex, error) {
	index := burstIndex{}
	for i, x := range r.exports.bursts() {
		name := "B" + strconv.Itoa(i+1)
		index.add(x, name)
		p := r.counts[[2]string{x.key, "export"}].person
		err := s.rows.add(Row{At: x.from, Cells: []string{
			seTime: milli(x.from), seUntil: milli(x.to), seUses: strconv.FormatInt(x.count, 10), seBurst: name, seAction: "export",
			sePerson: p.Name, seEmail: p.Email, sePersonUUID: p.UUID, seIPs: list(x.sets[0].order), seNoteworthy: "",
		}})
		if err != nil {
			return nil, err
		}
	}
	return index, nil
}

func (r *usageRun) summarise(s *Section) error {
	for _, c := range r.counts.sorted() {
		err := s.rows.add(Row{At: c.first, Cells: []string{
			seTime: milli(c.first), seUntil: milli(c.last), seUses: strconv.FormatInt(c.n, 10), seAction: c.what,
			sePerson: c.person.Name, seEmail: c.person.Email, sePersonUUID: c.person.UUID, seNoteworthy: "",
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
