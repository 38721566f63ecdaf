package evidence

import "time"

// ArtifactKind says how an artifact came to be.
type ArtifactKind string

// The kinds of artifacts.
const (
	Derived  ArtifactKind = "derived"  // made from events by a recipe
	Uploaded ArtifactKind = "uploaded" // given by a person
)

// Completeness says whether an artifact's statement stands on a period that was read whole.
type Completeness string

// The two kinds of result. A gap that touches the period makes a result inconclusive, never a pass.
const (
	Complete     Completeness = "complete"
	Inconclusive Completeness = "inconclusive"
)

// Strength says how well evidence supports a control or requirement.
type Strength string

// The strengths.
const (
	Strong  Strength = "strong"
	Partial Strength = "partial"
	Context Strength = "context"
)

// Mapping says which requirement of a framework a kind of evidence supports, how well, why, and with what caveat.
type Mapping struct {
	Framework   string
	Requirement string
	Strength    Strength
	Reason      string
	Caveat      string
}

// File is one rendering of an artifact version. Its bytes are kept under their digest.
type File struct {
	Format string // csv, ndjson, html, xlsx, pdf
	Media  string // media type
	Size   int64
	SHA256 string // lower-case hex
}

// Artifact is a piece of evidence with its newest version. Same bytes in two periods are two artifacts.
type Artifact struct {
	ID        ID
	Workspace ID
	Kind      ArtifactKind
	Recipe    string // recipe id; empty for uploads
	Variant   string // tells artifacts of one recipe and period apart, such as a digest of their filter; usually empty
	Title     string
	Period    Span
	CreatedAt time.Time
	RetiredAt time.Time // zero: in use
	Retired   string    // reason
	Latest    ArtifactVersion
}

// ArtifactVersion is one immutable version of an artifact.
type ArtifactVersion struct {
	Artifact      ID
	Version       int // 1, 2, …
	RecipeVersion int
	Engine        string // version of Exhibit that built it
	Result        Completeness
	Population    int64  // events that the question is about
	Rows          int64  // rows of the table
	Provenance    []byte // JSON: accounts, query, parameters, counts, coverage; made by the recipe's runner
	Files         []File
	BuiltAt       time.Time
	BuiltBy       string
	AsOf          int64 // size of the log whose evidence it was made from; 0: that of the log when it is stored
	BuiltMember   ID    // who may never review it; empty: made on the command line
	// ErasedAt is when files and provenance were erased with the data of a person, Erasure with which; zero: they were not.
	ErasedAt time.Time
	Erasure  ID
}

// Target says what an artifact is attached to: exactly one of the two.
type Target struct {
	Action  ID
	Control ID
}

// Attachment ties an artifact to an action or a control. It is never deleted: detaching marks it with a reason.
type Attachment struct {
	ID         ID
	Workspace  ID
	Artifact   ID
	Target     Target
	Strength   Strength
	Reason     string
	Caveat     string
	Automatic  bool // made from a mapping, not by a person
	AttachedAt time.Time
	AttachedBy string
	DetachedAt time.Time // zero: attached
	Detached   string    // reason
}
