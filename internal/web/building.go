package web

import (
	"sync"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// building knows for whom an artifact is being built. A build reads a whole period; one at a time for each member keeps an
// impatient person from taking the machine from all others. It may be used by many goroutines.
type building struct {
	mu      sync.Mutex
	members map[evidence.ID]bool
}

func newBuilding() *building { return &building{members: map[evidence.ID]bool{}} }

// begin says no while another artifact is built for the member; done must be called at the end.
func (b *building) begin(member evidence.ID) (done func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.members[member] {
		return nil, evidence.Errorf(evidence.Conflict, "Another artifact is being built for you. Wait until it is in the list, then build this one.")
	}
	b.members[member] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.members, member)
	}, nil
}
