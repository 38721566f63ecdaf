package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// pageRow reads what is known of a page of a workspace.
func (s *Store) pageRow(ctx context.Context, q *sqlc.Queries, ws evidence.ID, id int64) (sqlc.PageRowRow, error) {
	p, err := q.PageRow(ctx, id)
	if err == nil && p.Workspace != string(ws) {
		return sqlc.PageRowRow{}, evidence.Errorf(evidence.NotFound, "There is no page %d.", id)
	}
	return p, notFound(err, "reading a page", "There is no page %d.", id)
}

// PageBody gives the body of a page as it came, checked against its digest.
func (s *Store) PageBody(ctx context.Context, ws evidence.ID, id int64) ([]byte, PageRow, error) {
	q := s.queries()
	p, err := s.pageRow(ctx, q, ws, id)
	if err != nil {
		return nil, PageRow{}, err
	}
	stored, err := q.PageBody(ctx, id)
	if err != nil {
		return nil, PageRow{}, fmt.Errorf("reading the body of page %d: %w", id, err)
	}
	body, _, err := unpack(stored, p.Sha256)
	if err != nil {
		return nil, PageRow{}, fmt.Errorf("page %d: %w; run exhibit fsck", id, err)
	}
	return body, pageRowOf(p), nil
}

// unpack decodes a body and compares it with its digest.
func unpack(stored sqlc.PageBodyRow, sha []byte) ([]byte, page.Layout, error) {
	l, err := page.ParseLayout(stored.Layout)
	if err != nil {
		return nil, page.Layout{}, err
	}
	body, err := l.Decode(stored.Body)
	if err != nil {
		return nil, page.Layout{}, err
	}
	if sum := sha256.Sum256(body); string(sum[:]) != string(sha) {
		return nil, page.Layout{}, fmt.Errorf("%w: its digest is %x instead of %x", page.ErrCorrupt, sum, sha)
	}
	return body, l, nil
}

func pageRowOf(p sqlc.PageRowRow) PageRow {
	return PageRow{ID: p.ID, Connection: evidence.ID(p.Connection), Stream: evidence.Stream(p.StreamName), Sequence: p.Sequence,
		Mode: Mode(p.Mode), Cursor: p.CursorSha != nil, From: fromMS(p.AskedFrom), To: fromMS(p.AskedTo), Limit: int(p.AskedLimit),
		CursorSHA: p.CursorSha, NextSHA: p.NextSha, RequestedAt: fromMS(p.RequestedAt), ReceivedAt: fromMS(p.ReceivedAt),
		ServerDate: fromMS(p.ServerDate), Build: p.Build, Records: int(p.Records), Events: int(p.Events), MinAt: eventTime(p.MinAt),
		MaxAt: eventTime(p.MaxAt), Size: int(p.Size), SHA256: hex.EncodeToString(p.Sha256)}
}

// PageStats counts pages and records of the workspace, connections, streams and span of a query; its filters play no
// part. Records less Duplicates are Events.
func (s *Store) PageStats(ctx context.Context, q evidence.Query) (PageStats, error) {
	q.Where = nil
	sel, err := s.resolve(ctx, q)
	if err != nil || sel.nothing {
		return PageStats{}, err
	}
	var stats PageStats
	for _, st := range sel.streams {
		events, err := s.countSpan(ctx, st.id, evidence.Span{From: eventTime(sel.from), To: eventTime(sel.to)})
		if err != nil {
			return PageStats{}, err
		}
		again, err := s.queries().CountRepeats(ctx, st.id, sel.from, sel.to)
		if err != nil {
			return PageStats{}, fmt.Errorf("counting repeated events: %w", err)
		}
		pages, err := s.countPages(ctx, st.id, sel)
		if err != nil {
			return PageStats{}, err
		}
		stats.Pages += pages
		stats.Events += events
		stats.Duplicates += again
		stats.Records += events + again
	}
	return stats, nil
}

// FarRepeat is a page with a record that had come before, and the page where it came first, which spans other times.
type FarRepeat struct{ Page, FirstPage int64 }

// FarRepeats gives those of a stream, by the number that its leaves call feed.
func (s *Store) FarRepeats(ctx context.Context, stream int64) ([]FarRepeat, error) {
	rows, err := s.queries().FarRepeats(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("reading repeated events: %w", err)
	}
	out := make([]FarRepeat, len(rows))
	for i, r := range rows {
		out[i] = FarRepeat{r.Page, r.FirstPage}
	}
	return out, nil
}

// countPages counts the pages of a stream with first-seen events of the span. A page that lies in it as a whole has some;
// for one that reaches over an end the rows are asked.
func (s *Store) countPages(ctx context.Context, stream int64, sel *selection) (n int64, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, min_at, max_at FROM page WHERE stream = $1 AND events > 0 AND max_at >= $2 AND min_at < $3`,
		stream, sel.from, sel.to)
	if err != nil {
		return 0, fmt.Errorf("counting pages: %w", err)
	}
	type span struct{ id, low, high int64 }
	var across []span
	for rows.Next() {
		var p span
		if err := rows.Scan(&p.id, &p.low, &p.high); err != nil {
			return 0, errors.Join(fmt.Errorf("counting pages: %w", err), rows.Close())
		}
		if p.low >= sel.from && p.high < sel.to {
			n++
			continue
		}
		across = append(across, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, fmt.Errorf("counting pages: %w", err)
	}
	for _, p := range across {
		var found int64
		err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM event WHERE stream = $1 AND at >= $2 AND at < $3 AND page = $4 LIMIT 1) AS t`,
			stream, max(p.low, sel.from), min(p.high+1, sel.to), p.id).Scan(&found)
		if err != nil {
			return 0, fmt.Errorf("counting pages: %w", err)
		}
		n += found
	}
	return n, nil
}
