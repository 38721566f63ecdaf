//go:build !offline

package source

import "net/http"

// Transport carries requests to a source.
type Transport = http.RoundTripper
