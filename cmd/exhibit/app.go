package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/vouch"
)

// logger writes the log to standard error, for people on a terminal and as key=value lines elsewhere.
func (g *Globals) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.LogLevel)); err != nil {
		level = slog.LevelInfo // cannot be: the flag is an enumeration
	}
	return slog.New(slog.NewTextHandler(g.err, &slog.HandlerOptions{Level: level}))
}

// config turns the global flags into what app needs, and refuses what cannot be meant.
func (g *Globals) config() (app.Config, error) {
	op, err := g.operator()
	if err != nil {
		return app.Config{}, err
	}
	told, err := g.notifyOperator()
	if err != nil {
		return app.Config{}, err
	}
	witnesses, err := g.witnesses()
	if err != nil {
		return app.Config{}, err
	}
	if g.TSA != "" {
		if err := vouch.CheckURL(g.TSA); err != nil {
			return app.Config{}, usagef("--tsa: %v", err)
		}
	}
	if g.RequestsPerMinute < 0 || g.RequestsPerHour < 0 {
		return app.Config{}, usagef("--requests-per-minute and --requests-per-hour cannot be negative.")
	}
	return app.Config{
		Data:              g.Data,
		Database:          g.Database,
		Objects:           g.Objects,
		Workspace:         g.Workspace,
		LogOrigin:         g.LogOrigin,
		Witnesses:         witnesses,
		TSA:               g.TSA,
		Operator:          op,
		Notify:            told,
		RequestsPerMinute: g.RequestsPerMinute,
		RequestsPerHour:   g.RequestsPerHour,
		Log:               g.logger(),
		Now:               time.Now,
	}, nil
}

// operator reads what the person who starts the program allows beside 1Password's own servers.
func (g *Globals) operator() (source.Operator, error) {
	var op source.Operator
	for _, server := range g.AllowEventsServer {
		clean, err := source.ParseServer(server)
		if err != nil {
			return op, usagef("--allow-events-server: %v", err)
		}
		op.AllowServers = append(op.AllowServers, clean)
	}
	if g.EventsCA != "" {
		pem, err := os.ReadFile(g.EventsCA)
		if err != nil {
			return op, usagef("--events-ca: %s cannot be read: %v", g.EventsCA, err)
		}
		if err := source.CheckCA(pem); err != nil {
			return op, usagef("--events-ca: %s: %v", g.EventsCA, err)
		}
		op.CAPEM = pem
	}
	return op, nil
}

// notifyOperator reads which hosts notifications may reach beside those of the public Internet.
func (g *Globals) notifyOperator() (notify.Operator, error) {
	var op notify.Operator
	for _, host := range g.AllowNotifyHost {
		clean, err := source.ParseServer("https://" + host)
		if err != nil {
			return op, usagef("--allow-notify-host %q is no host. Write it like smtp.example.com or 10.0.0.5:587.", host)
		}
		op.AllowHosts = append(op.AllowHosts, strings.TrimPrefix(clean, "https://"))
	}
	if g.NotifyCA != "" {
		pem, err := os.ReadFile(g.NotifyCA)
		if err != nil {
			return op, usagef("--notify-ca: %s cannot be read: %v", g.NotifyCA, err)
		}
		if err := source.CheckCA(pem); err != nil {
			return op, usagef("--notify-ca: %s: %v", g.NotifyCA, err)
		}
		op.CAPEM = pem
	}
	return op, nil
}

// witnesses reads who is asked to countersign the log.
func (g *Globals) witnesses() (*translog.Policy, error) {
	var named []translog.Witness
	for _, s := range g.Witness {
		w, err := translog.ParseWitness(s)
		if err == nil {
			err = vouch.CheckURL(w.URL)
		}
		if err != nil {
			return nil, usagef("--witness: %v", err)
		}
		named = append(named, w)
	}
	if g.WitnessPolicy == "" {
		p, err := translog.AllOf(named...)
		if err != nil {
			return nil, usagef("--witness: %v", err)
		}
		return p, nil
	}
	if len(named) > 0 {
		return nil, usagef("Give witnesses with --witness or with --witness-policy, not with both.")
	}
	text, err := os.ReadFile(g.WitnessPolicy)
	if err != nil {
		return nil, usagef("--witness-policy: %v", err)
	}
	p, err := translog.ParseWitnesses(text)
	if err != nil {
		return nil, usagef("--witness-policy: %s: %v", g.WitnessPolicy, err)
	}
	for _, w := range p.Witnesses {
		if err := vouch.CheckURL(w.URL); err != nil {
			return nil, usagef("--witness-policy: witness %s: %v", w.Name, err)
		}
	}
	return p, nil
}

// open opens database, keys and objects; only a command that may make them does so. The caller closes the App.
func (g *Globals) open(ctx context.Context, mayMake bool) (*app.App, error) {
	cfg, err := g.config()
	if err != nil {
		return nil, err
	}
	cfg.MustExist = !mayMake
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", g.where(), err)
	}
	return a, nil
}

// where says which database is meant, without the password of its URL.
func (g *Globals) where() string {
	if g.Database != "" {
		return "the PostgreSQL database"
	}
	return g.Data
}

// with opens what is there for the length of f. A slip in --data would otherwise make a fresh directory, in which
// everything looks as if nothing had ever happened.
func (g *Globals) with(ctx context.Context, f func(*app.App) error) error {
	return g.during(ctx, false, f)
}

// withNew is with for the commands that a person begins with: what is not there yet is made.
func (g *Globals) withNew(ctx context.Context, f func(*app.App) error) error {
	return g.during(ctx, true, f)
}

func (g *Globals) during(ctx context.Context, mayMake bool, f func(*app.App) error) (err error) {
	a, err := g.open(ctx, mayMake)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := a.Close(); cerr != nil && err == nil {
			err = cerr
		}
	}()
	return f(a)
}

// who names the person at the keyboard in the activity trail.
func who() string {
	if u := os.Getenv("USER"); u != "" {
		return u + " (command line)"
	}
	return "command line"
}

// period reads --from and --to.
func period(from, to string, fallback evidence.Span) (evidence.Span, error) {
	s, err := evidence.ParsePeriod(from, to, fallback, time.Now())
	if err != nil {
		return s, usagef("%v", err)
	}
	return s, nil
}
