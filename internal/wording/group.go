package wording

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Group is all changes that one thing in the world calls for: one decision, or one for each text.
type Group struct {
	ID      string   // follows from what happened
	Titles  []string // what happened
	Changes []Proposal
}

// Grouped gives proposals by what caused them, in the order in which causes appear first. A text that several things change stands with
// others that the same things change.
func Grouped(all []Proposal) []Group {
	var out []Group
	for _, p := range all {
		var titles []string
		for _, c := range p.Causes {
			titles = append(titles, c.Title)
		}
		sum := sha256.Sum256([]byte(strings.Join(titles, "\x00")))
		id := "wg_" + hex.EncodeToString(sum[:8])
		at := slices.IndexFunc(out, func(g Group) bool { return g.ID == id })
		if at < 0 {
			at = len(out)
			out = append(out, Group{ID: id, Titles: titles})
		}
		out[at].Changes = append(out[at].Changes, p)
	}
	return out
}
