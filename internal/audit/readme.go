package audit

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
)

//go:embed readme.html
var readmeHTML string

//go:embed verify.js
var verifyJS string

// readmeRow is a line of the table of controls.
type readmeRow struct {
	Control, Name, Action, Title, Period, Result, Strength string
	Review                                                 string
	Files                                                  []readmeFile
}

type readmeFile struct{ Path, Format string }

// readme is the page for people: what is in the bundle and how to check it. It holds a second verifier as a script, which
// shares nothing with package verify but the formats and their test vectors, and reaches no network.
func readme(m *maker) ([]byte, error) {
	t, err := template.New("readme").Parse(readmeHTML)
	if err != nil {
		return nil, fmt.Errorf("reading the readme's template: %w", err)
	}
	data := struct {
		Audit, Framework, From, To, Made, Build, Workspace, Origin, Bundle string
		Rows                                                               []readmeRow
		Coverage                                                           []readmeRow
		Limits                                                             []string
		Script                                                             template.JS
	}{Audit: m.audit.Name, Framework: m.audit.Framework, From: stamp(m.audit.Period.From), To: stamp(m.audit.Period.To), Made: stamp(fromMS(m.manifest.Created)),
		Build: m.cfg.Build, Workspace: m.manifest.Workspace, Origin: m.manifest.Origin, Bundle: m.manifest.Bundle, Limits: m.manifest.Limits,
		Script: template.JS(verifyJS)} //nolint:gosec // the program's own file
	files := m.w.Files()
	for _, s := range m.manifest.Status {
		k := m.artifacts[s.Artifact]
		c, action := m.controlOf(s)
		span, _ := k.leaf.Span("period")
		row := readmeRow{Control: c.Key, Name: c.Name, Action: action, Title: m.opened(k.leaf, "title_commit"), Period: stamp(fromMS(span.From)) + " to " + stamp(fromMS(span.To)), Result: s.Result, Strength: s.Strength}
		row.Review = m.reviewWords(s.Artifact)
		for _, f := range files {
			if f.Record == k.record && f.Format != "provenance" {
				row.Files = append(row.Files, readmeFile{f.Path, f.Format})
			}
		}
		data.Rows = append(data.Rows, row)
	}
	for _, c := range m.manifest.Coverage {
		words := "not read whole: see coverage in manifest.json"
		if c.Whole {
			words = "read whole"
		}
		if c.Whole && !c.Settled {
			words = "read whole, but late events may still come"
		}
		data.Coverage = append(data.Coverage, readmeRow{Name: c.Stream, Action: c.Connection, Result: words, Title: fmt.Sprint(c.Events)})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("writing the readme: %w", err)
	}
	return b.Bytes(), nil
}
