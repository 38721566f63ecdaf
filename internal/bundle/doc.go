// Package bundle is the container in which evidence leaves Exhibit: one ZIP file that anybody can open, written so that the
// same content gives the same bytes, and read so strictly that no two readers can see different things in it. Whether what
// it says is true is for package verify. docs/formats.md describes the layout.
package bundle

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Paths of the parts that every bundle has.
const (
	PathReadme     = "readme.html"
	PathManifest   = "manifest.json"
	PathSums       = "manifest-sha256.txt"
	PathLeaves     = "log/leaves.bin"
	PathFrontier   = "log/frontier.txt"
	PathCheckpoint = "log/end.checkpoint"
	PathToken      = "log/end.tst"
	PathHint       = "log/policy.hint"
	PathOpenings   = "opening/openings.json"
	PathIndex      = "controls/index.csv"
	PathOSCAL      = "oscal/assessment-results.json"
	DirProofs      = "proofs/"
	DirOlder       = "log/older/"
	DirArtifacts   = "artifacts/"
	DirUploads     = "uploads/"
	DirRaw         = "raw/"
	DirEvents      = "events/"
)

// Limits of a bundle. They hold before anything is read.
const (
	MaxFile    = 4<<30 - 1
	MaxEntries = 65_534 // more would need ZIP64, which readers understand differently
	MaxEntry   = 1 << 30
	MaxSum     = 16 << 30
	MaxName    = 200
	maxRatio   = 200 // of entries of more than 1 MiB
)

// ErrContainer says that a file is not a bundle as this package writes them.
var ErrContainer = errors.New("it is not a bundle")

func containerf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrContainer, fmt.Sprintf(format, args...))
}

var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+(-[a-z0-9]+)*)*(/[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+(-[a-z0-9]+)*)*)*$`)

// reserved are names that Windows takes for devices, with whatever extension.
var reserved = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// CheckName fails for a name that some system would read as another place or another file.
func CheckName(name string) error {
	if len(name) > MaxName || !goodName.MatchString(name) {
		return containerf("the name %.100q is not allowed", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if reserved.MatchString(part) {
			return containerf("the name %.100q is a device on Windows", name)
		}
	}
	return nil
}

// SelfProven reports whether a part proves itself and is therefore not in the manifest, which is older than it.
func SelfProven(path string) bool {
	return path == PathManifest || path == PathSums || strings.HasPrefix(path, "log/") && path != PathHint || strings.HasPrefix(path, DirProofs)
}
