package web

import (
	"context"
	"net/http"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// healthy says that the process serves.
func (s *server) healthy(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
	return nil
}

// ready says that the store answers.
func (s *server) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if _, err := s.cfg.Store.Size(ctx); err != nil {
		return &evidence.Error{Code: evidence.Unavailable, Message: "The database does not answer.", Err: err}
	}
	return s.healthy(w, r)
}

// timeout gives a context for work that no request asked for.
func timeout(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
