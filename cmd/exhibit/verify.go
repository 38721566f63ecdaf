package main

import (
	"context"
	"errors"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/reconcile"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/verify"
	"github.com/exhibithq/exhibit/internal/verify/command"
)

type verifyCmd struct {
	File      string   `arg:"" help:"The bundle."`
	Policy    string   `help:"File that says whom you trust (C2SP tlog-policy), which you got by another way than the bundle." placeholder:"FILE"`
	Pin       []string `help:"State of the log that you wrote down before (repeatable)." placeholder:"SIZE:ROOT" sep:"none"`
	Leaf      string   `help:"File with the leaf that a tlog-proof is about: FILE is then a proof of one artifact, not a bundle." placeholder:"FILE"`
	Reconcile bool     `help:"Read the same spans again with your own token, from the source itself, and compare event by event. Needs a network; only read-only endpoints are asked."`
	TokenFile []string `help:"File with a token of the audited company's account, for --reconcile (repeatable)." env:"EXHIBIT_VERIFY_TOKEN_FILE" placeholder:"FILE"`
	TsaRoots  string   `help:"Roots of time-stamping authorities that you trust, in PEM." name:"tsa-roots" placeholder:"FILE"`
}

// errNotVerified ends with exit code 1, errGrade with 3; the report has been printed.
var (
	errNotVerified = errors.New("the bundle does not verify")
	errGrade       = errors.New("the bundle verifies, but not as far as was asked for")
)

func (c *verifyCmd) Run(ctx context.Context, g *Globals) error {
	bar := g.newProgress("Verifying")
	args := command.Arguments{File: c.File, Policy: c.Policy, Pins: c.Pin, TSARoots: c.TsaRoots, Leaf: c.Leaf, JSON: g.JSON, Kinds: all.Kinds(),
		Progress: func(step string, done, total int64) { bar.update(float64(done)/float64(max(total, 1)), done, step) }}
	if err := c.reconcile(g, &args); err != nil {
		return err
	}
	failed, below, err := command.Run(ctx, args, g.out)
	var usage command.UsageError
	switch {
	case errors.As(err, &usage):
		return usagef("%s", usage.Text)
	case err != nil:
		return err
	}
	bar.done("Verified.")
	switch {
	case failed:
		return errNotVerified
	case below:
		return errGrade
	}
	return nil
}

// reconcile lets the verification read the same again from the source, if that is asked for.
func (c *verifyCmd) reconcile(g *Globals, args *command.Arguments) error {
	if !c.Reconcile {
		if len(c.TokenFile) > 0 {
			return usagef("--token-file is for --reconcile. A verification alone asks nobody.")
		}
		return nil
	}
	if len(c.TokenFile) == 0 {
		return usagef("--reconcile needs a token of the audited company's account: --token-file FILE.")
	}
	op, err := g.operator()
	if err != nil {
		return err
	}
	cfg := reconcile.Config{Kinds: all.Kinds(), Operator: op, UserAgent: app.Build(), PerMinute: max(g.RequestsPerMinute, 0), Now: time.Now, Sleep: sleep, Progress: args.Progress}
	for _, file := range c.TokenFile {
		token, err := tokenFlags{TokenFile: file}.read(g)
		if err != nil {
			return err
		}
		cfg.Tokens = append(cfg.Tokens, token.Reveal())
	}
	x := &reconcile.Index{}
	args.Each = x.Seen
	args.Reconcile = func(ctx context.Context, r verify.Report) (verify.Reconciliation, error) {
		return reconcile.Run(ctx, cfg, r, x)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
