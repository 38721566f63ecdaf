package program_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/program"
)

func itemIDs(p program.Proposal) []string {
	var out []string
	for _, i := range p.Items {
		out = append(out, i.ID)
	}
	return out
}

func TestProposalAndAdoption(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	if _, err := p.Seed(ctx, who, ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	if err := p.SetProfile(ctx, me, framework.Profile{Industry: "retail", Size: "50-249", Systems: []string{"sso", "card-data"}}); err != nil {
		t.Fatal(err)
	}
	proposal, err := p.Propose(ctx, ws, []string{"pci-dss-4.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	ids := itemIDs(proposal)
	for id, want := range map[string]bool{
		"map:EX-01": true, "control:EX-16": true, "action:EX-16-A1": true, "control:EX-13": true, "control:EX-20": true, // card data, single sign-on, size
		"control:EX-14": false, "control:EX-17": false, "action:EX-01-A1": false, "control:EX-01": false,
	} {
		if slices.Contains(ids, id) != want {
			t.Errorf("%s proposed: %v", id, !want)
		}
	}
	for _, bad := range []struct {
		items []string
		code  evidence.Code
	}{{[]string{"action:EX-16-A1"}, evidence.Invalid}, {[]string{"control:EX-99"}, evidence.Conflict}} {
		if _, err := p.Adopt(ctx, me, []string{"pci-dss-4.0.1"}, bad.items); evidence.ErrorCode(err) != bad.code {
			t.Errorf("%v: %v", bad.items, err)
		}
	}
	made, err := p.Adopt(ctx, me, []string{"pci-dss-4.0.1"}, []string{"map:EX-01", "control:EX-16", "action:EX-16-A1"})
	if err != nil || made.Controls != 1 || made.Actions != 1 || made.Mapped != 1 || !slices.Equal(made.Frameworks, []string{"pci-dss-4.0.1"}) {
		t.Fatalf("%+v, %v", made, err)
	}
	one, err := p.Control(ctx, ws, "EX-01")
	if err != nil || !slices.Contains(one.Requirements, ref("pci-dss-4.0.1", "8.3.4")) || !slices.Contains(one.Requirements, ref("soc2", "CC6.1")) {
		t.Errorf("one control serves many: %+v, %v", one, err)
	}
	if slices.ContainsFunc(one.Requirements, func(r evidence.RequirementRef) bool { return r.Framework == "hipaa" }) {
		t.Errorf("mapped to a framework that nobody adopted: %+v", one.Requirements)
	}
	rest, err := p.Propose(ctx, ws, nil)
	if err != nil || slices.Contains(itemIDs(rest), "control:EX-16") || !slices.Contains(itemIDs(rest), "control:EX-13") || len(rest.Frameworks) != 2 {
		t.Errorf("what is left: %v, %v", itemIDs(rest), err)
	}
	if _, err := p.RetireControl(ctx, me, "EX-16", "outsourced"); err != nil {
		t.Fatal(err)
	}
	if rest, err = p.Propose(ctx, ws, nil); err != nil || slices.ContainsFunc(itemIDs(rest), func(id string) bool { return strings.Contains(id, "EX-16") }) {
		t.Errorf("a retired control is proposed again: %v, %v", itemIDs(rest), err)
	}
	if _, err := p.Propose(ctx, ws, []string{"iso"}); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("no such framework: %v", err)
	}
}

// TestAdoptEverything adopts each framework alone in a fresh workspace; what is left then is nothing.
func TestAdoptEverything(t *testing.T) {
	ctx := context.Background()
	shipped, err := framework.Frameworks()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range shipped {
		st, ws, c := open(t)
		p := program.New(st, c.now)
		made, err := p.Adopt(ctx, ada(ws), []string{f.ID}, nil)
		if err != nil || made.Controls == 0 || made.Actions < made.Controls || made.Mapped != 0 {
			t.Errorf("%s: %+v, %v", f.ID, made, err)
		}
		again, err := p.Adopt(ctx, ada(ws), []string{f.ID}, nil)
		if err != nil || again.Controls+again.Actions+again.Mapped+len(again.Frameworks) != 0 {
			t.Errorf("%s again: %+v, %v", f.ID, again, err)
		}
	}
}

// TestAdoptCrashes fails some step before or after it took effect; adopting again makes the rest.
func TestAdoptCrashes(t *testing.T) {
	ctx := context.Background()
	for _, stored := range []bool{false, true} {
		for _, at := range []int{0, 1, 2, 9, 17} {
			st, ws, c := open(t)
			f := &failing{Store: st, left: at, stored: stored}
			if _, err := program.New(f, c.now).Adopt(ctx, ada(ws), []string{"hipaa"}, nil); !errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", at, err)
			}
			p := program.New(st, c.now)
			if _, err := p.Adopt(ctx, ada(ws), []string{"hipaa"}, nil); err != nil {
				t.Fatal(err)
			}
			rest, err := p.Propose(ctx, ws, nil)
			if err != nil || len(rest.Items) != 0 || len(rest.Frameworks) != 1 {
				t.Errorf("step %d, stored %v: left %v, %v", at, stored, itemIDs(rest), err)
			}
		}
	}
}

func (f *failing) AddControl(ctx context.Context, c evidence.Control) (evidence.Control, error) {
	return step(f, func() (evidence.Control, error) { return f.Store.AddControl(ctx, c) })
}
