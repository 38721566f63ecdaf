package evidence

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// ID names a thing that Exhibit made: a prefix that says what it is, an underscore and 16 random letters or digits
// (80 bits), such as cn_4zq2hxk7m3v5w6ya. Identifiers that a source made are plain strings and stay as they came.
type ID string

// Prefixes of IDs.
const (
	PrefixWorkspace  = "ws"
	PrefixConnection = "cn"
	PrefixArtifact   = "ar"
	PrefixAttachment = "at"
	PrefixAction     = "ac"
	PrefixControl    = "co"
	PrefixPerson     = "us"
	PrefixAudit      = "au"
	PrefixBundle     = "bu"
	PrefixSample     = "sa"
	PrefixFilter     = "fi"
	PrefixExport     = "ex"
	PrefixDraft      = "dr"
	PrefixReview     = "re"
	PrefixSchedule   = "sc"
	PrefixComment    = "cm"
	PrefixRequest    = "rq"
	PrefixMessage    = "ms"
	PrefixNote       = "no"
	PrefixHold       = "ho"
	PrefixErasure    = "er"
)

// NewID makes a fresh ID. crypto/rand never fails.
func NewID(prefix string) ID {
	var b [10]byte
	rand.Read(b[:])
	return ID(prefix + "_" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:])))
}
