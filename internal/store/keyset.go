package store

import (
	"fmt"
	"math"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Keyset is a place in a list of events: just behind one event. It stays good while events are added and does not depend
// on filters. Take it as opaque.
type Keyset struct{ at, stream, page, position int64 }

// String gives a text that ParseKeyset reads and that needs no escaping in a URL.
func (k Keyset) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", k.at, k.stream, k.page, k.position)
}

// ParseKeyset reads what String writes.
func ParseKeyset(s string) (*Keyset, error) {
	var k Keyset
	n, err := fmt.Sscanf(s, "%d.%d.%d.%d", &k.at, &k.stream, &k.page, &k.position)
	outside := min(k.page, k.position) < 0 || max(k.page, k.position) > math.MaxInt32 // no such row can be
	if err != nil || n != 4 || k.String() != s || outside {
		return nil, evidence.Errorf(evidence.Invalid, "%q is not a place in the list of events. Start again from the first page.", s)
	}
	return &k, nil
}

// keysetOf is the place of a row.
func keysetOf(r *eventRow) *Keyset {
	return &Keyset{at: r.at, stream: r.stream, page: r.page, position: int64(r.position)}
}
