// Package sample selects members of a population so that anybody who has the population can select the same ones: each
// event is ranked by a hash of the seed and its uuid, and the lowest ranks are the sample. Nobody can steer what is chosen
// without choosing the seed after seeing the events, so an auditor chooses the seed.
//
//	rank of an event = SHA-256("exhibit/sample/v1" 0x00 || seed || 0x00 || uuid), compared as bytes
package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Most is the largest sample.
const Most = 10_000

// Population says which events a question is about: a stream and filters. Its text form is "STREAM" or
// "STREAM KEY=VALUE …", such as "signinattempts result=failed".
type Population struct {
	Stream evidence.Stream
	Where  []evidence.Match
	text   string
}

// ParsePopulation reads the text form.
func ParsePopulation(s string) (Population, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return Population{}, evidence.Errorf(evidence.Invalid, "A population is a stream, with filters if you like: signinattempts result=failed.")
	}
	p := Population{Stream: evidence.Stream(words[0]), text: strings.Join(words, " ")}
	for _, w := range words[1:] {
		m, err := evidence.ParseMatch(w)
		if err != nil {
			return Population{}, err
		}
		switch m.Key {
		case evidence.KeyAction, evidence.KeyType, evidence.KeyResult, evidence.KeyVault, evidence.KeyItem, evidence.KeyTarget, evidence.KeyCountry, evidence.KeyIP, evidence.KeyClient:
		default:
			return Population{}, evidence.Errorf(evidence.Invalid, "A population cannot be narrowed by %s: what that means depends on more than the event itself.", m.Key)
		}
		p.Where = append(p.Where, m)
	}
	return p, nil
}

// String gives the text form.
func (p Population) String() string { return p.text }

// Holds reports whether an event belongs to the population, as far as stream and filters go.
func (p Population) Holds(f evidence.Facts) bool {
	for _, m := range p.Where {
		value := map[evidence.Key]string{evidence.KeyAction: f.Action, evidence.KeyType: f.Type, evidence.KeyResult: string(f.Result), evidence.KeyVault: f.Vault,
			evidence.KeyItem: f.Item, evidence.KeyTarget: f.Target, evidence.KeyCountry: f.Country, evidence.KeyIP: f.IP, evidence.KeyClient: f.Client}[m.Key]
		if !slices.Contains(m.Values, value) {
			return false
		}
	}
	return true
}

// Member is a member of a population with its rank's hash.
type Member struct {
	Rank  int // counted from 1, in the order of the hashes
	Hash  [sha256.Size]byte
	Facts evidence.Facts
}

// Selector keeps the lowest ranks of the events that it is shown, in memory that does not grow with them.
type Selector struct {
	seed string
	size int
	n    int64
	best []Member // in order, at most size
}

// NewSelector selects size members with a seed.
func NewSelector(seed string, size int) (*Selector, error) {
	if size < 1 || size > Most {
		return nil, evidence.Errorf(evidence.Invalid, "A sample has 1 to %d members.", Most)
	}
	if seed == "" || len(seed) > 200 {
		return nil, evidence.Errorf(evidence.Invalid, "A sample needs a seed of at most 200 bytes. The auditor chooses it.")
	}
	return &Selector{seed: seed, size: size}, nil
}

// Add shows an event of the population. The same event must not be shown twice.
func (s *Selector) Add(f evidence.Facts) {
	s.n++
	h := sha256.Sum256([]byte("exhibit/sample/v1\x00" + s.seed + "\x00" + f.UUID))
	if len(s.best) == s.size && bytes.Compare(h[:], s.best[s.size-1].Hash[:]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(s.best, h, func(m Member, h [sha256.Size]byte) int { return bytes.Compare(m.Hash[:], h[:]) })
	s.best = slices.Insert(s.best, at, Member{Hash: h, Facts: f})
	s.best = s.best[:min(len(s.best), s.size)]
}

// Population is the number of events that were shown.
func (s *Selector) Population() int64 { return s.n }

// Members gives the sample in order of rank.
func (s *Selector) Members() []Member {
	out := slices.Clone(s.best)
	for i := range out {
		out[i].Rank = i + 1
	}
	return out
}

// Heading is that of the attribute sheet. The last columns are the auditor's to fill in.
func Heading() []string {
	return []string{"rank", "uuid", "time", "action", "type", "result", "person", "email", "ip", "country", "vault", "item", "target", "attribute_a", "attribute_b", "attribute_c", "attribute_d", "exception", "note"}
}

// Row gives a member's line of the attribute sheet.
func (m Member) Row() []string {
	f := m.Facts
	return []string{strconv.Itoa(m.Rank), f.UUID, f.At.UTC().Format(time.RFC3339Nano), f.Action, f.Type, string(f.Result), f.Person.Name, f.Person.Email, f.IP, f.Country, f.Vault, f.Item, f.Target, "", "", "", "", "", ""}
}

// WriteCSV writes the attribute sheet. guard makes a cell safe for spreadsheets.
func WriteCSV(out io.Writer, members []Member, guard func(string) string) error {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	rows := [][]string{Heading()}
	for _, m := range members {
		rows = append(rows, m.Row())
	}
	for _, row := range rows {
		for i := range row {
			row[i] = guard(row[i])
		}
		if err := w.Write(row); err != nil {
			return fmt.Errorf("writing the attribute sheet: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("writing the attribute sheet: %w", err)
	}
	return nil
}
