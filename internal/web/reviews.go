package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// reviewing fills in what people concluded about an artifact, and whether the caller may add to it.
func (s *server) reviewing(ctx context.Context, c people.Caller, v *view.Artifact) error {
	shown, err := s.cfg.Artifacts.Show(ctx, c.Workspace, v.Artifact.ID)
	if err != nil {
		return err
	}
	v.Review.Standing = shown.Standing
	if v.Review.Reviews, err = s.cfg.Artifacts.Reviews(ctx, c.Workspace, v.Artifact.ID); err != nil {
		return err
	}
	slices.Reverse(v.Review.Reviews)
	v.Review.May = artifact.MayReview(c, v.Version)
	v.Review.Own = c.Has(people.ReviewArtifacts) && !v.Review.May
	v.Review.Invites = c.Has(people.ManagePeople)
	v.MayRetire = c.Has(people.BuildArtifacts) && v.Artifact.RetiredAt.IsZero()
	return nil
}

func (s *server) reviewArtifact(w http.ResponseWriter, r *http.Request) error {
	c, id := people.From(r.Context()), evidence.ID(r.PathValue("id"))
	form := view.Reviewing{Verdict: r.PostFormValue("verdict"), Reason: r.PostFormValue("reason")}
	version, err := strconv.Atoi(r.PostFormValue("version"))
	if err != nil || version < 1 {
		err = evidence.Errorf(evidence.Invalid, "%.20q is no version of an artifact.", r.PostFormValue("version"))
	} else {
		_, err = s.cfg.Artifacts.Review(r.Context(), c, artifact.ReviewRequest{Artifact: id, Version: version, Verdict: evidence.ReviewVerdict(form.Verdict), Reason: form.Reason})
	}
	return s.afterForm(w, r, "review", err, func(v *view.Artifact, said string) {
		form.Problem = said
		v.Review = form
	})
}

func (s *server) retireArtifact(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	err := s.cfg.Artifacts.Retire(r.Context(), c.Who(), c.Workspace, evidence.ID(r.PathValue("id")), r.PostFormValue("reason"))
	return s.afterForm(w, r, "retire", err, func(v *view.Artifact, said string) { v.RetireProblem = said })
}

// afterForm leads back to a part of the artifact, or shows the artifact with why the form was refused.
func (s *server) afterForm(w http.ResponseWriter, r *http.Request, part string, err error, refused func(v *view.Artifact, said string)) error {
	var known *evidence.Error
	switch {
	case errors.As(err, &known) && known.Code != evidence.NotFound:
		var v view.Artifact
		refused(&v, err.Error())
		return s.showArtifact(w, r, statusOf(err), v)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/artifacts/"+url.PathEscape(r.PathValue("id"))+"#"+part, http.StatusSeeOther)
	return nil
}

// asked reads what askedFor needs; nothing for a caller who sees no artifacts.
func (s *server) asked(ctx context.Context, c people.Caller, artifacts []evidence.Artifact) ([]view.Attention, error) {
	if len(artifacts) == 0 {
		return nil, nil
	}
	standings, err := s.cfg.Artifacts.Standings(ctx, c.Workspace)
	if err != nil {
		return nil, err
	}
	attachments, err := s.cfg.Store.Attachments(ctx, c.Workspace, store.AttachmentFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing attachments: %w", err)
	}
	attached := map[evidence.ID]bool{}
	for _, x := range attachments {
		attached[x.Artifact] = true
	}
	return askedFor(c, artifacts, attached, standings), nil
}

// askedFor lists on the front page what waits for the caller's review, and what reviewers want changed.
func askedFor(c people.Caller, artifacts []evidence.Artifact, attached map[evidence.ID]bool, standings map[evidence.ID]evidence.ReviewStanding) []view.Attention {
	wait, back := 0, 0
	for _, a := range artifacts {
		if !a.RetiredAt.IsZero() || !attached[a.ID] {
			continue
		}
		switch standings[a.ID].Status {
		case evidence.StatusNotReviewed, evidence.StatusReopened:
			if artifact.MayReview(c, a.Latest) {
				wait++
			}
		case evidence.StatusChanges, evidence.StatusRejected:
			if c.Has(people.BuildArtifacts) {
				back++
			}
		}
	}
	var out []view.Attention
	if wait > 0 {
		out = append(out, view.Attention{Tone: ui.Info, Icon: "user", Title: "Review asked: " + ui.Many(wait, "artifact"), Href: "/artifacts?review=to_review",
			Text: "Attached as evidence, and nobody has reviewed what stands there now."})
	}
	if back > 0 {
		out = append(out, view.Attention{Tone: ui.Warn, Icon: "refresh-cw", Title: "Reviewers want changes: " + ui.Many(back, "artifact"), Href: "/artifacts?review=to_change",
			Text: "Read the reason on the artifact, then build it again or attach something else."})
	}
	return out
}

type apiReview struct {
	ID      evidence.ID            `json:"id"`
	Version int                    `json:"version"`
	Digest  string                 `json:"digest" doc:"SHA-256 of what the review binds: the version's provenance and the digests of its files"`
	Verdict evidence.ReviewVerdict `json:"verdict" enum:"approved,changes_requested,rejected"`
	Reason  string                 `json:"reason"`
	At      time.Time              `json:"at"`
	By      string                 `json:"by"`
}

func reviewJSON(r evidence.Review) apiReview {
	return apiReview{ID: r.ID, Version: r.Version, Digest: r.Digest, Verdict: r.Verdict, Reason: r.Reason, At: r.At, By: r.By}
}

type apiReviews struct {
	Status  evidence.ReviewStatus `json:"status" enum:"not_reviewed,reopened,changes_requested,rejected,approved"`
	Why     string                `json:"why,omitempty" doc:"Why it was reopened"`
	Reviews []apiReview           `json:"reviews" doc:"Oldest first"`
}

type reviewInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Verdict string `json:"verdict" enum:"approved,changes_requested,rejected"`
		Reason  string `json:"reason,omitempty" doc:"Needed for everything but an approval"`
		Version int    `json:"version,omitempty" minimum:"0" doc:"Left out, the newest"`
	}
}

type reasonInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Reason string `json:"reason" doc:"Kept for ever"`
	}
}

// evidenceOperations are the operations that change artifacts or judge them.
func (s *server) evidenceOperations(api huma.API) {
	add(s, api, "/artifacts/{id}/reviews", "list-reviews", "What people concluded about an artifact", people.ReadArtifacts, s.apiReviews)
	mount(s, api, operation(http.MethodPost, "/artifacts/{id}/reviews", "review-artifact", "Approve, reject or ask for changes; never what one made oneself", people.ReviewArtifacts, quick), s.apiReview)
	mount(s, api, operation(http.MethodPost, "/artifacts/uploads", "upload-artifact", "Hand in a file as evidence, or a new version of one", people.BuildArtifacts, slow), s.apiUpload)
	add(s, api, "/artifacts/{id}/proposals", "list-proposals", "What mappings propose to attach an artifact to", people.ReadArtifacts, s.apiProposals)
	mount(s, api, operation(http.MethodPost, "/artifacts/{id}/proposals/accept", "accept-proposal", "Make a proposed attachment; it stays marked as automatic", people.AttachArtifacts, quick), s.apiAccept)
	mount(s, api, operation(http.MethodPost, "/artifacts/{id}/proposals/decline", "decline-proposal", "Decline a proposed attachment; it is not proposed again", people.AttachArtifacts, quick), s.apiDecline)
	add(s, api, "/attaching", "get-attaching", "What becomes of attachments that mappings name", people.ReadArtifacts, s.apiAttachingNow)
	mount(s, api, operation(http.MethodPost, "/attaching", "set-attaching", "Choose whether they are proposed or made at once", people.ManageSettings, quick), s.apiSetAttaching)
	add(s, api, "/schedules", "list-schedules", "What the server builds by itself for each period", people.ReadArtifacts, s.apiSchedules)
	mount(s, api, operation(http.MethodPost, "/schedules", "add-schedule", "Have a recipe built for each month or quarter", people.BuildArtifacts, asks), s.apiAddSchedule)
	mount(s, api, operation(http.MethodPost, "/schedules/{id}/stop", "stop-schedule", "End a schedule; what it built stays", people.BuildArtifacts, quick), s.apiStopSchedule)
	mount(s, api, operation(http.MethodPost, "/artifacts/{id}/retire", "retire-artifact", "Take an artifact out of use with a reason; nothing is deleted", people.BuildArtifacts, quick), s.apiRetire)
}

func (s *server) apiReviews(ctx context.Context, c people.Caller, in *byID) (apiReviews, error) {
	out := apiReviews{Reviews: []apiReview{}}
	v, err := s.cfg.Artifacts.Show(ctx, c.Workspace, evidence.ID(in.ID))
	if err != nil {
		return out, err
	}
	out.Status, out.Why = v.Standing.Status, v.Standing.Why
	list, err := s.cfg.Artifacts.Reviews(ctx, c.Workspace, v.Artifact.ID)
	for _, r := range list {
		out.Reviews = append(out.Reviews, reviewJSON(r))
	}
	return out, err
}

func (s *server) apiReview(ctx context.Context, c people.Caller, in *reviewInput) (apiReview, error) {
	r, err := s.cfg.Artifacts.Review(ctx, c, artifact.ReviewRequest{Artifact: evidence.ID(in.ID), Version: in.Body.Version,
		Verdict: evidence.ReviewVerdict(in.Body.Verdict), Reason: in.Body.Reason})
	return reviewJSON(r), err
}

func (s *server) apiRetire(ctx context.Context, c people.Caller, in *reasonInput) (apiArtifact, error) {
	id := evidence.ID(in.ID)
	if err := s.cfg.Artifacts.Retire(ctx, c.Who(), c.Workspace, id, strings.TrimSpace(in.Body.Reason)); err != nil {
		return apiArtifact{}, err
	}
	return s.apiArtifact(ctx, c, &byID{ID: in.ID})
}
