package simulator

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is something that goes wrong with a request, by chance.
type Fault struct {
	Kind        string  // one of FaultKinds
	Target      string  // a stream, or "introspect"; empty for the three streams
	Probability float64 // for each request: 0 to 1
}

// FaultKind explains a kind of fault.
type FaultKind struct {
	Name string
	What string
}

// The kinds of faults.
const (
	faultTooMany     = "429"
	faultTooManyBare = "429-bare"
	faultServer      = "5xx"
	faultHTML        = "html"
	faultReset       = "reset"
	faultTruncated   = "truncated"
	faultCut         = "cut"
	faultBomb        = "gzip-bomb"
	faultHang        = "hang"
	faultSlow        = "slow-body"
	faultDuplicate   = "duplicate-page"
	faultLoop        = "cursor-loop"
	faultLies        = "has-more-lies"
	faultUnordered   = "unordered"
	faultConflict    = "conflict"
	faultBadCursor   = "bad-cursor"
	faultRevoked     = "revoked-token"
	faultSkew        = "clock-skew"
	faultLate        = "late"
	faultErrorShape  = "error-shape"
	faultPlainError  = "plain-error"
	faultEmptyError  = "empty-error"
)

// targetIntrospect is the target of faults in introspection.
const targetIntrospect = "introspect"

// defaultProbability is that of a fault named without one.
const defaultProbability = 0.05

// maxStreak is how many faulty answers in a row a stream gives at most, unless the fault is certain. So whoever retries
// gets everything in the end.
const maxStreak = 3

// FaultKinds lists the faults that can be injected. None of them makes an event unreachable for a client that retries,
// follows cursors and re-reads closed windows, as long as its probability is below one.
func FaultKinds() []FaultKind {
	return []FaultKind{
		{faultTooMany, "429 with Retry-After: 1"},
		{faultTooManyBare, "429 without Retry-After"},
		{faultServer, "500, 502 (HTML, as from a proxy) or 503"},
		{faultHTML, "200 with an HTML page, as from a captive portal"},
		{faultReset, "the connection is cut before the answer begins"},
		{faultTruncated, "200 whose JSON ends early although its length is right"},
		{faultCut, "the connection is cut in the middle of the body"},
		{faultBomb, "gzip that unpacks to 4 GiB of white space (only to clients that accept gzip)"},
		{faultHang, "no answer until the client gives up"},
		{faultSlow, "the right answer, dripping"},
		{faultDuplicate, "the page before once more, under a new cursor that goes on where it should"},
		{faultLoop, "the right items, but the cursor of the request again and has_more true"},
		{faultLies, "has_more is the opposite of the truth"},
		{faultUnordered, "the items of the page in any order"},
		{faultConflict, "an event that was served before comes again with other bytes"},
		{faultBadCursor, "400 for a good cursor"},
		{faultRevoked, "401, as if the token had been revoked"},
		{faultSkew, "a Date header that is hours or days off"},
		{faultLate, "this share of the events (of item usages, if no stream is named) appears only after a while, with its old timestamp; at the start only"},
		{faultErrorShape, "errors have the body {\"status\":…,\"message\":…} of the reference page"},
		{faultPlainError, "errors are plain text"},
		{faultEmptyError, "errors have no body"},
	}
}

// ParseFault reads NAME[@TARGET][=PROBABILITY]; without a probability it is 0.05.
func ParseFault(text string) (Fault, error) {
	name, number, given := strings.Cut(text, "=")
	f := Fault{Probability: defaultProbability}
	f.Kind, f.Target, _ = strings.Cut(name, "@")
	if given {
		p, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return Fault{}, fmt.Errorf("the probability %q of the fault %q is not a number from 0 to 1", number, f.Kind)
		}
		f.Probability = p
	}
	return f, f.check()
}

// FaultMix is the name that stands for many faults at once; see ParseFaults.
const FaultMix = "mix"

// mixProbability is that of each fault of a mix named without one.
const mixProbability = 0.01

// ParseFaults reads NAME[@TARGET][=PROBABILITY] like ParseFault. The name "mix" stands for every fault that passes by
// itself: all but those that make a client stop (revoked-token, bad-cursor), change events (conflict) or are not drawn
// for each request (late); each has the probability given, by default 0.01.
func ParseFaults(text string) ([]Fault, error) {
	name, number, given := strings.Cut(text, "=")
	kind, target, _ := strings.Cut(name, "@")
	if kind != FaultMix {
		f, err := ParseFault(text)
		return []Fault{f}, err
	}
	if !given {
		number = strconv.FormatFloat(mixProbability, 'g', -1, 64)
	}
	var out []Fault
	for _, k := range faultNames() {
		switch k {
		case faultRevoked, faultBadCursor, faultConflict, faultLate:
			continue
		}
		if target != "" {
			k += "@" + target
		}
		f, err := ParseFault(k + "=" + number)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (f Fault) check() error {
	if !slices.ContainsFunc(FaultKinds(), func(k FaultKind) bool { return k.Name == f.Kind }) {
		return fmt.Errorf("there is no fault %q; the faults are %s", f.Kind, strings.Join(faultNames(), ", "))
	}
	if !(f.Probability >= 0 && f.Probability <= 1) { // also refuses NaN
		return fmt.Errorf("the probability of the fault %q is not a number from 0 to 1", f.Kind)
	}
	if f.Target != "" && f.Target != targetIntrospect && !slices.Contains(Streams(), Stream(f.Target)) {
		return fmt.Errorf("the fault %q cannot be aimed at %q; it can be at signinattempts, itemusages, auditevents or introspect", f.Kind, f.Target)
	}
	return nil
}

func faultNames() []string {
	var out []string
	for _, k := range FaultKinds() {
		out = append(out, k.Name)
	}
	return out
}

func checkFaults(faults []Fault) error {
	for _, f := range faults {
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

// SetFaults replaces the faults of the running simulator. The kind "late" can only be given in Config.Faults.
func (s *Simulator) SetFaults(faults ...Fault) error {
	if err := checkFaults(faults); err != nil {
		return err
	}
	if slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == faultLate }) {
		return fmt.Errorf("the fault %q can only be given at the start; while running, add late events instead", faultLate)
	}
	s.faults.reset(s.config.Seed, faults)
	return nil
}

// faultSet draws faults. Each target has its own random source, so that the faults of a stream depend on its own
// requests alone.
type faultSet struct {
	mu     sync.Mutex
	seed   uint64
	list   []Fault
	dice   map[string]*rand.Rand
	streak map[string]int
	counts map[string]int
}

func (f *faultSet) reset(seed uint64, list []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seed, f.list = seed, slices.Clone(list)
	f.dice, f.streak = map[string]*rand.Rand{}, map[string]int{}
	if f.counts == nil {
		f.counts = map[string]int{}
	}
}

// draw gives the first of the kinds that comes up for a request to target, or "" for an honest answer, and counts it.
// Only kinds that possible lists are drawn.
func (f *faultSet) draw(target string, possible ...string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if !slices.Contains(possible, fault.Kind) || !fault.aimedAt(target) {
			continue
		}
		if f.die(target).Float64() >= fault.Probability || fault.Probability < 1 && f.streak[target] >= maxStreak {
			continue
		}
		f.streak[target]++
		f.counts[fault.Kind]++
		return fault.Kind
	}
	f.streak[target] = 0
	return ""
}

// manner is like draw for faults that only colour an answer and so do not count towards a streak.
func (f *faultSet) manner(target string, kinds ...string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if slices.Contains(kinds, fault.Kind) && fault.aimedAt(target) && f.die(target).Float64() < fault.Probability {
			f.counts[fault.Kind]++
			return fault.Kind
		}
	}
	return ""
}

// number is a random number below n for the details of a fault.
func (f *faultSet) number(target string, n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.die(target).IntN(n)
}

func (f *faultSet) die(target string) *rand.Rand {
	if f.dice[target] == nil {
		h := fnv.New64a()
		h.Write([]byte(target)) // never fails
		f.dice[target] = rand.New(rand.NewPCG(f.seed, h.Sum64()))
	}
	return f.dice[target]
}

func (f *faultSet) add(kind string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[kind] += n
}

func (f *faultSet) counted() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// watches tells whether a kind is switched on at all.
func (f *faultSet) watches(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.list, func(fault Fault) bool { return fault.Kind == kind && fault.Probability > 0 })
}

func (f Fault) aimedAt(target string) bool {
	return f.Target == target || f.Target == "" && target != targetIntrospect
}
