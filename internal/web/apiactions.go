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

// actionOperations are the operations of actions.
func (s *server) actionOperations(api huma.API) {
	s.commentOperations(api)
	s.wordingOperations(api)
	add(s, api, "/actions", "list-actions", "Actions with owner, due date and what is attached", people.ReadActions, s.apiActions)
	add(s, api, "/actions/{id}", "get-action", "One action with its history, by id or key", people.ReadActions, s.apiAction)
	change := func(method, path, id, summary string) huma.Operation {
		return operation(method, path, id, summary, people.ManageActions, quick)
	}
	mount(s, api, change(http.MethodPost, "/actions", "add-action", "Make an action"), s.apiAddAction)
	mount(s, api, change(http.MethodPatch, "/actions/{id}", "edit-action", "Change an action; what is not named stays"), s.apiEditAction)
	mount(s, api, change(http.MethodPost, "/actions/{id}/requests", "accept-evidence", "Let an action ask for a recipe that its words propose"), s.apiAcceptMatch)
	mount(s, api, change(http.MethodPost, "/actions/{id}/move", "move-action", "Move an action on the board: open, in_progress or done"), s.apiMoveAction)
	mount(s, api, change(http.MethodPost, "/actions/{id}/done", "finish-action", "Mark an action as done; the next of its series is made"), s.apiDoneAction)
	mount(s, api, change(http.MethodPost, "/actions/{id}/reopen", "reopen-action", "Take back that an action is done"), s.apiReopenAction)
	mount(s, api, change(http.MethodPost, "/actions/{id}/retire", "retire-action", "Take an action out of use with a reason"), s.apiRetireAction)
}

type apiAction struct {
	ID          evidence.ID                `json:"id"`
	Key         string                     `json:"key"`
	Title       string                     `json:"title"`
	Description string                     `json:"description"`
	Control     string                     `json:"control"`
	Status      evidence.ActionStatus      `json:"status"`
	State       program.State              `json:"state" doc:"Where it stands: overdue, due_soon, open, in_progress, in_review, done, retired"`
	Overdue     bool                       `json:"overdue"`
	Owner       string                     `json:"owner"`
	Delegate    string                     `json:"delegate"`
	Due         *time.Time                 `json:"due"`
	Cadence     evidence.Cadence           `json:"cadence"`
	Recipe      string                     `json:"recipe"`
	Requests    []evidence.EvidenceRequest `json:"requests" doc:"The evidence that it asks for"`
	Open        []evidence.EvidenceRequest `json:"open" doc:"What of it has not arrived"`
	Artifacts   []evidence.ID              `json:"artifacts"`
	Series      string                     `json:"series,omitempty" doc:"The key of the first of its series"`
	Note        string                     `json:"note,omitempty" doc:"What was said by the one who marked it as done"`
	DoneAt      *time.Time                 `json:"done_at"`
	DoneBy      string                     `json:"done_by,omitempty"`
	RetiredAt   *time.Time                 `json:"retired_at"`
	Retired     string                     `json:"retired,omitempty" doc:"Why it was retired"`
	Revision    int                        `json:"revision" doc:"Goes up with every change"`
	Proposed    []apiProposedEvidence      `json:"proposed,omitempty" doc:"Recipes that its words ask for and its requests do not"`
	History     []apiChange                `json:"history,omitempty"`
}

type apiProposedEvidence struct {
	Recipe string `json:"recipe" example:"failed-sign-ins"`
	Title  string `json:"title"`
	Reason string `json:"reason" doc:"Which words name source and evidence"`
}

type apiActions struct {
	Actions []apiAction `json:"actions"`
}

func actionJSON(v program.ActionView) apiAction {
	a := v.Action
	return apiAction{
		ID: a.ID, Key: a.Key, Title: a.Title, Description: a.Description, Control: v.ControlKey, Status: a.Status, State: v.State, Overdue: v.Overdue,
		Owner: a.Owner, Delegate: a.Delegate, Due: moment(a.Due), Cadence: a.Cadence, Recipe: a.Recipe, Requests: a.Asks(), Open: append([]evidence.EvidenceRequest{}, v.Open...),
		Artifacts: all(v.Artifacts), Series: a.Series, Note: a.Note, DoneAt: moment(a.DoneAt), DoneBy: a.DoneBy, RetiredAt: moment(a.RetiredAt), Retired: a.Retired, Revision: a.Revision,
	}
}

type actionsInput struct {
	Retired   bool   `query:"retired" doc:"Retired ones too"`
	State     string `query:"state" maxLength:"20" doc:"Only those that stand so"`
	Owner     string `query:"owner" maxLength:"200" doc:"Only those of this owner or delegate"`
	Control   string `query:"control" maxLength:"60" doc:"Only those that prove this control, by id or key"`
	Framework string `query:"framework" maxLength:"60" doc:"Only those whose control serves this framework"`
	Due       string `query:"due" maxLength:"20" doc:"Only what is overdue, is due within a week or a month, or has no date: overdue, week, month, none"`
	Evidence  string `query:"evidence" maxLength:"20" doc:"Only where something is attached, nothing is, or something asked for is missing: some, none, missing"`
	Text      string `query:"q" maxLength:"200" doc:"Only those whose key, title or description hold this text"`
}

func (s *server) apiActions(ctx context.Context, c people.Caller, in *actionsInput) (apiActions, error) {
	out := apiActions{Actions: []apiAction{}}
	list, err := s.cfg.Program.FilteredActions(ctx, c.Workspace, program.ActionFilter{
		State: program.State(in.State), Owner: in.Owner, Control: in.Control, Framework: in.Framework, Due: in.Due, Evidence: in.Evidence, Text: in.Text, Retired: in.Retired,
	})
	if err != nil {
		return out, err
	}
	for _, v := range list {
		out.Actions = append(out.Actions, actionJSON(v))
	}
	return out, nil
}

func (s *server) apiAction(ctx context.Context, c people.Caller, in *byID) (apiAction, error) {
	v, err := s.cfg.Program.Action(ctx, c.Workspace, in.ID)
	if err != nil {
		return apiAction{}, err
	}
	out := actionJSON(v)
	matches, err := s.cfg.Program.Matches(ctx, c.Workspace, v)
	if err != nil {
		return out, err
	}
	for _, m := range matches {
		out.Proposed = append(out.Proposed, apiProposedEvidence{m.Recipe, m.Title, m.Reason()})
	}
	history, err := s.cfg.Program.ActionHistory(ctx, c.Workspace, v.Action.Key)
	for _, h := range history {
		out.History = append(out.History, apiChange{moment(h.At), h.Who, h.What, h.Detail})
	}
	return out, err
}

// actionNow gives an action that was just changed as it stands.
func (s *server) actionNow(ctx context.Context, c people.Caller, a evidence.Action, err error) (apiAction, error) {
	if err != nil {
		return apiAction{}, err
	}
	v, err := s.cfg.Program.Action(ctx, c.Workspace, string(a.ID))
	if err != nil {
		return apiAction{}, fmt.Errorf("reading %s again: %w", a.Key, err)
	}
	return actionJSON(v), nil
}

type addActionInput struct {
	Body struct {
		Key         string                     `json:"key,omitempty" maxLength:"32" doc:"Left out, the next free one is taken"`
		Title       string                     `json:"title" maxLength:"200"`
		Description string                     `json:"description,omitempty"`
		Control     string                     `json:"control,omitempty" maxLength:"60" doc:"The control that it proves, by id or key"`
		Owner       string                     `json:"owner,omitempty" maxLength:"200"`
		Delegate    string                     `json:"delegate,omitempty" maxLength:"200"`
		Due         *time.Time                 `json:"due,omitempty"`
		Cadence     evidence.Cadence           `json:"cadence,omitempty" enum:"once,weekly,monthly,quarterly,yearly"`
		Requests    []evidence.EvidenceRequest `json:"requests,omitempty" doc:"The evidence that it asks for: a recipe with its parameters, or an upload"`
	}
}

func (s *server) apiAddAction(ctx context.Context, c people.Caller, in *addActionInput) (apiAction, error) {
	b := in.Body
	d := program.ActionDraft{Key: b.Key, Control: b.Control, Title: b.Title, Description: b.Description, Owner: b.Owner, Delegate: b.Delegate, Cadence: b.Cadence, Requests: b.Requests}
	if b.Due != nil {
		d.Due = *b.Due
	}
	made, err := s.cfg.Program.AddAction(ctx, c, d)
	return s.actionNow(ctx, c, made, err)
}

type editActionInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Title       *string                     `json:"title,omitempty" maxLength:"200"`
		Description *string                     `json:"description,omitempty"`
		Control     *string                     `json:"control,omitempty" maxLength:"60"`
		Owner       *string                     `json:"owner,omitempty" maxLength:"200"`
		Delegate    *string                     `json:"delegate,omitempty" maxLength:"200"`
		Due         *time.Time                  `json:"due,omitempty"`
		Cadence     *evidence.Cadence           `json:"cadence,omitempty" enum:"once,weekly,monthly,quarterly,yearly"`
		Requests    *[]evidence.EvidenceRequest `json:"requests,omitempty" doc:"All that it is to ask for, in place of what it asks for"`
		Revision    int                         `json:"revision,omitempty" doc:"The revision that was read; if the action has changed since, nothing is done (409)"`
	}
}

func (s *server) apiEditAction(ctx context.Context, c people.Caller, in *editActionInput) (apiAction, error) {
	b := in.Body
	made, err := s.cfg.Program.EditAction(ctx, c, in.ID, program.ActionEdit{
		Control: b.Control, Title: b.Title, Description: b.Description, Owner: b.Owner, Delegate: b.Delegate, Due: b.Due, Cadence: b.Cadence, Requests: b.Requests, Revision: b.Revision,
	})
	return s.actionNow(ctx, c, made, err)
}

type acceptMatchInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Recipe string `json:"recipe" maxLength:"60" example:"failed-sign-ins"`
	}
}

func (s *server) apiAcceptMatch(ctx context.Context, c people.Caller, in *acceptMatchInput) (apiAction, error) {
	made, err := s.cfg.Program.AcceptMatch(ctx, c, in.ID, in.Body.Recipe)
	return s.actionNow(ctx, c, made, err)
}

type moveActionInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Status evidence.ActionStatus `json:"status" enum:"open,in_progress,done"`
	}
}

func (s *server) apiMoveAction(ctx context.Context, c people.Caller, in *moveActionInput) (apiAction, error) {
	made, err := s.cfg.Program.Move(ctx, c, in.ID, in.Body.Status)
	return s.actionNow(ctx, c, made, err)
}

type doneActionInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Note string `json:"note,omitempty" doc:"Kept with the action"`
	}
}

func (s *server) apiDoneAction(ctx context.Context, c people.Caller, in *doneActionInput) (apiAction, error) {
	made, err := s.cfg.Program.Done(ctx, c, in.ID, in.Body.Note)
	return s.actionNow(ctx, c, made, err)
}

type reopenActionInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Reason string `json:"reason,omitempty" doc:"Kept in its history"`
	}
}

func (s *server) apiReopenAction(ctx context.Context, c people.Caller, in *reopenActionInput) (apiAction, error) {
	made, err := s.cfg.Program.Reopen(ctx, c, in.ID, in.Body.Reason)
	return s.actionNow(ctx, c, made, err)
}

type retireActionInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Reason string `json:"reason" doc:"Kept with the action"`
	}
}

func (s *server) apiRetireAction(ctx context.Context, c people.Caller, in *retireActionInput) (apiAction, error) {
	made, err := s.cfg.Program.RetireAction(ctx, c, in.ID, in.Body.Reason)
	return s.actionNow(ctx, c, made, err)
}
