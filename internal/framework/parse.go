package framework

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Limits of a framework file. They are far above any published framework and keep a hostile file from filling memory.
const (
	maxFile         = MaxFile // bytes
	maxRequirements = 5000
	maxID           = 64    // bytes
	maxText         = 600   // runes of a title
	maxProse        = 20000 // runes of a requirement's text
	maxDepth        = 16    // of groups, requirements and parts within each other
)

// MaxFile is the largest file that is read, in bytes. NIST's whole SP 800-53 catalogue, the largest known, has 10 MB.
const MaxFile = 16 << 20

var idPattern = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)

// Parse reads a framework file and checks it: known keys alone, an id, a licence line, requirements with unique
// identifiers and titles. Errors are evidence.Invalid and say what to mend.
func Parse(data []byte) (Framework, error) {
	var f Framework
	if err := decode(data, &f); err != nil {
		return Framework{}, err
	}
	if err := check(f); err != nil {
		return Framework{}, err
	}
	return f, nil
}

// check sees that a framework can be kept and shown, wherever it was read from.
func check(f Framework) error {
	if !idPattern.MatchString(f.ID) || len(f.ID) > maxID {
		return evidence.Errorf(evidence.Invalid, "The framework's id %.80q is not usable. Write lower-case words with hyphens, such as soc2.", f.ID)
	}
	for _, part := range []struct {
		key, text string
		needed    bool
	}{
		{"name", f.Name, true}, {"title", f.Title, true}, {"publisher", f.Publisher, true}, {"version", f.Version, true},
		{"licence", f.Licence, true}, {"date", f.Date, false}, {"source", f.Source, false},
	} {
		if part.text == "" && !part.needed {
			continue
		}
		if problem := textProblem(part.text); problem != "" {
			return evidence.Errorf(evidence.Invalid, "The framework's %s %s.", part.key, problem)
		}
	}
	return checkRequirements(f.Requirements)
}

func checkRequirements(all []Requirement) error {
	if len(all) == 0 || len(all) > maxRequirements {
		return evidence.Errorf(evidence.Invalid, "The framework has %d requirements. It needs at least one and at most %d.", len(all), maxRequirements)
	}
	seen := make(map[string]bool, len(all))
	for _, r := range all {
		if problem := textProblem(r.ID); problem != "" || len(r.ID) > maxID || strings.TrimSpace(r.ID) != r.ID || strings.Trim(r.ID, ".") == "" {
			return evidence.Errorf(evidence.Invalid, "%.80q cannot be a requirement's id. Write it as the publisher does, in at most %d characters.", r.ID, maxID)
		}
		if seen[r.ID] {
			return evidence.Errorf(evidence.Invalid, "The requirement %s stands in the file twice. Take one out.", r.ID)
		}
		seen[r.ID] = true
		if problem := textProblem(r.Title); problem != "" {
			return evidence.Errorf(evidence.Invalid, "The title of requirement %s %s.", r.ID, problem)
		}
		if problem := textProblem(r.Group); problem != "" {
			return evidence.Errorf(evidence.Invalid, "The group of requirement %s %s.", r.ID, problem)
		}
		if problem := proseProblem(r.Text); problem != "" {
			return evidence.Errorf(evidence.Invalid, "The text of requirement %s %s.", r.ID, problem)
		}
	}
	return checkParents(all)
}

// checkParents sees that every parent is there and that none is its own ancestor.
func checkParents(all []Requirement) error {
	parents := make(map[string]string, len(all))
	for _, r := range all {
		parents[r.ID] = r.Parent
	}
	for _, r := range all {
		steps := 0
		for at := r.Parent; at != ""; at = parents[at] {
			if _, ok := parents[at]; !ok {
				return evidence.Errorf(evidence.Invalid, "The requirement %s names the parent %.80q, which is not in the file.", r.ID, at)
			}
			if steps++; steps > maxDepth {
				return evidence.Errorf(evidence.Invalid, "The parents of requirement %s go in a circle, or more than %d deep.", r.ID, maxDepth)
			}
		}
	}
	return nil
}

// textProblem says what is wrong with a text that people will read, as the end of a sentence; "" if nothing is.
func textProblem(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty"
	case utf8.RuneCountInString(s) > maxText:
		return "is too long"
	case strings.ContainsFunc(s, unsafe):
		return "holds control characters"
	}
	return ""
}

// proseProblem is textProblem for a text of several lines, which may be empty.
func proseProblem(s string) string {
	switch {
	case utf8.RuneCountInString(s) > maxProse:
		return "is too long"
	case strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unsafe(r) }):
		return "holds control characters"
	}
	return ""
}

// unsafe are characters that can hide or turn round what a person reads.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
}

// decode reads exactly one JSON document with known keys alone.
func decode(data []byte, into any) error {
	if len(data) > maxFile {
		return evidence.Errorf(evidence.Invalid, "The file is larger than %d MiB. A framework is smaller.", maxFile>>20)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &evidence.Error{Code: evidence.Invalid, Message: "The file is not what it should be: " + err.Error() + ".", Err: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return evidence.Errorf(evidence.Invalid, "Something stands behind the end of the document. Take it out.")
	}
	return nil
}
