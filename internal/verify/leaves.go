package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/timestamp"
	"github.com/exhibithq/exhibit/internal/translog"
)

// logState is what the leaves say, gathered in one pass.
type logState struct {
	start    int64
	lastAt   int64
	chains   map[string]string
	origin   string
	keys     map[string]translog.Key            // that sign at the end
	signing  []keySpan                          // every key with its time
	held     map[string]bool                    // legal holds: true while one stands
	erased   map[translog.Hash][]erasedSegments // by the record of a page's leaf
	emptied  map[versionKey]*emptied            // versions of artifacts whose files were erased
	anchors  []againLeaf
	entered  bool // something was stored before there was a log
	streams  map[streamKey]*streamState
	order    []streamKey
	kinds    map[string]string // connection → source
	arts     map[string][]artLeaf
	reviews  map[string][]artLeaf // by artifact, oldest first
	retired  map[string][]artLeaf
	attached map[string]attachLeaf
	claims   map[string]translog.Leaf // by record
	attaches []*attachSpan
	things   map[string][]againLeaf // how controls and actions are set up, by ID
	export   *translog.Leaf
	exportN  int64
	roots    map[int64]translog.Hash // at the sizes that are asked for
	ats      map[int64]int64         // time of the last leaf at those sizes
}

type streamKey struct{ connection, stream string }

// keySpan is a key with the leaves that added and ended it.
type keySpan struct {
	key         translog.Key
	from, until int64
}

// signs reports whether the key signs checkpoints over size leaves.
func (k keySpan) signs(size int64) bool { return k.from < size && size <= k.until }

// pageLeaf is what is kept of a page leaf; there may be millions of pages.
type pageLeaf struct {
	n         int64 // of the leaf
	record    translog.Hash
	erased    int64 // number of the last leaf that tells that something of it was erased; 0: nothing was
	size      int64 // of a page of which something was erased, as it is kept: 0 and empty for others
	sha       string
	page      int64
	feed      int64
	leaf      translog.Leaf
	low, high int64
}

type artLeaf struct {
	n      int64
	record string
	leaf   translog.Leaf
}

type attachLeaf struct {
	n      int64
	record string
	leaf   translog.Leaf
}

// attachSpan is an attachment with the number of the leaf that ended it.
type attachSpan struct {
	attachLeaf
	until int64
}

// streamState follows the chain of a stream.
type streamState struct {
	key       streamKey
	pages     []pageLeaf
	seq       int64
	next      string // SHA-256 of the bookmark to go on with; "": not known
	chainFrom int64
	chained   bool // chainFrom is known
	covered   []step
	windows   spans
	again     []againLeaf
	gaps      []againLeaf
	rests     bool // part of the coverage rests on second readings or on what was entered later
	lastAsked int64
}

// step is a piece of coverage with the leaf that claims it.
type step struct {
	n    int64
	span translog.Millis
	req  int64 // when it was asked for
}

type againLeaf struct {
	n    int64
	leaf translog.Leaf
}

// leaves folds all leaves into the tree and checks each of them.
func (v *verifier) leaves() error {
	s := &logState{chains: map[string]string{}, keys: map[string]translog.Key{}, held: map[string]bool{}, erased: map[translog.Hash][]erasedSegments{}, emptied: map[versionKey]*emptied{}, streams: map[streamKey]*streamState{}, kinds: map[string]string{}, arts: map[string][]artLeaf{}, reviews: map[string][]artLeaf{}, retired: map[string][]artLeaf{},
		attached: map[string]attachLeaf{}, claims: map[string]translog.Leaf{}, things: map[string][]againLeaf{}, roots: map[int64]translog.Hash{}, ats: map[int64]int64{}}
	v.log = s
	fold, err := v.frontier()
	if err != nil {
		return err
	}
	s.start = fold.Size()
	sizes := v.sizes()
	in, err := v.in.Open(bundle.PathLeaves)
	if err != nil {
		v.fail(stepTree, "part_unreadable", "%v", err)
		return errStop
	}
	var buf []byte
	for next := 0; ; {
		for next < len(sizes) && sizes[next] <= fold.Size() {
			if sizes[next] == fold.Size() {
				s.roots[sizes[next]], s.ats[sizes[next]] = fold.Root(), s.lastAt
			}
			next++
		}
		buf, err = translog.ReadEntry(in, buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			v.fail(stepLeaves, "framing", "%v", err)
			return errStop
		}
		n := fold.Size()
		if n%5000 == 0 {
			v.opt.Progress("leaves", n, v.head.Size)
			if v.ctx.Err() != nil {
				return v.ctx.Err()
			}
		}
		if n >= v.head.Size {
			v.fail(stepTree, "tree_size", "there are more leaves than the %d of the checkpoint", v.head.Size)
			return errStop
		}
		fold.Add(translog.LeafHash(buf))
		v.leaf(n, buf)
	}
	v.checked[bundle.PathLeaves] = true
	v.Leaves = fold.Size() - s.start
	return v.tree(fold)
}

// frontier reads what stands left of the first leaf.
func (v *verifier) frontier() (*translog.Fold, error) {
	lines := strings.Split(string(v.small(stepTree, bundle.PathFrontier, 8<<10)), "\n")
	start, ok := translog.ParseMillis(lines[0])
	var hashes []translog.Hash
	for _, line := range lines[1:max(1, len(lines)-1)] {
		h, err := translog.ParseHash(line)
		ok = ok && err == nil
		hashes = append(hashes, h)
	}
	if !ok || start < 0 || len(lines) < 2 || lines[len(lines)-1] != "" {
		v.fail(stepTree, "frontier", "the frontier cannot be read")
		return nil, errStop
	}
	fold, err := translog.NewFold(start, hashes)
	if err != nil {
		v.fail(stepTree, "frontier", "%v", err)
		return nil, errStop
	}
	return fold, nil
}

// sizes are the sizes of the tree at which its root is asked for, in order.
func (v *verifier) sizes() []int64 {
	var sizes []int64
	for _, p := range v.opt.Pins {
		sizes = append(sizes, p.Size)
	}
	for _, name := range v.in.Names() {
		if n, ok := olderSize(name, ".checkpoint"); ok {
			sizes = append(sizes, n)
		}
	}
	sizes = append(sizes, v.head.Size)
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// olderSize reads the size from the name of an older checkpoint.
func olderSize(name, suffix string) (int64, bool) {
	rest, ok := strings.CutPrefix(name, bundle.DirOlder)
	text, ok2 := strings.CutSuffix(rest, suffix)
	n, ok3 := translog.ParseMillis(text)
	return n, ok && ok2 && ok3
}

// tree compares what the leaves give with the checkpoint, with older ones, and with what the verifier wrote down.
func (v *verifier) tree(fold *translog.Fold) error {
	s := v.log
	switch {
	case fold.Size() != v.head.Size:
		v.fail(stepTree, "tree_size", "the checkpoint has %d leaves, the bundle %d", v.head.Size, fold.Size())
		return errStop
	case fold.Root() != v.head.Root:
		v.fail(stepTree, "tree_root", "the leaves give another root than the checkpoint has")
		return errStop
	}
	for _, p := range v.opt.Pins {
		root, ok := s.roots[p.Size]
		switch {
		case !ok && p.Size > v.head.Size:
			v.fail(stepTree, "pin_ahead", "the log had %d leaves when it was pinned and has %d now", p.Size, v.head.Size)
		case !ok:
			v.fail(stepTree, "pin_before", "the pinned size %d lies before the first leaf of the bundle", p.Size)
		case root != p.Root:
			v.fail(stepTree, "pin", "the log was another one when it had the %d leaves that were pinned: its history was rewritten", p.Size)
		}
	}
	keys := v.hint()
	v.older(keys)
	v.anchors()
	v.signers(stepCheckpoint, bundle.PathCheckpoint, v.note, v.head.Size)
	v.strange(stepCheckpoint, bundle.PathCheckpoint, v.note, keys)
	v.ownKeys()
	if s.origin != "" && s.origin != v.head.Origin {
		v.fail(stepTree, "origin", "the checkpoint is of %s and the log of %s", v.head.Origin, s.origin)
	}
	return nil
}

// older checks the checkpoints inside the range.
func (v *verifier) older(keys []translog.Key) {
	for _, name := range v.in.Names() {
		size, ok := olderSize(name, ".checkpoint")
		if !ok {
			continue
		}
		b := v.small(stepTree, name, 64<<10)
		c, note, err := translog.OpenCheckpoint(b)
		if err != nil || c.Size != size || c.Origin != v.head.Origin || c.Root != v.log.roots[size] {
			v.fail(stepTree, "older_checkpoint", "%s is not a checkpoint of this log", name)
			continue
		}
		v.signers(stepTree, name, note, size)
		if v.opt.Policy != nil {
			j, err := v.opt.Policy.Judge(note)
			if err != nil {
				v.fail(stepTree, "signature_wrong", "%s: %v", name, err)
				continue
			}
			for _, w := range j.Witnesses {
				v.Vouched = append(v.Vouched, Vouch{size, w.At, "witness " + w.Name})
			}
		}
		v.strange(stepTree, name, note, keys)
	}
}

// signers checks that a checkpoint is signed by a key that signed the log then, and by none that had been ended.
func (v *verifier) signers(step, name string, note translog.Note, size int64) {
	signed := false
	for _, k := range v.log.signing {
		by := slices.ContainsFunc(note.Signatures, func(s translog.Signature) bool { _, ok := s.Verify(k.key, note.Text); return ok })
		switch {
		case by && size > k.until:
			v.fail(step, "key_retired", "%s has %d leaves and is signed by a key that was ended at leaf %d", name, size, k.until)
		case by && k.signs(size):
			signed = true
		}
	}
	if !signed && v.log.start == 0 {
		v.fail(step, "signature_own", "%s is not signed by a key that the log names as signing then", name)
	}
}

// anchors compares what the log says of checkpoints that others vouch for with these.
func (v *verifier) anchors() {
	told := map[string]bool{}
	for _, a := range v.log.anchors {
		size := a.leaf.Int("size")
		root, known := v.log.roots[size]
		c := translog.Checkpoint{Origin: v.head.Origin, Size: size, Root: root}
		token := bundle.DirOlder + strconv.FormatInt(size, 10) + ".tst"
		told[token] = told[token] || a.leaf.Has("tst_sha")
		switch {
		case size > a.n:
			v.fail(stepTree, "anchor", "leaf %d tells of a checkpoint over %d leaves, which is later than itself", a.n, size)
		case size <= v.log.start:
		case !known:
			v.fail(stepTree, "anchor_missing", "leaf %d tells of a checkpoint over %d leaves that others vouch for, which the bundle lacks", a.n, size)
		case c.TextHash().String() != a.leaf.Text("checkpoint_sha"):
			v.fail(stepTree, "anchor", "leaf %d tells of another checkpoint over %d leaves", a.n, size)
		case a.leaf.Has("tst_sha") && !v.in.Has(token):
			v.fail(stepTree, "anchor_missing", "leaf %d tells of a time stamp that the bundle lacks", a.n)
		case a.leaf.Has("tst_sha"):
			if sum := sha256.Sum256(v.small(stepTree, token, maxToken)); hex.EncodeToString(sum[:]) != a.leaf.Text("tst_sha") {
				v.fail(stepTree, "anchor", "%s is not the time stamp that leaf %d tells of", token, a.n)
			}
		}
	}
	for _, name := range v.in.Names() {
		if strings.HasPrefix(name, bundle.DirOlder) && strings.HasSuffix(name, ".tst") && !told[name] {
			v.fail(stepTree, "anchor", "the log tells of no time stamp %s", name)
		}
	}
}

// hint reads the part that names keys, and gives those that may sign a checkpoint of this bundle: of the log, of its witnesses
// and of the policy. They say nothing of whose log it is.
func (v *verifier) hint() []translog.Key {
	var keys []translog.Key
	for _, k := range v.log.signing {
		keys = append(keys, k.key)
	}
	if v.opt.Policy != nil {
		keys = append(keys, v.opt.Policy.Logs...)
		for _, w := range v.opt.Policy.Witnesses {
			keys = append(keys, w.Key)
		}
	}
	text := v.small(stepCheckpoint, bundle.PathHint, 64<<10)
	p, err := translog.ParsePolicy(text)
	if err != nil {
		v.fail(stepCheckpoint, "hint", "%s: %v", bundle.PathHint, err)
		return keys
	}
	for _, k := range p.Logs {
		if _, ok := v.log.keys[k.String()]; !ok {
			v.fail(stepCheckpoint, "hint", "%s names a key that the log does not", bundle.PathHint)
		}
	}
	if string(text) != string(translog.HintFor(p)) {
		v.fail(stepCheckpoint, "hint", "%s is not written as it should be", bundle.PathHint)
	}
	for _, w := range p.Witnesses {
		keys = append(keys, w.Key)
	}
	return keys
}

// ownKeys checks the signature by a key that the log itself names as signing at the end.
func (v *verifier) ownKeys() {
	keys := sortedKeys(v.log.keys)
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	if _, _, err := v.note.Signed(keys...); err != nil {
		v.fail(stepCheckpoint, "signature_own", "the checkpoint is not signed by a key that the log names as signing: %v", err)
	}
}

// strange looks for lines of a checkpoint that nobody could have checked.
func (v *verifier) strange(step, name string, note translog.Note, keys []translog.Key) {
	for _, sig := range note.Signatures {
		if !slices.ContainsFunc(keys, func(k translog.Key) bool { _, ok := sig.Verify(k, note.Text); return ok }) {
			v.fail(step, "signature_strange", "a signature of %s (%s) is by nobody that log, hint or policy names, or is wrong", name, sig.Name)
		}
	}
}

// leaf checks one leaf and keeps what later steps need of it.
func (v *verifier) leaf(n int64, raw []byte) {
	l, err := translog.DecodeLeaf(raw)
	if errors.Is(err, translog.ErrUnknownKind) || errors.Is(err, translog.ErrSchema) {
		v.fail(stepLeaves, codeUnknown, "leaf %d: %v. A newer version of Exhibit may know it", n, err)
		return
	}
	if err != nil {
		v.fail(stepLeaves, "leaf", "leaf %d: %v", n, err)
		return
	}
	s := v.log
	if l.At() < s.lastAt {
		v.fail(stepLeaves, "time_goes_back", "leaf %d is of an earlier time than the one before it", n)
	}
	s.lastAt = max(s.lastAt, l.At())
	if (n == 0) != (l.Kind == translog.KindGenesis) {
		v.fail(stepLeaves, "genesis", "leaf %d is of kind %s", n, l.Kind)
	}
	record := translog.RecordID(raw)
	if chain := translog.ChainOf(l); chain != "" {
		before, known := s.chains[chain]
		if l.Has("prev") && l.Text("prev") != before && (known || s.start == 0) {
			v.fail(stepLeaves, "chain", "leaf %d does not follow the one before it in %s: one was left out, added or moved", n, chain)
		}
		s.chains[chain] = record
	}
	v.keep(n, record, l)
}

func (v *verifier) keep(n int64, record string, l translog.Leaf) {
	s := v.log
	switch l.Kind {
	case translog.KindGenesis:
		s.origin = l.Text("origin")
	case translog.KindKey:
		v.key(n, l)
	case translog.KindConnect:
		s.kinds[l.Text("connection")] = l.Text("source")
		v.account(l)
	case translog.KindPage, translog.KindPolls, translog.KindReset:
		v.read(n, record, l)
	case translog.KindReconcile:
		st := v.stream(l)
		st.again = append(st.again, againLeaf{n, l})
	case translog.KindGap:
		v.keepGap(n, l)
	case translog.KindArtifact:
		id := l.Text("artifact")
		if want := int64(len(s.arts[id])) + 1; l.Int("version") != want && s.start == 0 {
			v.fail(stepLeaves, "version", "leaf %d is version %d of %s instead of %d", n, l.Int("version"), id, want)
		}
		s.arts[id] = append(s.arts[id], artLeaf{n, record, l})
	case translog.KindReview:
		s.reviews[l.Text("artifact")] = append(s.reviews[l.Text("artifact")], artLeaf{n, record, l})
		v.reviewed(n, l)
	case translog.KindRetire:
		s.retired[l.Text("artifact")] = append(s.retired[l.Text("artifact")], artLeaf{n, record, l})
		v.reviewed(n, l)
	case translog.KindAttach:
		s.attached[l.Text("attachment")] = attachLeaf{n, record, l}
		s.attaches = append(s.attaches, &attachSpan{attachLeaf{n, record, l}, 1 << 62})
	case translog.KindDetach:
		delete(s.attached, l.Text("attachment"))
		for _, a := range s.attaches {
			if a.leaf.Text("attachment") == l.Text("attachment") {
				a.until = n
			}
		}
	case translog.KindConfig:
		if area := l.Text("area"); area == "control" || area == "action" {
			s.things[l.Text("id")] = append(s.things[l.Text("id")], againLeaf{n, l})
		}
	case translog.KindCoverage:
		s.claims[record] = l
	case translog.KindExport:
		s.export, s.exportN = &l, n
	case translog.KindAnchor:
		s.anchors = append(s.anchors, againLeaf{n, l})
	case translog.KindErase:
		v.erase(n, record, l)
	case translog.KindHold, translog.KindRelease:
		v.held(n, l)
	case translog.KindAdopt:
		s.entered = true
	}
}

// key follows the keys that sign.
func (v *verifier) key(n int64, l translog.Leaf) {
	k, err := translog.ParseKey(l.Text("vkey"))
	if err != nil {
		v.fail(stepLeaves, "key", "leaf %d: %v", n, err)
		return
	}
	text, err := translog.EncodeJSON(translog.Fields{"op": l.Text("op"), "vkey": l.Text("vkey"), "effective_size": l.Int("effective_size"), "prev": l.Text("prev")})
	byKnown := slices.ContainsFunc(sortedKeys(v.log.keys), func(old translog.Key) bool { return old.VerifyText(text, l.Text("sig_old")) })
	switch {
	case err != nil:
		v.fail(stepLeaves, "key", "leaf %d: %v", n, err)
	case l.Int("effective_size") != n:
		v.fail(stepLeaves, "key", "leaf %d changes a key from another size on than its own", n)
	case l.Text("op") == "add" && len(v.log.keys) == 0:
		if !k.VerifyText(text, l.Text("sig_new")) {
			v.fail(stepLeaves, "key", "leaf %d adds a key that has not signed it", n)
		}
		v.addKey(n, k)
	case l.Text("op") == "add":
		if !byKnown || !k.VerifyText(text, l.Text("sig_new")) {
			v.fail(stepLeaves, "key", "leaf %d adds a key that the key before it does not vouch for", n)
		}
		v.addKey(n, k)
	case l.Text("op") == "retire" || l.Text("op") == "compromised":
		if !byKnown {
			v.fail(stepLeaves, "key", "leaf %d ends a key without its signature", n)
		}
		delete(v.log.keys, k.String())
		for i := range v.log.signing {
			if v.log.signing[i].key.String() == k.String() {
				v.log.signing[i].until = min(v.log.signing[i].until, n)
			}
		}
		if l.Text("op") == "compromised" {
			v.unproven("What the log said before leaf %d by its signature alone: the key %08x was in foreign hands when it was ended. What a witness, a time stamp or a pin of before vouches for stands.", n, k.ID)
		}
	default:
		v.fail(stepLeaves, codeUnknown, "leaf %d does %q with a key, which this version does not know", n, l.Text("op"))
	}
}

// held follows legal holds: each is placed, may be looked at again, and is released once.
func (v *verifier) held(n int64, l translog.Leaf) {
	id := l.Text("hold")
	stands, known := v.log.held[id]
	if known && !stands {
		v.fail(stepLeaves, "hold", "leaf %d tells of the legal hold %s, which was released before", n, id)
	}
	if !known && v.log.start == 0 && (l.Kind == translog.KindRelease || l.Text("prev") != "") {
		v.fail(stepLeaves, "hold", "leaf %d tells of the legal hold %s, which was never placed", n, id)
	}
	v.log.held[id] = l.Kind == translog.KindHold
}

// account keeps how a connection is read from now on.
func (v *verifier) account(l translog.Leaf) {
	a := Account{l.Text("connection"), l.Text("source"), l.Text("server"), l.Text("account")}
	i := slices.IndexFunc(v.Accounts, func(x Account) bool { return x.Connection == a.Connection })
	if i < 0 {
		v.Accounts = append(v.Accounts, a)
		return
	}
	v.Accounts[i] = a
}

func (v *verifier) addKey(n int64, k translog.Key) {
	v.log.keys[k.String()] = k
	v.log.signing = append(v.log.signing, keySpan{k, n, 1 << 62})
}

func sortedKeys(m map[string]translog.Key) []translog.Key {
	var all []translog.Key
	for _, k := range m {
		all = append(all, k)
	}
	return all
}

func (v *verifier) stream(l translog.Leaf) *streamState {
	key := streamKey{l.Text("connection"), l.Text("stream")}
	st := v.log.streams[key]
	if st == nil {
		st = &streamState{key: key}
		v.log.streams[key] = st
		v.log.order = append(v.log.order, key)
	}
	return st
}

// read follows the reading of a stream: its numbers, its bookmarks, and what it claims to have covered.
func (v *verifier) read(n int64, record string, l translog.Leaf) {
	st := v.stream(l)
	seq, entered := l.Int("seq"), l.Bool("entered")
	asked := max(l.Int("t_req"), l.Int("last_at"))
	if seq > 0 {
		want := st.seq + 1
		if l.Kind == translog.KindPolls {
			want = st.seq + l.Int("count")
		}
		if seq != want && (v.log.start == 0 || st.seq > 0) {
			v.fail(stepLeaves, "sequence", "leaf %d: %s of %s goes on with number %d instead of %d: an answer was left out", n, st.key.stream, st.key.connection, seq, want)
		}
		st.seq = seq
		v.bookmark(n, st, l, entered)
		st.lastAsked = max(st.lastAsked, asked)
	}
	if l.Kind == translog.KindPage {
		low, okLow := translog.ParseMillis(l.Text("min_at"))
		high, okHigh := translog.ParseMillis(l.Text("max_at"))
		if !okLow || !okHigh || low > high {
			v.fail(stepLeaves, "leaf", "leaf %d tells no times of its events", n)
		}
		id, _ := translog.ParseHash(record)
		st.pages = append(st.pages, pageLeaf{n: n, record: id, page: l.Int("page"), feed: l.Int("feed"), leaf: l, low: low, high: high})
	}
	if span, ok := l.Span("covered"); ok {
		v.claimed(n, st, l, span, asked)
	}
}

// bookmark checks that each request went on with what the answer before it gave.
func (v *verifier) bookmark(n int64, st *streamState, l translog.Leaf, entered bool) {
	if l.Kind == translog.KindReset {
		if st.next != "" && l.Text("cursor_sha") != st.next && !entered {
			v.fail(stepLeaves, "cursor_chain", "leaf %d drops another bookmark than the one before it gave", n)
		}
		st.next, st.chained = "", false
		return
	}
	asked, reset := l.Span("asked")
	switch {
	case reset:
		st.chainFrom, st.chained = asked.From, true
	case !l.Has("cursor_sha"):
		v.fail(stepLeaves, "cursor_chain", "leaf %d tells neither a bookmark nor a span that was asked for", n)
	case st.next != "" && l.Text("cursor_sha") != st.next && !entered:
		v.fail(stepLeaves, "cursor_chain", "leaf %d asks with another bookmark than the answer before it gave: a page of %s is missing", n, st.key.stream)
	}
	st.next = l.Text("next_sha")
}

// claimed checks that what a leaf claims to have covered follows from what was asked and answered.
func (v *verifier) claimed(n int64, st *streamState, l translog.Leaf, span translog.Millis, asked int64) {
	if span.To < span.From {
		v.fail(stepLeaves, "leaf", "leaf %d covers less than nothing", n)
		return
	}
	if l.Int("seq") > 0 {
		old, within := st.windows.holding(span.From)
		from := within || st.chained && span.From >= st.chainFrom
		high, _ := translog.ParseMillis(l.Text("max_at"))
		to := within && span.To <= old.To || l.Kind == translog.KindPage && span.To <= high || !l.Bool("more") && span.To <= asked
		if !from || !to {
			v.fail(stepCoverage, "coverage_claim", "leaf %d claims to have covered more of %s than was asked and answered", n, st.key.stream)
		}
	} else {
		st.rests = true
	}
	st.covered = append(st.covered, step{n, span, asked})
	st.windows = st.windows.add(span)
}

// clockSlack is how much later than what vouches for it a leaf may say that it is: clocks differ.
const clockSlack = 5 * time.Minute

// times compares the times that outsiders vouch for with those of the leaves.
func (v *verifier) times() error {
	for _, w := range v.judgement.Witnesses {
		v.Vouched = append(v.Vouched, Vouch{v.head.Size, w.At, "witness " + w.Name})
	}
	if v.opt.Stamps != nil {
		v.stamps()
	} else if v.in.Has(bundle.PathToken) { // whose it is, only who brings roots can say; older ones are fixed by the log
		t, err := timestamp.Read(v.small(stepTime, bundle.PathToken, maxToken))
		if err == nil && !t.Of(v.head.Text()) {
			err = errors.New("the time stamp is of other data")
		}
		if err != nil {
			v.fail(stepTime, "timestamp", "%s: %v", bundle.PathToken, err)
		}
	}
	for _, x := range v.Vouched {
		if at, ok := v.log.ats[x.Size]; ok && time.UnixMilli(at).After(x.Time.Add(clockSlack)) {
			v.fail(stepTime, "postdated", "%s saw %d leaves at %s, but one of them says that it is of %s", x.By, x.Size, x.Time.UTC().Format(time.RFC3339), time.UnixMilli(at).UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// maxToken bounds a time stamp, in bytes.
const maxToken = 64 << 10

// stamps verifies the time stamps of the last checkpoint and of older ones.
func (v *verifier) stamps() {
	check := func(path string, c translog.Checkpoint, last bool) {
		if !v.in.Has(path) {
			if last {
				v.fail(stepTime, "timestamp_missing", "the last checkpoint has no time stamp")
			}
			return
		}
		at, err := v.opt.Stamps(v.small(stepTime, path, maxToken), c.Text())
		if err != nil {
			v.fail(stepTime, "timestamp", "%s: %v", path, err)
			return
		}
		v.Vouched = append(v.Vouched, Vouch{c.Size, at, "time stamp"})
		if last {
			v.Stamp = at
		}
	}
	check(bundle.PathToken, v.head, true)
	for size, root := range v.log.roots {
		check(bundle.DirOlder+strconv.FormatInt(size, 10)+".tst", translog.Checkpoint{Origin: v.head.Origin, Size: size, Root: root}, false)
	}
}

// spans is a set of moments: spans in order that do not touch.
type spans []translog.Millis

// holding gives the span that holds a moment, its end included: a claim may go on from there.
func (s spans) holding(at int64) (translog.Millis, bool) {
	i := sort.Search(len(s), func(i int) bool { return s[i].To >= at })
	if i < len(s) && s[i].From <= at {
		return s[i], true
	}
	return translog.Millis{}, false
}

// contains reports whether a moment lies in the set.
func (s spans) contains(at int64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].To > at })
	return i < len(s) && s[i].From <= at
}

func (s spans) add(x translog.Millis) spans {
	if x.To <= x.From {
		return s
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].To >= x.From })
	j := i
	for j < len(s) && s[j].From <= x.To {
		x.From, x.To = min(x.From, s[j].From), max(x.To, s[j].To)
		j++
	}
	return slices.Replace(s, i, j, x)
}

// within gives the part of the set that lies in a span.
func (s spans) within(x translog.Millis) []translog.Millis {
	var out []translog.Millis
	for _, w := range s {
		if from, to := max(w.From, x.From), min(w.To, x.To); from < to {
			out = append(out, translog.Millis{From: from, To: to})
		}
	}
	return out
}

// asOf gives what a stream had covered by the first n leaves.
func (st *streamState) asOf(n int64) spans {
	var s spans
	for _, c := range st.covered {
		if c.n < n {
			s = s.add(c.span)
		}
	}
	return s
}

func (k streamKey) String() string { return fmt.Sprintf("%s of %s", k.stream, k.connection) }
