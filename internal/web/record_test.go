package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
)

func record(h http.Handler, path string) *httptest.ResponseRecorder {
	return recordRequest(h, httptest.NewRequest(http.MethodGet, path, nil))
}

func recordRequest(h http.Handler, req *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func (brokenCoverage) Coverage(context.Context, evidence.ID, evidence.Span) ([]evidence.StreamCoverage, error) {
	return nil, errors.New("secret cause")
}

func (brokenCoverage) History(context.Context, connection.HistoryRequest) ([]connection.StreamHistory, error) {
	return nil, errors.New("secret cause")
}

func (brokenCoverage) WriteCSV(context.Context, io.Writer, string, connection.HistoryRequest) error {
	return errors.New("secret cause")
}
