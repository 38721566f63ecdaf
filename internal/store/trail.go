package store

import (
	"context"
	"fmt"
	"math"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// TrailRequest asks for a page of the activity trail, newest first.
type TrailRequest struct {
	Workspace evidence.ID
	Who       string // exactly; empty: everybody
	What      string // a verb such as "artifact.build", or its first word, "artifact"; empty: all
	Before    int64  // Number of the last line of the page before; 0: begin at the newest
	Limit     int
}

// TrailPage is a page of the trail.
type TrailPage struct {
	Lines []Activity
	Next  int64 // Before of the next page; 0: there is none
}

// Trail gives a page of the trail. Lines that are written meanwhile move nothing: pages follow the lines' own numbers.
func (s *Store) Trail(ctx context.Context, r TrailRequest) (TrailPage, error) {
	before := r.Before
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := s.queries().ActivityBefore(ctx, sqlc.ActivityBeforeParams{Workspace: string(r.Workspace), BeforeID: before, Who: r.Who,
		What: r.What, WhatLike: likePrefix(r.What + "."), Most: int64(r.Limit) + 1})
	if err != nil {
		return TrailPage{}, fmt.Errorf("reading the trail: %w", err)
	}
	var p TrailPage
	for i, row := range rows {
		if i == r.Limit {
			p.Next = p.Lines[i-1].Number
			break
		}
		p.Lines = append(p.Lines, Activity{Number: row.ID, Workspace: r.Workspace, At: fromMS(row.At), Who: row.Who, What: row.What, Subject: row.Subject, Detail: row.Detail})
	}
	return p, nil
}

// trailWords bounds how many different names and verbs are offered to choose from.
const trailWords = 200

// TrailWords gives who did something and what was done, each once, for a choice.
func (s *Store) TrailWords(ctx context.Context, ws evidence.ID) (whos, whats []string, err error) {
	if whos, err = s.queries().ActivityWhos(ctx, string(ws), trailWords); err != nil {
		return nil, nil, fmt.Errorf("reading who stands in the trail: %w", err)
	}
	if whats, err = s.queries().ActivityWhats(ctx, string(ws), trailWords); err != nil {
		return nil, nil, fmt.Errorf("reading what stands in the trail: %w", err)
	}
	return whos, whats, nil
}
