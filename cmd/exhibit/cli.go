package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// Exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitGrade  = 3 // verification ended below the grade that was asked for
)

// cli is the whole command line. Each command lives in the file of its name.
type cli struct {
	Globals

	Demo          demoCmd          `cmd:"" help:"Simulate a company, read it, build artifacts, and show all of it in the browser."`
	Serve         serveCmd         `cmd:"" help:"The server: pages, API and reading."`
	Simulate      simulateCmd      `cmd:"" help:"Serve a simulated Events API with realistic data, real tokens and injectable faults."`
	Sources       sourcesCmd       `cmd:"" help:"The catalogue of sources, or one source with how to set it up."`
	Connections   connectionsCmd   `cmd:"" help:"Connect accounts, check them, rotate their tokens, switch them off and on."`
	Collect       collectCmd       `cmd:"" help:"Read now, in this process."`
	Coverage      coverageCmd      `cmd:"" help:"What has been read and what has not: windows and gaps of each stream."`
	Events        eventsCmd        `cmd:"" help:"Find events; print them as a table, as CSV, or verbatim."`
	Recipes       recipesCmd       `cmd:"" help:"The recipes for artifacts, or one recipe in full."`
	Artifacts     artifactsCmd     `cmd:"" help:"Build, list, get, attach and detach artifacts."`
	Schedules     schedulesCmd     `cmd:"" help:"Have recipes built for each month or quarter."`
	Actions       actionsCmd       `cmd:"" help:"The work that proves controls."`
	Controls      controlsCmd      `cmd:"" help:"The controls of the workspace."`
	Wording       wordingCmd       `cmd:"" help:"Changes of what controls and actions say, when sources or policies changed."`
	Frameworks    frameworksCmd    `cmd:"" help:"The frameworks, and which of them the workspace uses."`
	Workspaces    workspacesCmd    `cmd:"" help:"The workspaces of this server: each has its own members, connections, log and keys."`
	Users         usersCmd         `cmd:"" help:"Members and their one-time sign-in links."`
	APITokens     apiTokensCmd     `cmd:"" name:"api-tokens" help:"Tokens with which programs ask the API."`
	Notifications notificationsCmd `cmd:"" help:"Channels on which people are told what they must know: mail, Slack, Teams, webhook."`
	Audits        auditsCmd        `cmd:"" help:"Audits, the bundles of evidence for them, and samples."`
	Holds         holdsCmd         `cmd:"" help:"Legal holds: what must not be erased, whoever asks for it."`
	Erase         eraseCmd         `cmd:"" help:"Erase the data of one person (GDPR article 17); everything else stays proven."`
	Verify        verifyCmd        `cmd:"" help:"Check a bundle offline, without trusting who made it."`
	Log           logCmd           `cmd:"" help:"The log that proves the evidence: checkpoints, proofs, keys."`
	Witness       witnessCmd       `cmd:"" help:"Countersign the logs of others, so that nobody can rewrite them."`
	Doctor        doctorCmd        `cmd:"" help:"Is everything in place: directory, keys, database, connections, clock?"`
	Fsck          fsckCmd          `cmd:"" help:"Check every page, event and count; make the event index again with --rebuild."`
	Migrate       migrateCmd       `cmd:"" help:"Bring the database to this version's schema."`
	Version       versionCmd       `cmd:"" help:"Print the version."`
}

// Globals are the flags that every command takes, and the streams it talks to.
type Globals struct {
	Data              string   `help:"Directory of the database, objects and keys (default ./exhibit-data)." env:"EXHIBIT_DATA" placeholder:"DIR"`
	Database          string   `help:"PostgreSQL instead of SQLite: postgres://…" env:"EXHIBIT_DATABASE" placeholder:"URL"`
	Objects           string   `help:"Where artifact files are kept instead of DIR/objects: file:///…" env:"EXHIBIT_OBJECTS" placeholder:"URL"`
	Workspace         string   `help:"Workspace to work in." default:"default" env:"EXHIBIT_WORKSPACE" placeholder:"NAME"`
	JSON              bool     `help:"Print one JSON document instead of tables." name:"json" env:"EXHIBIT_JSON"`
	LogLevel          string   `help:"Least important log line to print: ${enum}." enum:"debug,info,warn,error" default:"info" env:"EXHIBIT_LOG_LEVEL"`
	AllowEventsServer []string `help:"Operator only: admit a server beside 1Password's four (repeatable)." env:"EXHIBIT_ALLOW_EVENTS_SERVER" placeholder:"URL"`
	EventsCA          string   `help:"Operator only: PEM file with a CA trusted for the admitted servers." name:"events-ca" env:"EXHIBIT_EVENTS_CA" placeholder:"FILE"`
	AllowNotifyHost   []string `help:"Operator only: let notifications reach a mail server or webhook in a private network (repeatable)." env:"EXHIBIT_ALLOW_NOTIFY_HOST" placeholder:"HOST[:PORT]"`
	NotifyCA          string   `help:"Operator only: PEM file with a CA trusted for these hosts." name:"notify-ca" env:"EXHIBIT_NOTIFY_CA" placeholder:"FILE"`
	RequestsPerMinute int      `help:"Requests a minute to one 1Password account; 0 lifts the limit for admitted servers only." default:"120" env:"EXHIBIT_REQUESTS_PER_MINUTE" placeholder:"N"`
	RequestsPerHour   int      `help:"Requests an hour to one 1Password account; 0 lifts the limit for admitted servers only." default:"6000" env:"EXHIBIT_REQUESTS_PER_HOUR" placeholder:"N"`

	LogOrigin string `help:"Operator only: first part of the name of each workspace's log, such as exhibit.example.com (default exhibit). It cannot be changed once a log has begun." name:"log-origin" env:"EXHIBIT_LOG_ORIGIN" placeholder:"NAME"`

	Witness       []string `help:"Operator only: ask this witness to countersign the log, as its address and verifier key (repeatable)." env:"EXHIBIT_WITNESS" placeholder:"URL#VKEY" sep:" "`
	WitnessPolicy string   `help:"Operator only: file that names the witnesses to ask, with their addresses, and how many must sign (C2SP tlog-policy)." env:"EXHIBIT_WITNESS_POLICY" placeholder:"FILE"`
	TSA           string   `help:"Operator only: ask this time-stamping authority (RFC 3161) once a day and for each bundle." name:"tsa" env:"EXHIBIT_TSA" placeholder:"URL"`

	in       io.Reader
	out      io.Writer
	err      io.Writer
	terminal bool // standard error is a terminal: progress bars instead of lines
}

// usageError is bad input: the command was not started and nothing was changed. It ends with exit code 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

// usagef makes an error that ends the program with exit code 2.
func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// exitPanic carries kong's wish to leave (help was printed) out of its parser.
type exitPanic int

// newParser builds the parser of the whole command line, which writes help to c.out.
func newParser(ctx context.Context, c *cli) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("exhibit"),
		kong.Description("Compliance evidence from 1Password Business that an auditor can check without trusting anybody."),
		kong.Writers(c.out, c.err),
		kong.Exit(func(code int) { panic(exitPanic(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.PostBuild(func(k *kong.Kong) error {
			nameVariables(k.Model.Node, "EXHIBIT")
			return nil
		}),
	)
}

// nameVariables gives every flag that names no environment variable one of its own: EXHIBIT, the command, the flag. The
// command is part of the name because flags such as --from belong to several, which should not be set at once.
func nameVariables(node *kong.Node, prefix string) {
	for _, flag := range node.Flags {
		if flag.Name != "help" && len(flag.Envs) == 0 {
			flag.Envs = []string{prefix + "_" + variable(flag.Name)}
			flag.Tag.Envs = flag.Envs
		}
	}
	for _, child := range node.Children {
		nameVariables(child, prefix+"_"+variable(child.Name))
	}
}

// variable writes a name as environment variables are written.
func variable(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// run parses args and runs one command; it returns the exit code. It never calls os.Exit, so tests can run it.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(exitPanic)
			if !ok {
				panic(p)
			}
			code = int(e)
		}
	}()
	c := cli{}
	c.in, c.out, c.err = in, out, errOut
	c.terminal = isTerminal(errOut)
	parser, err := newParser(ctx, &c)
	if err != nil {
		fmt.Fprintf(errOut, "exhibit: the command line is built wrong: %v\n", err)
		return exitFailed
	}
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:], "--help")
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errOut, "exhibit: %s. See \"exhibit help\".\n", strings.TrimSuffix(err.Error(), "."))
		return exitUsage
	}
	err = k.Run(&c.Globals)
	return report(errOut, err)
}

// isTerminal reports whether a person's terminal shows what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// report prints an error for a person and gives the exit code that belongs to it.
func report(errOut io.Writer, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "exhibit: stopped.")
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "exhibit: %s\n", told(err))
		return exitUsage
	case errors.Is(err, errGrade):
		fmt.Fprintf(errOut, "exhibit: %s\n", told(err))
		return exitGrade
	}
	fmt.Fprintf(errOut, "exhibit: %s\n", told(err))
	return exitFailed
}

// told is an error's text without anything that could play tricks on a terminal: it may quote a server, a certificate or
// an event. Its lines stay lines.
func told(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
