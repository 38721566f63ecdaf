// Command bench measures what Exhibit costs: CPU per event from socket to durable and indexed, beside a loop that fetches
// the same pages and throws them away; bytes per event on disk; and how long the Events page and API take. Everything is
// measured in one run, because machines are noisy and only ratios of one run say something.
//
//	go run ./scripts/bench -events 1000000 -pages 200
//
// The simulator runs in a process of its own, so that what it costs is not counted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	events   []int
	requests int
	database string
	binary   string
	profile  string
}

func parseOptions() (options, error) {
	var o options
	events := flag.String("events", "1000000,5000000", "events of the simulated company; several sizes with commas")
	flag.IntVar(&o.requests, "pages", 200, "requests measured for each kind of page")
	flag.StringVar(&o.database, "database", "", "PostgreSQL URL of an empty database instead of SQLite")
	flag.StringVar(&o.binary, "exhibit", "bin/exhibit", "the built program, for the simulator")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of the reading to this file")
	flag.Parse()
	for _, s := range strings.Split(*events, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1000 {
			return o, fmt.Errorf("-events %q: write numbers of at least 1000", *events)
		}
		o.events = append(o.events, n)
	}
	return o, nil
}

func bench(ctx context.Context) error {
	o, err := parseOptions()
	if err != nil {
		return err
	}
	fmt.Printf("%s %s/%s, %d CPUs, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	for _, n := range o.events {
		if err := benchSize(ctx, o, n); err != nil {
			return err
		}
	}
	return nil
}

func benchSize(ctx context.Context, o options, events int) error {
	fmt.Printf("\n## %d events\n\n", events)
	sim, err := startSimulator(ctx, o.binary, events)
	if err != nil {
		return err
	}
	defer sim.stop()

	discard, err := measure(func() (int, error) { return fetchAndDiscard(ctx, sim) })
	if err != nil {
		return fmt.Errorf("fetching and discarding: %w", err)
	}
	work, err := newWorkspace(ctx, o, sim)
	if err != nil {
		return err
	}
	defer work.remove()
	read, err := measure(func() (int, error) {
		stop, err := o.profiling()
		if err != nil {
			return 0, err
		}
		defer stop()
		return work.collect(ctx)
	})
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	if read.n != events || discard.n != events {
		return fmt.Errorf("of %d events %d were fetched and %d stored", events, discard.n, read.n)
	}
	fmt.Println("| | events/s | CPU per event | wall |")
	fmt.Println("|---|---:|---:|---:|")
	discard.print("fetch and discard")
	read.print("socket to durable and indexed")
	fmt.Printf("| ratio | %.2f | %.1f | |\n", read.rate()/discard.rate(), read.cpuEach().Seconds()/discard.cpuEach().Seconds())
	size, err := work.size(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nOn disk: %.0f bytes per event (%d MB).\n\n", float64(size)/float64(events), size>>20)
	return work.pages(ctx, o.requests)
}

// profiling starts a CPU profile if one is asked for and gives how to end it.
func (o options) profiling() (stop func(), err error) {
	if o.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(o.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

// run is what a piece of work over n events took of this process.
type run struct {
	n    int
	wall time.Duration
	cpu  time.Duration
}

func measure(work func() (int, error)) (run, error) {
	runtime.GC()
	before, started := cpuTime(), time.Now()
	n, err := work()
	return run{n: n, wall: time.Since(started), cpu: cpuTime() - before}, err
}

// cpuTime is the user and system time that this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot be: the arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (r run) rate() float64          { return float64(r.n) / r.wall.Seconds() }
func (r run) cpuEach() time.Duration { return r.cpu / time.Duration(r.n) }

func (r run) print(what string) {
	fmt.Printf("| %s | %.0f | %.2f µs | %s |\n", what, r.rate(), float64(r.cpuEach().Nanoseconds())/1000, r.wall.Round(10*time.Millisecond))
}

// percentile gives the p-th percentile (0 to 1) of durations.
func percentile(d []time.Duration, p float64) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[min(len(d)-1, int(float64(len(d))*p))]
}
