package onepassword

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// samples lies beside the project, not in it: public payloads of other people. Without it the test is skipped.
const samples = "../../../../shared/events-api/samples"

// TestSamplePayloads sends every public sample through a page and back: each item keeps its bytes and has name and time.
func TestSamplePayloads(t *testing.T) {
	if _, err := os.Stat(samples); err != nil {
		t.Skip("the public samples are not here")
	}
	files := map[string]evidence.Stream{
		"elastic-integrations/test-signinattempts.json": SignIns, "elastic-integrations/test-itemusages.json": Usages, "elastic-integrations/test-auditevents.json": Audit,
		"docs-1password/itemusages_v2_example.json": Usages, "docs-1password/auditevents_v2_example.json": Audit,
		"sumologic/signin_attempt.json": SignIns, "sumologic/item_usage.json": Usages, "sumologic/audit_event.json": Audit,
	}
	for file, stream := range files {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(samples, file))
			if err != nil {
				t.Fatal(err)
			}
			body, items := pageOfSample(t, bytes.TrimSpace(text))
			e, err := split(stream, body, mostEvents, noTime)
			if err != nil {
				t.Fatal(err)
			}
			if len(e.records) != len(items) || len(items) == 0 {
				t.Fatalf("%d records of %d items", len(e.records), len(items))
			}
			for i, r := range e.records {
				if got := body[r.Start:r.End]; !bytes.Equal(got, items[i]) {
					t.Errorf("item %d came as\n%s\nnot as\n%s", i, got, items[i])
				}
				// An old example has no action; whatever else is odd would be a gap in what Exhibit knows.
				f := r.Facts
				if f.Odd&^evidence.OddAction != 0 || f.Odd&evidence.OddAction != 0 && f.Action+f.Type != "" {
					t.Errorf("item %d is odd in %v", i, f.Odd.Words())
				}
				if f.UUID == "" || f.At.IsZero() || f.Person.UUID == "" || f.IP == "" {
					t.Errorf("item %d lacks facts: %+v", i, f)
				}
				d := describe(stream, items[i])
				if d.Person == "" || d.Verb == "" || len(d.Fields) < 10 {
					t.Errorf("item %d is described as %+v", i, d)
				}
				for _, field := range d.Fields {
					if field.Label == field.Path {
						t.Errorf("item %d: %s has no label", i, field.Path)
					}
				}
			}
		})
	}
}

// pageOfSample gives a page and its items: some samples are pages, some single items, some items inside another envelope.
func pageOfSample(t *testing.T, text []byte) (body []byte, items []json.RawMessage) {
	t.Helper()
	var shapes struct {
		Items  []json.RawMessage `json:"items"`
		Events []struct {
			Message string `json:"message"`
		} `json:"events"`
	}
	if err := json.Unmarshal(text, &shapes); err != nil {
		t.Fatal(err)
	}
	switch {
	case len(shapes.Items) > 0:
		return text, shapes.Items
	case len(shapes.Events) > 0:
		var messages []string
		for _, e := range shapes.Events {
			items = append(items, json.RawMessage(e.Message))
			messages = append(messages, e.Message)
		}
		return []byte(pageOf(messages...)), items
	}
	return []byte(pageOf(string(text))), []json.RawMessage{text}
}

// TestSampleErrors reads the public samples of error bodies.
func TestSampleErrors(t *testing.T) {
	if _, err := os.Stat(samples); err != nil {
		t.Skip("the public samples are not here")
	}
	for file, want := range map[string]string{
		"400_observed.json": ": Bad Request", "401_observed.json": ": Unauthorized", "404_observed.txt": ": 404 page not found", "docs_1.4.1_shape_unobserved.json": ": <as printed",
	} {
		body, err := os.ReadFile(filepath.Join(samples, "errors", file))
		if err != nil {
			t.Fatal(err)
		}
		if got := saying(body); !strings.HasPrefix(got, want) {
			t.Errorf("%s says %q, want %q", file, got, want)
		}
	}
}
