package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ReviewVerdict is what a person concluded about one version of an artifact.
type ReviewVerdict string

// The verdicts of a review.
const (
	ReviewApproved ReviewVerdict = "approved"
	ReviewRejected ReviewVerdict = "rejected"
	ReviewChanges  ReviewVerdict = "changes_requested"
)

// ReviewVerdicts gives all verdicts in the order in which they are offered.
func ReviewVerdicts() []ReviewVerdict {
	return []ReviewVerdict{ReviewApproved, ReviewChanges, ReviewRejected}
}

// Review binds a verdict to the exact bytes of one version. It is never changed: a second opinion is a second review.
type Review struct {
	ID        ID
	Workspace ID
	Artifact  ID
	Version   int
	Digest    string // of the version, as ArtifactVersion.Digest gives it
	Verdict   ReviewVerdict
	Reason    string
	At        time.Time
	By        string
	Member    ID    // empty: somebody on the command line
	Leaf      int64 // its place in the log
}

// Digest is the SHA-256, in lower-case hex, of what a review of the version binds: its provenance and the digests of its files.
func (v ArtifactVersion) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "exhibit/artifact-version/v1\n%s %d\nprovenance %x\n", v.Artifact, v.Version, sha256.Sum256(v.Provenance))
	files := slices.Clone(v.Files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Format, b.Format) })
	for _, f := range files {
		fmt.Fprintf(h, "%s %d %s\n", f.Format, f.Size, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ReviewStatus says where an artifact stands with its reviewers: a verdict on its newest version, or that one is needed.
type ReviewStatus string

// The statuses beside the verdicts themselves.
const (
	StatusNotReviewed ReviewStatus = "not_reviewed"
	StatusReopened    ReviewStatus = "reopened" // it was reviewed, and what was reviewed is no longer all there is
	StatusApproved                 = ReviewStatus(ReviewApproved)
	StatusRejected                 = ReviewStatus(ReviewRejected)
	StatusChanges                  = ReviewStatus(ReviewChanges)
)

// ReviewStatuses gives all statuses in the order in which they are shown.
func ReviewStatuses() []ReviewStatus {
	return []ReviewStatus{StatusNotReviewed, StatusReopened, StatusChanges, StatusRejected, StatusApproved}
}

// ReviewStanding is the status with what it follows from. It is derived on reading and never stored.
type ReviewStanding struct {
	Status ReviewStatus
	Why    string // of Reopened: what came after the review, as a sentence
	Review Review // the one that decides; zero if there is none
}

// StandingOf works out where an artifact stands, from its reviews, oldest first, and from when the newest late event of
// its period came; zero if none did. The newest review of the newest version decides. It is reopened by a newer version,
// by bytes that are not those that were reviewed, and by an event that came after it.
func StandingOf(a Artifact, reviews []Review, lateCame time.Time) ReviewStanding {
	if len(reviews) == 0 {
		return ReviewStanding{Status: StatusNotReviewed}
	}
	newest := ReviewStanding{Status: StatusReopened, Review: reviews[len(reviews)-1]}
	newest.Why = fmt.Sprintf("Version %d was reviewed; version %d is newer.", newest.Review.Version, a.Latest.Version)
	for _, r := range slices.Backward(reviews) {
		if r.Version != a.Latest.Version {
			continue
		}
		s := ReviewStanding{Status: ReviewStatus(r.Verdict), Review: r}
		switch {
		case r.Digest != a.Latest.Digest():
			s.Status, s.Why = StatusReopened, "What is kept of this version is not what was reviewed."
		case lateCame.After(r.At):
			s.Status, s.Why = StatusReopened, "Events of its period came after it was reviewed. Build it again, then review what is new."
		}
		return s
	}
	return newest
}
