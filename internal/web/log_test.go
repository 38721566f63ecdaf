package web

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// TestLogPage looks at the page, and rebuilds the tree from the tiles as a monitor of the log would.
func TestLogPage(t *testing.T) {
	s := filled(t)
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/log").body)
	p.Has("main", "exhibit/ws_")
	p.Has("main", "Verify without us")
	p.Has(".note", "w2.example.com does not vouch")
	p.Has("td", "w1.example.com")
	head, _, err := translog.OpenCheckpoint([]byte(s.get(c, "/log/tiles/checkpoint").body))
	must(t, err)
	entries := s.get(c, fmt.Sprintf("/log/tiles/tile/entries/000.p/%d", head.Size)).body
	fold, in, n := &translog.Fold{}, bytes.NewReader([]byte(entries)), int64(0)
	for {
		leaf, err := translog.ReadEntry(in, nil)
		if err != nil {
			break
		}
		fold.Add(translog.LeafHash(leaf))
		n++
	}
	if n != head.Size || fold.Root() != head.Root {
		t.Errorf("%d entries of %d give the root %s, not %s", n, head.Size, fold.Root(), head.Root)
	}
	hashes := s.get(c, fmt.Sprintf("/log/tiles/tile/0/000.p/%d", head.Size)).body
	fold = &translog.Fold{}
	for i := 0; i+translog.HashSize <= len(hashes); i += translog.HashSize {
		fold.Add(translog.Hash([]byte(hashes[i : i+translog.HashSize])))
	}
	if fold.Root() != head.Root {
		t.Error("the tile of hashes gives another root")
	}
	for _, path := range []string{"tile/0/999", "tile/entries/000.p/255", "tile/9/000", "x", "tile/0/../0"} {
		if a := s.get(c, "/log/tiles/"+path); a.status == 200 {
			t.Errorf("%s is answered", path)
		}
	}
}
