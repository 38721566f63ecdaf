package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// checkLog reads every leaf of every log: its form, its place in its chain, the hashes of the tree, and for a page that the
// stored bytes and salts still give the root that the leaf commits to.
func (c *checker) checkLog(ctx context.Context) (string, error) {
	var logs []sqlc.Log
	err := c.each(ctx, `SELECT workspace, origin, size, last_at FROM log WHERE size > 0 ORDER BY workspace`, func(rows *sql.Rows) error {
		var l sqlc.Log
		err := rows.Scan(&l.Workspace, &l.Origin, &l.Size, &l.LastAt)
		logs = append(logs, l)
		return err
	})
	if err != nil {
		return "", err
	}
	var leaves, pages int64
	for _, l := range logs {
		k := &logChecker{checker: c, log: l, chains: make(map[string]string)}
		if err := k.run(ctx); err != nil {
			return "", err
		}
		leaves += l.Size
		pages += k.pages
	}
	var stored int64
	if err := c.tx.QueryRowContext(ctx, `SELECT count(*) FROM page p JOIN stream s ON s.id = p.stream`).Scan(&stored); err != nil {
		return "", err
	}
	if stored != pages {
		c.complain("%d pages are stored and %d are in the log", stored, pages)
	}
	return fmt.Sprintf("%d leaves of %d logs are whole, and %d pages are as the log says.", leaves, len(logs), pages), nil
}

// logChecker checks one log.
type logChecker struct {
	*checker
	log    sqlc.Log
	fold   translog.Fold
	chains map[string]string
	last   int64
	pages  int64
}

func (k *logChecker) run(ctx context.Context) error {
	err := eachLeaf(ctx, k.q, k.log.Workspace, 0, k.log.Size, func(n int64, leaf []byte) error { return k.leaf(ctx, n, leaf) })
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if err != nil {
		k.complain("the log of workspace %d: %v", k.log.Workspace, err)
		return nil
	}
	return k.ends(ctx)
}

func (k *logChecker) leaf(ctx context.Context, n int64, leaf []byte) error {
	k.fold.Add(translog.LeafHash(leaf))
	if err := k.nodes(ctx, n); err != nil {
		return err
	}
	l, err := translog.DecodeLeaf(leaf)
	if err != nil {
		k.complain("leaf %d: %v", n, err)
		return nil
	}
	if l.At() < k.last {
		k.complain("leaf %d goes back in time", n)
	}
	k.last = l.At()
	if (n == 0) != (l.Kind == translog.KindGenesis) {
		k.complain("leaf %d is of kind %s", n, l.Kind)
	}
	if chain := translog.ChainOf(l); chain != "" {
		if l.Has("prev") && l.Text("prev") != k.chains[chain] {
			k.complain("leaf %d does not follow the one before it in %s", n, chain)
		}
		k.chains[chain] = translog.RecordID(leaf)
	}
	if l.Kind == translog.KindPage {
		return k.page(ctx, n, l)
	}
	return nil
}

// nodes compares what is stored of the tree with the leaves.
func (k *logChecker) nodes(ctx context.Context, n int64) error {
	id := k.log.Workspace<<leafBits | n
	rows, err := k.q.LogNodes(ctx, id, id+1, 1)
	if err != nil {
		return err
	}
	// The last hash stored with a leaf is the smallest complete subtree at the tree's edge.
	edge := k.fold.Frontier()
	if len(rows) == 0 || len(rows[0].Hashes) < translog.HashSize || translog.Hash(rows[0].Hashes[len(rows[0].Hashes)-translog.HashSize:]) != edge[len(edge)-1] {
		k.complain("the tree's hashes at leaf %d are not those of the leaves", n)
	}
	return nil
}

func (k *logChecker) page(ctx context.Context, n int64, l translog.Leaf) error {
	k.pages++
	id := l.Int("page")
	stored, err := k.q.PageBody(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		k.complain("page %d of leaf %d is gone", id, n)
		return nil
	}
	if err != nil {
		return err
	}
	salts, err := k.q.PageSalt(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		k.complain("the salts of page %d are gone", id)
		return nil
	}
	if err != nil {
		return err
	}
	layout, body, err := decodeBody(stored)
	if err != nil {
		k.complain("page %d: %v", id, err)
		return nil
	}
	root, err := translog.PageRoot(body, layout.Records(), func(i int) (int, int) { r := layout.Record(i); return r.Start, r.End }, salts)
	if err != nil || root != l.Hash("root") {
		k.complain("page %d is not what leaf %d commits to", id, n)
	}
	gone, err := erasedOf(ctx, k.q, id)
	if err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(maps.Keys(gone)), translog.Salts(salts).Erased()) {
		k.complain("page %d has other erased records than are noted", id)
	}
	return nil
}

// ends compares the ends of the chains, and what waits, with what is stored.
func (k *logChecker) ends(ctx context.Context) error {
	first := k.log.Workspace << leafBits
	more, err := k.q.LogLeaves(ctx, first|k.log.Size, first+1<<leafBits, 1)
	if err != nil {
		return err
	}
	if len(more) > 0 {
		k.complain("the log of workspace %d has leaves behind its end", k.log.Workspace)
	}
	for chain, record := range k.chains {
		end, err := k.q.ChainEnd(ctx, k.log.Workspace, chain)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if end != record {
			k.complain("%s ends with another leaf than is noted", chain)
		}
	}
	if k.last > k.log.LastAt {
		k.complain("the log of workspace %d notes an earlier end than it has", k.log.Workspace)
	}
	return nil
}
