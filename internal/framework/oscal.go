package framework

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// What of an OSCAL catalogue (https://pages.nist.gov/OSCAL, 1.0 to 1.1) is read. Everything else is passed over.
type (
	oscalFile struct {
		Catalog *oscalCatalogue `json:"catalog"`
	}
	oscalCatalogue struct {
		Metadata struct {
			Title        string `json:"title"`
			Version      string `json:"version"`
			LastModified string `json:"last-modified"`
			Parties      []struct {
				Name string `json:"name"`
			} `json:"parties"`
		} `json:"metadata"`
		oscalGroup
	}
	oscalGroup struct {
		ID       string         `json:"id"`
		Title    string         `json:"title"`
		Params   []oscalParam   `json:"params"`
		Groups   []oscalGroup   `json:"groups"`
		Controls []oscalControl `json:"controls"`
	}
	oscalControl struct {
		ID       string         `json:"id"`
		Title    string         `json:"title"`
		Params   []oscalParam   `json:"params"`
		Props    []oscalProp    `json:"props"`
		Links    []oscalLink    `json:"links"`
		Parts    []oscalPart    `json:"parts"`
		Controls []oscalControl `json:"controls"` // enhancements
	}
	oscalParam struct {
		ID     string      `json:"id"`
		Label  string      `json:"label"`
		Props  []oscalProp `json:"props"`
		Values []string    `json:"values"`
		Select *struct {
			HowMany string   `json:"how-many"`
			Choice  []string `json:"choice"`
		} `json:"select"`
	}
	oscalProp struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		Class string `json:"class"`
	}
	oscalLink struct {
		Href string `json:"href"`
		Rel  string `json:"rel"`
	}
	oscalPart struct {
		Name  string      `json:"name"`
		Title string      `json:"title"`
		Props []oscalProp `json:"props"`
		Prose string      `json:"prose"`
		Parts []oscalPart `json:"parts"`
	}
)

// ParseOSCAL reads an OSCAL catalogue in JSON: groups, controls and enhancements become requirements, with the prose of
// their statements. Parameters are written where they are inserted, withdrawn controls are marked and kept. Guidance and
// assessment parts are left out. Errors are evidence.Invalid and name the control.
func ParseOSCAL(data []byte) (Framework, error) {
	if len(data) > MaxFile {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file is larger than %d MiB. A framework is smaller.", MaxFile>>20)
	}
	var file oscalFile
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&file); err != nil {
		return Framework{}, notJSON(data, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Framework{}, evidence.Errorf(evidence.Invalid, "Something stands behind the end of the document. Take it out.")
	}
	c := file.Catalog
	if c == nil {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file is no OSCAL catalogue: it has no \"catalog\". Profiles and other OSCAL documents cannot be imported; resolve the profile to a catalogue first.")
	}
	r := oscalReader{seen: map[string]bool{}, params: map[string]oscalParam{}}
	r.learn(c.oscalGroup, 0)
	if err := r.group(c.oscalGroup, "", 0); err != nil {
		return Framework{}, err
	}
	if len(r.out) == 0 {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The catalogue holds no controls.")
	}
	f := Framework{Name: oneLine(c.Metadata.Title), Title: oneLine(c.Metadata.Title), Version: oneLine(c.Metadata.Version), Requirements: r.out}
	if len(c.Metadata.Parties) > 0 {
		f.Publisher = oneLine(c.Metadata.Parties[0].Name)
	}
	if date, _, ok := strings.Cut(c.Metadata.LastModified, "T"); ok && len(date) == len("2024-02-13") {
		f.Date = date
	}
	return f, checkRequirements(f.Requirements)
}

// notJSON says on which line a document stops being JSON of the right shape.
func notJSON(data []byte, err error) error {
	at := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	e := evidence.Errorf(evidence.Invalid, "The file ends in the middle of the document.")
	if at >= 0 {
		line := 1 + bytes.Count(data[:min(at, int64(len(data)))], []byte("\n"))
		e = evidence.Errorf(evidence.Invalid, "Line %d: this is not what stands there in an OSCAL catalogue. Nothing was imported.", line)
	}
	e.Err = err
	return e
}

// oscalReader walks a catalogue.
type oscalReader struct {
	params map[string]oscalParam
	seen   map[string]bool
	out    []Requirement
}

// learn gathers the parameters of all controls first, since prose may insert those of other controls.
func (r *oscalReader) learn(g oscalGroup, depth int) {
	if depth > maxDepth {
		return // refused when it is walked
	}
	r.learnParams(g.Params)
	for _, c := range g.Controls {
		r.learnControl(c, depth+1)
	}
	for _, sub := range g.Groups {
		r.learn(sub, depth+1)
	}
}

func (r *oscalReader) learnControl(c oscalControl, depth int) {
	if depth > maxDepth {
		return
	}
	r.learnParams(c.Params)
	for _, sub := range c.Controls {
		r.learnControl(sub, depth+1)
	}
}

func (r *oscalReader) learnParams(params []oscalParam) {
	for _, p := range params {
		r.params[p.ID] = p
		for _, alias := range p.Props {
			if _, ok := r.params[alias.Value]; alias.Name == "alt-identifier" && !ok {
				r.params[alias.Value] = p
			}
		}
	}
}

// group reads a group's controls; within groups, the titles stand behind each other.
func (r *oscalReader) group(g oscalGroup, above string, depth int) error {
	if depth > maxDepth {
		return evidence.Errorf(evidence.Invalid, "The group %.60q lies more than %d deep.", g.ID, maxDepth)
	}
	title := oneLine(g.Title)
	switch {
	case title == "":
		title = above
	case above != "":
		title = above + ": " + title
	}
	for _, c := range g.Controls {
		if err := r.control(c, "", title, depth+1); err != nil {
			return err
		}
	}
	for _, sub := range g.Groups {
		if err := r.group(sub, title, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *oscalReader) control(c oscalControl, parent, group string, depth int) error {
	id := label(c)
	switch {
	case depth > maxDepth:
		return evidence.Errorf(evidence.Invalid, "The control %.60q lies more than %d deep.", id, maxDepth)
	case r.seen[id]:
		return evidence.Errorf(evidence.Invalid, "The control %.60q stands in the catalogue twice.", id)
	case len(r.out) == maxRequirements:
		return evidence.Errorf(evidence.Invalid, "The catalogue has more than %d controls.", maxRequirements)
	}
	r.seen[id] = true
	q := Requirement{ID: id, Group: group, Title: oneLine(c.Title), Parent: parent, Withdrawn: prop(c.Props, "status") == "withdrawn"}
	if q.Group == "" {
		q.Group = "Controls"
	}
	if q.Withdrawn {
		q.Text = successors(c.Links)
	}
	w := writer{params: r.params}
	w.parts(c.Parts, "statement", 0)
	if w.tooLong {
		return evidence.Errorf(evidence.Invalid, "The text of control %.60q is longer than %d characters when its parameters are written out, or refers to itself.", id, maxProse)
	}
	// Published catalogues leave a blank between a parameter and what follows it.
	joined := strings.NewReplacer("] ;", "];", "] ,", "],", "] .", "].").Replace(w.out.String())
	if text := prose(joined); text != "" {
		q.Text = text
	}
	r.out = append(r.out, q)
	for _, sub := range c.Controls {
		if err := r.control(sub, id, group, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// label is a control's identifier as its publisher writes it: the label without a class, such as AC-2(3), else its id.
func label(c oscalControl) string {
	for _, p := range c.Props {
		if p.Name == "label" && p.Class == "" && oneLine(p.Value) != "" {
			return oneLine(p.Value)
		}
	}
	return strings.TrimSpace(c.ID)
}

func prop(props []oscalProp, name string) string {
	for _, p := range props {
		if strings.EqualFold(p.Name, name) {
			return strings.ToLower(strings.TrimSpace(p.Value))
		}
	}
	return ""
}

// successors says where a withdrawn control went.
func successors(links []oscalLink) string {
	var to []string
	for _, l := range links {
		if l.Rel == "incorporated-into" || l.Rel == "moved-to" {
			at, _, _ := strings.Cut(strings.TrimPrefix(l.Href, "#"), "_")
			to = append(to, strings.ToUpper(at))
		}
	}
	if len(to) == 0 {
		return "Withdrawn."
	}
	return "Withdrawn: see " + strings.Join(to, ", ") + "."
}
