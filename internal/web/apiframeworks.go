package web

import (
	"context"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

type apiFramework struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Title        string           `json:"title"`
	Publisher    string           `json:"publisher"`
	Version      string           `json:"version"`
	Date         string           `json:"date"`
	Source       string           `json:"source"`
	Licence      string           `json:"licence"`
	Count        int              `json:"requirement_count"`
	Revision     int              `json:"loaded_revision" doc:"The revision that the workspace loaded; 0: as it comes with Exhibit"`
	InUse        *time.Time       `json:"in_use_since"`
	Requirements []apiServedByOne `json:"requirements,omitempty"`
}

// apiServedByOne is a requirement with the keys of the controls that serve it.
type apiServedByOne struct {
	ID        string   `json:"id"`
	Group     string   `json:"group"`
	Title     string   `json:"title"`
	Text      string   `json:"text,omitempty"`
	Parent    string   `json:"parent,omitempty"`
	Withdrawn bool     `json:"withdrawn,omitempty"`
	Controls  []string `json:"controls"`
}

func frameworkJSON(f program.Framework) apiFramework {
	out := apiFramework{ID: f.ID, Name: f.Name, Title: f.Title, Publisher: f.Publisher, Version: f.Version, Date: f.Date, Source: f.Source, Licence: f.Licence, Count: len(f.Requirements), InUse: moment(f.Since)}
	if f.Loaded != nil {
		out.Revision = f.Loaded.Revision
	}
	return out
}

type apiFrameworks struct {
	Frameworks []apiFramework `json:"frameworks"`
}

func (s *server) apiFrameworks(ctx context.Context, c people.Caller, _ *nothing) (apiFrameworks, error) {
	out := apiFrameworks{Frameworks: []apiFramework{}}
	list, err := s.cfg.Program.Frameworks(ctx, c.Workspace)
	for _, f := range list {
		out.Frameworks = append(out.Frameworks, frameworkJSON(f))
	}
	return out, err
}

func (s *server) apiFramework(ctx context.Context, c people.Caller, in *byID) (apiFramework, error) {
	f, err := s.cfg.Program.Framework(ctx, c.Workspace, in.ID)
	if err != nil {
		return apiFramework{}, err
	}
	controls, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return apiFramework{}, err
	}
	out, serving := frameworkJSON(f), servingControls(controls)
	for _, q := range f.Requirements {
		row := apiServedByOne{q.ID, q.Group, q.Title, q.Text, q.Parent, q.Withdrawn, []string{}}
		for _, control := range serving[evidence.RequirementRef{Framework: f.ID, ID: q.ID}] {
			row.Controls = append(row.Controls, control.Key)
		}
		out.Requirements = append(out.Requirements, row)
	}
	return out, nil
}

type matrixInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Its id"`
	By   string `query:"by" enum:"requirements,controls" default:"requirements" doc:"What the rows are"`
	From string `query:"from" doc:"First month, such as 2026-06; default six months back"`
	To   string `query:"to" doc:"Last month, such as 2026-11; default this one"`
}

func (s *server) apiMatrix(ctx context.Context, c people.Caller, in *matrixInput) (program.MatrixDocument, error) {
	period, err := s.monthsAsked(in.From, in.To)
	if err != nil {
		return program.MatrixDocument{}, err
	}
	m, err := s.cfg.Program.Matrix(ctx, c.Workspace, program.MatrixRequest{Framework: in.ID, Controls: in.By == "controls", Period: period})
	if err != nil {
		return program.MatrixDocument{}, err
	}
	return m.Document(), nil
}

type loadInput struct {
	ID      string `query:"id" maxLength:"64" doc:"Id to keep it under; default made of its name"`
	Name    string `query:"name" maxLength:"200" doc:"Name to show; default the file's own"`
	File    string `query:"file" maxLength:"200" doc:"Name of the file, for the record"`
	Accept  bool   `query:"accept" doc:"Keep it. Without it only what it would change is told"`
	RawBody []byte `contentType:"application/octet-stream"`
}

type apiLoading struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	Version  string           `json:"version"`
	SHA256   string           `json:"sha256"`
	Count    int              `json:"requirement_count"`
	Revision int              `json:"revision" doc:"0: it was not kept"`
	Same     bool             `json:"same" doc:"It says nothing else than what is there"`
	Added    []string         `json:"added"`
	Removed  []string         `json:"removed"`
	Changed  []string         `json:"changed"`
	Orphaned []apiRequirement `json:"orphaned" doc:"Requirements that go though controls serve them; their mappings are kept"`
}

func (s *server) apiLoadFramework(ctx context.Context, c people.Caller, in *loadInput) (apiLoading, error) {
	load := s.cfg.Program.PreviewFramework
	if in.Accept {
		load = s.cfg.Program.LoadFramework
	}
	l, err := load(ctx, c, in.RawBody, framework.Loaded{File: in.File, ID: in.ID, Name: in.Name})
	if err != nil {
		return apiLoading{}, err
	}
	out := apiLoading{
		ID: l.Framework.ID, Name: l.Framework.Name, Version: l.Framework.Version, SHA256: l.SHA256, Count: len(l.Framework.Requirements), Revision: l.Revision, Same: l.Same,
		Added: idsOf(l.Difference.Added), Removed: idsOf(l.Difference.Removed), Changed: []string{}, Orphaned: []apiRequirement{},
	}
	for _, ch := range l.Difference.Changed {
		out.Changed = append(out.Changed, ch.After.ID)
	}
	for _, o := range l.Orphaned {
		out.Orphaned = append(out.Orphaned, apiRequirement(o.Ref))
	}
	return out, nil
}

func idsOf(list []framework.Requirement) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

type apiProfile struct {
	Industry string   `json:"industry" doc:"software, finance, health, retail, public, manufacturing, education, services, other or empty"`
	Size     string   `json:"size" doc:"1-49, 50-249, 250-999, 1000+ or empty"`
	Systems  []string `json:"systems" doc:"sso, scim, service-accounts, own-devices, card-data, health-data, ai"`
}

func (s *server) apiProfile(ctx context.Context, c people.Caller, _ *nothing) (apiProfile, error) {
	p, _, err := s.cfg.Program.Profile(ctx, c.Workspace)
	return apiProfile{p.Industry, p.Size, all(p.Systems)}, err
}

type profileInput struct{ Body apiProfile }

func (s *server) apiSetProfile(ctx context.Context, c people.Caller, in *profileInput) (apiProfile, error) {
	return in.Body, s.cfg.Program.SetProfile(ctx, c, framework.Profile{Industry: in.Body.Industry, Size: in.Body.Size, Systems: in.Body.Systems})
}

type proposalInput struct {
	Frameworks []string `query:"framework" doc:"Ids, separated by commas; none: those in use"`
}

type apiItem struct {
	ID           string           `json:"id"`
	Kind         program.ItemKind `json:"kind"`
	Control      string           `json:"control"`
	Title        string           `json:"title"`
	Description  string           `json:"description"`
	Why          string           `json:"why"`
	Requirements []apiRequirement `json:"requirements"`
}

type apiProposal struct {
	Items []apiItem `json:"items"`
}

func (s *server) apiProposal(ctx context.Context, c people.Caller, in *proposalInput) (apiProposal, error) {
	out := apiProposal{Items: []apiItem{}}
	p, err := s.cfg.Program.Propose(ctx, c.Workspace, in.Frameworks)
	for _, i := range p.Items {
		out.Items = append(out.Items, apiItem{i.ID, i.Kind, i.Control, i.Title, i.Description, i.Why, refsJSON(i.Requirements)})
	}
	return out, err
}

type adoptInput struct {
	Body struct {
		Frameworks []string `json:"frameworks" doc:"Ids to take into use; none: those in use"`
		Items      []string `json:"items" doc:"Ids of the accepted items"`
	}
}

type apiAdoption struct {
	Frameworks []string `json:"frameworks" doc:"Taken into use now"`
	Controls   int      `json:"controls"`
	Actions    int      `json:"actions"`
	Mapped     int      `json:"mapped"`
}

func (s *server) apiAdopt(ctx context.Context, c people.Caller, in *adoptInput) (apiAdoption, error) {
	made, err := s.cfg.Program.Adopt(ctx, c, in.Body.Frameworks, append([]string{}, in.Body.Items...))
	return apiAdoption{all(made.Frameworks), made.Controls, made.Actions, made.Mapped}, err
}
