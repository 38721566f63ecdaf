package translog

import "strings"

// seedLeaves are leaves of the kinds that tell of holds and erasures.
func seedLeaves() []Leaf {
	h := strings.Repeat("ab", HashSize)
	return []Leaf{
		{KindHold, Fields{"at": int64(1), "hold": "ho_0000000000000000", "code": "audit", "review": int64(2), "scope_commit": h, "owner_commit": h, "reason_commit": h, "actor_commit": h, "prev": ""}},
		{KindErase, Fields{"at": int64(1), "erasure": "er_0000000000000000", "basis": "art17-1a", "targets": []any{Fields{"page": h, "segments": []any{int64(1), int64(3)}}, Fields{"artifact": "ar_0000000000000000", "version": int64(1), "role": "csv"}},
			"reason_commit": h, "actor_commit": h}},
		{KindRelease, Fields{"at": int64(1), "hold": "ho_0000000000000000", "reason_commit": h, "actor_commit": h, "prev": h}},
	}
}
