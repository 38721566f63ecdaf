package web

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// The steps from pages to rows at which an artifact counts, as they stand in addresses.
const (
	stepPages      = "pages"
	stepRecords    = "records"
	stepDuplicates = "duplicates"
	stepPopulation = "population"
	stepMatched    = "matched"
)

// counted is a step of an artifact's version, whose events a search shows.
type counted struct {
	version evidence.ArtifactVersion
	title   string
	step    string
	counts  recipe.Counts
	query   evidence.Query
}

// stepParams names a step of a version in an address.
func stepParams(v evidence.ArtifactVersion, step string) url.Values {
	return url.Values{"artifact": {string(v.Artifact)}, "version": {strconv.Itoa(v.Version)}, "step": {step}}
}

// countedOf reads which step an address names; ok is false if it names none.
func (s *server) countedOf(ctx context.Context, ws evidence.ID, v url.Values) (c counted, ok bool, err error) {
	id := evidence.ID(v.Get("artifact"))
	if id == "" {
		return c, false, nil
	}
	a, err := s.cfg.Store.Artifact(ctx, ws, id)
	if err != nil {
		return c, false, err
	}
	versions, err := s.cfg.Store.ArtifactVersions(ctx, ws, id)
	if err != nil {
		return c, false, err
	}
	if c.version, err = wantedVersion(a, versions, v.Get("version")); err != nil {
		return c, false, err
	}
	var p recipe.Provenance
	if err := json.Unmarshal(c.version.Provenance, &p); err != nil || p.Recipe.ID == "" {
		return c, false, evidence.Errorf(evidence.NotFound, "This artifact counts no events: it was handed in as a file.")
	}
	c.title, c.step, c.counts = a.Title, v.Get("step"), p.Counts
	c.query = evidence.Query{Workspace: ws, Connections: p.Query.Connections, Streams: p.Query.Streams, Span: evidence.Span{From: p.Query.From, To: p.Query.To}}
	switch c.step {
	case "":
		c.step = stepMatched
	case stepPages, stepRecords, stepDuplicates, stepPopulation, stepMatched:
	default:
		return c, false, evidence.Errorf(evidence.Invalid, "An artifact counts no %.20q. It counts pages, records, duplicates, population and matched.", c.step)
	}
	if c.step == stepMatched {
		for _, m := range p.Query.Where {
			c.query.Where = append(c.query.Where, evidence.Match(m))
		}
	}
	return c, true, nil
}

// words says what is counted.
func (c counted) words() string {
	what := map[string]string{stepPages: "pages with events", stepRecords: "records", stepDuplicates: "records that had come before", stepPopulation: "population", stepMatched: "events that match"}[c.step]
	return what + " of “" + c.title + "”, version " + strconv.Itoa(c.version.Version)
}

// said is the number that the artifact says.
func (c counted) said() int64 {
	switch c.step {
	case stepPages:
		return c.counts.Pages
	case stepRecords:
		return c.counts.Records
	case stepDuplicates:
		return c.counts.Duplicates
	case stepPopulation:
		return c.counts.Population
	}
	return c.counts.Matched
}

// differs says why there are others now than the artifact counted; "" if there are not. Evidence only grows.
func (c counted) differs(now int64) string {
	if more := now - c.said(); more != 0 {
		return "The artifact counts " + ui.Number(c.said()) + ". What came in since it was built, late or by a second reading, is here too: " + ui.Number(more) + " more. Build it again to count them."
	}
	return ""
}

// everything is the time of all events, as an address says it: twenty years that end tomorrow, since a clock may be ahead.
func everything(now time.Time) url.Values {
	to := now.UTC().Truncate(day).Add(2 * day)
	return url.Values{"from": {to.AddDate(-20, 0, 6).Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}
}

// lastDay is the time of the counts of 24 hours: whole hours and the one that runs.
func lastDay(now time.Time) url.Values {
	return url.Values{"from": {machine(now.Truncate(time.Hour).Add(-23 * time.Hour))}, "to": {machine(now.Truncate(time.Second).Add(time.Second))}}
}

// exactly writes a time so that nothing of it is lost.
func exactly(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
