package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/witness"
)

type witnessCmd struct {
	Serve witnessServeCmd `cmd:"" help:"Countersign checkpoints of the logs that are named, as long as each only grows (C2SP tlog-witness)."`
	Key   witnessKeyCmd   `cmd:"" help:"Make the key of a witness, or print the verifier key of one."`
}

type witnessServeCmd struct {
	Listen string   `help:"Address to listen on." default:"127.0.0.1:8090" placeholder:"ADDR"`
	Key    string   `help:"File with the witness's key, as exhibit witness key makes it." required:"" placeholder:"FILE"`
	State  string   `help:"Directory in which the last signed checkpoint of each log is kept. Never take it back from a backup." required:"" placeholder:"DIR"`
	Log    []string `help:"Verifier key of a log to follow, as exhibit log policy prints it (repeatable)." required:"" placeholder:"VKEY" sep:"none"`
}

func (c *witnessServeCmd) Run(ctx context.Context, g *Globals) error {
	key, err := witness.ReadKey(c.Key)
	if err != nil {
		return err
	}
	var logs []translog.Key
	for _, vkey := range c.Log {
		k, err := translog.ParseKey(vkey)
		if err != nil {
			return usagef("--log: %v", err)
		}
		logs = append(logs, k)
	}
	state, err := translog.OpenState(c.State)
	if err != nil {
		return err
	}
	w, err := witness.New(witness.Config{Key: key, Logs: logs, State: state, Now: time.Now, Log: g.logger()})
	if err != nil {
		return usagef("%v", err)
	}
	l, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.out, "Listening on http://%s\nWitness %s\n", l.Addr(), key.Verifier())
	srv := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- srv.Shutdown(drain)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the witness: %w", err)
	}
	if err := <-stopped; err != nil {
		return fmt.Errorf("stopping the witness: %w", err)
	}
	return nil
}

type witnessKeyCmd struct {
	Name string `help:"Name of a new witness, such as witness.example.com." placeholder:"NAME"`
	File string `arg:"" help:"File of the key. With --name it is made; without, it is read."`
}

func (c *witnessKeyCmd) Run(g *Globals) error {
	make := witness.ReadKey
	if c.Name != "" {
		make = func(path string) (*translog.SigningKey, error) { return witness.WriteKey(path, c.Name) }
	}
	key, err := make(c.File)
	if errors.Is(err, os.ErrExist) {
		return usagef("%s is there already, and a witness's key is never replaced. Give another file.", c.File)
	}
	if err != nil {
		return err
	}
	if !key.Verifier().Witness() {
		return usagef("%s holds the key of a log, not of a witness.", c.File)
	}
	if g.JSON {
		return g.printJSON(map[string]any{"name": key.Verifier().Name, "vkey": key.Verifier().String(), "file": c.File})
	}
	_, err = fmt.Fprintln(g.out, key.Verifier())
	return err
}
