package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

type recipesCmd struct {
	Recipe string `arg:"" optional:"" help:"Show one recipe: what it shows, what it does not, parameters, controls."`
}

type recipeJSON struct {
	ID       string            `json:"id"`
	Version  int               `json:"version"`
	Title    string            `json:"title"`
	Shows    string            `json:"shows"`
	NotShown []string          `json:"not_shown"`
	Streams  []evidence.Stream `json:"streams"`
	Params   []paramJSON       `json:"params"`
	Controls []mappingJSON     `json:"controls"`
}

type paramJSON struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Unit    string `json:"unit"`
	Default int    `json:"default"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
}

type mappingJSON struct {
	Framework   string            `json:"framework"`
	Requirement string            `json:"requirement"`
	Strength    evidence.Strength `json:"strength"`
	Reason      string            `json:"reason"`
	Caveat      string            `json:"caveat"`
}

func toRecipeJSON(r recipe.Recipe) recipeJSON {
	j := recipeJSON{ID: r.ID, Version: r.Version, Title: r.Title, Shows: r.Shows, NotShown: orEmpty(r.NotShown), Streams: orEmpty(r.Streams),
		Params: []paramJSON{}, Controls: []mappingJSON{}}
	for _, p := range r.Parameters {
		j.Params = append(j.Params, paramJSON{p.Name, p.Title, string(p.Unit), p.Default, p.Min, p.Max})
	}
	for _, m := range r.Mappings {
		j.Controls = append(j.Controls, mappingJSON{m.Framework, m.Requirement, m.Strength, m.Reason, m.Caveat})
	}
	return j
}

func (c *recipesCmd) Run(_ context.Context, g *Globals) error {
	recipes := recipe.All()
	if c.Recipe != "" {
		for _, r := range recipes {
			if r.ID == c.Recipe {
				return g.printRecipe(r)
			}
		}
		return usagef("There is no recipe %q. \"exhibit recipes\" lists them.", c.Recipe)
	}
	if g.JSON {
		list := []recipeJSON{}
		for _, r := range recipes {
			list = append(list, toRecipeJSON(r))
		}
		return g.printJSON(map[string]any{"recipes": list})
	}
	t := newTable(g.out, "id", "version", "title", "streams")
	for _, r := range recipes {
		t.row(r.ID, fmt.Sprint(r.Version), r.Title, joinStreams(r.Streams))
	}
	return t.flush()
}

func (g *Globals) printRecipe(r recipe.Recipe) error {
	if g.JSON {
		return g.printJSON(toRecipeJSON(r))
	}
	fmt.Fprintf(g.out, "%s, version %d: %s\n\nShows: %s\nReads: %s\n\nDoes not show\n", r.ID, r.Version, r.Title, r.Shows, joinStreams(r.Streams))
	for _, n := range r.NotShown {
		fmt.Fprintf(g.out, "  - %s\n", n)
	}
	if len(r.Parameters) > 0 {
		fmt.Fprintln(g.out, "\nParameters")
		for _, p := range r.Parameters {
			if p.Unit == recipe.Names || p.Unit == recipe.Words {
				fmt.Fprintf(g.out, "  --param %s=…  %s: %s\n", p.Name, p.Title, p.Unit)
				continue
			}
			fmt.Fprintf(g.out, "  --param %s=%d  %s, in %s, %d to %d\n", p.Name, p.Default, p.Title, p.Unit, p.Min, p.Max)
		}
	}
	fmt.Fprintln(g.out, "\nSupports")
	t := newTable(g.out, "framework", "requirement", "strength", "reason")
	for _, m := range r.Mappings {
		t.row(m.Framework, m.Requirement, string(m.Strength), m.Reason)
	}
	return t.flush()
}

type artifactsCmd struct {
	List      artifactsListCmd      `cmd:"" help:"List artifacts."`
	Show      artifactsShowCmd      `cmd:"" help:"Show one artifact: result, counts, files, what it is attached to."`
	Build     artifactsBuildCmd     `cmd:"" help:"Build an artifact from the events of a period."`
	Add       artifactsAddCmd       `cmd:"" help:"Hand in a file as evidence, or a new version of one."`
	Get       artifactsGetCmd       `cmd:"" help:"Get a file of an artifact."`
	Review    artifactsReviewCmd    `cmd:"" help:"Approve or reject a version, or ask for changes."`
	Retire    artifactsRetireCmd    `cmd:"" help:"Take an artifact out of use, with a reason; nothing is deleted."`
	Attach    artifactsAttachCmd    `cmd:"" help:"Attach an artifact to a control or an action."`
	Proposals artifactsProposalsCmd `cmd:"" help:"What mappings propose to attach artifacts to."`
	Accept    artifactsAcceptCmd    `cmd:"" help:"Accept a proposed attachment."`
	Decline   artifactsDeclineCmd   `cmd:"" help:"Decline a proposed attachment, with a reason; it is not proposed again."`
	Attaching artifactsAttachingCmd `cmd:"" help:"Show or choose what becomes of attachments that mappings name: propose or do."`
	Detach    artifactsDetachCmd    `cmd:"" help:"Detach an artifact from a control or an action, with a reason."`
}

// artifactJSON is the shape of "artifacts list --json".
type artifactJSON struct {
	ID         evidence.ID           `json:"id"`
	Version    int                   `json:"version"`
	Kind       evidence.ArtifactKind `json:"kind"`
	Recipe     string                `json:"recipe"`
	Title      string                `json:"title"`
	From       jsonTime              `json:"from"`
	To         jsonTime              `json:"to"`
	Result     evidence.Completeness `json:"result"`
	Population int64                 `json:"population"`
	Rows       int64                 `json:"rows"`
	Formats    []string              `json:"formats"`
	SHA256     map[string]string     `json:"sha256"`
	BuiltAt    jsonTime              `json:"built_at"`
	BuiltBy    string                `json:"built_by"`
	Review     evidence.ReviewStatus `json:"review"`
	Effective  jsonTime              `json:"effective,omitzero"`
	Retired    string                `json:"retired,omitempty"`
	Controls   []string              `json:"controls"`
	Actions    []string              `json:"actions"`
}

func toArtifactJSON(v artifact.View) artifactJSON {
	x, l := v.Artifact, v.Artifact.Latest
	j := artifactJSON{ID: x.ID, Version: l.Version, Kind: x.Kind, Recipe: x.Recipe, Title: x.Title, From: jsonTime(x.Period.From), To: jsonTime(x.Period.To),
		Result: l.Result, Population: l.Population, Rows: l.Rows, Formats: []string{}, SHA256: map[string]string{}, BuiltAt: jsonTime(l.BuiltAt), BuiltBy: l.BuiltBy,
		Review: v.Standing.Status, Retired: x.Retired, Controls: orEmpty(v.ControlKeys), Actions: orEmpty(v.ActionKeys)}
	if h, ok := artifact.HandedIn(l); ok && h.Effective != nil {
		j.Effective = jsonTime(*h.Effective)
	}
	for _, f := range l.Files {
		j.Formats = append(j.Formats, f.Format)
		j.SHA256[f.Format] = f.SHA256
	}
	return j
}

type artifactsListCmd struct {
	Recipe  string `help:"Only of this recipe." placeholder:"RECIPE"`
	Control string `help:"Only attached to this control." placeholder:"C"`
	Action  string `help:"Only attached to this action." placeholder:"A"`
	Kind    string `help:"Only derived or uploaded." placeholder:"KIND"`
	Source  string `help:"Only made from this connection, or kind of connection." placeholder:"ID"`
	Result  string `help:"Only complete or inconclusive." placeholder:"R"`
	Review  string `help:"Only where the review stands so: not_reviewed, reopened, changes_requested, rejected, approved, to_change." placeholder:"S"`
	From    string `help:"Only if its period ends after this." placeholder:"T"`
	To      string `help:"Only if its period begins before this." placeholder:"T"`
	Search  string `help:"Only if these words are in title, recipe, id, file name, maker or keys." placeholder:"TEXT"`
	Use     string `help:"Only what is in_use, or only what is retired." placeholder:"U"`
}

// filter reads the flags.
func (c *artifactsListCmd) filter() (f artifact.Filter, err error) {
	f = artifact.Filter{Recipe: c.Recipe, Control: c.Control, Action: c.Action, Kind: evidence.ArtifactKind(c.Kind), Source: c.Source, Result: evidence.Completeness(c.Result),
		Review: c.Review, Text: c.Search, Use: artifact.Use(c.Use)}
	for text, into := range map[*string]*time.Time{&c.From: &f.Touches.From, &c.To: &f.Touches.To} {
		if *text == "" {
			continue
		}
		if *into, err = evidence.ParseMoment(*text, time.Now()); err != nil {
			return f, usagef("%v", err)
		}
	}
	return f, nil
}

func (c *artifactsListCmd) Run(ctx context.Context, g *Globals) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		views, err := a.Artifacts.List(ctx, a.Workspace, f)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			list := []artifactJSON{}
			for _, v := range views {
				list = append(list, toArtifactJSON(v))
			}
			return g.printJSON(map[string]any{"artifacts": list})
		}
		if len(views) == 0 {
			if *c != (artifactsListCmd{}) {
				fmt.Fprintln(g.out, "No artifact meets these filters.")
				return nil
			}
			fmt.Fprintln(g.out, "No artifacts. Build one: exhibit artifacts build failed-sign-ins --from T --to T")
			return nil
		}
		t := newTable(g.out, "id", "version", "recipe", "title", "from", "to", "result", "population", "rows", "review", "controls", "actions")
		for _, v := range views {
			x, l := v.Artifact, v.Artifact.Latest
			t.row(string(x.ID), fmt.Sprint(l.Version), cmp.Or(x.Recipe, string(x.Kind)), printable(x.Title), moment(x.Period.From), moment(x.Period.To), string(l.Result), count(l.Population), count(l.Rows), string(v.Standing.Status),
				strings.Join(v.ControlKeys, " "), strings.Join(v.ActionKeys, " "))
		}
		return t.flush()
	})
}

type artifactID struct {
	ID string `arg:"" help:"Id of the artifact."`
}

type artifactsShowCmd struct{ artifactID }

func (c *artifactsShowCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Artifacts.Show(ctx, a.Workspace, evidence.ID(c.ID))
		if err != nil {
			return err
		}
		return g.printArtifact(v)
	})
}

func (g *Globals) printArtifact(v artifact.View) error {
	if g.JSON {
		return g.printJSON(toArtifactJSON(v))
	}
	x, l := v.Artifact, v.Artifact.Latest
	fmt.Fprintf(g.out, "%s, version %d: %s\n", x.ID, l.Version, printable(x.Title))
	if h, ok := artifact.HandedIn(l); ok {
		g.printUpload(v, h)
	} else {
		g.printBuilt(v)
	}
	for _, f := range l.Files {
		fmt.Fprintf(g.out, "  %-7s %12s bytes  sha256 %s\n", f.Format, count(f.Size), f.SHA256)
	}
	fmt.Fprintf(g.out, "Review: %s\n", reviewWords(v.Standing))
	if !x.RetiredAt.IsZero() {
		fmt.Fprintf(g.out, "Retired %s: %s\n", moment(x.RetiredAt), printable(x.Retired))
	}
	if len(v.ControlKeys)+len(v.ActionKeys) > 0 {
		fmt.Fprintf(g.out, "Attached to: %s\n", strings.Join(append(append([]string{}, v.ControlKeys...), v.ActionKeys...), ", "))
	}
	return nil
}

func (g *Globals) printBuilt(v artifact.View) {
	x, l := v.Artifact, v.Artifact.Latest
	fmt.Fprintf(g.out, "Recipe %s version %d, period %s to %s\n", x.Recipe, l.RecipeVersion, moment(x.Period.From), moment(x.Period.To))
	fmt.Fprintf(g.out, "Result: %s. Population %s, rows %s. Built %s by %s.\n", l.Result, count(l.Population), count(l.Rows), moment(l.BuiltAt), printable(l.BuiltBy))
}

type artifactsBuildCmd struct {
	Recipe string            `arg:"" help:"Recipe; \"exhibit recipes\" lists them."`
	From   string            `required:"" help:"Start of the period." placeholder:"T"`
	To     string            `required:"" help:"End of the period (not included)." placeholder:"T"`
	Param  map[string]string `help:"Parameter of the recipe (repeatable)." placeholder:"NAME=VALUE"`
	Attach bool              `help:"Attach it to the controls and actions that its mapping names."`
}

func (c *artifactsBuildCmd) Run(ctx context.Context, g *Globals) error {
	span, err := period(c.From, c.To, evidence.Span{})
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Artifacts.Build(ctx, who(), a.Workspace, artifact.BuildRequest{Recipe: c.Recipe, Span: span, Params: c.Param})
		if err != nil {
			return badInput(err)
		}
		if c.Attach {
			if _, err := a.Artifacts.AutoAttach(ctx, who(), a.Workspace, v.Artifact.ID); err != nil {
				return err
			}
			if v, err = a.Artifacts.Show(ctx, a.Workspace, v.Artifact.ID); err != nil {
				return err
			}
		}
		return g.printArtifact(v)
	})
}

type artifactsGetCmd struct {
	artifactID
	Format  string `required:"" help:"csv, ndjson, html, xlsx or pdf; of an upload its own." placeholder:"F"`
	Output  string `short:"o" required:"" help:"File to write; - for standard output. An existing file is not overwritten." placeholder:"FILE"`
	Version int    `help:"Version; default the newest." placeholder:"N"`
}

func (c *artifactsGetCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		body, file, err := a.Artifacts.File(ctx, who(), a.Workspace, evidence.ID(c.ID), c.Version, c.Format)
		if err != nil {
			return badInput(err)
		}
		defer body.Close()
		if c.Output == "-" {
			_, err := io.Copy(g.out, body)
			return err
		}
		if err := writeNew(c.Output, body); err != nil {
			return err
		}
		fmt.Fprintf(g.err, "Wrote %s: %s bytes, sha256 %s\n", c.Output, count(file.Size), file.SHA256)
		return nil
	})
}

// writeNew writes a file that does not exist yet. What was half-written when something failed is removed again.
func writeNew(name string, body io.Reader) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usagef("%s exists already; it is not overwritten.", name)
	}
	if err != nil {
		return usagef("%s cannot be written: %v", name, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(name)
			err = fmt.Errorf("writing %s: %w", name, err)
		}
	}()
	if _, err := io.Copy(f, body); err != nil {
		return err
	}
	return f.Sync()
}

// attachTo names a control or an action, by key or id.
type attachTo struct {
	Control string `help:"Key or id of the control." placeholder:"C" xor:"target"`
	Action  string `help:"Key or id of the action." placeholder:"A" xor:"target"`
}

func (t attachTo) check() error {
	if t.Control == "" && t.Action == "" {
		return usagef("Name what is meant with --control or --action.")
	}
	return nil
}

type artifactsAttachCmd struct {
	artifactID
	attachTo
	Strength string `help:"strong, partial or context; default what the recipe's mapping says." enum:"strong,partial,context," default:""`
	Reason   string `help:"Why it supports this; default what the recipe's mapping says." placeholder:"TEXT"`
	Caveat   string `help:"What it does not show; default what the recipe's mapping says." placeholder:"TEXT"`
}

func (c *artifactsAttachCmd) Run(ctx context.Context, g *Globals) error {
	if err := c.check(); err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		at, err := a.Artifacts.Attach(ctx, who(), a.Workspace, artifact.AttachRequest{
			Artifact: evidence.ID(c.ID), Control: c.Control, Action: c.Action,
			Strength: evidence.Strength(c.Strength), Reason: c.Reason, Caveat: c.Caveat,
		})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"id": at.ID, "artifact": at.Artifact, "control": c.Control, "action": c.Action, "strength": at.Strength, "reason": at.Reason, "caveat": at.Caveat})
		}
		fmt.Fprintf(g.out, "Attached %s to %s%s as %s evidence.\n", at.Artifact, c.Control, c.Action, at.Strength)
		return nil
	})
}

type artifactsDetachCmd struct {
	artifactID
	attachTo
	Reason string `required:"" help:"Why it is detached; kept for ever." placeholder:"TEXT"`
}

func (c *artifactsDetachCmd) Run(ctx context.Context, g *Globals) error {
	if err := c.check(); err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		err := a.Artifacts.Detach(ctx, who(), a.Workspace, artifact.DetachRequest{Artifact: evidence.ID(c.ID), Control: c.Control, Action: c.Action, Reason: c.Reason})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"artifact": c.ID, "control": c.Control, "action": c.Action, "detached": true})
		}
		fmt.Fprintf(g.out, "Detached %s from %s%s.\n", c.ID, c.Control, c.Action)
		return nil
	})
}
