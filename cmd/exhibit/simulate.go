package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// simulateCmd serves the simulator.
type simulateCmd struct {
	Listen        string        `help:"Address to listen on (default ${default})." default:"127.0.0.1:7390" env:"EXHIBIT_SIMULATE_LISTEN" placeholder:"ADDR"`
	Events        int           `help:"How many events to invent, over all streams (default ${default})." default:"100000" env:"EXHIBIT_SIMULATE_EVENTS" placeholder:"N"`
	Seed          uint64        `help:"Same seed, events, days and end: same bytes (default ${default})." default:"1" env:"EXHIBIT_SIMULATE_SEED" placeholder:"S"`
	Days          int           `help:"Over how many days the events spread (default ${default})." default:"120" env:"EXHIBIT_SIMULATE_DAYS" placeholder:"D"`
	End           string        `help:"The newest event lies just before this time (RFC 3339); now if not given." env:"EXHIBIT_SIMULATE_END" placeholder:"TIME"`
	Live          bool          `help:"Go on producing events at the same rate." env:"EXHIBIT_SIMULATE_LIVE"`
	TLSDir        string        `help:"Serve HTTPS; keep ca.pem (to be trusted), server.pem and server-key.pem here." type:"path" env:"EXHIBIT_SIMULATE_TLS_DIR" placeholder:"DIR"`
	TokenOut      string        `help:"Write a token, and nothing else, to this file." type:"path" env:"EXHIBIT_SIMULATE_TOKEN_OUT" placeholder:"FILE"`
	Features      []string      `help:"Streams that the token may read (default ${default})." default:"signinattempts,itemusages,auditevents" env:"EXHIBIT_SIMULATE_FEATURES" placeholder:"STREAM,…"`
	TokenExpires  string        `help:"When the token expires: a duration (90d, 1h; =-1h for a token that has expired) or never (default ${default})." default:"never" env:"EXHIBIT_SIMULATE_TOKEN_EXPIRES" placeholder:"DURATION"`
	TokenAudience string        `help:"Host that the token is issued for, to try a token of another server; the address of --listen if not given." env:"EXHIBIT_SIMULATE_TOKEN_AUDIENCE" placeholder:"HOST"`
	RevokeAfter   time.Duration `help:"Revoke the token after this time." env:"EXHIBIT_SIMULATE_REVOKE_AFTER" placeholder:"DURATION"`
	NoRateLimit   bool          `help:"Lift the limit of 600 requests a minute and 30,000 an hour." env:"EXHIBIT_SIMULATE_NO_RATE_LIMIT"`
	RetryAfter    bool          `help:"Send Retry-After when the limit is reached." env:"EXHIBIT_SIMULATE_RETRY_AFTER"`
	HTTP2         bool          `help:"Offer HTTP/2 as well, at half the speed." name:"http2" env:"EXHIBIT_SIMULATE_HTTP2"`
	Fault         []string      `help:"Inject a fault: NAME, NAME=PROBABILITY or NAME@STREAM=PROBABILITY (repeatable); \"list\" explains them." env:"EXHIBIT_SIMULATE_FAULT" placeholder:"NAME"`
	LateAfter     time.Duration `help:"When the events withheld by the fault late appear (default ${default})." default:"30s" env:"EXHIBIT_SIMULATE_LATE_AFTER" placeholder:"DURATION"`
}

// Help is the long text of "exhibit help simulate".
func (c *simulateCmd) Help() string {
	return `Prints one line, "Simulating the Events API on https://ADDR", when it is ready, and the counts of requests and faults at the end.

To read from it with Exhibit, which speaks HTTPS only:
  exhibit simulate --tls-dir sim --token-out sim/token
  exhibit connections add onepassword --server https://127.0.0.1:7390 --token-file sim/token \
    --allow-events-server https://127.0.0.1:7390 --events-ca sim/ca.pem

While it runs it takes orders from the same machine, as JSON over HTTP:
  GET  /simulator/status   counts of events, requests and faults
  GET  /simulator/story    the incidents among the events: what, when, who, which events
  POST /simulator/tokens   {"features":["itemusages"],"expires_in":"1h"}; all features and never if left out
  POST /simulator/revoke   {"token":"…"}; every token if there is no body
  POST /simulator/faults   {"faults":["5xx=0.1","hang@itemusages=1"]}; none if there is no body
  POST /simulator/late     {"stream":"itemusages","events":[{…}]} adds events; without a body the withheld ones appear`
}

// Run serves until ctx ends.
func (c *simulateCmd) Run(ctx context.Context, g *Globals) error {
	if slices.Contains(c.Fault, "list") {
		return listFaults(g)
	}
	config, life, err := c.config()
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return listenError(c.Listen, err)
	}
	defer ln.Close() // closed already when it was served
	config.Audience = reachable(ln)
	c.warnRetention(g, config)
	fmt.Fprintf(g.err, "Inventing %d events over %d days.\n", config.Events, config.Days)
	sim, err := simulator.New(config)
	if err != nil {
		return err
	}
	serverTLS, err := c.tls(g, ln)
	if err != nil {
		return err
	}
	token, err := c.token(sim, life)
	if err != nil {
		return err
	}
	if c.RevokeAfter > 0 {
		// A token that was just issued can be revoked; the simulator would say so otherwise when it is used.
		timer := time.AfterFunc(c.RevokeAfter, func() { _ = sim.Revoke(token) })
		defer timer.Stop()
	}
	if err := c.ready(g, sim, ln); err != nil {
		return err
	}
	err = sim.Serve(ctx, ln, serverTLS)
	printStats(g.err, sim.Stats())
	return err
}

// tokenLife is when the token expires, relative to its issue.
type tokenLife struct {
	never bool
	after time.Duration
}

// config checks the flags before anything is made.
func (c *simulateCmd) config() (simulator.Config, tokenLife, error) {
	config := simulator.Config{
		Seed: c.Seed, Events: c.Events, Days: c.Days, Live: c.Live, NoRateLimit: c.NoRateLimit, RetryAfter: c.RetryAfter, HTTP2: c.HTTP2, LateAfter: c.LateAfter,
	}
	fail := func(format string, args ...any) (simulator.Config, tokenLife, error) {
		return simulator.Config{}, tokenLife{}, usagef(format, args...)
	}
	if c.Events < 0 || c.Events > 50_000_000 {
		return fail("--events is %d, it can be 0 to 50,000,000", c.Events)
	}
	if c.Days < 1 || c.Days > 3650 {
		return fail("--days is %d, it can be 1 to 3650", c.Days)
	}
	if c.LateAfter <= 0 || c.RevokeAfter < 0 {
		return fail("--late-after and --revoke-after are times from now on, they cannot be negative")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fail("--listen is %q, it should be like 127.0.0.1:7390", c.Listen)
	}
	if c.End != "" {
		end, err := time.Parse(time.RFC3339, c.End)
		if err != nil {
			return fail("--end is %q, it should be a time like 2026-01-31T00:00:00Z", c.End)
		}
		config.End = end
	}
	for _, f := range c.Features {
		if !slices.Contains(simulator.Streams(), simulator.Stream(f)) {
			return fail("--features holds %q; there are signinattempts, itemusages and auditevents", f)
		}
	}
	for _, text := range c.Fault {
		faults, err := simulator.ParseFaults(text)
		if err != nil {
			return fail("--fault %s: %v", text, err)
		}
		config.Faults = append(config.Faults, faults...)
	}
	life, err := parseLife(c.TokenExpires)
	return config, life, err
}

// parseLife reads a duration as time.ParseDuration does, and days: 90d.
func parseLife(text string) (tokenLife, error) {
	if text == "never" {
		return tokenLife{never: true}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n > -36500 && n < 36500 {
			return tokenLife{after: time.Duration(n) * 24 * time.Hour}, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return tokenLife{}, usagef("--token-expires is %q, it should be a duration like 90d or 1h, or never", text)
	}
	return tokenLife{after: d}, nil
}

func listenError(addr string, err error) error {
	return fmt.Errorf("cannot listen on %s: %w. Choose another address with --listen", addr, err)
}

// reachable is the address by which this machine reaches the listener: it may listen on all addresses.
func reachable(ln net.Listener) string {
	addr, ok := ln.Addr().(*net.TCPAddr)
	if ok && addr.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(addr.Port))
	}
	return ln.Addr().String()
}

// warnRetention says when some of the events are too old to be served.
func (c *simulateCmd) warnRetention(g *Globals, config simulator.Config) {
	end := config.End
	if end.IsZero() {
		end = time.Now()
	}
	if kept := time.Now().AddDate(0, 0, -120); end.AddDate(0, 0, -config.Days).Before(kept.Add(-time.Hour)) {
		fmt.Fprintf(g.err, "Warning: the API serves 120 days; of these events those before %s stay hidden.\n", kept.UTC().Format(time.DateOnly))
	}
}

// tls gives the configuration for HTTPS, or nil with a warning when no directory for the certificate is named.
func (c *simulateCmd) tls(g *Globals, ln net.Listener) (*tls.Config, error) {
	if c.TLSDir == "" {
		fmt.Fprintln(g.err, "Warning: serving plain HTTP, which Exhibit itself does not read from. Give --tls-dir DIR for HTTPS.")
		return nil, nil //nolint:nilnil // no configuration is the documented way to ask Serve for plain HTTP
	}
	host, _, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("reading the address %s: %w", ln.Addr(), err)
	}
	cert, _, err := simulator.Certificate(c.TLSDir, host)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// token issues the token and writes it to its file, whole or not at all.
func (c *simulateCmd) token(sim *simulator.Simulator, life tokenLife) (string, error) {
	options := simulator.TokenOptions{Features: c.Features, Audience: c.TokenAudience, IssuedAt: time.Now()}
	if !life.never {
		options.Expires = options.IssuedAt.Add(life.after)
		if life.after < 0 { // issued before it expired
			options.IssuedAt = options.Expires.Add(-time.Hour)
		}
	}
	token, err := sim.IssueToken(options)
	if err != nil || c.TokenOut == "" {
		return token, err
	}
	return token, writeSecret(c.TokenOut, token)
}

// writeSecret writes a file that only its owner can read; nobody sees half of it.
func writeSecret(name, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot write the token to %s: the directory does not exist", name)
	}
	if err != nil {
		return fmt.Errorf("cannot write the token to %s: %w", name, err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("cannot write the token to %s: %w", name, err)
	}
	return nil
}

// ready says that requests are answered from now on.
func (c *simulateCmd) ready(g *Globals, sim *simulator.Simulator, ln net.Listener) error {
	url, ca := "http://"+reachable(ln), ""
	if c.TLSDir != "" {
		url, ca = "https://"+reachable(ln), filepath.Join(c.TLSDir, "ca.pem")
	}
	var err error
	if g.JSON {
		err = json.NewEncoder(g.out).Encode(struct {
			URL     string                   `json:"url"`
			Account string                   `json:"account_uuid"`
			Events  map[simulator.Stream]int `json:"events"`
			CA      string                   `json:"ca"`
			Token   string                   `json:"token_file"`
		}{url, sim.AccountUUID(), sim.Counts(), ca, c.TokenOut})
	} else {
		_, err = fmt.Fprintf(g.out, "Simulating the Events API on %s\n", url)
	}
	if err != nil {
		return fmt.Errorf("printing the address: %w", err)
	}
	return nil
}

func listFaults(g *Globals) error {
	if g.JSON {
		return json.NewEncoder(g.out).Encode(map[string]any{"faults": simulator.FaultKinds()})
	}
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	for _, k := range simulator.FaultKinds() {
		fmt.Fprintf(w, "%s\t%s\n", k.Name, k.What)
	}
	fmt.Fprintf(w, "%s\t%s\n", simulator.FaultMix, "all of them at once but revoked-token, bad-cursor, conflict and late, each with probability 0.01")
	return w.Flush()
}

// printStats prints what was asked and what went wrong on purpose.
func printStats(w io.Writer, s simulator.Stats) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(s.Requests)) {
		fmt.Fprintf(t, "%d\t%s\n", s.Requests[name], name)
	}
	for _, status := range slices.Sorted(maps.Keys(s.Statuses)) {
		label := strconv.Itoa(status)
		if status == 0 {
			label = "cut off"
		}
		fmt.Fprintf(t, "%d\tanswers %s\n", s.Statuses[status], label)
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Faults)) {
		fmt.Fprintf(t, "%d\tfault %s\n", s.Faults[kind], kind)
	}
	fmt.Fprintf(t, "%d\tevents served\n", s.Events)
	t.Flush() // standard error: there is nowhere left to complain
}
