package recipe

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Unit says what a parameter counts.
type Unit string

// The units.
const (
	Minutes Unit = "minutes"
	Events  Unit = "events"
	Days    Unit = "days"
	Seconds Unit = "seconds"
	// Names is no number but a list of identifiers: uuids or emails, separated by commas.
	Names Unit = "uuids or emails, separated by commas"
	// Words is no number but a text, which the recipe checks.
	Words Unit = "words"
)

// Parameter is what a person may set: a whole number of its unit, names, or words. Names and words have no default but none.
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
	// Names are the value of a parameter of unit Names, sorted.
	Names []string `json:"names,omitzero"`
	// Text is the value of a parameter of unit Words.
	Text string `json:"text,omitempty"`
}

// String writes the value with its unit.
func (v Value) String() string {
	switch {
	case v.Unit == Words && v.Text == "":
		return "not given"
	case v.Unit == Words:
		return v.Text
	case v.Unit != Names:
		return strconv.Itoa(v.Value) + " " + string(v.Unit)
	case len(v.Names) == 0:
		return "none"
	}
	return strings.Join(v.Names, ", ")
}

// minutes gives a value of unit Minutes.
func (v values) minutes(name string) time.Duration { return time.Duration(v.count(name)) * time.Minute }

// days gives a value of unit Days.
func (v values) days(name string) time.Duration { return time.Duration(v.count(name)) * 24 * time.Hour }

type values []Value

// text gives a value of unit Words.
func (v values) text(name string) string {
	at := slices.IndexFunc(v, func(x Value) bool { return x.Name == name })
	return v[at].Text
}

// names gives a value of unit Names.
func (v values) names(name string) []string {
	at := slices.IndexFunc(v, func(x Value) bool { return x.Name == name })
	return v[at].Names
}

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
		v := Value{Name: p.Name, Title: p.Title, Unit: p.Unit, Value: p.Default}
		if p.Unit == Words {
			var err error
			if v.Text, err = r.words[p.Name](given[p.Name]); err != nil {
				return nil, err
			}
			out = append(out, v)
			continue
		}
		if text, ok := given[p.Name]; ok {
			if err := p.parse(text, &v); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
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

// parse reads what a person gave into v.
func (p Parameter) parse(text string, v *Value) error {
	if p.Unit == Names {
		return p.parseNames(text, v)
	}
	n, err := strconv.Atoi(text)
	if d, durErr := time.ParseDuration(text); err != nil && p.Unit == Minutes && durErr == nil && d%time.Minute == 0 {
		n, err = int(d/time.Minute), nil
	}
	if err != nil || n < p.Min || n > p.Max {
		return evidence.Errorf(evidence.Invalid, "%s (%s) is %.80q. Give a whole number of %s from %d to %d.", p.Title, p.Name, text, p.Unit, p.Min, p.Max)
	}
	v.Value = n
	return nil
}

// Limits of a list of names.
const (
	mostNames   = 200
	longestName = 256 // bytes
)

func (p Parameter) parseNames(text string, v *Value) error {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			v.Names = append(v.Names, name)
		}
	}
	slices.Sort(v.Names)
	v.Names = slices.Compact(v.Names)
	bad := func(name string) bool {
		return len(name) > longestName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl)
	}
	if len(v.Names) > mostNames || slices.ContainsFunc(v.Names, bad) {
		return evidence.Errorf(evidence.Invalid, "%s (%s) is not a list of %s. Give at most %d, each of at most %d characters.", p.Title, p.Name, p.Unit, mostNames, longestName)
	}
	return nil
}
