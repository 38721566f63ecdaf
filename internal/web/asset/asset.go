// Package asset holds what the pages load: fonts, style, script and mark. Every file is served under a name with the
// digest of its content, so that browsers may keep it for ever, and packed once at start.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static css
var files embed.FS

// Prefix is the path below which all assets lie.
const Prefix = "/assets/"

// media gives the media types of the endings that exist.
func media(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}

// one is an asset as it is served.
type one struct {
	media  string
	plain  []byte
	packed []byte // gzip; nil if packing does not make it smaller
}

// Set is all assets. It does not change after New and may be used from many goroutines.
type Set struct {
	paths  map[string]string // plain name to served path
	served map[string]one    // served path to bytes
}

// New reads the embedded assets, joins the style sheets, and names every file after its content.
func New() (*Set, error) {
	set := &Set{paths: map[string]string{}, served: map[string]one{}}
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		return nil, fmt.Errorf("listing assets: %w", err)
	}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading asset %s: %w", name, err)
		}
		if err := set.add(path.Base(name), body); err != nil {
			return nil, err
		}
	}
	style, err := set.style()
	if err != nil {
		return nil, err
	}
	return set, set.add("app.css", style)
}

// style joins the style sheets in the order of their names and points their urls at the named files.
func (s *Set) style() ([]byte, error) {
	sheets, err := fs.Glob(files, "css/*.css")
	if err != nil {
		return nil, fmt.Errorf("listing style sheets: %w", err)
	}
	var all bytes.Buffer
	for _, sheet := range sheets {
		body, err := files.ReadFile(sheet)
		if err != nil {
			return nil, fmt.Errorf("reading style sheet %s: %w", sheet, err)
		}
		all.Write(body)
	}
	text := all.String()
	for name, served := range s.paths {
		text = strings.ReplaceAll(text, "url("+name+")", "url("+served+")")
	}
	return []byte(text), nil
}

func (s *Set) add(name string, body []byte) error {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	served := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	packed, err := pack(body)
	if err != nil {
		return fmt.Errorf("packing asset %s: %w", name, err)
	}
	s.paths[name] = served
	s.served[served] = one{media: media(name), plain: body, packed: packed}
	return nil
}

func pack(body []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("making a gzip writer: %w", err)
	}
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("writing gzip: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("closing gzip: %w", err)
	}
	if buf.Len() >= len(body)*9/10 {
		return []byte(nil), nil
	}
	return buf.Bytes(), nil
}

// Path gives the address of an asset by its plain name, such as "app.css"; "" if there is none.
func (s *Set) Path(name string) string { return s.paths[name] }

// Sizes gives how many bytes travel for each plain name to a browser that accepts gzip.
func (s *Set) Sizes() map[string]int {
	sizes := map[string]int{}
	for name, served := range s.paths {
		a := s.served[served]
		sizes[name] = len(a.plain)
		if a.packed != nil {
			sizes[name] = len(a.packed)
		}
	}
	return sizes
}

// ServeHTTP serves an asset by its path with the digest in it. What is named so never changes, so it may be kept.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := s.served[r.URL.Path]
	if !ok {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	body := a.plain
	if a.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a browser that hangs up is no error of ours
	}
}
