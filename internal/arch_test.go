package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/exhibithq/exhibit/"

// floors is the whole building: every package below internal/ stands on one floor and imports only floors below its
// own. A package that is not in this table fails the test, so that a new room is given its place on purpose.
var floors = map[string]int{
	"internal/evidence": 0,

	"internal/source":    1,
	"internal/page":      1,
	"internal/seal":      1,
	"internal/object":    1,
	"internal/sheet":     1,
	"internal/people":    1,
	"internal/translog":  1,
	"internal/timestamp": 1,
	"internal/wording":   1,
	"internal/upload":    1,

	"internal/source/onepassword": 2,
	"internal/framework":          2,
	"internal/recipe":             2,
	"internal/store":              2,
	"internal/sample":             2,
	"internal/bundle":             2,
	"internal/witness":            2,
	"internal/vouch":              2,

	"internal/source/all": 3,
	"internal/collect":    3,
	"internal/connection": 3,
	"internal/apitoken":   3,
	"internal/artifact":   3,
	"internal/notify":     3,
	"internal/program":    3,
	"internal/erasure":    3,
	"internal/explore":    3,
	"internal/signin":     3,
	"internal/logbook":    3,
	"internal/hold":       3,
	"internal/audit":      3,
	"internal/verify":     3,

	"internal/web":            4,
	"internal/verify/command": 4,
	"internal/reconcile":      4,

	"internal/app": 5,
}

// rooms are packages that belong to the package above them and share its floor: only that package may import them.
var rooms = map[string]string{
	"internal/store/sqlc": "internal/store",
}

// testKits are imported by tests alone.
var testKits = []string{"internal/source/sourcetest", "internal/app/apptest", "internal/vouch/tsatest", "internal/web/htmlcheck"}

// apart shares no code with the program: the simulator is the instrument that the program is tested with.
const apart = "internal/simulator"

// TestFloors parses the files itself, so that a cached test result can never hide a new import.
func TestFloors(t *testing.T) {
	seen := 0
	eachFile(t, "..", func(dir, file string, imports []string) {
		test := strings.HasSuffix(file, "_test.go")
		for _, imported := range imports {
			seen++
			if complaint := check(dir, imported, test); complaint != "" {
				t.Errorf("%s imports %s: %s", file, imported, complaint)
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d imports of our own were seen; is the test looking in the right place?", seen)
	}
}

func check(dir, imported string, test bool) string {
	isKit := slices.Contains(testKits, dir)
	switch {
	case dir == apart || strings.HasPrefix(dir, apart+"/"):
		if !strings.HasPrefix(imported, apart) {
			return "the simulator shares no code with the program"
		}
		return ""
	case imported == apart || strings.HasPrefix(imported, apart+"/"):
		if test || isKit || dir == "cmd/exhibit" || dir == "scripts/bench" {
			return ""
		}
		return "only tests, the demo and benchmarks may use the simulator"
	case slices.Contains(testKits, imported):
		if test || isKit {
			return ""
		}
		return "a test kit is for tests"
	case strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "scripts/") || isKit:
		return ""
	}
	return checkFloors(dir, imported, test)
}

func checkFloors(dir, imported string, test bool) string {
	if owner, ok := room(imported); ok {
		if own, inRoom := room(dir); dir == owner || inRoom && own == owner {
			return ""
		}
		return "it is a room of " + owner
	}
	to, ok := floors[imported]
	if !ok {
		return "it has no floor; give it one in arch_test.go"
	}
	from, ok := floors[dir]
	if owner, inRoom := room(dir); inRoom {
		from, ok = floors[owner], true
		if imported == owner {
			return "a room does not import its house"
		}
	}
	switch {
	case test && dir == imported: // an external test package
		return ""
	case !ok:
		return dir + " has no floor; give it one in arch_test.go"
	case test: // tests may reach down from anywhere, and sideways to put real things together
		if from+1 < to {
			return "a test may not reach up"
		}
		return ""
	case from <= to:
		return "floor " + strconv.Itoa(from) + " may not import floor " + strconv.Itoa(to)
	}
	return ""
}

// room gives the package to which a room belongs: listed in rooms, or any folder below internal/web.
func room(dir string) (owner string, ok bool) {
	if o, ok := rooms[dir]; ok {
		return o, true
	}
	if strings.HasPrefix(dir, "internal/web/") {
		return "internal/web", true
	}
	return "", false
}

// TestSourcesStandAlone keeps sources apart: a source imports no other.
func TestSourcesStandAlone(t *testing.T) {
	eachFile(t, "../internal/source", func(dir, file string, imports []string) {
		if dir == "internal/source/all" {
			return
		}
		for _, imported := range imports {
			if strings.HasPrefix(imported, "internal/source/") && imported != dir && !slices.Contains(testKits, imported) {
				t.Errorf("%s imports %s: a source stands alone", file, imported)
			}
		}
	})
}

// TestNothingHappensOnImport keeps start-up explicit: no init function registers, reads or exits.
func TestNothingHappensOnImport(t *testing.T) {
	walkGo(t, "..", func(path string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatalf("parsing %s: %v", path, err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		}
	})
}

// TestNoRoomsForOddments keeps names that say nothing out of the tree.
func TestNoRoomsForOddments(t *testing.T) {
	walkGo(t, "..", func(path string) {
		switch filepath.Base(filepath.Dir(path)) {
		case "util", "utils", "common", "helpers", "helper", "models", "model", "types", "misc", "core":
			t.Errorf("%s: a package is named after what it holds", path)
		}
	})
}

func eachFile(t *testing.T, root string, visit func(dir, file string, imports []string)) {
	t.Helper()
	walkGo(t, root, func(path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatalf("parsing %s: %v", path, err)
		}
		dir, err := filepath.Rel("..", filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		var own []string
		for _, spec := range f.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if rest, ok := strings.CutPrefix(p, module); ok {
				own = append(own, rest)
			}
		}
		visit(filepath.ToSlash(dir), path, own)
	})
}

func walkGo(t *testing.T, root string, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "tools"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
