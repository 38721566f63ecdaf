package explore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/store"
)

// session is an audit event of a person in a session.
func session(i int, person, session string) []byte {
	return fmt.Appendf(nil, `{"uuid":"AUDITOEWXDTVWKEQDIWTKV%04d","timestamp":%q,"actor_uuid":%q,"actor_details":{"uuid":%q,"name":"N","email":"n@example.com"},"action":"join","object_type":"gm",`+
		`"session":{"uuid":%q}}`, i, day.From.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), person, person, session)
}

func TestRelated(t *testing.T) {
	w := newWorld(t)
	var items [][]byte
	for i := range 20 {
		items = append(items, session(i, []string{"UADA", "UBOB"}[i%2], []string{"S1", "S1", "S2", "S1"}[i%4]))
	}
	w.read(items...)
	e, _, err := w.store.Event(t.Context(), w.ws, evidence.EventRef{Page: 1, Position: 8})
	w.ok(err)
	got, err := w.explore.Related(t.Context(), w.ws, e)
	w.ok(err)
	positions := map[explore.Relation][]int{}
	for _, r := range got {
		for _, x := range r.Events {
			positions[r.Relation] = append(positions[r.Relation], x.Position)
		}
		page, err := w.store.Events(t.Context(), store.EventsRequest{Query: r.Query})
		w.ok(err)
		if len(page.Events) <= len(r.Events) {
			t.Errorf("the query of the same %s finds %d events, and %d are shown", r.Relation, len(page.Events), len(r.Events))
		}
	}
	want := map[explore.Relation][]int{explore.SameSession: {0, 4, 12, 16}, explore.SamePerson: {2, 4, 6, 10, 12, 14}}
	if diff := cmp.Diff(want, positions); diff != "" {
		t.Errorf("related (-want +got):\n%s", diff)
	}
}
