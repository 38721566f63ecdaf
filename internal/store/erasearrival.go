package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// What was erased comes again while the source still has it: with a second reading, or when a page is asked for twice. It is
// then erased on arrival, in the transaction that stores its page.

// lookForErased notes the epoch of erasures, and takes the facts from those records whose events were erased.
func (c *commit) lookForErased(ctx context.Context) error {
	epoch, err := c.q.ErasureEpoch(ctx, c.owner.Workspace)
	if err != nil {
		return fmt.Errorf("looking for erasures: %w", err)
	}
	c.epoch = epoch.Steps
	c.store.words.at(c.owner.Workspace, epoch.Steps)
	if epoch.Steps == 0 || len(c.facts) == 0 {
		return nil
	}
	known, err := c.store.engine.findEvents(ctx, c.tx, c.stream, c.uuids)
	if err != nil {
		return err
	}
	for i := range c.facts {
		k, ok := known[string(c.uuids[i])]
		if !ok || k.odd&evidence.OddErased == 0 {
			continue
		}
		if c.gone == nil {
			c.gone = make(map[int]knownEvent)
		}
		c.gone[i] = k
		c.facts[i] = evidence.Facts{UUID: c.facts[i].UUID, At: c.facts[i].At, Odd: evidence.OddErased}
	}
	return nil
}

// eraseAgain erases from the page that was stored what had been erased before, with a leaf of its own, and refuses to commit if
// an erasure came between: words that it relies on may be gone. Whoever reads asks again then.
func (c *commit) eraseAgain(ctx context.Context) error {
	if c.page == 0 {
		return nil
	}
	now, err := c.q.ErasureEpoch(ctx, c.owner.Workspace)
	if err != nil {
		return fmt.Errorf("looking for erasures: %w", err)
	}
	if now.Steps != c.epoch {
		return ErrStale
	}
	if len(c.gone) == 0 {
		return nil
	}
	l, err := c.store.appendTo(ctx, c.q, c.owner.No, evidence.ID(c.owner.Workspace))
	if err != nil {
		return err
	}
	record, err := l.chainEnd(ctx, streamChain(c.owner.Connection, c.owner.Name)) // the leaf of this page
	if err != nil {
		return err
	}
	target := PageTargets{Page: c.page, Record: record}
	which := make(map[int]bool, len(c.gone))
	for i := range c.facts {
		if _, ok := c.gone[i]; ok {
			target.Positions = append(target.Positions, i)
			which[i] = true
		}
	}
	if _, err := l.redactPage(ctx, c.page, which); err != nil {
		return err
	}
	var erasure string
	for _, i := range target.Positions {
		k := c.gone[i]
		before, err := erasedOf(ctx, c.q, k.page)
		if err != nil {
			return err
		}
		erasure = before[k.position].Erasure
		if err := c.q.AddErasedRecord(ctx, c.page, int64(i), c.uuids[i], erasure); err != nil {
			return fmt.Errorf("noting an erased record: %w", err)
		}
	}
	if err := c.store.step("erased on arrival"); err != nil {
		return err
	}
	return l.again(ctx, evidence.ID(erasure), target)
}

// again enters the leaf of an erasure on arrival. Who decided it, and why, stands with the erasure.
func (l *appender) again(ctx context.Context, id evidence.ID, p PageTargets) error {
	row, err := l.q.PageRow(ctx, p.Page)
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	all, err := l.q.Erasures(ctx, row.Workspace)
	if err != nil {
		return fmt.Errorf("reading erasures: %w", err)
	}
	i := slices.IndexFunc(all, func(e sqlc.Erasure) bool { return e.ID == string(id) })
	if i < 0 {
		return fmt.Errorf("the erasure %s is not known; run exhibit fsck", id)
	}
	return l.eraseLeaf(ctx, id, evidence.Basis(all[i].Basis), all[i].Reason, all[i].BegunBy, []any{p.target()})
}
