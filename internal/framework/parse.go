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
	maxFile         = 8 << 20 // bytes
	maxRequirements = 5000
	maxID           = 64  // bytes
	maxText         = 600 // runes
)

var idPattern = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)

// Parse reads a framework file and checks it: known keys alone, an id, a licence line, requirements with unique
// identifiers and titles. Errors are evidence.Invalid and say what to mend.
func Parse(data []byte) (Framework, error) {
	var f Framework
	if err := decode(data, &f); err != nil {
		return Framework{}, err
	}
	if !idPattern.MatchString(f.ID) || len(f.ID) > maxID {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The framework's id %.80q is not usable. Write lower-case words with hyphens, such as soc2.", f.ID)
	}
	for _, part := range []struct{ key, text string }{
		{"name", f.Name}, {"title", f.Title}, {"publisher", f.Publisher}, {"version", f.Version}, {"licence", f.Licence},
	} {
		if problem := textProblem(part.text); problem != "" {
			return Framework{}, evidence.Errorf(evidence.Invalid, "The framework's %s %s.", part.key, problem)
		}
	}
	return f, checkRequirements(f.Requirements)
}

func checkRequirements(all []Requirement) error {
	if len(all) == 0 || len(all) > maxRequirements {
		return evidence.Errorf(evidence.Invalid, "The framework has %d requirements. It needs at least one and at most %d.", len(all), maxRequirements)
	}
	seen := make(map[string]bool, len(all))
	for _, r := range all {
		if problem := textProblem(r.ID); problem != "" || len(r.ID) > maxID || strings.TrimSpace(r.ID) != r.ID {
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
