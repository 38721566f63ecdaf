package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the stories run the program as "exhibit", and other tests start it as a process.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){
		"exhibit": main,
	})
}

// TestStories runs the stories of the command line in testdata/script: commands as a new user would type them, with what
// they must print. $SIM is the address of a simulator that a story may start in the background.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SIM", freeAddress(t))
			env.Setenv("WEB", freeAddress(t))
			env.Setenv("USER", "ada")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await":   await,
			"nowhere": nowhere,
			"lines":   lines,
			"person":  person,
			"days":    days,
			"keep":    keep,

			"database": database,
			"ask":      ask,
			"tokenid":  tokenID,
			"receiver": receiver,
			"came":     came,
		},
		// [postgres] holds where EXHIBIT_TEST_POSTGRES names a server whose user may make databases.
		Condition: func(cond string) (bool, error) {
			if cond != "postgres" {
				return false, fmt.Errorf("there is no condition %q", cond)
			}
			return os.Getenv(postgresServer) != "", nil
		},
	})
}

// keep NAME KEY sets a variable to what the JSON on standard output holds under a key.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep NAME KEY")
	}
	var all map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	ts.Setenv(args[0], fmt.Sprint(all[args[1]]))
}

// person NAME sets a variable to the first e-mail address on standard output.
func person(ts *testscript.TestScript, neg bool, args []string) {
	found := regexp.MustCompile(`[a-z0-9.+-]+@[a-z0-9.-]+[a-z]`).FindString(ts.ReadFile("stdout"))
	if neg || len(args) != 1 || found == "" {
		ts.Fatalf("usage: person NAME, with an address on standard output")
	}
	ts.Setenv(args[0], found)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await FILE|ADDR waits until the file is there or something listens on the address.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE|HOST:PORT")
	}
	for range 600 {
		if strings.Contains(args[0], ":") {
			if c, err := net.DialTimeout("tcp", args[0], time.Second); err == nil {
				c.Close()
				return
			}
		} else if st, err := os.Stat(ts.MkAbs(args[0])); err == nil && st.Size() > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not come", args[0])
}

// nowhere FILE DIR... fails if the content of FILE stands anywhere in the files below the directories.
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: nowhere FILE DIR...")
	}
	secret := strings.TrimSpace(ts.ReadFile(args[0]))
	if len(secret) < 20 {
		ts.Fatalf("%s is too short to look for", args[0])
	}
	needles := append([]string{secret}, strings.Split(secret, ".")[1:]...)
	for _, dir := range args[1:] {
		err := filepath.WalkDir(ts.MkAbs(dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || path == ts.MkAbs(args[0]) {
				return err
			}
			b, err := os.ReadFile(path)
			for _, n := range needles {
				if strings.Contains(string(b), n) {
					return fmt.Errorf("%s holds the secret", path)
				}
			}
			return err
		})
		ts.Check(err)
	}
}

// lines N FILE fails unless the file has N lines.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE")
	}
	if n := strings.Count(ts.ReadFile(args[1]), "\n"); fmt.Sprint(n) != args[0] {
		ts.Fatalf("%s has %d lines, want %s", args[1], n, args[0])
	}
}

// days NAME N sets the variable NAME to the date N days ago.
func days(ts *testscript.TestScript, neg bool, args []string) {
	var n int
	if len(args) == 2 {
		if _, err := fmt.Sscan(args[1], &n); err == nil && !neg {
			ts.Setenv(args[0], time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly))
			return
		}
	}
	ts.Fatalf("usage: days NAME N")
}

// postgresServer is the variable with the URL of a PostgreSQL server for tests.
const postgresServer = "EXHIBIT_TEST_POSTGRES"

// database NAME makes an empty PostgreSQL database for the length of the story and sets the variable NAME to its URL.
func database(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: database NAME")
	}
	u, err := url.Parse(os.Getenv(postgresServer))
	ts.Check(err)
	admin, err := sql.Open("pgx", u.String())
	ts.Check(err)
	name := "exhibit_story_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		admin.Close()
		ts.Fatalf("%v", err)
	}
	ts.Defer(func() {
		_, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		ts.Check(errors.Join(err, admin.Close()))
	})
	u.Path = "/" + name
	ts.Setenv(args[0], u.String())
}
