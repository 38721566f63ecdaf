package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// Limits of a page, and the span that a reset cursor covers when it names no start.
const (
	defaultLimit = 100
	maxLimit     = 1000
	defaultSpan  = time.Hour
	maxBody      = 64 << 10
)

// readBody parses the body of a data request: a cursor to go on with, or the parameters of a new one. asked is the
// cursor as it was given, empty for a reset. Unknown keys are ignored; when there is a cursor, so is everything else.
func readBody(body io.Reader, now time.Time) (c cursor, asked string, err error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return cursor{}, "", fmt.Errorf("reading the request: %w", err)
	}
	return parseBody(raw, now)
}

func parseBody(raw []byte, now time.Time) (c cursor, asked string, err error) {
	var r struct {
		Cursor *string         `json:"cursor"`
		Limit  json.RawMessage `json:"limit"`
		Start  json.RawMessage `json:"start_time"`
		End    json.RawMessage `json:"end_time"`
	}
	if len(raw) > maxBody {
		return cursor{}, "", errors.New("the body is too large")
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return cursor{}, "", fmt.Errorf("reading the body: %w", err)
	}
	if len(raw) == 0 || firstByte(raw) != '{' { // null is valid JSON, but not an object
		return cursor{}, "", errors.New("the body is not an object")
	}
	if r.Cursor != nil && *r.Cursor != "" {
		c, err := decodeCursor(*r.Cursor)
		return c, *r.Cursor, err
	}
	c, err = resetCursor(r.Limit, r.Start, r.End, now)
	return c, "", err
}

// resetCursor reads only now what a cursor would have made irrelevant.
func resetCursor(rawLimit, rawStart, rawEnd json.RawMessage, now time.Time) (cursor, error) {
	limit := defaultLimit
	if given(rawLimit) {
		if err := json.Unmarshal(rawLimit, &limit); err != nil {
			return cursor{}, fmt.Errorf("reading limit: %w", err)
		}
	}
	if limit < 1 || limit > maxLimit {
		return cursor{}, fmt.Errorf("limit is %d", limit)
	}
	end := int64(noEnd)
	start := now.Add(-defaultSpan)
	if given(rawEnd) {
		t, err := parseTime(rawEnd)
		if err != nil {
			return cursor{}, fmt.Errorf("reading end_time: %w", err)
		}
		end, start = t.UnixMilli(), t.Add(-defaultSpan)
	}
	if given(rawStart) {
		t, err := parseTime(rawStart)
		if err != nil {
			return cursor{}, fmt.Errorf("reading start_time: %w", err)
		}
		start = t
	}
	return cursor{Limit: limit, End: end, After: feed.Position{Milli: start.UnixMilli()}}, nil
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// parseTime reads an RFC 3339 time, strictly.
func parseTime(raw json.RawMessage) (time.Time, error) {
	var t time.Time
	err := json.Unmarshal(raw, &t)
	return t, err
}

func firstByte(raw []byte) byte {
	for _, b := range raw {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return b
		}
	}
	return 0
}
