// Package framework holds frameworks as data: one JSON file each in data/, with identifiers, own-words titles and a
// licence line, and beside them the starter controls and actions that a workspace begins with. It also reads what a
// workspace loads itself: OSCAL catalogues and CSV. It reads no network and no disk: the files are part of the program.
package framework

import (
	"embed"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

//go:embed data/*.json
var files embed.FS

// published are the framework files in the order in which they are shown.
var published = [...]string{"soc2", "iso27001-2022", "iso42001", "nist-csf-2.0", "nist-800-53r5", "pci-dss-4.0.1", "hipaa", "cis-8.1"}

// Framework is a published set of requirements.
type Framework struct {
	ID        string `json:"id"`        // "soc2"; as the command line spells it
	Name      string `json:"name"`      // "SOC 2"
	Title     string `json:"title"`     // in full
	Publisher string `json:"publisher"` // who numbers the requirements
	Version   string `json:"version"`
	Date      string `json:"date,omitempty"`   // when that version was published: 2024-06-11, 2024-06 or 2024
	Source    string `json:"source,omitempty"` // where the publisher's own text is to be had
	// Licence says whose the words are and under what terms they may be given on.
	Licence      string        `json:"licence"`
	Requirements []Requirement `json:"requirements"`
}

// Requirement is one numbered demand.
type Requirement struct {
	ID    string `json:"id"`    // as the publisher numbers it: "CC6.1"
	Group string `json:"group"` // heading that it stands under
	Title string `json:"title"` // in own words unless the licence says otherwise
	// Text is the publisher's text, only where the licence line allows it or the workspace loaded it itself.
	Text      string `json:"text,omitempty"`
	Parent    string `json:"parent,omitempty"`    // id of the requirement that this one refines
	Withdrawn bool   `json:"withdrawn,omitempty"` // the publisher took it back; it stays so that old mappings can be read
}

// Requirement looks one up by its identifier. Without it the error is evidence.NotFound.
func (f Framework) Requirement(id string) (Requirement, error) {
	at := slices.IndexFunc(f.Requirements, func(r Requirement) bool { return r.ID == id })
	if at < 0 {
		return Requirement{}, evidence.Errorf(evidence.NotFound, "%s has no requirement %q.", f.Name, id)
	}
	return f.Requirements[at], nil
}

// Frameworks gives all frameworks that come with Exhibit. An error means that the program was built with a broken file.
func Frameworks() ([]Framework, error) {
	var all []Framework
	for _, id := range published {
		f, err := ByID(id)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// ByID gives one framework. Without it the error is evidence.NotFound.
func ByID(id string) (Framework, error) {
	if !slices.Contains(published[:], id) {
		return Framework{}, evidence.Errorf(evidence.NotFound, "There is no framework %q. Run exhibit frameworks list to see which there are.", id)
	}
	data, err := files.ReadFile("data/" + id + ".json")
	if err != nil {
		return Framework{}, fmt.Errorf("reading framework %s: %w", id, err)
	}
	f, err := Parse(data)
	if err != nil {
		return Framework{}, fmt.Errorf("framework %s: %w", id, err)
	}
	return f, nil
}
