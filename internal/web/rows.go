package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// rowsShown is how many rows of an artifact a page shows.
const rowsShown = 100

// longestRow bounds a line of the rows as they are kept, in bytes.
const longestRow = 1 << 20

// artifactRows shows the rows of a version as they are kept; those that are events lead to them.
func (s *server) artifactRows(w http.ResponseWriter, r *http.Request) error {
	ctx, c, params := r.Context(), people.From(r.Context()), r.URL.Query()
	version, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || version < 1 {
		return evidence.Errorf(evidence.NotFound, "%.20q is no version of an artifact.", r.PathValue("version"))
	}
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	versions, err := s.cfg.Store.ArtifactVersions(ctx, c.Workspace, a.ID)
	if err != nil {
		return err
	}
	v := view.Rows{Record: params.Get("record"), MayEvents: c.Has(people.ReadEvents)}
	v.Artifact.Artifact = a
	if v.Version, err = wantedVersion(a, versions, strconv.Itoa(version)); err != nil {
		return err
	}
	s.explain(&v.Artifact)
	from, _ := strconv.Atoi(params.Get("after")) // nothing and nonsense begin at the first
	if err := s.readRows(r, &v, max(0, from)); err != nil {
		return err
	}
	at := func(n int) string {
		q := url.Values{}
		if v.Record != "" {
			q.Set("record", v.Record)
		}
		if n > 0 {
			q.Set("after", strconv.Itoa(n))
		}
		return view.RowsHref(v.Version, "") + encode(q)
	}
	v.First = max(0, from) + 1
	if end := v.First - 1 + len(v.List); end < v.Total {
		v.Next = at(end)
	}
	if v.First > 1 {
		v.Before = at(max(0, v.First-1-rowsShown))
	}
	p, err := s.framed(r, "Rows of "+a.Title, "/artifacts", ui.Crumb{Name: a.Title, Path: "/artifacts/" + string(a.ID) + "?version=" + strconv.Itoa(version)}, ui.Crumb{Name: "Rows"})
	if err != nil {
		return err
	}
	p.Wide = true
	return render(w, r, http.StatusOK, view.RowsPage(p, v))
}

// readRows counts the rows that are asked for and keeps those that are shown.
func (s *server) readRows(r *http.Request, v *view.Rows, from int) error {
	body, err := s.cfg.Artifacts.Table(r.Context(), v.Artifact.Artifact.Workspace, v.Version.Artifact, v.Version.Version)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // opened for reading
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, longestRow)
	for lines.Scan() {
		row, err := rowOf(lines.Bytes())
		if err != nil {
			return fmt.Errorf("reading the rows of %s: %w", v.Version.Artifact, err)
		}
		if v.Record != "" && row.Record != v.Record {
			continue
		}
		if v.Total >= from && len(v.List) < rowsShown {
			v.List = append(v.List, row)
		}
		v.Total++
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the rows of %s: %w", v.Version.Artifact, err)
	}
	return nil
}

// rowOf reads one line: an object whose keys stand in the order of the table.
func rowOf(line []byte) (row view.TableRow, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return row, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return row, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return row, err
		}
		text := string(raw)
		var plain string
		if json.Unmarshal(raw, &plain) == nil {
			text = plain // null is nothing
		}
		switch name {
		case "row":
			row.No = text
		case "record":
			row.Record = text
		case "event":
			row.Event = text
		case "uuid":
		default:
			row.Cells = append(row.Cells, view.Cell{Name: fmt.Sprint(name), Text: text})
		}
	}
	return row, nil
}
