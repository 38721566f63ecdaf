package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// Add makes one more event appear now, with any timestamp: a late one, or a payload from elsewhere. raw is served to
// the byte; it must be a JSON object with a uuid and an RFC 3339 timestamp. Nobody checks that the uuid is new.
func (s *Simulator) Add(stream Stream, raw []byte) error {
	f := s.feeds[stream]
	if f == nil {
		return fmt.Errorf("adding an event: there is no stream %q", stream)
	}
	b, err := oneEvent(raw)
	if err != nil {
		return fmt.Errorf("adding an event to %s: %w", stream, err)
	}
	f.Insert(b)
	return nil
}

// oneEvent checks raw and makes a builder of it.
func oneEvent(raw []byte) (*feed.Builder, error) {
	var head struct {
		UUID      string    `json:"uuid"`
		Timestamp time.Time `json:"timestamp"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("reading its uuid and timestamp: %w", err)
	}
	if head.UUID == "" || len(head.UUID) > maxTieBreaker || head.Timestamp.IsZero() {
		return nil, errors.New("it needs a uuid of at most 1024 bytes and a timestamp")
	}
	// The index refers to the uuid's text within the event, so its place must be found: the member's value, unescaped.
	at := uuidText(raw, head.UUID)
	if at < 0 || at > 1<<16-1 {
		return nil, errors.New("its uuid is written with escapes or stands too far behind")
	}
	b := new(feed.Builder)
	b.Append(head.Timestamp.UnixMilli(), raw, at, len(head.UUID))
	return b, nil
}

// uuidText finds where the text of the top-level uuid begins in raw, a JSON object; -1 unless it is spelt as want. If
// there are several, the last one counts, as it does for encoding/json.
func uuidText(raw []byte, want string) int {
	depth, at := 0, -1
	due := false // the next string is the value of the key uuid at depth one
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := textEnd(raw, i+1)
			text := string(raw[i+1 : end])
			if due && text == want {
				at = i + 1
			}
			rest := bytes.TrimLeft(raw[min(end+1, len(raw)):], " \t\r\n")
			due = depth == 1 && text == "uuid" && bytes.HasPrefix(rest, []byte{':'})
			i = end
		}
	}
	return at
}

// textEnd is the place of the quotation mark that ends the string whose text begins at i.
func textEnd(raw []byte, i int) int {
	for i < len(raw) && raw[i] != '"' {
		if raw[i] == '\\' {
			i++
		}
		i++
	}
	return min(i, len(raw))
}
