package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs holds that every command shown in the documents can be typed as shown, that every make target in them exists,
// and that every file they link to is there.
func TestDocs(t *testing.T) {
	root := filepath.Join("..", "..")
	docs, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	makefile := read(t, filepath.Join(root, "Makefile"))
	commands := 0
	for _, doc := range append(docs, more...) {
		text := read(t, doc)
		for _, line := range commandLines(text) {
			commands++
			checkCommand(t, filepath.Base(doc), line)
		}
		for _, m := range regexp.MustCompile("(?m)(?:^|`| )make ([a-z]+)\\b").FindAllStringSubmatch(text, -1) {
			if inCode(text, m[0]) && !regexp.MustCompile("(?m)^"+m[1]+":").MatchString(makefile) {
				t.Errorf("%s: there is no make target %q", doc, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			}
		}
	}
	if commands < 5 {
		t.Errorf("only %d commands were found; is the test looking in the right place?", commands)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// commandLines gives what follows "exhibit" in lines that are commands and nothing else, and in code within a sentence.
func commandLines(text string) []string {
	var out []string
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, m := range regexp.MustCompile(`(?m)^(?:    |\$ )?(?:bin/)?exhibit ([^\n]*)$`).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// inCode reports whether the words stand in code rather than in prose such as "make it so".
func inCode(text, words string) bool {
	words = strings.TrimSpace(words)
	return strings.Contains(text, "    "+words) || strings.Contains(text, "`"+strings.Trim(words, "`")) || strings.Contains(text, "\n"+words)
}

func checkCommand(t *testing.T, doc, line string) {
	t.Helper()
	args := regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(strings.Split(line, " #")[0], -1)
	for i := range args {
		args[i] = strings.Trim(args[i], `"`)
	}
	defer func() {
		if p := recover(); p != nil {
			if _, help := p.(exitPanic); !help {
				panic(p)
			}
		}
	}()
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:], "--help")
	}
	c := cli{}
	c.in, c.out, c.err = strings.NewReader(""), io.Discard, io.Discard
	parser, err := newParser(context.Background(), &c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Errorf("%s shows \"exhibit %s\", which the command line refuses: %v", doc, line, err)
	}
}
