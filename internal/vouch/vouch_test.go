package vouch_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/vouch"
	"github.com/exhibithq/exhibit/internal/vouch/tsatest"
)

func TestStamp(t *testing.T) {
	tsa := tsatest.New(t)
	c := vouch.New("Exhibit/test")
	token, at, err := c.Stamp(t.Context(), tsa.URL, []byte("checkpoint"))
	if err != nil || len(token) == 0 || time.Since(at).Abs() > time.Minute {
		t.Fatalf("%d bytes at %s: %v", len(token), at, err)
	}
	tsa.Fail(true)
	if _, _, err := c.Stamp(t.Context(), tsa.URL, []byte("checkpoint")); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("an authority that refuses: %v", err)
	}
}

// TestStampOfSomethingElse answers with the token that an authority gave for another question.
func TestStampOfSomethingElse(t *testing.T) {
	tsa := tsatest.New(t)
	var kept []byte
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kept == nil {
			q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, tsa.URL, r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			q.Header = r.Header.Clone()
			a, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Body.Close()
			if kept, err = io.ReadAll(a.Body); err != nil {
				t.Error(err)
			}
		}
		_, _ = w.Write(kept)
	}))
	defer liar.Close()
	c := vouch.New("Exhibit/test")
	if _, _, err := c.Stamp(t.Context(), liar.URL, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Stamp(t.Context(), liar.URL, []byte("two")); err == nil || !strings.Contains(err.Error(), "other data") {
		t.Errorf("a token over other data: %v", err)
	}
	if _, _, err := c.Stamp(t.Context(), liar.URL, []byte("one")); err == nil || !strings.Contains(err.Error(), "another question") {
		t.Errorf("an old token over the same data: %v", err)
	}
	for i := range kept { // whatever bit flips, it never panics, and what is taken is still of this data
		kept[i] ^= 1 << (i % 8)
		_, _, _ = c.Stamp(t.Context(), liar.URL, []byte("one"))
		kept[i] ^= 1 << (i % 8)
	}
}

// TestCosignAnswers holds what each answer of a witness is told as.
func TestCosignAnswers(t *testing.T) {
	for _, a := range []struct {
		status             int
		media, body, wants string
		size               int64
	}{
		{http.StatusConflict, "text/x.tlog.size", "42\n", "", 42},
		{http.StatusConflict, "text/x.tlog.size", "forty\n", "409", 0},
		{http.StatusConflict, "text/plain", "42\n", "409", 0},
		{http.StatusForbidden, "", "", "does not know the key", 0},
		{http.StatusNotFound, "", "", "does not follow this log", 0},
		{http.StatusUnprocessableEntity, "", "", "does not go on", 0},
		{http.StatusInternalServerError, "", "out\x1b[2J of\norder", "out [2J of order", 0},
		{http.StatusFound, "", "", "302", 0},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/w/add-checkpoint" {
				t.Errorf("it asks at %s", r.URL.Path)
			}
			w.Header().Set("Content-Type", a.media)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body)
		}))
		_, err := vouch.New("Exhibit/test").Cosign(t.Context(), srv.URL+"/w/", translog.Submission{Note: []byte("x")})
		srv.Close()
		var size *vouch.SizeError
		if a.size > 0 && (!errors.As(err, &size) || size.Size != a.size) || a.size == 0 && (err == nil || !strings.Contains(err.Error(), a.wants)) {
			t.Errorf("%d %q: %v", a.status, a.body, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for address, good := range map[string]bool{"https://w.example.com": true, "http://127.0.0.1:8090/w": true, "ftp://w.example.com": false, "w.example.com": false, "https://a:b@w.example.com": false, "": false} {
		if (vouch.CheckURL(address) == nil) != good {
			t.Errorf("%q: %v", address, vouch.CheckURL(address))
		}
	}
}
