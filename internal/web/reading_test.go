package web

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/people"
)

// contents looks into the database of a site from outside of the server.
type contents struct {
	t       testing.TB
	db      *sql.DB
	version int64
	digests map[string]string // by table
}

// written are the columns that every request may write: when a session was last used. All others are compared.
var written = map[string]string{"session": "last_seen"}

func (s *site) contents() *contents {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "exhibit.db")+"?_pragma=busy_timeout(15000)&_pragma=query_only(1)")
	must(s.t, err)
	db.SetMaxOpenConns(1) // the version below is that of one connection's view
	s.t.Cleanup(func() { must(s.t, db.Close()) })
	c := &contents{t: s.t, db: db}
	c.changed()
	return c
}

// changed gives the tables whose content is not what it was at the last call, in order. Nothing is read as long as no other connection
// has committed anything.
func (c *contents) changed() []string {
	c.t.Helper()
	var version int64
	must(c.t, c.db.QueryRow("PRAGMA data_version").Scan(&version))
	if version == c.version {
		return nil
	}
	before := c.digests
	c.version, c.digests = version, map[string]string{}
	for _, table := range c.list("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
		columns := slices.DeleteFunc(c.list("SELECT name FROM pragma_table_info('"+table+"')"), func(name string) bool { return written[table] == name })
		c.digests[table] = c.digest(table, columns)
	}
	return slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, string) bool) {
		for table, digest := range c.digests {
			if before[table] != digest && !yield(table, digest) {
				return
			}
		}
	})))
}

func (c *contents) list(query string) []string {
	c.t.Helper()
	rows, err := c.db.Query(query)
	must(c.t, err)
	defer func() { must(c.t, rows.Close()) }()
	var out []string
	for rows.Next() {
		var name string
		must(c.t, rows.Scan(&name))
		out = append(out, name)
	}
	must(c.t, rows.Err())
	return out
}

// trailTables hold lines of the trail and their leaves.
var trailTables = []string{"activity", "log", "log_leaf", "log_node", "log_opening", "sqlite_sequence"}

// takesAway reports whether an answer is evidence that leaves the house, which the trail tells of: a file, or a sample as JSON.
func (w walked) takesAway(a answer) bool {
	return strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") || w.path == apiPrefix+"/audits/{id}/samples/{sample}"
}

// walkReading holds that asking with GET changes nothing in the database, but for three things that are written on purpose: when a
// session was last used, a line of the trail for what an auditor opens in his room, and one for evidence that is taken away.
func (x roomed) walkReading(t *testing.T, places map[string]place, every []walked) {
	for role, c := range map[people.Role]*http.Client{people.Admin: x.as(people.Admin), people.Auditor: x.max()} {
		n, kept := 0, x.contents()
		for _, w := range every {
			path, _, ok := w.filled(t, places, -1)
			if !ok || w.method != http.MethodGet || !slices.Contains(role.Grants(), w.needs) {
				continue
			}
			n++
			got := x.walk(c, w, path)
			changed := kept.changed()
			if role == people.Auditor && strings.Contains(w.path, "/audits/{id}") || w.takesAway(got) {
				changed = slices.DeleteFunc(changed, func(table string) bool { return slices.Contains(trailTables, table) })
			}
			if len(changed) > 0 {
				t.Errorf("%s: %s gives %d and writes %s", role, path, got.status, strings.Join(changed, ", "))
			}
		}
		if n < 10 {
			t.Errorf("%s: only %d addresses were asked", role, n)
		}
	}
}

// digest is that of all rows of a table, in the order in which they are kept.
func (c *contents) digest(table string, columns []string) string {
	c.t.Helper()
	rows, err := c.db.Query(`SELECT "` + strings.Join(columns, `", "`) + `" FROM "` + table + `"`)
	must(c.t, err)
	defer func() { must(c.t, rows.Close()) }()
	row, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	h := sha256.New()
	for rows.Next() {
		must(c.t, rows.Scan(into...))
		fmt.Fprintf(h, "%#v\n", row)
	}
	must(c.t, rows.Err())
	return fmt.Sprintf("%x", h.Sum(nil))
}
