package upload

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// Limits of what an office file may hold when it is unpacked. Spreadsheets repeat themselves, so they pack well; a bomb
// packs a thousandfold and more.
const (
	maxParts    = 10_000
	maxUnpacked = 512 << 20
	maxRatio    = 200
	ratioFrom   = 1 << 20 // parts below this size may pack as they like
	maxRels     = 8 << 20
)

// mainTypes are the content types of the part that makes a file what it is.
var mainTypes = map[string]string{
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
}

// checkOffice unpacks a workbook or document once, keeps nothing, and refuses what acts or fetches when it is opened.
func checkOffice(k Kind, r io.ReaderAt, size int64, head []byte) error {
	if !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return marked(k, false)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return marked(k, false)
	}
	if len(z.File) > maxParts {
		return refuse("The %s file has more than %d parts.", k.Format, maxParts)
	}
	seen, left, main := map[string]bool{}, int64(maxUnpacked), false
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		if seen[name] || !cleanName(f.Name) {
			return refuse("The %s file has a part with a name that no office program writes (%.60q).", k.Format, f.Name)
		}
		seen[name] = true
		if err := harmless(k, name); err != nil {
			return err
		}
		b, err := unpack(k, f, &left, name == "[content_types].xml" || strings.HasSuffix(name, ".rels"))
		switch {
		case err != nil:
			return err
		case name == "[content_types].xml":
			if main, err = checkTypes(k, b); err != nil {
				return err
			}
		case strings.HasSuffix(name, ".rels"):
			if err := checkRelations(k, b); err != nil {
				return err
			}
		}
	}
	return marked(k, main)
}

// cleanName reports whether a name in an office file leads nowhere else.
func cleanName(name string) bool {
	trimmed := strings.TrimSuffix(name, "/")
	return name != "" && path.Clean(trimmed) == trimmed && !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "..") && !strings.ContainsAny(name, "\\:\x00")
}

// harmless refuses parts that act, by their names. name is in lower case.
func harmless(k Kind, name string) error {
	switch base := path.Base(name); {
	case base == "vbaproject.bin" || base == "vbadata.xml" || strings.Contains(name, "/macrosheets/"):
		return refuse("The %s file has macros. Save it without them, or hand in a PDF of it.", k.Format)
	case strings.Contains(name, "/activex/") || strings.HasPrefix(base, "oleobject"):
		return refuse("The %s file has embedded programs or objects. Save it without them, or hand in a PDF of it.", k.Format)
	case strings.Contains(name, "/externallinks/") || base == "connections.xml" && k.Format == "xlsx":
		return refuse("The %s file takes data from other files or servers. Break the links (Data, Edit links) so that it holds its values itself.", k.Format)
	}
	return nil
}

// unpack reads a part to its end within what is left, and gives it if it is asked for.
func unpack(k Kind, f *zip.File, left *int64, keep bool) ([]byte, error) {
	if f.Flags&1 != 0 {
		return nil, refuse("The %s file is encrypted. Hand it in without a password.", k.Format)
	}
	in, err := f.Open()
	if err != nil {
		return nil, marked(k, false)
	}
	defer in.Close() //nolint:errcheck // opened for reading
	var b bytes.Buffer
	out := io.Writer(io.Discard)
	if keep {
		out = &b
		if f.UncompressedSize64 > maxRels {
			return nil, refuse("The %s file has a list of parts that is larger than any office program writes.", k.Format)
		}
	}
	most := *left
	if packed := int64(f.CompressedSize64); packed < maxUnpacked/maxRatio { //nolint:gosec // at most the file's size
		most = min(most, max(ratioFrom, packed*maxRatio))
	}
	n, err := io.Copy(out, io.LimitReader(in, most+1))
	*left -= n
	switch {
	case n > most:
		return nil, refuse("The %s file unpacks to far more than it holds, as bombs do. Hand in a PDF of it.", k.Format)
	case err != nil:
		return nil, refuse("The %s file is damaged: %.60q cannot be unpacked.", k.Format, f.Name)
	}
	return b.Bytes(), nil
}

// each calls fn with every element of an XML part.
func each(k Kind, b []byte, fn func(e xml.StartElement) error) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse("The %s file is damaged: its list of parts cannot be read.", k.Format)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := fn(e); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

// checkTypes reports whether a file has the main part of its kind, and refuses macros under another name.
func checkTypes(k Kind, b []byte) (main bool, err error) {
	err = each(k, b, func(e xml.StartElement) error {
		t := attr(e, "ContentType")
		main = main || t == mainTypes[k.Format]
		if low := strings.ToLower(t); strings.Contains(low, "macroenabled") || strings.Contains(low, "vbaproject") {
			return harmless(k, "vbaproject.bin")
		}
		return nil
	})
	return main, err
}

// checkRelations refuses what is fetched when the file is opened. Hyperlinks, which a person has to follow, may stay.
func checkRelations(k Kind, b []byte) error {
	return each(k, b, func(e xml.StartElement) error {
		if !strings.EqualFold(attr(e, "TargetMode"), "External") || strings.HasSuffix(attr(e, "Type"), "/hyperlink") {
			return nil
		}
		return harmless(k, "/externallinks/")
	})
}
