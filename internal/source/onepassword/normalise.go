package onepassword

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// The streams of the Events API, by the last part of their path.
const (
	SignIns evidence.Stream = "signinattempts"
	Usages  evidence.Stream = "itemusages"
	Audit   evidence.Stream = "auditevents"
)

// stream is how events of one stream are read.
type stream struct {
	shape shape
	// fill makes the facts that are the stream's own from what the scanner got.
	fill func(*evidence.Facts, *[places]string)
}

func streamNamed(name evidence.Stream) (*stream, bool) {
	switch name {
	case SignIns:
		return &stream{signInShape, fillSignIn}, true
	case Usages:
		return &stream{usageShape, fillUsage}, true
	case Audit:
		return &stream{auditShape, fillAudit}, true
	}
	return nil, false
}

// normalise gives the facts of one event, as in a Record, except that At is zero if the event has no time that can be
// read: what takes its place comes from the page.
func normalise(name evidence.Stream, raw []byte) evidence.Facts {
	lost := evidence.Facts{UUID: madeUUID(raw), Odd: evidence.OddShape | evidence.OddTime | evidence.OddUUID}
	known, ok := streamNamed(name)
	if !ok {
		return lost
	}
	s := newScanner(raw)
	var r source.Record
	if err := s.event(known, &r); err != nil || !s.atEnd() {
		return lost
	}
	if r.Facts.UUID == "" {
		r.Facts.UUID = madeUUID(raw[r.Start:r.End])
	}
	return r.Facts
}

// fillSignIn: the action is the category, the type what led to it.
func fillSignIn(f *evidence.Facts, got *[places]string) {
	f.Action, f.Type = got[placeAction], got[placeType]
	f.Result = signInResult(f.Action)
	f.Person = personOf(got)
	f.Country = cmp.Or(got[placeCountry], got[placeCountryInside])
	f.IP = cmp.Or(got[placeIP], got[placeIPOld])
	f.Client = got[placeApp]
	if _, ok := signInCategories[f.Action]; !ok {
		f.Odd |= evidence.OddAction
	}
	if _, ok := signInTypes[f.Type]; !ok {
		f.Odd |= evidence.OddAction
	}
}

// signInResult says how a sign-in ended. Of a category that nobody has documented nothing is claimed, unless its own
// name says that it failed.
func signInResult(category string) evidence.Result {
	switch category {
	case "success", "firewall_reported_success":
		return evidence.ResultSuccess
	case "firewall_failed":
		return evidence.ResultBlocked
	}
	if strings.HasSuffix(category, "_failed") {
		return evidence.ResultFailed
	}
	return evidence.ResultNone
}

// fillUsage: clients older than 8.4.0 send no action, so an empty one is not odd.
func fillUsage(f *evidence.Facts, got *[places]string) {
	f.Action = got[placeAction]
	f.Person = personOf(got)
	f.Vault, f.Item = got[placeVault], got[placeItem]
	f.Country = got[placeCountryInside]
	f.IP = cmp.Or(got[placeIP], got[placeIPOld])
	f.Client = got[placeApp]
	if _, ok := usageActions[f.Action]; !ok && f.Action != "" {
		f.Odd |= evidence.OddAction
	}
}

// fillAudit: what object_uuid and aux_uuid name depends on object_type. A vault is the vault, an item the item. Who got
// access to a vault, person or group, is the target. Of a membership the target is the group, for a group is where
// privilege lies; the member stands in aux_details. Everything else is the target itself.
func fillAudit(f *evidence.Facts, got *[places]string) {
	f.Action, f.Type = got[placeAction], got[placeType]
	f.Person = personOf(got)
	f.Country = got[placeCountryInside]
	f.IP = got[placeIP]
	switch f.Type {
	case "vault":
		f.Vault = got[placeObject]
	case "uva", "gva":
		f.Vault = got[placeObject]
		f.Target = cmp.Or(got[placeAux], got[placeAuxInside])
	case "item":
		f.Item = got[placeObject]
	default:
		f.Target = got[placeObject]
	}
	if !knownPair(f.Type, f.Action) {
		f.Odd |= evidence.OddAction
	}
}

func personOf(got *[places]string) evidence.Person {
	return evidence.Person{
		UUID:  cmp.Or(got[placePersonUUID], got[placePersonUUIDInside], got[placePersonUUIDTypo]),
		Name:  got[placePersonName],
		Email: got[placePersonEmail],
	}
}

func knownPair(object, action string) bool {
	o, ok := auditObjects[object]
	return ok && slices.ContainsFunc(o.actions, func(w pairWord) bool { return w.action == action })
}
