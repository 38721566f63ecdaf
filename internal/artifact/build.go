package artifact

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// BuildRequest asks for the artifact of a recipe for a period.
type BuildRequest struct {
	Recipe string
	Span   evidence.Span     // whole seconds, over by now
	Params map[string]string // by parameter name; what is not named takes its default
}

// Build makes an artifact, or a new version of it if there is one of the same recipe and period and the table, the
// result or the parameters differ from its newest version. who is shown as the one who made it.
func (s *Service) Build(ctx context.Context, who string, ws evidence.ID, req BuildRequest) (View, error) {
	r, err := recipe.ByID(req.Recipe)
	if err != nil {
		return View{}, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond) // what the log tells of it
	if err := checkPeriod(req.Span, now); err != nil {
		return View{}, err
	}
	report, asOf, err := s.runOnce(ctx, ws, r, req)
	if err != nil {
		return View{}, err
	}
	defer report.Close()
	files, err := s.writeFiles(ctx, report, recipe.Made{By: who, At: now})
	if err != nil {
		return View{}, err
	}
	v, err := s.save(ctx, who, ws, report, files, now, asOf)
	if err != nil {
		return v, err
	}
	// A crash before this leaves an artifact that is attached to nothing; it stays proposed, and the next build or a person attaches it.
	return s.attachBuilt(ctx, who, v)
}

// checkPeriod refuses periods about which nothing can be said yet, and those that cannot be written down exactly.
func checkPeriod(p evidence.Span, now time.Time) error {
	switch {
	case p.From.IsZero() || p.To.IsZero():
		return evidence.Errorf(evidence.Invalid, "An artifact needs a period. Give its start and its end.")
	case p.Empty():
		return evidence.Errorf(evidence.Invalid, "The period ends at %s, before or when it begins at %s. Give a start that lies before the end.", stamp(p.To), stamp(p.From))
	case p.To.After(now):
		return evidence.Errorf(evidence.Invalid, "The period ends at %s, which is still to come; it is %s now. Give an end that is over.", stamp(p.To), stamp(now))
	case p.From.Nanosecond() != 0 || p.To.Nanosecond() != 0:
		return evidence.Errorf(evidence.Invalid, "A period begins and ends at whole seconds. Leave the fractions out.")
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// run makes the table.
func (s *Service) run(ctx context.Context, ws evidence.ID, r recipe.Recipe, req BuildRequest) (*recipe.Report, error) {
	sources, leftOut, err := s.sources(ctx, ws, req.Span)
	if err != nil {
		return nil, err
	}
	period := evidence.Span{From: req.Span.From.UTC(), To: req.Span.To.UTC()}
	return recipe.Run(ctx, r, recipe.Request{
		Workspace: ws, Sources: sources, LeftOut: leftOut, Period: period, Params: req.Params, Engine: s.cfg.Engine, TempDir: s.cfg.TempDir,
	}, input{s})
}

// sources gives the connections that a statement about the period has to stand on: all but those that had been switched
// off before it began. leftOut says of each of those that it is not part of the statement: who reads "fully covered" must
// see what was not looked at.
func (s *Service) sources(ctx context.Context, ws evidence.ID, period evidence.Span) (sources []recipe.Source, leftOut []string, err error) {
	all, err := s.cfg.Store.Connections(ctx, ws)
	if err != nil {
		return nil, nil, fmt.Errorf("listing connections: %w", err)
	}
	for _, c := range all {
		if !c.OffAt.IsZero() && !c.OffAt.After(period.From) {
			leftOut = append(leftOut, fmt.Sprintf("Not part of this: %s (account %s), which was switched off on %s, before the period began.", c.Name, c.AccountUUID, stamp(c.OffAt)))
			continue
		}
		sources = append(sources, recipe.Source{
			Connection: c.ID, Name: c.Name, Kind: c.Source, Server: c.Server, Account: c.AccountUUID, Integration: c.Integration,
			Features: c.Features, Missing: c.Missing,
		})
	}
	return sources, leftOut, nil
}

// writeFiles puts every rendering into the object store, two at a time: making a workbook of a long table takes as long as
// all the others together.
func (s *Service) writeFiles(ctx context.Context, report *recipe.Report, made recipe.Made) ([]evidence.File, error) {
	renderings := report.Renderings(made, s.cfg.TempDir)
	files := make([]evidence.File, len(renderings))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(2)
	for i, r := range slices.Backward(renderings) { // the workbook, which takes longest, comes last in the list
		work.Go(func() error {
			ref, err := s.cfg.Objects.Put(ctx, r.Write)
			if err != nil {
				return fmt.Errorf("keeping the %s file: %w", r.Format, err)
			}
			files[i] = evidence.File{Format: r.Format, Media: r.Media, Size: ref.Size, SHA256: ref.SHA256}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return files, nil
}

// save writes the version, unless the newest one says the same.
func (s *Service) save(ctx context.Context, who string, ws evidence.ID, report *recipe.Report, files []evidence.File, now time.Time, asOf int64) (View, error) {
	p := report.Provenance
	provenance, err := json.Marshal(p)
	if err != nil {
		return View{}, fmt.Errorf("writing provenance: %w", err)
	}
	period := evidence.Span{From: p.Period.From, To: p.Period.To}
	// One that was retired comes back into use with a new version, even if it says the same.
	if old, ok, err := s.same(ctx, ws, report, files); err != nil || ok && old.RetiredAt.IsZero() {
		if err != nil {
			return View{}, err
		}
		if err := s.note(ctx, ws, who, "artifact.build", old.ID, fmt.Sprintf("%s: unchanged, version %d stands", p.Recipe.ID, old.Latest.Version)); err != nil {
			return View{}, err
		}
		v, err := s.Show(ctx, ws, old.ID)
		v.Unchanged = true
		return v, err
	}
	a, err := s.cfg.Store.SaveArtifact(ctx, evidence.Artifact{
		ID: evidence.NewID(evidence.PrefixArtifact), Workspace: ws, Kind: evidence.Derived, Recipe: p.Recipe.ID, Variant: report.Variant, Title: p.Recipe.Title, Period: period, CreatedAt: now,
		Latest: evidence.ArtifactVersion{
			RecipeVersion: p.Recipe.Version, Engine: p.Engine, Result: p.Result, Population: p.Counts.Population, Rows: p.Counts.Rows,
			Provenance: provenance, Files: files, BuiltAt: now, BuiltBy: who, BuiltMember: people.From(ctx).Member, AsOf: asOf,
		},
	})
	if err != nil {
		return View{}, fmt.Errorf("saving the artifact: %w", err)
	}
	detail := fmt.Sprintf("%s version %d for %s to %s: %s", a.Recipe, a.Latest.Version, stamp(period.From), stamp(period.To), p.Sentence)
	if err := s.note(ctx, ws, who, "artifact.build", a.ID, detail); err != nil {
		return View{}, err
	}
	return s.Show(ctx, ws, a.ID)
}

// same finds the artifact of the recipe, period and variant, and reports whether its newest version says the same.
func (s *Service) same(ctx context.Context, ws evidence.ID, report *recipe.Report, files []evidence.File) (evidence.Artifact, bool, error) {
	p := report.Provenance
	all, err := s.cfg.Store.Artifacts(ctx, ws, store.ArtifactFilter{Recipe: p.Recipe.ID, Kind: evidence.Derived})
	if err != nil {
		return evidence.Artifact{}, false, fmt.Errorf("looking for an earlier version: %w", err)
	}
	for _, a := range all {
		if a.Variant == report.Variant && a.Period.From.Equal(p.Period.From) && a.Period.To.Equal(p.Period.To) {
			return a, sayTheSame(a.Latest, p, files), nil
		}
	}
	return evidence.Artifact{}, false, nil
}

// sayTheSame compares what a table says: rows, result, recipe version and parameters, and what it stands on: connections
// and coverage. A gap that was healed in part makes a new version although no row differs, for the old one names a gap
// that is none any more. The renderings that tell who made them and when are left out.
func sayTheSame(old evidence.ArtifactVersion, p recipe.Provenance, files []evidence.File) bool {
	var before recipe.Provenance
	if err := json.Unmarshal(old.Provenance, &before); err != nil {
		return false // made by a version of Exhibit that wrote another form; a new version settles it
	}
	return old.RecipeVersion == p.Recipe.Version && old.Result == p.Result && old.Population == p.Counts.Population &&
		reflect.DeepEqual(before.Parameters, p.Parameters) && standsOn(before) == standsOn(p) && digests(old.Files) == digests(files)
}

// standsOn writes which connections and which coverage a table rests on.
func standsOn(p recipe.Provenance) string {
	b, err := json.Marshal([]any{p.Query.Connections, p.Coverage, p.Notes})
	if err != nil {
		return err.Error() // cannot be: all of it was written as JSON before
	}
	return string(b)
}

// digests writes the digests of the files that hold the table alone.
func digests(files []evidence.File) string {
	var b strings.Builder
	for _, f := range files {
		if f.Format == "csv" || f.Format == "ndjson" {
			b.WriteString(f.Format + " " + f.SHA256 + "\n")
		}
	}
	return b.String()
}
