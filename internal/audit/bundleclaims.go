package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// claim states what of the period was read of each stream, and enters it into the log.
func (m *maker) claim() error {
	var keys []store.StreamKey
	for key := range m.covered {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b store.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Stream, b.Stream))
	})
	for _, key := range keys {
		c := bundle.Claim{Connection: string(key.Connection), Stream: string(key.Stream), From: m.manifest.From, To: m.manifest.To}
		stats, err := m.cfg.Store.PageStats(m.ctx, evidence.Query{Workspace: m.audit.Workspace, Connections: []evidence.ID{key.Connection}, Streams: []evidence.Stream{key.Stream}, Span: m.audit.Period})
		if err != nil {
			return err
		}
		c.Pages, c.Records, c.Events = stats.Pages, stats.Records, stats.Events
		for _, w := range m.covered[key].Within(m.audit.Period) {
			c.Windows = append(c.Windows, translog.Millis{From: w.From.UnixMilli(), To: w.To.UnixMilli()})
		}
		c.Whole = len(m.covered[key].Missing(m.audit.Period)) == 0
		c.Settled = c.Whole && m.lastRead[key] >= m.manifest.To+Settle.Milliseconds()
		m.manifest.Coverage = append(m.manifest.Coverage, c)
	}
	if err := m.stillFrozen(); err != nil {
		return err
	}
	return m.enterClaims()
}

// stillFrozen fails if evidence of the period came in while the bundle was made.
func (m *maker) stillFrozen() error {
	now, err := m.cfg.Store.MarkLog(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	moved := evidence.Errorf(evidence.Unavailable, "Evidence of this period kept coming in while the bundle was made. Wait until reading has caught up and make it again.")
	for key, covered := range now.Covered {
		if covered.Missing(m.audit.Period).Duration() != m.covered[key].Missing(m.audit.Period).Duration() {
			return moved
		}
	}
	return m.cfg.Store.EachLeaf(m.ctx, now.Log, m.log.Size, now.Log.Size, func(n int64, raw []byte) error {
		l, err := translog.DecodeLeaf(raw)
		if err != nil {
			return fmt.Errorf("leaf %d: %w; run exhibit fsck", n, err)
		}
		if l.Kind == translog.KindErase {
			return evidence.Errorf(evidence.Unavailable, "Something was erased while the bundle was made. Make it again.")
		}
		if l.Kind == translog.KindPage && translog.Touches(l, m.manifest.From, m.manifest.To) {
			return moved
		}
		return nil
	})
}

func (m *maker) enterClaims() error {
	_, records, err := m.cfg.Store.Append(m.ctx, m.audit.Workspace, func(int64, func(string) (string, error), func(translog.Tag, []byte) (string, error)) ([]store.Entry, error) {
		var entries []store.Entry
		for _, c := range m.manifest.Coverage {
			entries = append(entries, store.Entry{Kind: translog.KindCoverage, Fields: translog.Fields{"connection": c.Connection, "stream": c.Stream,
				"span": translog.SpanFields(c.From, c.To), "pages": c.Pages, "records": c.Records, "events": c.Events, "windows": int64(len(c.Windows)),
				"as_of": m.manifest.AsOf, "windows_sha": WindowsSHA(c.Windows), "whole": c.Whole, "settled": c.Settled}})
		}
		return entries, nil
	})
	if err != nil {
		return err
	}
	for i := range records {
		m.manifest.Coverage[i].Record = records[i]
	}
	return nil
}

// WindowsSHA is the digest of coverage windows as a coverage leaf has it: each as "from-to" in Unix milliseconds and a line feed.
func WindowsSHA(windows []translog.Millis) string {
	h := sha256.New()
	for _, w := range windows {
		fmt.Fprintf(h, "%d-%d\n", w.From, w.To)
	}
	return hex.EncodeToString(h.Sum(nil))
}
