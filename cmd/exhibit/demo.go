package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/collect"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/simulator"
)

type demoCmd struct {
	Once   bool   `help:"Leave when everything is done and print a summary (with --json as JSON)."`
	Listen string `help:"Address of the server." default:"127.0.0.1:8080" placeholder:"ADDR"`
	Events int    `help:"Events of the simulated company." default:"120000" placeholder:"N"`
	Days   int    `help:"Days that they are spread over." default:"120" placeholder:"D"`
	Seed   uint64 `help:"Seed of the simulated company; the same seed makes the same company." default:"1" placeholder:"S"`
}

// demoDays is the period of the demo's artifacts: the last whole days, well inside what was read.
const demoDays = 90

// recipesLast are built after the others.
var recipesLast = []string{"log-review"}

// demoSummary is the shape of "demo --once --json".
type demoSummary struct {
	URL         string           `json:"url"`
	Connections int              `json:"connections"`
	Events      map[string]int64 `json:"events"`
	Artifacts   int              `json:"artifacts"`
	Attached    int              `json:"attached"`
	Gaps        int              `json:"gaps"`
	ElapsedMS   int64            `json:"elapsed_ms"`
}

func (c *demoCmd) Run(ctx context.Context, g *Globals) (err error) {
	if c.Events < 1 || c.Days < 1 || c.Days > 120 {
		return usagef("--events must be at least 1 and --days from 1 to 120 (1Password keeps 120 days).")
	}
	started := time.Now()
	l, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	if g.Data == "" && g.Database == "" {
		dir, err := os.MkdirTemp("", "exhibit-demo-")
		if err != nil {
			return fmt.Errorf("making a directory for the demo: %w", err)
		}
		defer os.RemoveAll(dir)
		g.Data = dir
		fmt.Fprintf(g.err, "Data in %s until the demo ends; name a directory with --data to keep it.\n", dir)
	}
	sim, err := c.simulate(ctx, g)
	if err != nil {
		return err
	}
	defer sim.close()

	g.AllowEventsServer = append(g.AllowEventsServer, sim.url)
	g.EventsCA = sim.caFile
	g.RequestsPerMinute, g.RequestsPerHour = 0, 0
	return g.withNew(ctx, func(a *app.App) error {
		summary, err := c.fill(ctx, g, a, sim)
		if err != nil {
			return err
		}
		summary.ElapsedMS = time.Since(started).Milliseconds()
		return c.show(ctx, g, a, l, summary)
	})
}

// simulated is the running simulator of a demo.
type simulated struct {
	url    string
	caFile string
	token  seal.Secret
	close  func()
}

func (c *demoCmd) simulate(ctx context.Context, g *Globals) (simulated, error) {
	sim, err := simulator.New(simulator.Config{Events: c.Events, Days: c.Days, Seed: c.Seed, NoRateLimit: true, Live: !c.Once})
	if err != nil {
		return simulated{}, fmt.Errorf("making the simulated company: %w", err)
	}
	dir, err := os.MkdirTemp("", "exhibit-simulator-")
	if err != nil {
		return simulated{}, fmt.Errorf("making a directory for the simulator: %w", err)
	}
	url, _, stop, err := sim.StartTLS("127.0.0.1:0", dir)
	if err != nil {
		os.RemoveAll(dir)
		return simulated{}, fmt.Errorf("starting the simulator: %w", err)
	}
	closeAll := func() { stop(); os.RemoveAll(dir) }
	token, err := sim.IssueToken(simulator.TokenOptions{})
	if err != nil {
		closeAll()
		return simulated{}, fmt.Errorf("issuing a token: %w", err)
	}
	fmt.Fprintf(g.err, "Simulating a company with %s events in %d days at %s.\n", count(int64(c.Events)), c.Days, url)
	return simulated{url: url, caFile: dir + "/ca.pem", token: seal.NewSecret(token), close: closeAll}, nil
}

// fill connects, reads everything, builds the artifacts and attaches them.
func (c *demoCmd) fill(ctx context.Context, g *Globals, a *app.App, sim simulated) (demoSummary, error) {
	s := demoSummary{Events: map[string]int64{}}
	views, err := a.Connections.List(ctx, a.Workspace)
	if err != nil {
		return s, err
	}
	if len(views) > 0 {
		return s, usagef("%s already holds connections. The demo needs an empty workspace: name another with --data or --workspace.", g.where())
	}
	const by = "demo"
	_, err = a.Connections.Add(ctx, by, a.Workspace, connection.AddRequest{Source: "onepassword", Server: sim.url, Name: "1Password (simulated)", Token: sim.token})
	if err != nil {
		return s, err
	}
	s.Connections = 1
	bar := g.newProgress("Reading")
	read, err := a.Collector(bar.reading()).UntilIdle(ctx, collect.Filter{Workspace: a.Workspace})
	if err != nil {
		return s, err
	}
	if read.Failed() {
		return s, errNothingRead
	}
	var total int64
	for _, conn := range read.Connections {
		for _, st := range conn.Streams {
			s.Events[string(st.Stream)] += st.New
			total += st.New
		}
	}
	bar.done("Read %s events in %s.", count(total), elapsed(read))
	if _, err := a.Program.Seed(ctx, by, a.Workspace, "soc2"); err != nil {
		return s, err
	}
	if err := c.build(ctx, g, a, by, &s); err != nil {
		return s, err
	}
	coverage, err := a.Connections.Coverage(ctx, a.Workspace, evidence.Span{})
	if err != nil {
		return s, err
	}
	for _, cov := range coverage {
		s.Gaps += len(cov.Gaps)
	}
	return s, nil
}

// build makes one artifact of every recipe and attaches each where its mapping says. The review of the log comes last, as it
// tells of the others.
func (c *demoCmd) build(ctx context.Context, g *Globals, a *app.App, by string, s *demoSummary) error {
	to := time.Now().UTC().Truncate(24 * time.Hour)
	span := evidence.Span{From: to.AddDate(0, 0, -min(demoDays, c.Days-1)), To: to}
	if span.Empty() {
		span.From = to.AddDate(0, 0, -1)
	}
	recipes := recipe.All()
	slices.SortStableFunc(recipes, func(x, y recipe.Recipe) int {
		return cmp.Compare(slices.Index(recipesLast, x.ID), slices.Index(recipesLast, y.ID))
	})
	for _, r := range recipes {
		if r.OnDemand {
			continue
		}
		v, err := a.Artifacts.Build(ctx, by, a.Workspace, artifact.BuildRequest{Recipe: r.ID, Span: span})
		if err != nil {
			return err
		}
		attached, err := a.Artifacts.AutoAttach(ctx, by, a.Workspace, v.Artifact.ID)
		if err != nil {
			return err
		}
		s.Artifacts++
		s.Attached += len(attached)
		fmt.Fprintf(g.err, "Built %s: %s, %s rows of %s events; attached %d times.\n", r.ID, v.Artifact.Latest.Result, count(v.Artifact.Latest.Rows), count(v.Artifact.Latest.Population), len(attached))
	}
	return nil
}

// show serves the pages until stopped, or with --once until they answer, and prints the summary.
func (c *demoCmd) show(ctx context.Context, g *Globals, a *app.App, l net.Listener, s demoSummary) error {
	s.URL = "http://" + l.Addr().String()
	cfg := app.ServeConfig{Web: true, Worker: true}
	if !c.Once {
		fmt.Fprintf(g.err, "Ready in %s. Stop with Ctrl-C.\n", (time.Duration(s.ElapsedMS) * time.Millisecond).Round(100*time.Millisecond))
		return g.serve(ctx, a, l, cfg)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cfg.Listener = l
	cfg.Worker = false
	cfg.Ready = func(string, string) { stop() }
	if err := a.Serve(ctx, cfg); err != nil && ctx.Err() == nil {
		return err
	}
	if g.JSON {
		return g.printJSON(s)
	}
	t := newTable(g.out, "what", "how many")
	for stream, n := range s.Events {
		t.row("events of "+stream, count(n))
	}
	t.row("artifacts", count(int64(s.Artifacts)))
	t.row("attached", count(int64(s.Attached)))
	t.row("gaps", count(int64(s.Gaps)))
	return t.flush()
}
