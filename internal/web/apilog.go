package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// logOperations are the operations about the log and what it proves.
func (s *server) logOperations(api huma.API) {
	add(s, api, "/log", "get-log", "How far the log has come, who signs it and who vouches for it", people.ReadArtifacts, s.apiLog)
	add(s, api, "/log/policy", "get-log-policy", "The trust file for auditors, to be handed over by another way than a bundle", people.ReadArtifacts, s.apiLogPolicy)
	add(s, api, "/artifacts/{id}/proof", "get-artifact-proof", "The proof that the log tells of an artifact version", people.ReadArtifacts, s.apiArtifactProof)
}

type apiCheckpoint struct {
	Size      int64         `json:"size"`
	Root      string        `json:"root"`
	Signed    time.Time     `json:"signed_at"`
	Cosigned  *time.Time    `json:"cosigned_at" doc:"When a quorum of witnesses had signed; null if none has"`
	Witnesses []apiCosigned `json:"witnesses"`
	Stamped   *time.Time    `json:"stamped_at" doc:"The time that a time stamp vouches for"`
	Note      string        `json:"checkpoint" doc:"C2SP checkpoint with its signatures"`
}

type apiCosigned struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

func checkpointOut(c logbook.Seen) apiCheckpoint {
	out := apiCheckpoint{Size: c.Size, Root: c.Root.String(), Signed: c.At.UTC(), Cosigned: moment(c.CosignedAt), Witnesses: []apiCosigned{}, Stamped: moment(c.StampedAt), Note: string(c.Note)}
	for _, w := range c.Cosigned {
		out.Witnesses = append(out.Witnesses, apiCosigned{w.Name, w.At})
	}
	return out
}

type apiVoucher struct {
	Kind    string     `json:"kind" enum:"witness,tsa"`
	Name    string     `json:"name"`
	Key     string     `json:"key" doc:"Verifier key of a witness"`
	URL     string     `json:"url"`
	Size    int64      `json:"size" doc:"Of the last checkpoint that was vouched for"`
	Vouched *time.Time `json:"vouched_at"`
	Failed  *time.Time `json:"failed_since" doc:"Null if nothing fails"`
	Failure string     `json:"failure"`
}

type apiLogKey struct {
	VKey    string     `json:"vkey"`
	Added   time.Time  `json:"added_at"`
	Retired *time.Time `json:"retired_at"`
}

type apiLogState struct {
	Origin      string          `json:"origin"`
	Size        int64           `json:"size"`
	Last        time.Time       `json:"last_leaf_at"`
	Checkpoints []apiCheckpoint `json:"checkpoints" doc:"Newest first, at most 50"`
	Keys        []apiLogKey     `json:"keys"`
	Vouchers    []apiVoucher    `json:"vouchers"`
}

func (s *server) apiLog(ctx context.Context, c people.Caller, _ *nothing) (apiLogState, error) {
	st, err := s.cfg.Logbook.Status(ctx, c.Workspace, shownCheckpoints)
	if err != nil {
		return apiLogState{}, err
	}
	out := apiLogState{Origin: st.Origin, Size: st.Size, Last: st.LastAt.UTC(), Checkpoints: []apiCheckpoint{}, Keys: []apiLogKey{}, Vouchers: []apiVoucher{}}
	for _, x := range st.Checkpoints {
		out.Checkpoints = append(out.Checkpoints, checkpointOut(x))
	}
	for _, k := range st.Keys {
		out.Keys = append(out.Keys, apiLogKey{k.VKey, k.AddedAt.UTC(), moment(k.RetiredAt)})
	}
	for _, v := range st.Vouchers {
		x := apiVoucher{v.Kind, logbook.VoucherName(v), "", v.URL, v.Size, moment(v.GoodAt), moment(v.FailedAt), v.Failure}
		if v.Kind == store.VoucherWitness {
			x.Key = v.Name
		}
		out.Vouchers = append(out.Vouchers, x)
	}
	return out, nil
}

type apiPolicy struct {
	Policy string `json:"policy" doc:"C2SP tlog-policy"`
	VKey   string `json:"vkey" doc:"The log's newest verifier key"`
}

func (s *server) apiLogPolicy(ctx context.Context, c people.Caller, _ *nothing) (apiPolicy, error) {
	text, vkey, err := s.cfg.Logbook.Policy(ctx, c.Workspace)
	return apiPolicy{string(text), vkey}, err
}

type apiProofAsked struct {
	ID      string `path:"id" maxLength:"60" doc:"Its id"`
	Version int    `query:"version" minimum:"0" doc:"Its version; left out, the newest"`
}

type apiProof struct {
	Artifact   evidence.ID `json:"artifact"`
	Version    int         `json:"version"`
	Index      int64       `json:"index" doc:"Number of the leaf"`
	Leaf       string      `json:"leaf"`
	Record     string      `json:"record" doc:"SHA-256 of the leaf, by which other leaves call it"`
	Path       []string    `json:"path" doc:"Hashes from the leaf up to the root, hex"`
	Checkpoint string      `json:"checkpoint"`
	Proof      string      `json:"proof" doc:"All of it as a C2SP tlog-proof"`
}

func (s *server) apiArtifactProof(ctx context.Context, c people.Caller, in *apiProofAsked) (apiProof, error) {
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(in.ID))
	if err != nil {
		return apiProof{}, err
	}
	v := a.Latest
	if in.Version > 0 && in.Version != v.Version {
		versions, err := s.cfg.Store.ArtifactVersions(ctx, c.Workspace, a.ID)
		if err != nil {
			return apiProof{}, err
		}
		at := -1
		for i := range versions {
			if versions[i].Version == in.Version {
				at = i
			}
		}
		if at < 0 {
			return apiProof{}, evidence.Errorf(evidence.NotFound, "This artifact has no version %d.", in.Version)
		}
		v = versions[at]
	}
	p, leaf, err := s.cfg.Logbook.ProofOf(ctx, c.Workspace, v)
	if err != nil {
		return apiProof{}, err
	}
	out := apiProof{a.ID, v.Version, p.Index, string(leaf), translog.RecordID(leaf), []string{}, string(p.Checkpoint), string(p.Bytes())}
	for _, h := range p.Path {
		out.Path = append(out.Path, h.String())
	}
	return out, nil
}
