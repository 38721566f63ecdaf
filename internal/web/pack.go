package web

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// packer compresses answers that are text. Bodies hold no secret of the server beside what the asker typed, so packing
// them gives nothing away.
type packer struct{ writers sync.Pool }

func newPacker() *packer {
	return &packer{writers: sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed+3) // the level is valid, so there is no error
		return w
	}}}
}

func (p *packer) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		packed := &packedWriter{ResponseWriter: w, pool: &p.writers}
		defer packed.close()
		next.ServeHTTP(packed, r)
	})
}

// packedWriter decides with the first byte whether the answer is worth packing.
type packedWriter struct {
	http.ResponseWriter
	pool *sync.Pool
	gz   *gzip.Writer
	sent bool
}

func (w *packedWriter) WriteHeader(status int) {
	if !w.sent {
		w.sent = true
		h := w.Header()
		if text(h.Get("Content-Type")) && h.Get("Content-Encoding") == "" && h.Get("Content-Disposition") == "" && status != http.StatusNoContent && status != http.StatusNotModified {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			w.gz = w.pool.Get().(*gzip.Writer)
			w.gz.Reset(w.ResponseWriter)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func text(media string) bool {
	return strings.HasPrefix(media, "text/") && !strings.HasPrefix(media, "text/event-stream") || strings.Contains(media, "json")
}

func (w *packedWriter) Write(b []byte) (int, error) {
	if !w.sent {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", http.DetectContentType(b))
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.gz != nil {
		return w.gz.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *packedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *packedWriter) close() {
	if w.gz == nil {
		return
	}
	_ = w.gz.Close() // fails only if the browser has hung up
	w.gz.Reset(nil)
	w.pool.Put(w.gz)
	w.gz = nil
}
