package translog

import "strings"

// seedLeaves are leaves of the kinds that tell of holds.
func seedLeaves() []Leaf {
	h := strings.Repeat("ab", HashSize)
	return []Leaf{
		{KindHold, Fields{"at": int64(1), "hold": "ho_0000000000000000", "code": "audit", "review": int64(2), "scope_commit": h, "owner_commit": h, "reason_commit": h, "actor_commit": h, "prev": ""}},
		{KindRelease, Fields{"at": int64(1), "hold": "ho_0000000000000000", "reason_commit": h, "actor_commit": h, "prev": h}},
	}
}
