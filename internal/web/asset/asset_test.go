package asset_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/web/asset"
)

func get(t *testing.T, set *asset.Set, path, encoding string) *http.Response {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Accept-Encoding", encoding)
	rec := httptest.NewRecorder()
	set.ServeHTTP(rec, req)
	return rec.Result()
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestServe holds that a file is the same packed and plain, is kept for ever, and is found under no other name.
func TestServe(t *testing.T) {
	set, err := asset.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app.css", "app.js", "mark.svg", "inter.woff2", "inter-ext.woff2", "geist-mono.woff2"} {
		path := set.Path(name)
		plain := get(t, set, path, "")
		body := read(t, plain.Body)
		if plain.StatusCode != http.StatusOK || len(body) == 0 || !strings.Contains(plain.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s at %q: status %d, %d bytes, %q", name, path, plain.StatusCode, len(body), plain.Header.Get("Cache-Control"))
		}
		packed := get(t, set, path, "gzip, br")
		if packed.Header.Get("Content-Encoding") != "gzip" {
			continue
		}
		zr, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, zr), body) {
			t.Errorf("%s is another file when packed", name)
		}
	}
	for _, path := range []string{"/assets/app.css", "/assets/app.000000000000.css", "/assets/", "/assets/../asset.go"} {
		if res := get(t, set, path, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s gives %d", path, res.StatusCode)
		}
	}
	if set.Path("nothing.css") != "" {
		t.Error("an unknown name has an address")
	}
}

// TestStyleNamesFonts holds that the style sheet leads to the named fonts and to nothing outside.
func TestStyleNamesFonts(t *testing.T) {
	set, err := asset.New()
	if err != nil {
		t.Fatal(err)
	}
	css := string(read(t, get(t, set, set.Path("app.css"), "").Body))
	for _, font := range []string{"inter.woff2", "inter-ext.woff2", "geist-mono.woff2"} {
		if !strings.Contains(css, "url("+set.Path(font)+")") {
			t.Errorf("the style sheet does not load %s by its content's name", font)
		}
	}
	css = strings.ReplaceAll(css, "http://www.w3.org/2000/svg", "") // a name, not an address that is loaded
	for _, bad := range []string{"http:", "https:", "url(//", "@import"} {
		if strings.Contains(css, bad) {
			t.Errorf("the style sheet holds %q", bad)
		}
	}
}

// TestWeight holds the weight of a first load: everything but the page itself and letters beyond Latin-1.
func TestWeight(t *testing.T) {
	set, err := asset.New()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, size := range set.Sizes() {
		t.Logf("%-18s %6d bytes", name, size)
		total += size
	}
	if total > 100<<10 {
		t.Errorf("all assets together weigh %d bytes, want at most 100 KiB so that a page fits into 120 KB with them", total)
	}
}
