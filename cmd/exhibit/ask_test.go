package main

import (
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// ask STATUS URL FILE asks an address with the API token in FILE, and fails unless it answers with STATUS. The answer
// must not hold the token.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: ask STATUS URL FILE")
	}
	token := strings.TrimSpace(ts.ReadFile(args[2]))
	req, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	if strconv.Itoa(res.StatusCode) != args[0] || strings.Contains(string(body), token) {
		ts.Fatalf("%s answers %d, want %s: %s", args[1], res.StatusCode, args[0], body)
	}
}

// tokenID VARIABLE NAME sets the variable to the id of the API token of that name.
func tokenID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tokenid VARIABLE NAME")
	}
	cmd := exec.Command("exhibit", "api-tokens", "list")
	cmd.Dir, cmd.Env = ts.MkAbs("."), []string{"PATH=" + ts.Getenv("PATH"), "EXHIBIT_DATA=" + ts.Getenv("EXHIBIT_DATA")}
	path, err := exec.LookPath("exhibit")
	ts.Check(err)
	cmd.Path = path
	out, err := cmd.Output()
	ts.Check(err)
	m := regexp.MustCompile(`(?m)^(tk_[a-z0-9]+)\s+` + regexp.QuoteMeta(args[1]) + `\b`).FindSubmatch(out)
	if m == nil {
		ts.Fatalf("there is no token %s in %s", args[1], out)
	}
	ts.Setenv(args[0], string(m[1]))
}
