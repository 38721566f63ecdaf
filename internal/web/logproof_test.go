package web

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// vouch signs the log, has a witness sign it too, has it time-stamped, and lets another witness fail for a while.
func (s *site) vouch() {
	s.t.Helper()
	ctx := s.t.Context()
	signed, err := s.book.Checkpoint(ctx, s.ws)
	must(s.t, err)
	l, err := s.store.Log(ctx, s.ws)
	must(s.t, err)
	one, err := translog.NewSigningKey("w1.example.com", true)
	must(s.t, err)
	two, err := translog.NewSigningKey("w2.example.com", true)
	must(s.t, err)
	note := append(signed.Note, signed.Cosign(noon.Add(-time.Minute), one)...)
	must(s.t, s.store.SetCosigned(ctx, l, signed.Size, note, noon))
	for _, v := range []store.Voucher{
		{Kind: store.VoucherWitness, Name: one.Verifier().String(), URL: "https://w1.example.com", Size: signed.Size, GoodAt: noon.Add(-time.Minute)},
		{Kind: store.VoucherWitness, Name: two.Verifier().String(), URL: "https://w2.example.com", FailedAt: noon.Add(-20 * time.Minute), Failure: "it does not answer: connection refused"},
		{Kind: store.VoucherTSA, Name: "https://time.example.com", URL: "https://time.example.com", Size: signed.Size, GoodAt: noon},
	} {
		_, err := s.store.NoteVoucher(ctx, l, v)
		must(s.t, err)
	}
	c := store.Checkpoint{Size: signed.Size, Token: []byte("token"), StampedAt: noon.Add(-30 * time.Second)}
	must(s.t, s.store.AddTimeStamp(ctx, s.ws, c, translog.Fields{"size": signed.Size, "checkpoint_sha": signed.TextHash().String(), "tst_sha": translog.Hash{}.String()}))
	_, err = s.book.Checkpoint(ctx, s.ws)
	must(s.t, err)
}

// checkProofs holds that each artifact tells how it is proven, and that what it gives away proves it.
func checkProofs(t *testing.T, s *site) {
	c := s.as(people.Admin)
	policy, err := translog.ParsePolicy([]byte(s.get(c, "/log/trust.policy").body))
	must(t, err)
	all, err := s.server.programme(t.Context(), s.ws)
	must(t, err)
	for id := range all.artifacts {
		page := "/artifacts/" + string(id)
		p := htmlcheck.Parse(t, s.get(c, page).body)
		p.Has("#proof", "Proof")
		p.Has(".proof-steps", "w1.example.com had seen it by")
		p.Has(".proof-steps", "An authority vouches")
		p.Has("svg.proof.wide", "1 witness")
		p.Has("svg.proof.tall", "1 witness")
		proof, leaf := s.get(c, page+"/v/1/proof"), s.get(c, page+"/v/1/leaf")
		got, err := translog.ParseProof([]byte(proof.body))
		must(t, err)
		head, err := got.Check([]byte(leaf.body))
		must(t, err)
		x, err := translog.DecodeLeaf([]byte(leaf.body))
		must(t, err)
		if x.Text("artifact") != string(id) || x.Int("version") != 1 {
			t.Errorf("the leaf of %s is that of %s", id, x.Text("artifact"))
		}
		_, n, err := translog.OpenCheckpoint(got.Checkpoint)
		must(t, err)
		if j, err := policy.Judge(n); err != nil || !j.Logged || len(n.Cosigned()) != 1 {
			t.Errorf("the checkpoint of the proof, over %d leaves: %+v %v", head.Size, j, err)
		}
		if d := proof.header.Get("Content-Disposition"); !strings.Contains(d, fmt.Sprintf("%s_v1.tlog-proof", id)) {
			t.Errorf("the proof is a file %q", d)
		}
		if a := s.get(c, "/api/v1/artifacts/"+string(id)+"/proof?version=1"); a.status != http.StatusOK || !strings.Contains(a.body, x.Text("actor_commit")) {
			t.Errorf("the API gives %d: %s", a.status, a.body)
		}
		if a := s.get(c, "/api/v1/artifacts/"+string(id)+"/proof?version=9"); a.status != http.StatusNotFound {
			t.Errorf("a version that is not there: %d", a.status)
		}
		for _, bad := range []string{"/v/9/proof", "/v/x/proof", "/v/9/leaf"} {
			if a := s.get(c, page+bad); a.status != http.StatusNotFound {
				t.Errorf("%s%s gives %d", page, bad, a.status)
			}
		}
	}
	if a := s.get(c, "/api/v1/log"); a.status != http.StatusOK || !strings.Contains(a.body, `"name":"w2.example.com"`) || !strings.Contains(a.body, "connection refused") {
		t.Errorf("the API gives %d: %s", a.status, a.body)
	}
	if a := s.get(c, "/api/v1/log/policy"); a.status != http.StatusOK || !strings.Contains(a.body, policy.Logs[0].String()) {
		t.Errorf("the API gives %d: %s", a.status, a.body)
	}
	p := htmlcheck.Parse(t, s.get(c, "/log/verify").body)
	p.Has("main", "1Password signs nothing")
	p.Has("main", policy.Logs[0].String())
	p.Has(".code", "--tsa-roots")
}

// TestSides compares the drawing's steps with those of real proofs.
func TestSides(t *testing.T) {
	nodes := map[translog.Node]translog.Hash{}
	read := func(at []translog.Node) ([]translog.Hash, error) {
		var out []translog.Hash
		for _, n := range at {
			out = append(out, nodes[n])
		}
		return out, nil
	}
	for size := int64(1); size <= 40; size++ {
		hashes, err := translog.Grow(size-1, []byte{byte(size)}, read)
		must(t, err)
		for level, h := range hashes {
			nodes[translog.Node{Level: level, N: (size - 1) >> level}] = h
		}
		for n := range size {
			path, err := translog.ProveLeaf(size, n, read)
			must(t, err)
			if got := chart.Sides(n, size); len(got) != len(path) {
				t.Errorf("leaf %d of %d: %d steps are drawn, the proof has %d", n, size, len(got), len(path))
			}
		}
	}
	if s := fmt.Sprint(chart.Sides(4, 5), chart.Sides(2, 5), chart.Sides(5, 5)); s != "[true] [false true false] []" {
		t.Errorf("the sides are %s", s)
	}
}

// TestProofsAreChecked holds that the log vouches for what is stored, and for nothing else.
func TestProofsAreChecked(t *testing.T) {
	s := filled(t)
	list, err := s.store.Artifacts(t.Context(), s.ws, store.ArtifactFilter{})
	must(t, err)
	holds := func(change func(v *evidence.ArtifactVersion)) (ok, told bool) {
		t.Helper()
		v := list[0].Latest
		v.Files = slices.Clone(v.Files)
		change(&v)
		got, err := s.book.Unaltered(t.Context(), s.ws, []evidence.ArtifactVersion{v})
		must(t, err)
		ok, told = got[v.Artifact]
		return ok, told
	}
	if ok, _ := holds(func(*evidence.ArtifactVersion) {}); !ok {
		t.Error("the log does not vouch for what is stored")
	}
	for name, change := range map[string]func(v *evidence.ArtifactVersion){
		"another file":       func(v *evidence.ArtifactVersion) { v.Files[0].SHA256 = v.Files[1].SHA256 },
		"a file left out":    func(v *evidence.ArtifactVersion) { v.Files = v.Files[1:] },
		"no digest":          func(v *evidence.ArtifactVersion) { v.Files[0].SHA256 = "none" },
		"another provenance": func(v *evidence.ArtifactVersion) { v.Provenance = []byte("{}") },
	} {
		if ok, told := holds(change); ok || !told {
			t.Errorf("%s: holds %v, told %v", name, ok, told)
		}
	}
	if _, told := holds(func(v *evidence.ArtifactVersion) { v.Version = 9 }); told {
		t.Error("a version that is not there is told of")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "exhibit.db")+"?_pragma=busy_timeout(15000)")
	must(t, err)
	defer db.Close()
	_, err = db.Exec("UPDATE artifact_version SET leaf = 0") // a note that is wrong is only slower
	must(t, err)
	if ok, _ := holds(func(*evidence.ArtifactVersion) {}); !ok {
		t.Error("with a wrong note of its place the log does not vouch for what is stored")
	}
	if a := s.get(s.as(people.Admin), "/frameworks/soc2/matrix?by=controls"); !strings.Contains(a.body, "Proofs hold") {
		t.Error("the matrix does not show that proofs hold")
	}
}
