package simulator

import (
	"net/http"
	"strings"
	"time"
)

// routes are the paths of the Events API; net/http answers the rest with 404 and wrong methods with 405.
func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/auth/introspect", s.introspect(1))
	mux.HandleFunc("GET /api/v2/auth/introspect", s.introspect(2))
	for _, stream := range Streams() {
		mux.HandleFunc("POST /api/v1/"+string(stream), s.data(stream, 1))
		mux.HandleFunc("POST /api/v2/"+string(stream), s.data(stream, 2))
	}
	s.controls(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw := &statusWriter{ResponseWriter: w}
		_, pattern := mux.Handler(r)
		if pattern == "" {
			pattern = "other"
		}
		w.Header().Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
		// Deferred, because cutting a connection is a panic with http.ErrAbortHandler.
		defer func() { s.tally.request(pattern, sw.status) }()
		mux.ServeHTTP(sw, r)
	})
}

// admit checks token and request limit; it answers itself if it refuses.
func (s *Simulator) admit(w http.ResponseWriter, r *http.Request, target, feature string) (claims, bool) {
	c, ok := s.authorize(r.Header.Get("Authorization"), r.Host, feature)
	if !ok {
		s.fail(w, target, http.StatusUnauthorized)
		return claims{}, false
	}
	ok, wait := s.limit.take(s.config.Now())
	if !ok {
		if !s.config.RetryAfter {
			wait = 0
		}
		s.tooMany(w, target, wait)
		return claims{}, false
	}
	return c, true
}

// introspect answers what the token is and may read; version 1 has capitalised keys and no account.
func (s *Simulator) introspect(version int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.skew(w, targetIntrospect)
		c, ok := s.admit(w, r, targetIntrospect, "")
		if !ok {
			return
		}
		kind := s.faults.draw(targetIntrospect, faultTooMany, faultTooManyBare, faultServer, faultHTML, faultReset, faultHang, faultRevoked)
		if kind != "" {
			s.refuse(w, r, targetIntrospect, kind)
			return
		}
		issued := time.Unix(c.IssuedAt, 0).UTC()
		if version == 1 {
			reply(w, struct {
				UUID     string
				IssuedAt time.Time
				Features []string
			}{c.Subject, issued, c.Features})
			return
		}
		reply(w, struct {
			UUID     string    `json:"uuid"`
			IssuedAt time.Time `json:"issued_at"`
			Features []string  `json:"features"`
			Account  string    `json:"account_uuid"`
		}{c.Subject, issued, c.Features, c.Account})
	}
}

// data answers with a page of a stream.
func (s *Simulator) data(stream Stream, version int) http.HandlerFunc {
	target := string(stream)
	return func(w http.ResponseWriter, r *http.Request) {
		s.advance()
		s.skew(w, target)
		if _, ok := s.admit(w, r, target, target); !ok {
			return
		}
		now := s.config.Now()
		c, asked, err := readBody(r.Body, now)
		if err != nil {
			s.fail(w, target, http.StatusBadRequest)
			return
		}
		p := s.page(stream, version, c, asked, now)
		gzip := acceptsGzip(r)
		kind := s.faults.draw(target, p.possible(gzip)...)
		if refusal(kind) {
			s.refuse(w, r, target, kind)
			return
		}
		s.distort(p, kind)
		s.deliver(w, r, p, kind, gzip)
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as far as it matters here.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding != "gzip" && coding != "*" {
			continue
		}
		q, isQ := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		return !isQ || strings.Trim(q, "0.") != ""
	}
	return false
}
