package framework

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Loaded says how a file that a workspace loads itself is to be called. What is empty is taken from the file.
type Loaded struct {
	File string // its name; only its last part is used
	ID   string // "acme-policy"; the id of a framework that comes with Exhibit puts the file in its place
	Name string
}

// Read reads a file of unknown kind: an OSCAL catalogue in JSON, a framework file of Exhibit's own, or CSV. Nothing is
// kept if anything is wrong with it. Errors are evidence.Invalid and say where to look.
func Read(data []byte, as Loaded) (Framework, error) {
	if len(data) > MaxFile {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file is larger than %d MiB. A framework is smaller.", MaxFile>>20)
	}
	var f Framework
	var err error
	switch trimmed := bytes.TrimLeft(bytes.TrimPrefix(data, bom), " \t\r\n"); {
	case len(trimmed) == 0:
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file is empty.")
	case trimmed[0] == '<':
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file is XML. Exhibit reads OSCAL catalogues in JSON, and CSV.")
	case trimmed[0] != '{':
		f, err = ParseCSV(data)
	case bytes.Contains(trimmed, []byte(`"catalog"`)):
		f, err = ParseOSCAL(trimmed)
	default:
		f, err = Parse(trimmed)
	}
	if err != nil {
		return Framework{}, err
	}
	return named(f, as)
}

// named fills in what the file does not tell of itself.
func named(f Framework, as Loaded) (Framework, error) {
	file := oneLine(path.Base(strings.ReplaceAll(as.File, `\`, "/")))
	if file == "" || file == "." || file == "/" {
		file = "a file"
	}
	if as.Name != "" {
		f.Name, f.Title = as.Name, as.Name
	}
	if f.Name == "" {
		f.Name = strings.TrimSuffix(file, path.Ext(file))
	}
	if f.Title == "" {
		f.Title = f.Name
	}
	if as.ID != "" {
		f.ID = as.ID
	}
	if f.ID == "" {
		f.ID = slug(f.Name)
	}
	if f.Publisher == "" {
		f.Publisher = "not named in the file"
	}
	if f.Version == "" {
		f.Version = "not named in the file"
	}
	if f.Licence == "" {
		f.Licence = fmt.Sprintf("Loaded by this workspace from %s. Its publisher's terms apply; Exhibit does not give it on.", file)
	}
	if err := check(f); err != nil {
		return Framework{}, err
	}
	return f, nil
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes an id of a name.
func slug(name string) string {
	s := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	return strings.Trim(s[:min(len(s), maxID)], "-")
}

// oneLine takes line breaks and doubled blanks out of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
