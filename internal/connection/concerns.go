package connection

import (
	"context"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
)

// Concerns gives what somebody must know of the workspace's connections, as they stand and as far as they have been read.
func (s *Service) Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error) {
	list, err := s.List(ctx, ws)
	if err != nil {
		return nil, err
	}
	coverage, err := s.Coverage(ctx, ws, evidence.Span{})
	if err != nil {
		return nil, err
	}
	var standings []evidence.Standing
	for _, st := range list {
		kind, _ := s.Kind(st.Source)
		health := st.Health
		health.Reason = strings.TrimSpace(health.Reason + " " + st.ToDo)
		standings = append(standings, evidence.Standing{Connection: st.Connection, Streams: st.Streams, Health: health, Retention: kind.Retention})
	}
	return evidence.Concerns(standings, coverage, s.now()), nil
}

// Box opens the workspace's keyset for other secrets than tokens. There is one keyset, whoever asks first makes it.
func (s *Service) Box(ctx context.Context, ws evidence.ID) (*seal.Box, error) { return s.box(ctx, ws) }
