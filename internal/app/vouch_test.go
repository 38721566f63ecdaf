package app_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
	"github.com/exhibithq/exhibit/internal/vouch"
	"github.com/exhibithq/exhibit/internal/vouch/tsatest"
	"github.com/exhibithq/exhibit/internal/witness"
)

// bystander is a witness that can be asked before it knows the log: it then answers 503.
type bystander struct {
	*httptest.Server
	key     *translog.SigningKey
	dir     string // its state
	handler atomic.Pointer[http.Handler]
}

func newBystander(t testing.TB, name string) *bystander {
	t.Helper()
	b := &bystander{dir: t.TempDir()}
	var err error
	if b.key, err = translog.NewSigningKey(name, true); err != nil {
		t.Fatal(err)
	}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := b.handler.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		http.Error(w, "gone fishing", http.StatusServiceUnavailable)
	}))
	t.Cleanup(b.Close)
	return b
}

// follow lets it countersign the log of these keys from now on.
func (b *bystander) follow(t testing.TB, log ...translog.Key) {
	t.Helper()
	state, err := translog.OpenState(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.New(witness.Config{Key: b.key, Logs: log, State: state, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := w.Handler()
	b.handler.Store(&h)
}

func (b *bystander) witness() translog.Witness {
	return translog.Witness{Name: b.key.Verifier().Name, Key: b.key.Verifier(), URL: b.URL}
}

// asked gives a story whose log asks witnesses and an authority.
func asked(t testing.TB, out *bytes.Buffer, tsa string, all ...*bystander) *story {
	t.Helper()
	var named []translog.Witness
	for _, b := range all {
		named = append(named, b.witness())
	}
	p, err := translog.AllOf(named...)
	if err != nil {
		t.Fatal(err)
	}
	return newStoryWith(t, app.Config{Witnesses: p, TSA: tsa, Log: slog.New(slog.NewTextHandler(out, nil))})
}

// trust gives the policy that the log's owner hands to auditors.
func (s *story) trust() *translog.Policy {
	s.t.Helper()
	text, _, err := s.Log.Policy(s.t.Context(), s.Workspace)
	s.ok(err)
	p, err := translog.ParsePolicy(text)
	s.ok(err)
	return p
}

func (s *story) attest() []store.Voucher {
	s.t.Helper()
	_, err := s.Log.Checkpoint(s.t.Context(), s.Workspace)
	s.ok(err)
	s.ok(s.Log.Attest(s.t.Context(), s.Workspace))
	st, err := s.Log.Status(s.t.Context(), s.Workspace, 1)
	s.ok(err)
	return st.Vouchers
}

// TestWitnesses lets two witnesses follow a log, of which one is late.
func TestWitnesses(t *testing.T) {
	var out bytes.Buffer
	one, two := newBystander(t, "one.example.com"), newBystander(t, "two.example.com")
	s := asked(t, &out, "", one, two)
	if c, err := s.Log.Concerns(t.Context(), s.Workspace); err != nil || len(c) != 0 {
		t.Errorf("people are told within the hour: %v %v", c, err)
	}
	s.now = time.Now().UTC()
	one.follow(t, s.key.Verifier())
	s.bundle()
	if r := s.verify(s.bytes, verify.Options{Policy: s.trust()}); r.Verdict != verify.Authentic || r.Failures[0].Code != "quorum_missing" || len(r.Witnesses) != 1 {
		t.Fatalf("with one of two: %s %v %v", r.Verdict, r.Failures, r.Witnesses)
	}
	s.attest()
	vouchers := s.attest()
	if len(vouchers) != 2 || !vouchers[0].FailedAt.IsZero() || vouchers[0].Size == 0 || !strings.Contains(vouchers[1].Failure, "gone fishing") || vouchers[1].Size != 0 {
		t.Fatalf("%+v", vouchers)
	}
	if n := strings.Count(out.String(), "name=two.example.com"); n != 1 {
		t.Errorf("the operator was told %d times: %s", n, out.String())
	}
	if c, err := s.Log.Concerns(t.Context(), s.Workspace); err != nil || len(c) != 1 || !strings.Contains(c[0].Title, "two.example.com") {
		t.Errorf("after an hour: %v %v", c, err)
	}
	two.follow(t, s.key.Verifier())
	vouchers = s.attest()
	if !vouchers[1].FailedAt.IsZero() || vouchers[1].Size == 0 {
		t.Fatalf("it is back: %+v", vouchers)
	}
	s.bundle()
	trust := s.trust()
	r := s.verify(s.bytes, verify.Options{Policy: trust})
	if r.Verdict != verify.Witnessed || len(r.Failures) > 0 || len(r.Witnesses) != 2 || len(r.Vouched) < 3 {
		t.Fatalf("%s %v %v", r.Verdict, r.Failures, r.Vouched)
	}
	if strings.Contains(strings.Join(r.NotProven, "\n"), "shows everybody the same log") {
		t.Error("it says that no witness signed")
	}
	if r := s.verify(s.bytes, verify.Options{}); r.Verdict != verify.Consistent || len(r.Failures) > 0 {
		t.Errorf("without a policy: %s %v", r.Verdict, r.Failures)
	}
	st, err := s.Log.Status(t.Context(), s.Workspace, 9)
	s.ok(err)
	if i := slices.IndexFunc(st.Checkpoints, func(c logbook.Seen) bool { return c.Size == r.Size }); i < 0 || st.Checkpoints[i].CosignedAt.IsZero() || len(st.Checkpoints[i].Cosigned) != 2 {
		t.Errorf("the checkpoints are shown as %+v", st.Checkpoints)
	}
	t.Run("the answer of a witness is lost", func(t *testing.T) {
		// It signed and remembers; we crashed before we stored what it answered.
		signed, err := s.Log.Checkpoint(t.Context(), s.Workspace)
		s.ok(err)
		l, err := s.Store.Log(t.Context(), s.Workspace)
		s.ok(err)
		vouchers, err := s.Store.Vouchers(t.Context(), l)
		s.ok(err)
		old := vouchers[1].Size
		proof, err := translog.ProveConsistency(signed.Size, old, s.Store.LogNodes(t.Context(), l))
		s.ok(err)
		if _, err := vouch.New("Exhibit/test").Cosign(t.Context(), two.URL, translog.Submission{Old: old, Proof: proof, Note: signed.Note}); err != nil || old >= signed.Size {
			t.Fatalf("from %d to %d leaves: %v", old, signed.Size, err)
		}
		if v := s.attest(); !v[1].FailedAt.IsZero() || v[1].Size < signed.Size {
			t.Errorf("it is asked from where it was, and nothing comes of it: %+v", v[1])
		}
		c, err := s.Store.Checkpoint(t.Context(), l, signed.Size)
		if _, n, perr := translog.OpenCheckpoint(c.Note); err != nil || perr != nil || len(n.Cosigned()) != 2 {
			t.Errorf("the signature is not there: %v %v", err, perr)
		}
	})
	t.Run("a signature of an older checkpoint is wrong", func(t *testing.T) {
		f := s.forge()
		f.t = t
		name := f.part(bundle.DirOlder, ".checkpoint")
		c, n, err := translog.OpenCheckpoint(f.parts[name])
		s.ok(err)
		forged := c
		forged.Root[0] ^= 1
		f.parts[name] = append(n.Only(s.key.Verifier()).Bytes(), forged.Cosign(s.now, one.key)...)
		if r := s.verify(f.zip(), verify.Options{Policy: trust}); r.Verdict != verify.Failed || r.Failures[0].Code != "signature_wrong" {
			t.Errorf("%s %v", r.Verdict, r.Failures)
		}
	})
	t.Run("a signature of an older checkpoint is by nobody", func(t *testing.T) {
		f := s.forge()
		f.t = t
		name := f.part(bundle.DirOlder, ".checkpoint")
		c, _, err := translog.OpenCheckpoint(f.parts[name])
		s.ok(err)
		nobody := newBystander(t, "three.example.com")
		f.parts[name] = append(f.parts[name], c.Cosign(s.now, nobody.key)...)
		for _, opt := range []verify.Options{{Policy: trust}, {}} {
			if r := s.verify(f.zip(), opt); r.Verdict != verify.Failed || r.Failures[0].Code != "signature_strange" {
				t.Errorf("%s %v", r.Verdict, r.Failures)
			}
		}
	})
	t.Run("the log was rewritten", func(t *testing.T) {
		// Another log of the same name and key, as a database that was taken back and went on would be.
		fork := newBystander(t, "one.example.com")
		fork.follow(t, s.key.Verifier())
		c := translog.Checkpoint{Origin: r.Manifest.Origin, Size: r.Size + 100, Root: translog.Hash{7}}
		if _, err := vouch.New("Exhibit/test").Cosign(t.Context(), fork.URL, translog.Submission{Note: c.Sign(s.now, s.key)}); err != nil {
			t.Fatal(err)
		}
		one.handler.Store(fork.handler.Load())
		s.now = s.now.Add(time.Minute)
		s.bundle()
		if v := s.attest(); !strings.Contains(v[0].Failure, "taken back") {
			t.Errorf("the witness that saw more tells nobody: %+v", v[0])
		}
	})
}

// TestTimeStamps lets an authority vouch for the time, once a day and for each bundle.
func TestTimeStamps(t *testing.T) {
	tsa := tsatest.New(t)
	roots := func(a *tsatest.TSA) verify.StampVerifier {
		v, err := verify.Stamps(a.Roots)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var out bytes.Buffer
	s := asked(t, &out, tsa.URL)
	if !strings.Contains(out.String(), "its clock says") {
		t.Errorf("a token of another year is taken: %s", out.String())
	}
	s.now = time.Now().UTC()
	s.attest()
	if v := s.attest(); len(v) != 1 || v[0].Kind != store.VoucherTSA || v[0].Size == 0 {
		t.Fatalf("%+v", v)
	}
	l, err := s.Store.Log(t.Context(), s.Workspace)
	s.ok(err)
	if last, ok, err := s.Store.LastStamped(t.Context(), l); err != nil || !ok || last.Size != l.Size-1 {
		t.Fatalf("asked twice within a day there is not one stamp: %v of %d leaves, %v", last.Size, l.Size, err)
	}
	s.bundle()
	s.now = time.Now().UTC()
	s.bundle() // tells of the stamp of the one before it
	r := s.verify(s.bytes, verify.Options{Policy: s.policy, Stamps: roots(tsa)})
	if r.Verdict != verify.Timestamped || len(r.Failures) > 0 || len(r.Vouched) != 3 || r.Stamp.IsZero() {
		t.Fatalf("%s %v %v", r.Verdict, r.Failures, r.Vouched)
	}
	if r := s.verify(s.bytes, verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic || len(r.Failures) > 0 {
		t.Errorf("who brings no roots: %s %v", r.Verdict, r.Failures)
	}
	foreign, expired := tsatest.New(t), tsatest.Until(t, time.Now().Add(-time.Hour))
	older := func(f *forgery, suffix string) string { return f.part(bundle.DirOlder, suffix) }
	for _, a := range []struct {
		name, want string
		by         verify.StampVerifier
		do         func(f *forgery)
	}{
		{"no time stamp", "timestamp_missing", roots(tsa), func(f *forgery) { delete(f.parts, bundle.PathToken) }},
		{"an authority that nobody trusts", "timestamp", roots(foreign), func(*forgery) {}},
		{"a foreign authority's stamp", "timestamp", roots(tsa), func(f *forgery) { f.parts[bundle.PathToken] = foreign.Token(f.head.Text()) }},
		{"a certificate that had expired", "timestamp", roots(expired), func(f *forgery) { f.parts[bundle.PathToken] = expired.Token(f.head.Text()) }},
		{"a stamp over other data", "timestamp", roots(tsa), func(f *forgery) { f.parts[bundle.PathToken] = tsa.Token([]byte("other")) }},
		{"a stamp of an older checkpoint", "timestamp", roots(tsa), func(f *forgery) { f.parts[bundle.PathToken] = f.parts[older(f, ".tst")] }},
		{"no stamp at all but nonsense", "timestamp", roots(tsa), func(f *forgery) { f.parts[bundle.PathToken] = []byte("0") }},
		{"a leaf is later than the stamp", "postdated", roots(tsa), func(f *forgery) {
			i := f.find(translog.KindExport, 0)
			for ; i < len(f.leaves); i++ {
				setText(f.leaves[i], "at", s.now.Add(10*time.Minute).UnixMilli())
			}
			f.relog()
			f.parts[bundle.PathToken] = tsa.Token(f.head.Text())
		}},
		{"nonsense, and nobody brings roots", "timestamp", nil, func(f *forgery) { f.parts[bundle.PathToken] = []byte("0") }},
		{"a stamp over other data, and nobody brings roots", "timestamp", nil, func(f *forgery) { f.parts[bundle.PathToken] = tsa.Token([]byte("other")) }},
		{"a stamp that the log does not tell of", "anchor", nil, func(f *forgery) { f.parts[bundle.DirOlder+"2.tst"] = f.parts[bundle.PathToken] }},
		{"an older stamp is left out", "anchor_missing", nil, func(f *forgery) { delete(f.parts, older(f, ".tst")) }},
		{"an older checkpoint is left out", "anchor_missing", nil, func(f *forgery) { delete(f.parts, older(f, ".checkpoint")) }},
		{"an older stamp is another one", "anchor", nil, func(f *forgery) { f.parts[older(f, ".tst")] = f.parts[bundle.PathToken] }},
		{"the log tells of another checkpoint", "anchor", nil, func(f *forgery) {
			setText(f.leaves[f.find(translog.KindAnchor, 0)], "checkpoint_sha", strings.Repeat("0", 64))
			f.relog()
		}},
		{"a leaf tells of a checkpoint of later", "anchor", nil, func(f *forgery) {
			setText(f.leaves[f.find(translog.KindAnchor, 0)], "size", int64(len(f.leaves)))
			f.relog()
		}},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := s.forge()
			f.t = t
			a.do(f)
			r := s.verify(f.zip(), verify.Options{Policy: s.policy, Stamps: a.by})
			if r.Verdict == verify.Timestamped || !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == a.want }) {
				t.Errorf("%s, not for %s: %v", r.Verdict, a.want, r.Failures)
			}
		})
	}
	t.Run("bits of the stamp flip", func(t *testing.T) {
		check, f := roots(tsa), s.forge()
		token := f.parts[bundle.PathToken]
		for i := range token {
			for bit := range 8 {
				bad := bytes.Clone(token)
				bad[i] ^= 1 << bit
				if at, err := check(bad, f.head.Text()); err == nil {
					t.Errorf("bit %d of byte %d may change: it says %s of %s", bit, i, at, r.Stamp)
				}
			}
		}
	})
}

// TestFormerWitness makes a bundle when somebody who countersigned before is no witness any more.
func TestFormerWitness(t *testing.T) {
	var out bytes.Buffer
	one, two := newBystander(t, "one.example.com"), newBystander(t, "two.example.com")
	s := asked(t, &out, "", one, two)
	s.now = time.Now().UTC()
	one.follow(t, s.key.Verifier())
	s.attest()
	s.now = s.now.AddDate(0, 0, 1)
	two.follow(t, s.key.Verifier())
	s.attest()
	s.ok(s.Close())
	var err error
	s.cfg.Witnesses, err = translog.AllOf(two.witness())
	s.ok(err)
	s.App, err = app.Open(t.Context(), s.cfg)
	s.ok(err)
	s.now = s.now.AddDate(0, 0, 1)
	s.bundle()
	r := s.verify(s.bytes, verify.Options{Policy: s.trust()})
	if len(r.Failures) > 0 && r.Failures[0].Code != "postdated" || len(r.Vouched) < 2 {
		t.Fatalf("%s %v %v", r.Verdict, r.Failures, r.Vouched)
	}
	for name, b := range s.forge().parts {
		if strings.HasPrefix(name, "log/") && bytes.Contains(b, []byte("one.example.com")) {
			t.Errorf("%s holds a signature that nobody can check", name)
		}
	}
}
