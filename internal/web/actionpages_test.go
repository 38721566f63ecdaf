package web

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

// fillActions gives a site actions in every state: overdue, due soon, open, done with a next one, retired.
func (s *site) fillActions() {
	s.t.Helper()
	ctx, me, p := s.t.Context(), s.caller(), program.New(s.store, s.clock)
	one := func(d program.ActionDraft) evidence.Action {
		s.t.Helper()
		a, err := p.AddAction(ctx, me, d)
		must(s.t, err)
		return a
	}
	requests := []evidence.EvidenceRequest{{Recipe: "failed-sign-ins", Params: map[string]string{"threshold": "5"}}, {Upload: "The list, signed by the head of the department"}}
	one(program.ActionDraft{Key: "A-LATE", Title: "Review failed sign-ins with the head of security", Description: "Look at each burst in 1Password, and at new locations.\nWrite down what was found.",
		Owner: "Marek Dvořák", Delegate: "Ada Okafor", Due: noon.Add(-3 * day), Cadence: evidence.Monthly, Requests: requests})
	one(program.ActionDraft{Key: "A-SOON", Title: "Upload the access policy", Owner: "Ada Okafor", Due: noon.Add(5 * day)})
	done := one(program.ActionDraft{Key: "A-DONE", Title: "Check that leavers lost their access", Owner: "Ada Okafor", Due: noon.Add(20 * day), Cadence: evidence.Quarterly})
	_, err := p.Done(ctx, me, string(done.ID), "Two were late by a day.\nBoth were told to their managers.")
	must(s.t, err)
	old := one(program.ActionDraft{Key: "A-OLD", Title: "Ask the old office for its keys", Due: noon.Add(30 * day)})
	_, err = p.RetireAction(ctx, me, string(old.ID), "The old office was closed.")
	must(s.t, err)
	_, err = p.Comment(ctx, me, "A-LATE", "The list lacks the contractors. @Ada Okafor, who has theirs?\nWithout it the month stays open.")
	must(s.t, err)
	s.advance(time.Minute)
	_, err = p.Comment(ctx, people.Caller{Member: "us_marek", Workspace: s.ws, Name: "Marek Dvořák", Role: people.Collaborator}, "A-LATE", "I asked; it comes tomorrow.")
	must(s.t, err)
	s.advance(time.Second)
}

// actionPages gives the pages of actions of a filled site.
func (s *site) actionPages() []string {
	s.t.Helper()
	out := []string{"/actions?status=overdue", "/actions?view=board", "/actions?status=done", "/actions/new", "/wording"}
	for _, key := range []string{"A-LATE", "A-DONE", "A-OLD"} {
		a, err := s.store.Action(s.t.Context(), s.ws, key)
		must(s.t, err)
		out = append(out, "/actions/"+string(a.ID))
	}
	return append(out, out[5]+"/edit")
}

// actionShots are the pictures of actions.
func (s *site) actionShots() []shot {
	p := s.actionPages()
	return []shot{
		{"action-board-light", p[1], "light", 1440, 1000}, {"action-board-dark", p[1], "dark", 1440, 1000}, {"phone-action-board", p[1], "light", 390, 1400}, {"action-list-dark", "/actions", "dark", 1440, 900}, {"phone-actions", "/actions", "light", 390, 1200},
		{"wording-light", "/wording", "light", 1440, 1000}, {"wording-dark", "/wording", "dark", 1440, 1000}, {"phone-wording", "/wording", "light", 390, 1200},
		{"action-light", p[5], "light", 1440, 1100}, {"action-dark", p[5], "dark", 1440, 1100}, {"phone-action", p[5], "light", 390, 1400}, {"action-done-light", p[6], "light", 1440, 900},
		{"action-form-light", p[3], "light", 1440, 1100}, {"action-form-dark", p[8], "dark", 1440, 1100}, {"phone-action-form", p[8], "light", 390, 1400},
	}
}
