package store

import (
	"context"
	"fmt"
)

// Size tells how large the store is.
func (s *Store) Size(ctx context.Context) (Size, error) {
	bytes, err := s.engine.size(ctx, s.read)
	if err != nil {
		return Size{}, err
	}
	size := Size{Bytes: bytes}
	err = s.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM page), (SELECT CAST(coalesce(sum(events), 0) AS bigint) FROM stream)`).Scan(&size.Pages, &size.Events)
	if err != nil {
		return Size{}, fmt.Errorf("counting pages: %w", err)
	}
	return size, nil
}
