package recipe

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Unit says what a parameter counts.
type Unit string

// The units.
const (
	Minutes Unit = "minutes"
	Events  Unit = "events"
)

// Parameter is one number that a person may set. Its text form is a whole number of its unit.
type Parameter struct {
	Name    string
	Title   string
	Unit    Unit
	Default int
	Min     int
	Max     int
}

// Value is a parameter as it was used.
type Value struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  Unit   `json:"unit"`
	Value int    `json:"value"`
}

// String writes the value with its unit.
func (v Value) String() string { return strconv.Itoa(v.Value) + " " + string(v.Unit) }

// minutes gives a value of unit Minutes.
func (v values) minutes(name string) time.Duration { return time.Duration(v.count(name)) * time.Minute }

type values []Value

// count gives a value; asking for one that the recipe does not declare is a defect that every run of it would show.
func (v values) count(name string) int {
	at := slices.IndexFunc(v, func(x Value) bool { return x.Name == name })
	return v[at].Value
}

// Values checks what a person gave and fills in the defaults, in the order of r.Parameters. Minutes may also be written
// as a duration, such as 10m or 1h. Errors are evidence.Invalid.
func (r Recipe) Values(given map[string]string) ([]Value, error) {
	var out []Value
	known := map[string]bool{}
	for _, p := range r.Parameters {
		known[p.Name] = true
		n := p.Default
		if text, ok := given[p.Name]; ok {
			var err error
			if n, err = p.parse(text); err != nil {
				return nil, err
			}
		}
		out = append(out, Value{p.Name, p.Title, p.Unit, n})
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !known[name] {
			return nil, evidence.Errorf(evidence.Invalid, "The recipe %s has no parameter %.80q. %s", r.ID, name, r.parameterNames())
		}
	}
	return out, nil
}

func (r Recipe) parameterNames() string {
	if len(r.Parameters) == 0 {
		return "It has none."
	}
	var names []string
	for _, p := range r.Parameters {
		names = append(names, p.Name)
	}
	return "It has these: " + strings.Join(names, ", ") + "."
}

func (p Parameter) parse(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if d, durErr := time.ParseDuration(text); err != nil && p.Unit == Minutes && durErr == nil && d%time.Minute == 0 {
		n, err = int(d/time.Minute), nil
	}
	if err != nil || n < p.Min || n > p.Max {
		return 0, evidence.Errorf(evidence.Invalid, "%s (%s) is %.80q. Give a whole number of %s from %d to %d.", p.Title, p.Name, text, p.Unit, p.Min, p.Max)
	}
	return n, nil
}
