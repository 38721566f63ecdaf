package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

var deviceDeeds = deeds{
	{"device", "create", "Authorised a device"}, {"device", "update", "Changed a device"}, {"device", "delete", "Removed a device"}, {"device", "reauth", "Authorised a device again"},
}

// devices is kind E17 of the mapping: devices that were authorised and removed.
func devices() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: deviceDeeds.words,
		brief:  []fact{fTime, fWhat, fObject, fWhom, fWhomEmail, fPerson, fEmail, fIP, fCountry},
		events: Section{Record: "device", Title: "Each device authorised, changed or removed", Note: "The object's uuid is that of the device.", Empty: "No device was authorised, changed or removed."},
	}
	return Recipe{
		ID: "devices", Version: 1, Title: "Devices authorised and removed",
		Shows:  "Every audit event of the period by which a device was authorised, authorised again, changed or removed: whose device by identifier, by whom, when and from where.",
		Method: listMethod("audit event", "Those whose object is a device have a row."),
		NotShown: []string{
			"What kind of device it is, whether it is managed and whether it is encrypted: events name it by identifier alone.",
			"Which devices there are: those that were authorised before and not changed are in no event of the period.", notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: deviceDeeds.where()[:1],
		matched: "authorised, changed or removed a device", build: table.run,
		Mappings: supports(evidence.Partial, "Each device that was authorised or removed in the period is listed, over a population that is counted whole.",
			"It is no inventory: it shows changes, and names devices by identifier alone.", ids{
				soc2: "CC6.1", iso: "A.8.1", nist: "IA-3 AC-20", cis: "1.1", pci: "10.2.1.5",
				hipaa: "164.312(d)", csf: "PR.AA-01 PR.AA-03 PR.PS-04",
			}),
	}
}
