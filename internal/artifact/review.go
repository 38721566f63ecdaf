package artifact

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// ReviewRequest is what a person concludes about a version.
type ReviewRequest struct {
	Artifact evidence.ID
	Version  int // 0: the newest
	Verdict  evidence.ReviewVerdict
	Reason   string // needed for everything but an approval
}

// Review keeps what a person concluded about the exact bytes of a version. Whoever made that version is refused, whatever
// his role is: by his membership, and by his name for what was made on the command line.
func (s *Service) Review(ctx context.Context, c people.Caller, req ReviewRequest) (evidence.Review, error) {
	if err := c.May(people.ReviewArtifacts); err != nil {
		return evidence.Review{}, err
	}
	return s.review(ctx, c.Who(), c.Member, c.Workspace, req)
}

// ReviewHere is Review for the person at the command line, who has the data itself and no role.
func (s *Service) ReviewHere(ctx context.Context, who string, ws evidence.ID, req ReviewRequest) (evidence.Review, error) {
	return s.review(ctx, who, "", ws, req)
}

func (s *Service) review(ctx context.Context, who string, member, ws evidence.ID, req ReviewRequest) (evidence.Review, error) {
	var none evidence.Review
	if !slices.Contains(evidence.ReviewVerdicts(), req.Verdict) {
		return none, evidence.Errorf(evidence.Invalid, "Choose whether to approve, to reject or to ask for changes.")
	}
	req.Reason = strings.TrimSpace(req.Reason)
	if !fit(req.Reason) || req.Reason == "" && req.Verdict != evidence.ReviewApproved {
		return none, evidence.Errorf(evidence.Invalid, "Say in at most %d characters of text why. The reason is kept with the review.", maxReason)
	}
	a, err := s.cfg.Store.Artifact(ctx, ws, req.Artifact)
	if err != nil {
		return none, err
	}
	if !a.RetiredAt.IsZero() {
		return none, evidence.Errorf(evidence.Conflict, "It was retired (%s), so there is nothing left to review.", a.Retired)
	}
	v, err := s.version(ctx, ws, a.ID, req.Version)
	if err != nil {
		return none, err
	}
	if !v.ErasedAt.IsZero() {
		return none, evidence.Errorf(evidence.Conflict, "The content of version %d was erased, so there is nothing left to review.", v.Version)
	}
	if made(v, who, member) {
		return none, evidence.Errorf(evidence.Forbidden, "You made version %d of this artifact. Somebody else has to review it.", v.Version)
	}
	r := evidence.Review{ID: evidence.NewID(evidence.PrefixReview), Workspace: ws, Artifact: a.ID, Version: v.Version, Digest: v.Digest(),
		Verdict: req.Verdict, Reason: req.Reason, At: s.cfg.Now().UTC().Truncate(time.Millisecond), By: who, Member: member}
	if err := s.cfg.Store.AddReview(ctx, r); err != nil {
		return none, err
	}
	return r, s.note(ctx, ws, who, "artifact.review", a.ID, fmt.Sprintf("version %d %s, digest %s: %s", v.Version, verdictWords(r.Verdict), r.Digest, r.Reason))
}

func verdictWords(v evidence.ReviewVerdict) string {
	if v == evidence.ReviewChanges {
		return "changes requested"
	}
	return string(v)
}

// MayReview reports whether the caller may review a version: his role says so, and he did not make it.
func MayReview(c people.Caller, v evidence.ArtifactVersion) bool {
	return c.Has(people.ReviewArtifacts) && !made(v, c.Who(), c.Member)
}

// made reports whether somebody made a version. A token's or schedule's name behind a person's is no other person.
func made(v evidence.ArtifactVersion, who string, member evidence.ID) bool {
	if member != "" && v.BuiltMember != "" {
		return member == v.BuiltMember
	}
	return person(who) == person(v.BuiltBy)
}

func person(who string) string {
	who, _, _ = strings.Cut(who, " (API token ")
	who = strings.TrimSuffix(who, scheduled)
	return strings.ToLower(strings.TrimSpace(who))
}

// Reviews gives what people concluded about an artifact, oldest first.
func (s *Service) Reviews(ctx context.Context, ws, id evidence.ID) ([]evidence.Review, error) {
	return s.cfg.Store.Reviews(ctx, ws, id)
}

// Standings gives where each artifact of a workspace stands.
func (s *Service) Standings(ctx context.Context, ws evidence.ID) (map[evidence.ID]evidence.ReviewStanding, error) {
	all, err := s.cfg.Store.Artifacts(ctx, ws, store.ArtifactFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	return s.standings(ctx, ws, all)
}

func (s *Service) standings(ctx context.Context, ws evidence.ID, all []evidence.Artifact) (map[evidence.ID]evidence.ReviewStanding, error) {
	only := evidence.ID("")
	if len(all) == 1 {
		only = all[0].ID
	}
	reviews, err := s.cfg.Store.Reviews(ctx, ws, only)
	if err != nil {
		return nil, err
	}
	of := map[evidence.ID][]evidence.Review{}
	for _, r := range reviews {
		of[r.Artifact] = append(of[r.Artifact], r)
	}
	out := map[evidence.ID]evidence.ReviewStanding{}
	for _, a := range all {
		var came time.Time
		if n := len(of[a.ID]); n > 0 && of[a.ID][n-1].Version == a.Latest.Version {
			if came, err = s.lateCame(ctx, a); err != nil {
				return nil, err
			}
		}
		out[a.ID] = evidence.StandingOf(a, of[a.ID], came)
	}
	return out, nil
}

// lateCame gives when the newest late event of a derived artifact's period came; zero if none did. Counts, which cost
// next to nothing, tell that there is none, as is usual.
func (s *Service) lateCame(ctx context.Context, a evidence.Artifact) (time.Time, error) {
	r, err := recipe.ByID(a.Recipe)
	if err != nil {
		return time.Time{}, nil // an upload, or a recipe that this version does not have
	}
	q := evidence.Query{Workspace: a.Workspace, Span: a.Period, Streams: r.Streams, Where: []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"late"}}}}
	n, err := s.cfg.Store.Count(ctx, q)
	if err != nil || n == 0 {
		return time.Time{}, err
	}
	var came time.Time
	err = s.cfg.Store.Pages(ctx, q, func(p store.PageRow) error {
		came = evidence.Latest(came, p.ReceivedAt)
		return nil
	})
	return came, err
}

// Retire takes an artifact out of use with a reason. It, its files, its reviews and what it was attached to stay on record.
func (s *Service) Retire(ctx context.Context, who string, ws, id evidence.ID, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" || !fit(reason) {
		return evidence.Errorf(evidence.Invalid, "Say in at most %d characters of text why it is retired. The reason is kept.", maxReason)
	}
	if err := s.cfg.Store.RetireArtifact(ctx, ws, id, s.cfg.Now().UTC(), who, reason); err != nil {
		return err
	}
	return s.note(ctx, ws, who, "artifact.retire", id, reason)
}
