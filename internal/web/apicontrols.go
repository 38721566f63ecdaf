package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

// programOperations are the operations of controls and frameworks.
func (s *server) programOperations(api huma.API) {
	add(s, api, "/controls", "list-controls", "Controls with what is attached", people.ReadControls, s.apiControls)
	add(s, api, "/controls/{id}", "get-control", "One control with its findings and history, by id or key", people.ReadControls, s.apiControl)
	add(s, api, "/findings", "list-findings", "What is wrong with controls", people.ReadControls, s.apiFindings)
	change := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: apiPrefix + path, OperationID: id, Summary: summary, Errors: []int{http.StatusConflict}}
	}
	mount(s, api, change(http.MethodPost, "/controls", "add-control", "Make a control"), people.ManageControls, s.apiAddControl)
	mount(s, api, change(http.MethodPatch, "/controls/{id}", "edit-control", "Change a control; what is not named stays"), people.ManageControls, s.apiEditControl)
	mount(s, api, change(http.MethodPost, "/controls/{id}/retire", "retire-control", "Take a control out of use with a reason"), people.ManageControls, s.apiRetireControl)

	add(s, api, "/frameworks", "list-frameworks", "Frameworks that the workspace can work with", people.ReadControls, s.apiFrameworks)
	add(s, api, "/frameworks/{id}", "get-framework", "One framework with its requirements and the controls that serve each", people.ReadControls, s.apiFramework)
	add(s, api, "/frameworks/{id}/matrix", "get-matrix", "Requirements or controls by month with four separate marks", people.ReadControls, s.apiMatrix)
	add(s, api, "/proposal", "get-proposal", "Starter controls and actions that suit the profile and some frameworks", people.ReadControls, s.apiProposal)
	add(s, api, "/profile", "get-profile", "What the workspace told of its company", people.ReadControls, s.apiProfile)
	load := change(http.MethodPost, "/frameworks", "load-framework", "Load an OSCAL catalogue or a CSV file, or tell what it would change")
	load.MaxBodyBytes = -1 // bounded for all requests in one place
	mount(s, api, load, people.ManageControls, s.apiLoadFramework)
	mount(s, api, change(http.MethodPut, "/profile", "set-profile", "Tell what the company is like"), people.ManageControls, s.apiSetProfile)
	mount(s, api, change(http.MethodPost, "/proposal", "adopt-frameworks", "Take frameworks into use and make the accepted items of their proposal"), people.ManageControls, s.apiAdopt)
}

type apiRequirement struct {
	Framework string `json:"framework"`
	ID        string `json:"id"`
}

type apiControl struct {
	ID           evidence.ID      `json:"id"`
	Key          string           `json:"key"`
	Name         string           `json:"name"`
	Description  string           `json:"description"`
	Owner        string           `json:"owner"`
	Requirements []apiRequirement `json:"requirements"`
	Artifacts    []evidence.ID    `json:"artifacts"`
	Created      *time.Time       `json:"created_at"`
	RetiredAt    *time.Time       `json:"retired_at"`
	Retired      string           `json:"retired,omitempty" doc:"Why it was retired"`
	Revision     int              `json:"revision" doc:"Goes up with every change"`
	Findings     []apiFinding     `json:"findings,omitempty"`
	History      []apiChange      `json:"history,omitempty"`
}

type apiFinding struct {
	Control string              `json:"control"`
	Code    program.FindingCode `json:"code"`
	Says    string              `json:"says"`
	Do      string              `json:"do"`
}

type apiChange struct {
	At     *time.Time `json:"at"`
	Who    string     `json:"who"`
	What   string     `json:"what"`
	Detail string     `json:"detail"`
}

type apiControls struct {
	Controls []apiControl `json:"controls"`
}

func controlJSON(c evidence.Control, artifacts []evidence.ID) apiControl {
	out := apiControl{
		ID: c.ID, Key: c.Key, Name: c.Name, Description: c.Description, Owner: c.Owner, Requirements: refsJSON(c.Requirements), Artifacts: all(artifacts),
		Created: moment(c.CreatedAt), RetiredAt: moment(c.RetiredAt), Retired: c.Retired, Revision: c.Revision,
	}
	return out
}

func refsJSON(refs []evidence.RequirementRef) []apiRequirement {
	out := []apiRequirement{}
	for _, r := range refs {
		out = append(out, apiRequirement(r))
	}
	return out
}

type retiredToo struct {
	Retired bool `query:"retired" doc:"Retired ones too"`
}

func (s *server) apiControls(ctx context.Context, c people.Caller, in *retiredToo) (apiControls, error) {
	out := apiControls{Controls: []apiControl{}}
	list, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return out, fmt.Errorf("listing controls: %w", err)
	}
	for _, v := range list {
		if in.Retired || v.Control.RetiredAt.IsZero() {
			out.Controls = append(out.Controls, controlJSON(v.Control, v.Artifacts))
		}
	}
	return out, nil
}

func (s *server) apiControl(ctx context.Context, c people.Caller, in *byID) (apiControl, error) {
	list, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return apiControl{}, fmt.Errorf("listing controls: %w", err)
	}
	for _, v := range list {
		if string(v.Control.ID) == in.ID || v.Control.Key == in.ID {
			return s.controlInFull(ctx, c, v)
		}
	}
	return apiControl{}, evidence.Errorf(evidence.NotFound, "There is no control %.60q in this workspace.", in.ID)
}

func (s *server) controlInFull(ctx context.Context, c people.Caller, v program.ControlView) (apiControl, error) {
	out := controlJSON(v.Control, v.Artifacts)
	findings, err := s.cfg.Program.Findings(ctx, c.Workspace)
	if err != nil {
		return out, err
	}
	for _, f := range about(findings, v.Control.ID) {
		out.Findings = append(out.Findings, apiFinding{f.Control.Key, f.Code, f.Says, f.Do})
	}
	history, err := s.cfg.Program.ControlHistory(ctx, c.Workspace, v.Control.Key)
	if err != nil {
		return out, err
	}
	for _, h := range history {
		out.History = append(out.History, apiChange{moment(h.At), h.Who, h.What, h.Detail})
	}
	return out, nil
}

type apiFindings struct {
	Findings []apiFinding `json:"findings"`
}

func (s *server) apiFindings(ctx context.Context, c people.Caller, _ *nothing) (apiFindings, error) {
	out := apiFindings{Findings: []apiFinding{}}
	list, err := s.cfg.Program.Findings(ctx, c.Workspace)
	for _, f := range list {
		out.Findings = append(out.Findings, apiFinding{f.Control.Key, f.Code, f.Says, f.Do})
	}
	return out, err
}

type addControlInput struct {
	Body struct {
		Key          string           `json:"key,omitempty" maxLength:"32" doc:"Left out, the next free one is taken"`
		Name         string           `json:"name" maxLength:"200"`
		Description  string           `json:"description,omitempty"`
		Owner        string           `json:"owner,omitempty" maxLength:"200"`
		Requirements []apiRequirement `json:"requirements,omitempty"`
	}
}

func refsOf(list []apiRequirement) []evidence.RequirementRef {
	out := []evidence.RequirementRef{}
	for _, r := range list {
		out = append(out, evidence.RequirementRef(r))
	}
	return out
}

func (s *server) apiAddControl(ctx context.Context, c people.Caller, in *addControlInput) (apiControl, error) {
	b := in.Body
	made, err := s.cfg.Program.AddControl(ctx, c, program.ControlDraft{Key: b.Key, Name: b.Name, Description: b.Description, Owner: b.Owner, Requirements: refsOf(b.Requirements)})
	return controlJSON(made, nil), err
}

type editControlInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Name         *string           `json:"name,omitempty" maxLength:"200"`
		Description  *string           `json:"description,omitempty"`
		Owner        *string           `json:"owner,omitempty" maxLength:"200"`
		Requirements *[]apiRequirement `json:"requirements,omitempty" doc:"All that it is to serve, in place of what it serves"`
		Revision     int               `json:"revision,omitempty" doc:"The revision that was read; if the control has changed since, nothing is done (409)"`
	}
}

func (s *server) apiEditControl(ctx context.Context, c people.Caller, in *editControlInput) (apiControl, error) {
	e := program.ControlEdit{Name: in.Body.Name, Description: in.Body.Description, Owner: in.Body.Owner, Revision: in.Body.Revision}
	if in.Body.Requirements != nil {
		refs := refsOf(*in.Body.Requirements)
		e.Requirements = &refs
	}
	made, err := s.cfg.Program.EditControl(ctx, c, in.ID, e)
	return controlJSON(made, nil), err
}

type retireControlInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Reason string `json:"reason" doc:"Kept with the control"`
	}
}

func (s *server) apiRetireControl(ctx context.Context, c people.Caller, in *retireControlInput) (apiControl, error) {
	made, err := s.cfg.Program.RetireControl(ctx, c, in.ID, in.Body.Reason)
	return controlJSON(made, nil), err
}
