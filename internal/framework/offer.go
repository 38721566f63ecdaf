package framework

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Offer is a starter control with its actions and all the requirements, of every framework, that it helps to meet.
type Offer struct {
	Key          string
	Name         string
	Description  string
	Requirements map[string][]string // framework to identifiers
	Systems      []string            // offered to companies with one of these; empty: to all
	Sizes        []string            // offered to companies of one of these sizes; empty: to all
	Actions      []StarterAction
}

// moreFile is starter-more.json: what the controls of the first starter set serve in other frameworks, and more controls
// for companies with some systems or of some sizes.
type moreFile struct {
	Licence  string                         `json:"licence"`
	Serves   map[string]map[string][]string `json:"serves"`
	Controls []struct {
		Key          string              `json:"key"`
		Name         string              `json:"name"`
		Description  string              `json:"description"`
		Systems      []string            `json:"systems"`
		Sizes        []string            `json:"sizes"`
		Requirements map[string][]string `json:"requirements"`
	} `json:"controls"`
	Actions []StarterAction `json:"actions"`
}

// Offers gives all starter controls in order of their keys.
func Offers() ([]Offer, error) {
	base, err := StarterFor("soc2")
	if err != nil {
		return nil, err
	}
	data, err := files.ReadFile("data/starter-more.json")
	if err != nil {
		return nil, fmt.Errorf("reading the starter controls: %w", err)
	}
	var more moreFile
	if err := decode(data, &more); err != nil {
		return nil, fmt.Errorf("reading the starter controls: %w", err)
	}
	var out []Offer
	for _, c := range base.Controls {
		o := Offer{Key: c.Key, Name: c.Name, Description: c.Description, Requirements: map[string][]string{base.Framework: c.Requirements}}
		maps.Copy(o.Requirements, more.Serves[c.Key])
		out = append(out, o)
	}
	for _, c := range more.Controls {
		out = append(out, Offer{c.Key, c.Name, c.Description, c.Requirements, c.Systems, c.Sizes, nil})
	}
	for _, a := range slices.Concat(base.Actions, more.Actions) {
		at := slices.IndexFunc(out, func(o Offer) bool { return o.Key == a.Control })
		if at < 0 {
			return nil, fmt.Errorf("the starter action %s belongs to no starter control", a.Key)
		}
		out[at].Actions = append(out[at].Actions, a)
	}
	return out, nil
}

// Fits reports whether an offer suits a company, and why, as a sentence without its end.
func (o Offer) Fits(p Profile) (why string, ok bool) {
	if len(o.Systems) > 0 {
		for _, c := range Systems() {
			if slices.Contains(o.Systems, c.ID) && slices.Contains(p.Systems, c.ID) {
				return "You have: " + strings.ToLower(c.Name[:1]) + c.Name[1:], true
			}
		}
		return "", false
	}
	if len(o.Sizes) > 0 {
		for _, c := range Sizes() {
			if slices.Contains(o.Sizes, c.ID) && p.Size == c.ID {
				return "You are " + strings.ToLower(c.Name[:1]) + c.Name[1:], true
			}
		}
		return "", false
	}
	return "For every company", true
}

// Serves gives the requirements of the offer in some frameworks, in the order in which these are named.
func (o Offer) Serves(frameworks []string) []evidence.RequirementRef {
	var out []evidence.RequirementRef
	for _, f := range frameworks {
		for _, id := range o.Requirements[f] {
			out = append(out, evidence.RequirementRef{Framework: f, ID: id})
		}
	}
	return out
}
