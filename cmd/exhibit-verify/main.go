// Command exhibit-verify checks a bundle of evidence offline. Build it with -tags offline: it then links no network code.
//
//	go build -tags offline ./cmd/exhibit-verify
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/verify/command"
)

// Exit codes, the same as those of exhibit verify.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitGrade  = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// parse reads flags before and after the files, as exhibit verify does; package flag stops at the first file.
func parse(flags *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return files, nil
		}
		if at := len(args) - len(rest) - 1; at >= 0 && args[at] == "--" { // what follows is files alone
			return append(files, rest...), nil
		}
		files, args = append(files, rest[0]), rest[1:]
	}
}

func run(ctx context.Context, args []string) int {
	a := command.Arguments{Kinds: []source.Kind{onepassword.Kind()}}
	flags := flag.NewFlagSet("exhibit-verify", flag.ContinueOnError)
	flags.StringVar(&a.Policy, "policy", "", "`file` that says whom you trust (C2SP tlog-policy), which you got by another way than the bundle")
	flags.StringVar(&a.TSARoots, "tsa-roots", "", "`file` with the roots of time-stamping authorities that you trust, in PEM")
	flags.StringVar(&a.Leaf, "leaf", "", "`file` with the leaf that a tlog-proof is about: a proof of one artifact is verified then, not a bundle")
	flags.BoolVar(&a.JSON, "json", false, "print the report as JSON")
	flags.Func("pin", "`SIZE:ROOT` of the log that you wrote down before; may be given again", func(s string) error {
		a.Pins = append(a.Pins, s)
		return nil
	})
	files, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return exitUsage
	case len(files) != 1:
		fmt.Fprintln(os.Stderr, "exhibit-verify: give one bundle to verify, as in: exhibit-verify evidence.zip --policy trust.policy")
		return exitUsage
	}
	a.File = files[0]
	failed, below, err := command.Run(ctx, a, os.Stdout)
	var usage command.UsageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "exhibit-verify:", err)
		return exitUsage
	case err != nil:
		fmt.Fprintln(os.Stderr, "exhibit-verify:", err)
		return exitFailed
	case failed:
		return exitFailed
	case below:
		return exitGrade
	}
	return exitDone
}
