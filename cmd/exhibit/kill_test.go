package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// asProgram makes the test binary be the program, so that a test can start it, and kill it, as a process.
const asProgram = "EXHIBIT_TEST_AS_PROGRAM"

// TestKilledAgainAndAgain reads a simulated company through a mix of every passing fault while the reading process is
// killed (SIGKILL) at random moments. In the end every event that was served is there exactly once, byte for byte.
func TestKilledAgainAndAgain(t *testing.T) {
	const events, kills = 30_000, 12
	faults, err := simulator.ParseFaults("mix=0.06")
	if err != nil {
		t.Fatal(err)
	}
	sim, p := readySimulator(t, simulator.Config{Events: events, Days: 100, Seed: 11, Faults: faults, SlowFor: 200 * time.Millisecond})

	rng := rand.New(rand.NewPCG(11, 11))
	killed := 0
	for range kills {
		if p.killAfter(time.Duration(50+rng.IntN(900))*time.Millisecond, "collect", "--until-idle") {
			killed++
		}
	}
	if killed == 0 {
		t.Error("no process was killed before it had ended; the test proves nothing")
	}
	p.insist("collect", "--until-idle")
	p.insist("fsck")

	p.sameAs(sim, events)
	if s := fmt.Sprint(sim.Stats().Faults); !strings.Contains(s, ":") {
		t.Errorf("no fault was injected: %s", s)
	}
	t.Logf("killed %d times; faults injected: %v", killed, sim.Stats().Faults)
}

// TestEverySystemCallMayFail reads a simulated company while the disk fails (EIO), is full (ENOSPC) or the process is
// killed at a write or sync that is chosen by its number. Whatever happened, the next reading ends with every event
// exactly once and a database that is sound.
func TestEverySystemCallMayFail(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	if out, err := exec.Command(strace, "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %s", out)
	}
	const events = 2000
	sim, p := readySimulator(t, simulator.Config{Events: events, Days: 100, Seed: 12})
	at := map[string][]int{"pwrite64": {1, 9, 60, 300}, "fsync": {1, 3}}
	cases, hit := 0, 0
	for _, what := range []string{"error=EIO", "error=ENOSPC", "signal=SIGKILL"} {
		for call, places := range at {
			for _, when := range places {
				p := p.afresh(fmt.Sprintf("data-%d", cases))
				cases++
				if p.traced(strace, fmt.Sprintf("inject=%s:%s:when=%d", call, what, when), "collect", "--until-idle") {
					hit++
				}
				p.insist("fsck")
				p.insist("collect", "--until-idle")
				p.insist("fsck")
				p.sameAs(sim, events)
			}
		}
	}
	if hit < cases*2/3 {
		t.Errorf("only %d of %d readings were hit by what was injected; the test proves little", hit, cases)
	}
	t.Logf("%d of %d readings were hit", hit, cases)
}

// readySimulator starts a simulator and connects a fresh data directory to it.
func readySimulator(t *testing.T, c simulator.Config) (*simulator.Simulator, process) {
	t.Helper()
	c.NoRateLimit = true
	sim, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	url, _, stop, err := sim.StartTLS("127.0.0.1:0", filepath.Join(dir, "tls"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	token, err := sim.IssueToken(simulator.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tokenFile := filepath.Join(dir, "token")
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	p := process{t: t, dir: dir, server: url, tokenFile: tokenFile, env: []string{
		asProgram + "=1", "EXHIBIT_ALLOW_EVENTS_SERVER=" + url, "EXHIBIT_EVENTS_CA=" + filepath.Join(dir, "tls", "ca.pem"),
		"EXHIBIT_REQUESTS_PER_MINUTE=0", "EXHIBIT_REQUESTS_PER_HOUR=0",
	}}
	return sim, p.afresh("data")
}

// process starts the test binary as the program.
type process struct {
	t                      *testing.T
	dir, server, tokenFile string
	env                    []string
}

// afresh gives the program with a fresh data directory in which the simulator is connected.
func (p process) afresh(data string) process {
	p.env = append(slices.Clone(p.env), "EXHIBIT_DATA="+filepath.Join(p.dir, data))
	p.insist("connections", "add", "onepassword", "--server", p.server, "--token-file", p.tokenFile)
	return p
}

func (p process) command(ctx context.Context, args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = append(os.Environ(), p.env...)
	return cmd
}

// insist runs a command that must succeed and gives its output. A passing fault of the simulator may hit a command that
// does not try again by itself, such as "connections add"; it is then typed again, as a person would.
func (p process) insist(args ...string) []byte {
	p.t.Helper()
	var errOut bytes.Buffer
	for range 5 {
		cmd := p.command(p.t.Context(), args...)
		errOut.Reset()
		cmd.Stderr = &errOut
		out, err := cmd.Output()
		if err == nil {
			return out
		}
	}
	p.t.Fatalf("exhibit %s: %s", strings.Join(args, " "), errOut.String())
	return nil
}

// sameAs holds that the stored events are those that the simulator served, each once and byte for byte.
func (p process) sameAs(sim *simulator.Simulator, events int) {
	p.t.Helper()
	stored := bytes.Split(bytes.TrimSuffix(p.insist("events", "--format", "ndjson"), []byte("\n")), []byte("\n"))
	var truth [][]byte
	for _, stream := range simulator.Streams() {
		for raw := range sim.Events(stream) {
			truth = append(truth, raw)
		}
	}
	slices.SortFunc(stored, bytes.Compare)
	slices.SortFunc(truth, bytes.Compare)
	if len(truth) != events || len(stored) != len(truth) {
		p.t.Fatalf("%d events were served and %d are stored, want %d", len(truth), len(stored), events)
	}
	for i := range truth {
		if !bytes.Equal(truth[i], stored[i]) {
			p.t.Fatalf("event %d differs\nserved %s\nstored %s", i, truth[i], stored[i])
		}
	}
}

// traced runs a command under strace with something injected and reports whether it was: the command may well have
// recovered from it.
func (p process) traced(strace, inject string, args ...string) bool {
	log := filepath.Join(p.t.TempDir(), "strace")
	cmd := p.command(p.t.Context(), args...)
	cmd.Args = append([]string{strace, "-f", "-qq", "-o", log, "-e", "trace=pwrite64,fsync", "-e", inject, cmd.Path}, args...)
	cmd.Path = strace
	_ = cmd.Run() // what it ends with is not the question: what is stored afterwards is
	trace, err := os.ReadFile(log)
	if err != nil {
		p.t.Fatal(err)
	}
	return bytes.Contains(trace, []byte("(INJECTED)")) || bytes.Contains(trace, []byte("killed by SIGKILL"))
}

// killAfter kills a command after d and reports whether it was still running then.
func (p process) killAfter(d time.Duration, args ...string) bool {
	ctx, cancel := context.WithTimeout(p.t.Context(), d)
	defer cancel()
	_ = p.command(ctx, args...).Run() // it is killed: its end says nothing
	return ctx.Err() != nil
}
