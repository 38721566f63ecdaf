package artifact

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// tries is how often a table is begun when evidence of its period comes in while it is made.
const tries = 3

// runOnce makes the table on evidence that does not move, and gives the size of the log that says what that evidence is:
// whoever has the log's leaves up to there and their pages can make the same table again.
func (s *Service) runOnce(ctx context.Context, ws evidence.ID, r recipe.Recipe, req BuildRequest) (report *recipe.Report, asOf int64, err error) {
	for range tries {
		before, err := s.cfg.Store.MarkLog(ctx, ws)
		if err != nil {
			return nil, 0, err
		}
		report, err := s.run(ctx, ws, r, req)
		if err != nil {
			return nil, 0, err
		}
		same, err := s.unmoved(ctx, ws, before, req.Span)
		if err == nil && same {
			return report, before.Log.Size, nil
		}
		if cerr := report.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, evidence.Errorf(evidence.Unavailable,
		"The coverage of this period kept changing while the artifact was made. Wait until reading has caught up and build it again.")
}

// unmoved reports whether nothing about the period was stored since the mark.
func (s *Service) unmoved(ctx context.Context, ws evidence.ID, before store.Mark, period evidence.Span) (bool, error) {
	after, err := s.cfg.Store.MarkLog(ctx, ws)
	if err != nil {
		return false, err
	}
	for key, covered := range after.Covered {
		was, is := before.Covered[key].Missing(period).Duration(), covered.Missing(period).Duration()
		if was != is { // coverage only grows
			return false, nil
		}
	}
	same := true
	err = s.cfg.Store.EachLeaf(ctx, after.Log, before.Log.Size, after.Log.Size, func(n int64, leaf []byte) error {
		l, err := translog.DecodeLeaf(leaf)
		if err != nil {
			return fmt.Errorf("leaf %d: %w; run exhibit fsck", n, err)
		}
		same = same && !translog.Touches(l, period.From.UnixMilli(), period.To.UnixMilli())
		return nil
	})
	return same, err
}
