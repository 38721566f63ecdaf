package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

type logCmd struct {
	Checkpoint  logCheckpointCmd  `cmd:"" help:"Sign the log as it is now and print the checkpoint."`
	Prove       logProveCmd       `cmd:"" help:"Prove that a leaf is in the log, as a text that can be mailed."`
	Consistency logConsistencyCmd `cmd:"" help:"Prove that the log only grew between two sizes."`
	Policy      logPolicyCmd      `cmd:"" help:"Print the trust file for auditors, to be handed over by another way than a bundle."`
	Keys        logKeysCmd        `cmd:"" help:"The keys that sign and signed the log."`
	Vouch       logVouchCmd       `cmd:"" help:"Sign the log and ask witnesses and the time-stamping authority now; show who vouches for it."`
	Rotate      logRotateCmd      `cmd:"" aliases:"rotate-key" help:"Add a signing key; the old one vouches for it and signs beside it until it is retired."`
	Retire      logRetireCmd      `cmd:"" help:"End a signing key."`
}

type logCheckpointCmd struct{}

func (c *logCheckpointCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		s, err := a.Log.Checkpoint(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"origin": s.Origin, "size": s.Size, "root": s.Root.String(), "vkey": s.VKey, "checkpoint": string(s.Note)})
		}
		_, err = g.out.Write(s.Note)
		return err
	})
}

type logProveCmd struct {
	Leaf     int64  `arg:"" optional:"" default:"-1" help:"Number of the leaf, counted from 0."`
	Artifact string `help:"Prove the newest version of an artifact instead." placeholder:"ID"`
	LeafFile string `help:"Write the leaf itself to a file: whoever verifies the proof needs it." name:"leaf-file" placeholder:"FILE"`
}

func (c *logProveCmd) Run(ctx context.Context, g *Globals) error {
	if (c.Leaf < 0) == (c.Artifact == "") {
		return usagef("Give the number of a leaf, or an artifact with --artifact ID.")
	}
	return g.with(ctx, func(a *app.App) error {
		n := c.Leaf
		if c.Artifact != "" {
			v, err := a.Artifacts.Show(ctx, a.Workspace, evidence.ID(c.Artifact))
			if err != nil {
				return err
			}
			in, err := a.Log.OfArtifact(ctx, a.Workspace, v.Artifact.Latest)
			if err != nil {
				return err
			}
			n = in.Leaf
		}
		p, leaf, err := a.Log.Prove(ctx, a.Workspace, n)
		if err != nil {
			return err
		}
		if c.LeafFile != "" {
			if err := os.WriteFile(c.LeafFile, leaf, 0o600); err != nil {
				return usagef("--leaf-file: %v", err)
			}
		}
		if g.JSON {
			path := []string{}
			for _, h := range p.Path {
				path = append(path, h.String())
			}
			return g.printJSON(map[string]any{"index": p.Index, "leaf": string(leaf), "record": translog.RecordID(leaf), "path": path, "checkpoint": string(p.Checkpoint), "proof": string(p.Bytes())})
		}
		_, err = g.out.Write(p.Bytes())
		return err
	})
}

type logConsistencyCmd struct {
	From int64 `help:"The smaller size." required:"" placeholder:"SIZE"`
	To   int64 `help:"The larger size (default: as the log is now)." placeholder:"SIZE"`
}

func (c *logConsistencyCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		from, to, proof, err := a.Log.Consistency(ctx, a.Workspace, c.From, c.To)
		if err != nil {
			return err
		}
		hashes := []string{}
		for _, h := range proof {
			hashes = append(hashes, base64.StdEncoding.EncodeToString(h[:]))
		}
		if g.JSON {
			return g.printJSON(map[string]any{"from": map[string]any{"size": from.Size, "root": from.Root.String()}, "to": map[string]any{"size": to.Size, "root": to.Root.String()}, "proof": hashes})
		}
		fmt.Fprintf(g.out, "old %s\nnew %s\n", from, to)
		for _, h := range hashes {
			fmt.Fprintln(g.out, h)
		}
		return nil
	})
}

type logPolicyCmd struct{}

func (c *logPolicyCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		policy, vkey, err := a.Log.Policy(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"policy": string(policy), "vkey": vkey})
		}
		_, err = g.out.Write(policy)
		return err
	})
}

type logKeysCmd struct{}

func (c *logKeysCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		keys, err := a.Log.Keys(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			type key struct {
				VKey      string   `json:"vkey"`
				AddedAt   jsonTime `json:"added_at"`
				RetiredAt jsonTime `json:"retired_at"`
			}
			list := []key{}
			for _, k := range keys {
				list = append(list, key{k.VKey, jsonTime(k.AddedAt), jsonTime(k.RetiredAt)})
			}
			return g.printJSON(map[string]any{"keys": list})
		}
		t := newTable(g.out, "key", "added", "retired")
		for _, k := range keys {
			t.row(k.VKey, moment(k.AddedAt), moment(k.RetiredAt))
		}
		return t.flush()
	})
}

type logRotateCmd struct{}

func (c *logRotateCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		vkey, err := a.Log.Rotate(ctx, who(), a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"vkey": vkey})
		}
		fmt.Fprintf(g.out, "The log is now also signed by\n%s\nHand it to auditors, wait at least 30 days, then end the old key: exhibit log retire KEY\n", vkey)
		return nil
	})
}

type logRetireCmd struct {
	Key         string `arg:"" help:"The key, as exhibit log keys prints it."`
	Compromised bool   `help:"The key may be in foreign hands: every verification tells so from now on."`
}

func (c *logRetireCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if err := a.Log.Retire(ctx, who(), a.Workspace, c.Key, c.Compromised); err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"retired": c.Key})
		}
		fmt.Fprintln(g.out, "The key signs no more.")
		return nil
	})
}
