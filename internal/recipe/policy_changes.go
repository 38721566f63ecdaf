package recipe

import (
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var policyDeeds = deeds{
	{"account", "updatfw", "Changed the firewall rules"}, {"account", "enblmfa", "Switched on two-factor authentication"}, {"account", "updatmfa", "Changed two-factor authentication"},
	{"account", "disblmfa", "Switched off two-factor authentication"}, {"account", "enblduo", "Switched on Duo"}, {"account", "updatduo", "Changed Duo"}, {"account", "disblduo", "Switched off Duo"},
	{"account", "uisas", "Changed the rules for sharing items"}, {"account", "vrfydmn", "Verified a domain"}, {"account", "uvrfydmn", "Changed a verified domain"}, {"account", "dvrfydmn", "Removed a verified domain"},
	{"account", "update", "Changed the account"}, {"account", "updatea", "Changed the account's attributes"}, {"account", "activate", "Activated the account"}, {"account", "create", "Created the account"},
	{"account", "convert", "Converted the account"}, {"account", "delete", "Deleted the account"},
	{"sso", "enblsso", "Switched on single sign-on"}, {"sso", "disblsso", "Switched off single sign-on"}, {"sso", "chngpsso", "Changed the policy of single sign-on"},
	{"sso", "chngasso", "Changed the authentication of single sign-on"}, {"sso", "chngdsso", "Changed the discovery of single sign-on"},
	{"sso", "addgsso", "Put a group under single sign-on"}, {"sso", "delgsso", "Took a group from single sign-on"},
}

// policyChanges is kind E12 of the mapping: changes of the account's settings of sign-in, factors, firewall and sharing.
func policyChanges() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: policyDeeds.words,
		brief:   []fact{fTime, fWhat, fPerson, fEmail, fDetail, fIP, fCountry, fCity},
		finding: loosening,
		found: Section{
			Record: "loosened", Title: "Protections that were switched off or whose rules changed",
			Note:  "Second factors, Duo and single sign-on that were switched off, verified domains that were removed, and changes of the firewall and sharing rules, whose content events do not tell.",
			Empty: "No protection was switched off, and no firewall or sharing rule changed.",
		},
		events: Section{Record: "change", Title: "Other changes", Empty: "No other setting of the account was changed."},
	}
	return Recipe{
		ID: "policy-changes", Version: 1, Title: "Changes of account policies and sign-in settings",
		Shows: "Every audit event of the period that changed the account itself or its single sign-on: firewall rules, second factors, Duo, sharing rules, verified domains and attributes, by whom, when and from where.",
		Method: listMethod("audit event", "Those whose object is the account or its single sign-on have a row.",
			"Stand apart: what was switched off or removed, and changes of firewall and sharing rules."),
		NotShown: []string{
			"What a setting was before and after: events tell that it was changed.", "Settings that were not changed: " + strings.ToLower(notPolicy[:1]) + notPolicy[1:],
			notApproval, notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: policyDeeds.where()[:1],
		matched: "changed a setting of the account", build: table.run,
		Mappings: supports(evidence.Partial, "Each change of the account's settings in the period is listed with who made it, over a population that is counted whole.",
			"It shows changes and not the settings themselves, nor that a change was approved: attach a dated picture of the settings and the change records.", ids{
				soc2: "CC8.1 CC6.1 CC7.1", iso: "A.8.32 A.8.9", nist: "CM-3 CM-5 CM-6", cis: "4.1", pci: "10.2.1.2 10.2.1.7",
				hipaa: "164.308(a)(8)", csf: "PR.AA-05 PR.PS-04 DE.CM-03",
			}),
	}
}

func loosening(_ *builder, e evidence.Event, _ cells) string {
	switch {
	case strings.HasPrefix(e.Action, "disbl"):
		return "switched off"
	case e.Action == "dvrfydmn" || e.Action == "delgsso" || e.Action == "delete":
		return "removed"
	case e.Action == "updatfw" || e.Action == "uisas":
		return "rules changed"
	}
	return ""
}
