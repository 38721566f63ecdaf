package web

import (
	"net/http"
	"strings"

	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/upload"
)

// policy lets a page load its own style, script, fonts and pictures and nothing else: no inline code, no other host.
// Trusted Types are demanded without any policy, so that no script can turn text into HTML.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// downloadPolicy turns what is downloaded into dead paper, should a browser ever show it.
const downloadPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"

// headers sets what every answer carries; what carries data is never stored by a browser or a proxy.
func headers(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-store")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// bodyLimit is more than any form or API request needs.
const bodyLimit = 64 << 10

// mayHold is how many bytes a request may have. Frameworks and evidence come as files.
func mayHold(r *http.Request) int64 {
	if r.Method == http.MethodPost && (r.URL.Path == "/artifacts/upload" || r.URL.Path == apiPrefix+"/artifacts/uploads") {
		return upload.MaxSize + bodyLimit
	}
	if r.Method == http.MethodPost && (r.URL.Path == "/frameworks/import" || r.URL.Path == apiPrefix+"/frameworks") {
		return framework.MaxFile + bodyLimit
	}
	return bodyLimit
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mayHold(r))
		next.ServeHTTP(w, r)
	})
}

// localPath gives s if it is a path of this server that a redirect may lead to, else "/".
func localPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") || len(s) > 2000 {
		return "/"
	}
	return s
}
