package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/hold"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// Holds keeps evidence from being erased; see package hold.
type Holds interface {
	List(ctx context.Context, c people.Caller) ([]hold.View, error)
	Show(ctx context.Context, c people.Caller, id evidence.ID) (hold.View, error)
	Place(ctx context.Context, c people.Caller, req hold.PlaceRequest) (hold.View, error)
	Review(ctx context.Context, c people.Caller, req hold.ReviewRequest) (hold.View, error)
	Release(ctx context.Context, c people.Caller, id evidence.ID, reason string) (hold.View, error)
	Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error)
}

const holdsPath = "/settings/holds"

func (s *server) holds(w http.ResponseWriter, r *http.Request) error {
	v := view.Holds{Said: map[string]string{"placed": "The hold is placed. Nothing in its scope is erased until it is released.", "kept": "The hold stays.", "released": "The hold is released."}[r.URL.Query().Get("done")]}
	v.Form.Review = s.now().AddDate(0, 6, 0).Format(time.DateOnly)
	return s.showHolds(w, r, http.StatusOK, v)
}

func (s *server) showHolds(w http.ResponseWriter, r *http.Request, status int, v view.Holds) error {
	ctx, c := r.Context(), people.From(r.Context())
	var err error
	if v.Rows, err = s.cfg.Holds.List(ctx, c); err != nil {
		return err
	}
	members, err := s.cfg.Store.Members(ctx, c.Workspace)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.SuspendedAt.IsZero() && !people.Role(m.Role).Confined() {
			v.Members = append(v.Members, m)
		}
	}
	if v.Connections, err = s.cfg.Store.Connections(ctx, c.Workspace); err != nil {
		return err
	}
	v.Now, v.May = s.now(), c.Has(people.ManageHolds)
	if v.Form.Owner == "" {
		v.Form.Owner = string(c.Member)
	}
	p, err := s.framed(r, "Legal holds", "/settings", crumb("Legal holds", ""))
	if err != nil {
		return err
	}
	p.Path = holdsPath
	return render(w, r, status, view.HoldsPage(p, v))
}

// holdSpan reads the period of a hold; two empty words are all times.
func holdSpan(from, to string) (evidence.Span, error) {
	switch from, to = strings.TrimSpace(from), strings.TrimSpace(to); {
	case from == "" && to == "":
		return evidence.Span{}, nil
	case from == "" || to == "":
		return evidence.Span{}, evidence.Errorf(evidence.Invalid, "A period has a start and an end. Leave both empty to hold events of all times.")
	}
	return auditSpan(from, to)
}

func (s *server) placeHold(w http.ResponseWriter, r *http.Request) error {
	f := view.HoldForm{Scope: r.PostFormValue("scope"), From: r.PostFormValue("from"), To: r.PostFormValue("to"), Connection: r.PostFormValue("connection"), Owner: r.PostFormValue("owner"),
		Code: r.PostFormValue("code"), Reason: r.PostFormValue("reason"), Review: r.PostFormValue("review")}
	req := hold.PlaceRequest{Owner: f.Owner, Code: evidence.HoldCode(f.Code), Reason: f.Reason}
	var err error
	if f.Scope != "all" {
		req.Connection = evidence.ID(f.Connection)
		if req.Span, err = holdSpan(f.From, f.To); err == nil && req.Span.From.IsZero() && f.Connection == "" {
			err = evidence.Errorf(evidence.Invalid, "Give the period that is held, or choose the whole workspace.")
		}
	}
	if err == nil {
		req.Review, err = parseTime(f.Review)
	}
	if err == nil {
		_, err = s.cfg.Holds.Place(r.Context(), people.From(r.Context()), req)
	}
	if mendable(err) {
		f.Problem = err.Error()
		return s.showHolds(w, r, statusOf(err), view.Holds{Form: f})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, holdsPath+"?done=placed", http.StatusSeeOther)
	return nil
}

func (s *server) reviewHold(w http.ResponseWriter, r *http.Request) error {
	id := evidence.ID(r.PathValue("id"))
	until, err := parseTime(r.PostFormValue("review"))
	if err == nil {
		_, err = s.cfg.Holds.Review(r.Context(), people.From(r.Context()), hold.ReviewRequest{Hold: id, Owner: r.PostFormValue("owner"), Review: until, Reason: r.PostFormValue("reason")})
	}
	return s.afterHold(w, r, err, "kept")
}

func (s *server) releaseHold(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.Holds.Release(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")), r.PostFormValue("reason"))
	return s.afterHold(w, r, err, "released")
}

// afterHold leads back to the list, or shows it with why a hold was not changed and what was typed.
func (s *server) afterHold(w http.ResponseWriter, r *http.Request, err error, done string) error {
	if refused(err) {
		return s.showHolds(w, r, statusOf(err), view.Holds{Changed: evidence.ID(r.PathValue("id")), Typed: r.PostFormValue("reason"), TypedReview: r.PostFormValue("review"), Releasing: done == "released", Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, holdsPath+"?done="+done, http.StatusSeeOther)
	return nil
}

// dueHolds lists on the front page the holds that somebody must look at again.
func dueHolds(all []evidence.Concern) []view.Attention {
	var out []view.Attention
	for _, c := range all {
		out = append(out, view.Attention{Tone: ui.Warn, Icon: "scale", Title: c.Title, Href: holdsPath, Text: c.Text, By: c.By, ByIs: c.ByIs})
	}
	return out
}

// holdOperations are legal holds.
func (s *server) holdOperations(api huma.API) {
	add(s, api, "/holds", "list-holds", "Legal holds: those that stand, the next to be reviewed first, then those that were released", people.ReadSettings, s.apiHolds)
	add(s, api, "/holds/{id}", "get-hold", "One legal hold", people.ReadSettings, s.apiHold)
	mount(s, api, operation(http.MethodPost, "/holds", "place-hold", "Keep everything in a scope from being erased", people.ManageHolds, quick), s.apiPlaceHold)
	mount(s, api, operation(http.MethodPost, "/holds/{id}/review", "review-hold", "Keep a hold until another day", people.ManageHolds, quick), s.apiReviewHold)
	mount(s, api, operation(http.MethodPost, "/holds/{id}/release", "release-hold", "End a hold; it stays on record", people.ManageHolds, quick), s.apiReleaseHold)
}

type apiHold struct {
	ID         evidence.ID       `json:"id" example:"ho_4zq2hxk7m3v5w6ya"`
	Code       evidence.HoldCode `json:"code" enum:"litigation,investigation,regulator,audit,contract,other"`
	Reason     string            `json:"reason"`
	From       *time.Time        `json:"from" doc:"Start of the events that are held; null: of all times"`
	To         *time.Time        `json:"to" doc:"Their end, which is no longer held"`
	Connection evidence.ID       `json:"connection" doc:"Empty: all"`
	Owner      evidence.ID       `json:"owner" doc:"The member who answers for it"`
	OwnerName  string            `json:"owner_name"`
	Review     *time.Time        `json:"review" doc:"When somebody must look again"`
	Due        bool              `json:"due" doc:"That day has come"`
	PlacedAt   *time.Time        `json:"placed_at"`
	PlacedBy   string            `json:"placed_by"`
	ReviewedAt *time.Time        `json:"reviewed_at" doc:"Null: never since"`
	ReviewedBy string            `json:"reviewed_by"`
	ReviewNote string            `json:"review_note"`
	ReleasedAt *time.Time        `json:"released_at" doc:"Null: it stands"`
	ReleasedBy string            `json:"released_by"`
	Release    string            `json:"release_reason"`
}

func holdJSON(v hold.View) apiHold {
	return apiHold{v.ID, v.Code, v.Reason, moment(v.Span.From), moment(v.Span.To), v.Connection, v.Owner, v.OwnerName, moment(v.Hold.Review), v.Due, moment(v.PlacedAt), v.PlacedBy,
		moment(v.ReviewedAt), v.ReviewedBy, v.ReviewNote, moment(v.ReleasedAt), v.ReleasedBy, v.Release}
}

type apiHoldList struct {
	Holds []apiHold `json:"holds"`
}

func (s *server) apiHolds(ctx context.Context, c people.Caller, _ *nothing) (apiHoldList, error) {
	out := apiHoldList{Holds: []apiHold{}}
	all, err := s.cfg.Holds.List(ctx, c)
	for _, v := range all {
		out.Holds = append(out.Holds, holdJSON(v))
	}
	return out, err
}

func (s *server) apiHold(ctx context.Context, c people.Caller, in *byID) (apiHold, error) {
	v, err := s.cfg.Holds.Show(ctx, c, evidence.ID(in.ID))
	return holdJSON(v), err
}

type placeHoldIn struct {
	Body struct {
		From       string `json:"from,omitempty" example:"2026-01-01" doc:"Start of the events that are held; left out with to: of all times"`
		To         string `json:"to,omitempty" example:"2026-06-30" doc:"A moment, or a day that is held whole"`
		Connection string `json:"connection,omitempty" doc:"Left out: all"`
		Owner      string `json:"owner" example:"ada@example.com" doc:"A member, by id or e-mail address"`
		Code       string `json:"code" enum:"litigation,investigation,regulator,audit,contract,other"`
		Reason     string `json:"reason" maxLength:"2000"`
		Review     string `json:"review" example:"2027-01-31" doc:"When somebody must look again"`
	}
}

func (s *server) apiPlaceHold(ctx context.Context, c people.Caller, in *placeHoldIn) (apiHold, error) {
	b := in.Body
	span, err := holdSpan(b.From, b.To)
	if err != nil {
		return apiHold{}, err
	}
	review, err := parseTime(b.Review)
	if err != nil {
		return apiHold{}, err
	}
	v, err := s.cfg.Holds.Place(ctx, c, hold.PlaceRequest{Span: span, Connection: evidence.ID(b.Connection), Owner: b.Owner, Code: evidence.HoldCode(b.Code), Reason: b.Reason, Review: review})
	return holdJSON(v), err
}

type reviewHoldIn struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the hold"`
	Body struct {
		Review string `json:"review" example:"2027-07-31" doc:"When somebody must look again"`
		Owner  string `json:"owner,omitempty" doc:"A member, by id or e-mail address; left out: as before"`
		Reason string `json:"reason" maxLength:"2000" doc:"Why it is still needed"`
	}
}

func (s *server) apiReviewHold(ctx context.Context, c people.Caller, in *reviewHoldIn) (apiHold, error) {
	until, err := parseTime(in.Body.Review)
	if err != nil {
		return apiHold{}, err
	}
	v, err := s.cfg.Holds.Review(ctx, c, hold.ReviewRequest{Hold: evidence.ID(in.ID), Owner: in.Body.Owner, Review: until, Reason: in.Body.Reason})
	return holdJSON(v), err
}

type releaseHoldIn struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the hold"`
	Body struct {
		Reason string `json:"reason" maxLength:"2000"`
	}
}

func (s *server) apiReleaseHold(ctx context.Context, c people.Caller, in *releaseHoldIn) (apiHold, error) {
	v, err := s.cfg.Holds.Release(ctx, c, evidence.ID(in.ID), in.Body.Reason)
	return holdJSON(v), err
}
