package main

import (
	"context"
	"errors"

	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/verify/command"
)

type verifyCmd struct {
	File     string   `arg:"" help:"The bundle."`
	Policy   string   `help:"File that says whom you trust (C2SP tlog-policy), which you got by another way than the bundle." placeholder:"FILE"`
	Pin      []string `help:"State of the log that you wrote down before (repeatable)." placeholder:"SIZE:ROOT" sep:"none"`
	Leaf     string   `help:"File with the leaf that a tlog-proof is about: FILE is then a proof of one artifact, not a bundle." placeholder:"FILE"`
	TsaRoots string   `help:"Roots of time-stamping authorities that you trust, in PEM." name:"tsa-roots" placeholder:"FILE"`
}

// errNotVerified ends with exit code 1, errGrade with 3; the report has been printed.
var (
	errNotVerified = errors.New("the bundle does not verify")
	errGrade       = errors.New("the bundle verifies, but not as far as was asked for")
)

func (c *verifyCmd) Run(ctx context.Context, g *Globals) error {
	bar := g.newProgress("Verifying")
	failed, below, err := command.Run(ctx, command.Arguments{File: c.File, Policy: c.Policy, Pins: c.Pin, TSARoots: c.TsaRoots, Leaf: c.Leaf, JSON: g.JSON, Kinds: all.Kinds(),
		Progress: func(step string, done, total int64) { bar.update(float64(done)/float64(max(total, 1)), done, step) }}, g.out)
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
