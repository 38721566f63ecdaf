// Package hold keeps evidence from being erased: a legal hold has a scope, an owner, a reason and a day on which somebody
// must look again whether it is still needed. It is placed, reviewed and released, each by a leaf of the log.
package hold

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what of the store holds need.
type Store interface {
	AddHold(ctx context.Context, h evidence.Hold, a store.Activity) error
	Holds(ctx context.Context, ws evidence.ID) ([]evidence.Hold, error)
	ReviewHold(ctx context.Context, h evidence.Hold, a store.Activity) error
	ReleaseHold(ctx context.Context, h evidence.Hold, a store.Activity) error
	Members(ctx context.Context, ws evidence.ID) ([]store.Member, error)
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
}

// Service is the use cases. Its methods may be called from several goroutines and processes at once.
type Service struct {
	store Store
	now   func() time.Time
}

// New makes a Service.
func New(s Store, now func() time.Time) *Service { return &Service{s, now} }

// longestText bounds reasons, in bytes.
const longestText = 2000

// View is a hold with the names of what it refers to.
type View struct {
	evidence.Hold
	OwnerName      string
	ConnectionName string // empty: all connections
	Due            bool   // somebody must look again now
}

// Scope says in words what is held.
func (v View) Scope() string {
	what := "The whole workspace"
	if v.Connection != "" {
		what = "The connection " + v.ConnectionName
	}
	if v.Span.From.IsZero() {
		return what
	}
	return what + ", events from " + stamp(v.Span.From) + " to " + stamp(v.Span.To)
}

// stamp writes a moment, or a day alone where the moment is its start.
func stamp(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.UTC().Format(time.DateOnly)
	}
	return t.UTC().Format(time.RFC3339)
}

// PlaceRequest says what is held and why.
type PlaceRequest struct {
	Span       evidence.Span // zero: of all times
	Connection evidence.ID   // empty: all
	Owner      string        // a member, by id or e-mail address
	Code       evidence.HoldCode
	Reason     string
	Review     time.Time // when somebody must look again
}

// List gives the holds of the workspace: those that stand, the next to be reviewed first, then those that were released.
func (s *Service) List(ctx context.Context, c people.Caller) ([]View, error) {
	if err := c.May(people.ReadSettings); err != nil {
		return nil, err
	}
	return s.views(ctx, c.Workspace)
}

func (s *Service) views(ctx context.Context, ws evidence.ID) ([]View, error) {
	all, err := s.store.Holds(ctx, ws)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	members, err := s.store.Members(ctx, ws)
	if err != nil {
		return nil, err
	}
	connections, err := s.store.Connections(ctx, ws)
	if err != nil {
		return nil, err
	}
	var views []View
	for _, h := range all {
		v := View{Hold: h, OwnerName: string(h.Owner), ConnectionName: string(h.Connection), Due: h.Due(s.now())}
		if i := slices.IndexFunc(members, func(m store.Member) bool { return m.ID == h.Owner }); i >= 0 {
			v.OwnerName = nameOf(members[i])
		}
		if i := slices.IndexFunc(connections, func(x evidence.Connection) bool { return x.ID == h.Connection }); i >= 0 {
			v.ConnectionName = connections[i].Name
		}
		views = append(views, v)
	}
	return views, nil
}

func nameOf(m store.Member) string {
	if m.Name != "" {
		return m.Name
	}
	return m.Email
}

// Show gives one hold.
func (s *Service) Show(ctx context.Context, c people.Caller, id evidence.ID) (View, error) {
	if err := c.May(people.ReadSettings); err != nil {
		return View{}, err
	}
	return s.one(ctx, c.Workspace, id)
}

// Place makes a hold. From then on nothing in its scope is erased.
func (s *Service) Place(ctx context.Context, c people.Caller, req PlaceRequest) (View, error) {
	if err := c.May(people.ManageHolds); err != nil {
		return View{}, err
	}
	if !slices.Contains(evidence.HoldCodes(), req.Code) {
		return View{}, evidence.Errorf(evidence.Invalid, "%.40q is no reason code of a hold. The codes are litigation, investigation, regulator, audit, contract and other.", req.Code)
	}
	if req.Span.From.IsZero() != req.Span.To.IsZero() || !req.Span.From.IsZero() && req.Span.Empty() {
		return View{}, evidence.Errorf(evidence.Invalid, "A hold is of all times, or has a period with a start and, behind that, an end.")
	}
	reason, err := textOf(req.Reason)
	if err != nil {
		return View{}, err
	}
	now := s.moment()
	h := evidence.Hold{ID: evidence.NewID(evidence.PrefixHold), Workspace: c.Workspace, Code: req.Code, Reason: reason, Connection: req.Connection, PlacedAt: now, PlacedBy: c.Who()}
	if !req.Span.From.IsZero() {
		h.Span = evidence.Span{From: req.Span.From.UTC().Truncate(time.Millisecond), To: req.Span.To.UTC().Truncate(time.Millisecond)}
	}
	if h.Review, err = reviewDay(req.Review, now); err != nil {
		return View{}, err
	}
	if h.Owner, err = s.owner(ctx, c.Workspace, req.Owner); err != nil {
		return View{}, err
	}
	if err := s.store.AddHold(ctx, h, s.deed(c, "hold.place", h.ID, string(h.Code)+", to be reviewed by "+stamp(h.Review))); err != nil {
		return View{}, err
	}
	return s.one(ctx, c.Workspace, h.ID)
}

// ReviewRequest keeps a hold after somebody looked whether it is still needed.
type ReviewRequest struct {
	Hold   evidence.ID
	Owner  string // a member, by id or e-mail address; empty: as before
	Review time.Time
	Reason string // why it is still needed
}

// Review keeps a hold until another day.
func (s *Service) Review(ctx context.Context, c people.Caller, req ReviewRequest) (View, error) {
	if err := c.May(people.ManageHolds); err != nil {
		return View{}, err
	}
	v, err := s.one(ctx, c.Workspace, req.Hold)
	if err != nil {
		return View{}, err
	}
	h := v.Hold
	if !h.Stands() {
		return View{}, evidence.Errorf(evidence.Conflict, "The hold was released already.")
	}
	if h.ReviewNote, err = textOf(req.Reason); err != nil {
		return View{}, err
	}
	h.ReviewedAt, h.ReviewedBy = s.moment(), c.Who()
	if h.Review, err = reviewDay(req.Review, h.ReviewedAt); err != nil {
		return View{}, err
	}
	if req.Owner != "" {
		if h.Owner, err = s.owner(ctx, c.Workspace, req.Owner); err != nil {
			return View{}, err
		}
	}
	if err := s.store.ReviewHold(ctx, h, s.deed(c, "hold.review", h.ID, "to be reviewed by "+stamp(h.Review))); err != nil {
		return View{}, err
	}
	return s.one(ctx, c.Workspace, h.ID)
}

// Release ends a hold. It stays on record.
func (s *Service) Release(ctx context.Context, c people.Caller, id evidence.ID, reason string) (View, error) {
	if err := c.May(people.ManageHolds); err != nil {
		return View{}, err
	}
	v, err := s.one(ctx, c.Workspace, id)
	if err != nil {
		return View{}, err
	}
	h := v.Hold
	if h.Release, err = textOf(reason); err != nil {
		return View{}, err
	}
	h.ReleasedAt, h.ReleasedBy = s.moment(), c.Who()
	if err := s.store.ReleaseHold(ctx, h, s.deed(c, "hold.release", h.ID, string(h.Code))); err != nil {
		return View{}, err
	}
	return s.one(ctx, c.Workspace, id)
}

// one finds a hold; who asks for it has been looked at.
func (s *Service) one(ctx context.Context, ws, id evidence.ID) (View, error) {
	all, err := s.views(ctx, ws)
	if err != nil {
		return View{}, err
	}
	for _, v := range all {
		if v.ID == id {
			return v, nil
		}
	}
	return View{}, evidence.Errorf(evidence.NotFound, "There is no legal hold %s.", id)
}

// Concerns gives the holds that somebody must look at again, what was due first in front.
func (s *Service) Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error) {
	all, err := s.views(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []evidence.Concern
	for _, v := range all {
		if !v.Due {
			continue
		}
		stage := int64(1)
		if s.now().Sub(v.Hold.Review) > tellAgain {
			stage = 2
		}
		out = append(out, evidence.Concern{Key: string(evidence.ConcernHold) + "/" + string(v.ID), Kind: evidence.ConcernHold, Name: v.Code.Title(), Stage: stage, By: v.Hold.Review, ByIs: "was to be reviewed",
			Title: "A legal hold is to be reviewed: " + v.Code.Title(), Text: fmt.Sprintf("It is with %s. Keep it until another day or release it.", v.OwnerName)})
	}
	return out, nil
}

// tellAgain is how long a review is due when people are told once more.
const tellAgain = 7 * 24 * time.Hour

// owner finds the member who answers for a hold.
func (s *Service) owner(ctx context.Context, ws evidence.ID, who string) (evidence.ID, error) {
	who = strings.TrimSpace(who)
	members, err := s.store.Members(ctx, ws)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if string(m.ID) != who && !strings.EqualFold(m.Email, who) || who == "" {
			continue
		}
		if !m.SuspendedAt.IsZero() || people.Role(m.Role).Confined() {
			return "", evidence.Errorf(evidence.Invalid, "%s cannot answer for a hold: choose a member of the workspace who is not suspended and no auditor.", nameOf(m))
		}
		return m.ID, nil
	}
	return "", evidence.Errorf(evidence.Invalid, "A hold needs an owner: a member of this workspace, by id or e-mail address. There is no member %.80q.", who)
}

// reviewDay checks the day on which somebody must look again.
func reviewDay(t, now time.Time) (time.Time, error) {
	t = t.UTC().Truncate(time.Millisecond)
	if !t.After(now) {
		return t, evidence.Errorf(evidence.Invalid, "A hold needs a day in the future on which somebody looks again whether it is still needed.")
	}
	if t.After(now.AddDate(longestReview, 0, 0)) {
		return t, evidence.Errorf(evidence.Invalid, "Somebody must look again within %d years.", longestReview)
	}
	return t, nil
}

// longestReview is after how many years at the latest somebody must look again.
const longestReview = 3

func textOf(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > longestText {
		return "", evidence.Errorf(evidence.Invalid, "Give a reason of at most %d characters.", longestText)
	}
	return s, nil
}

func (s *Service) deed(c people.Caller, what string, id evidence.ID, detail string) store.Activity {
	return store.Activity{Workspace: c.Workspace, At: s.moment(), Who: c.Who(), What: what, Subject: string(id), Detail: detail}
}

// moment is now as the store keeps times: UTC, whole milliseconds.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
