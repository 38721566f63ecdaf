package evidence

import (
	"slices"
	"time"
)

// Basis says on which ground of article 17 GDPR the data of a person is erased. The words are part of the API, of the command
// line and of the log.
type Basis string

// The bases.
const (
	BasisNoLongerNeeded Basis = "art17-1a" // the purpose is gone
	BasisWithdrawn      Basis = "art17-1b" // consent was withdrawn
	BasisObjection      Basis = "art17-1c" // the person objects
	BasisUnlawful       Basis = "art17-1d" // it was processed unlawfully
	BasisObligation     Basis = "art17-1e" // a law asks for it
	BasisChild          Basis = "art17-1f" // it was collected of a child
	BasisOther          Basis = "other"    // another law or agreement
)

// Bases gives all bases in the order in which they are shown.
func Bases() []Basis {
	return []Basis{BasisNoLongerNeeded, BasisWithdrawn, BasisObjection, BasisUnlawful, BasisObligation, BasisChild, BasisOther}
}

// Title is the basis in words for a person.
func (b Basis) Title() string {
	i := slices.Index(Bases(), b)
	if i < 0 {
		return ""
	}
	return []string{"Article 17(1)(a): no longer needed", "Article 17(1)(b): consent withdrawn", "Article 17(1)(c): objection", "Article 17(1)(d): unlawful processing",
		"Article 17(1)(e): legal obligation", "Article 17(1)(f): collected of a child", "Other"}[i]
}

// Erasure is the erasure of the data of one person. Whose it was is not kept.
type Erasure struct {
	ID        ID
	Workspace ID
	Done      bool // false: it began and has not come to its end
	Basis     Basis
	Reason    string
	Subject   string // what the person is found by, as JSON; empty once it is done
	BegunAt   time.Time
	BegunBy   string
	EndedAt   time.Time
	Events    int64 // records that were erased
	Pages     int64 // that they lay in
	Artifacts int64 // versions of artifacts whose files were erased
}
