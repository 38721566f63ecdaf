package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/sample"
	"github.com/exhibithq/exhibit/internal/store"
)

// auditOperations are the operations of audits and their rooms. To an auditor an audit that he was not let into is not there.
func (s *server) auditOperations(api huma.API) {
	add(s, api, "/audits", "list-audits", "Audits, the newest first; an auditor's are those that he was let into", people.ReadAudits, s.apiAudits)
	mount(s, api, operation(http.MethodPost, "/audits", "create-audit", "Make an audit: a framework, a period, and controls", people.ManageAudits, quick), s.apiCreateAudit)
	add(s, api, "/audits/{id}", "get-audit", "One audit with its controls, their evidence of the period and its four marks", people.ReadAudits, s.apiAudit)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/controls", "set-audit-controls", "Choose the controls that an audit is about", people.ManageAudits, quick), s.apiAuditControls)
	add(s, api, "/audits/{id}/artifacts/{artifact}", "get-audit-artifact", "An artifact of an audit with its files", people.ReadAudits, s.apiAuditArtifact)
	s.auditFile(api, operation(http.MethodGet, "/audits/{id}/artifacts/{artifact}/versions/{version}/{format}", "get-audit-artifact-file", "A file of an artifact of an audit, byte for byte", people.ReadAudits, slow))
	add(s, api, "/audits/{id}/artifacts/{artifact}/events", "list-audit-events", "The events that an artifact counts, in the period of the audit", people.ReadSamples, s.apiAuditEvents)
	add(s, api, "/audits/{id}/samples", "list-samples", "Samples of an audit", people.ReadSamples, s.apiSamples)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/samples", "draw-sample", "Draw a sample that anybody can draw again", people.TakeEvidence, slow), s.apiDraw)
	mount(s, api, operation(http.MethodGet, "/audits/{id}/samples/{sample}", "get-sample", "A sample with its members", people.ReadSamples, slow), s.apiSample)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/samples/{sample}/replace", "replace-sample-member", "Pass over a member; the next in rank takes its place", people.TakeEvidence, slow), s.apiReplace)
	add(s, api, "/audits/{id}/requests", "list-audit-requests", "What auditors asked, with what was said about it", people.ReadAudits, s.apiRequests)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/requests", "ask-in-audit", "Ask for something, as an auditor", people.AskInAudits, quick), s.apiAsk)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/requests/{request}/answer", "answer-audit-request", "Answer a request with words and an artifact", people.ManageAudits, quick), s.apiAnswer)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/requests/{request}/follow", "follow-audit-request", "Ask again: the answer is not enough", people.AskInAudits, quick), s.apiFollow)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/requests/{request}/close", "close-audit-request", "Close a request, as an auditor", people.AskInAudits, quick), s.apiCloseRequest)
	add(s, api, "/audits/{id}/notes", "list-audit-notes", "What the auditors of an audit noted for themselves", people.AskInAudits, s.apiNotes)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/notes", "add-audit-note", "Keep a note that only the auditors of the audit see", people.AskInAudits, quick), s.apiAddNote)
	add(s, api, "/audits/{id}/auditors", "list-auditors", "Who was let into an audit", people.ReadSettings, s.apiAuditors)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/auditors", "invite-auditor", "Let an auditor in; a new one's link is in this answer and nowhere else", people.ManagePeople, quick), s.apiInviteAuditor)
	mount(s, api, operation(http.MethodPost, "/audits/{id}/auditors/{member}/remove", "remove-auditor", "End an auditor's access at once", people.ManagePeople, quick), s.apiRemoveAuditor)
	add(s, api, "/audits/{id}/trail", "get-audit-trail", "What auditors opened and took, and what was done with the audit", people.ReadSettings, s.apiTrail)
	s.bundleOperation(api, operation(http.MethodPost, "/audits/{id}/bundle", "make-bundle", "Make a bundle of all evidence of an audit, as a file that proves itself", people.TakeEvidence, slow))
}

type byAudit struct {
	ID string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
}

type apiAuditRow struct {
	ID        evidence.ID `json:"id"`
	Name      string      `json:"name"`
	Framework string      `json:"framework"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`
}

func auditJSON(a store.Audit) apiAuditRow {
	return apiAuditRow{a.ID, a.Name, a.Framework, a.Period.From, a.Period.To}
}

type apiAuditList struct {
	Audits []apiAuditRow `json:"audits"`
}

func (s *server) apiAudits(ctx context.Context, c people.Caller, _ *nothing) (apiAuditList, error) {
	all, err := s.cfg.Audits.List(ctx, c)
	out := apiAuditList{Audits: []apiAuditRow{}}
	for _, a := range all {
		out.Audits = append(out.Audits, auditJSON(a))
	}
	return out, err
}

type auditInput struct {
	Body struct {
		Name      string        `json:"name" maxLength:"120"`
		Framework string        `json:"framework" example:"soc2"`
		From      string        `json:"from" example:"2026-07-01" doc:"RFC 3339 or a date"`
		To        string        `json:"to" example:"2026-10-01" doc:"RFC 3339 or a date, exclusive"`
		Controls  []evidence.ID `json:"controls,omitempty" doc:"Ids; none: all that serve the framework"`
	}
}

func (s *server) apiCreateAudit(ctx context.Context, c people.Caller, in *auditInput) (apiAuditRow, error) {
	from, err := parseTime(in.Body.From)
	if err != nil {
		return apiAuditRow{}, err
	}
	to, err := parseTime(in.Body.To)
	if err != nil {
		return apiAuditRow{}, err
	}
	a, err := s.cfg.Audits.Create(ctx, c, audit.CreateRequest{Name: in.Body.Name, Framework: in.Body.Framework, Period: evidence.Span{From: from, To: to}, Controls: in.Body.Controls})
	return auditJSON(a), err
}

type auditControlsInput struct {
	ID   string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Body struct {
		Controls []evidence.ID `json:"controls" doc:"Ids; none: all that serve the framework"`
	}
}

func (s *server) apiAuditControls(ctx context.Context, c people.Caller, in *auditControlsInput) (apiAuditRow, error) {
	a, err := s.cfg.Audits.SetControls(ctx, c, in.ID, in.Body.Controls)
	return auditJSON(a), err
}

type apiMarks struct {
	Verdict   program.Verdict   `json:"verdict"`
	Freshness program.Freshness `json:"freshness"`
	Coverage  program.Extent    `json:"coverage"`
	Integrity program.Integrity `json:"integrity"`
}

func marksJSON(c program.Cell) apiMarks {
	return apiMarks{c.Verdict, c.Freshness, c.Coverage, c.Integrity}
}

type apiRoomControl struct {
	ID        evidence.ID       `json:"id"`
	Key       string            `json:"key"`
	Name      string            `json:"name"`
	Marks     apiMarks          `json:"marks" doc:"Four axes that are never added up"`
	Actions   []evidence.ID     `json:"actions"`
	Artifacts []apiRoomArtifact `json:"artifacts"`
}

type apiRoomArtifact struct {
	ID      evidence.ID           `json:"id"`
	Title   string                `json:"title"`
	Recipe  string                `json:"recipe,omitempty"`
	From    time.Time             `json:"from"`
	To      time.Time             `json:"to"`
	Version int                   `json:"version"`
	Result  evidence.Completeness `json:"result"`
	Marks   apiMarks              `json:"marks"`
	Files   []apiRoomFile         `json:"files"`
}

type apiRoomFile struct {
	Version int    `json:"version"`
	Format  string `json:"format"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
}

type apiRoom struct {
	ID        evidence.ID `json:"id"`
	Name      string      `json:"name"`
	Framework string      `json:"framework"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`

	Controls []apiRoomControl `json:"controls"`
	Requests int              `json:"open_requests"`
	Samples  int              `json:"samples"`
	Bundles  []apiBundle      `json:"bundles"`
}

type apiBundle struct {
	ID     evidence.ID `json:"id"`
	MadeAt time.Time   `json:"made_at"`
	MadeBy string      `json:"made_by"`
	Leaves int64       `json:"leaves"`
	Bytes  int64       `json:"bytes"`
	SHA256 string      `json:"sha256"`
}

func roomArtifactJSON(a evidence.Artifact, versions []evidence.ArtifactVersion, st program.Standing) apiRoomArtifact {
	out := apiRoomArtifact{ID: a.ID, Title: a.Title, Recipe: a.Recipe, From: a.Period.From, To: a.Period.To, Version: a.Latest.Version, Result: a.Latest.Result, Marks: marksJSON(st.Artifact(a)), Files: []apiRoomFile{}}
	for _, v := range versions {
		for _, f := range v.Files {
			out.Files = append(out.Files, apiRoomFile{v.Version, f.Format, f.Size, f.SHA256})
		}
	}
	return out
}

func (s *server) apiAudit(ctx context.Context, c people.Caller, in *byAudit) (apiRoom, error) {
	room, err := s.cfg.Audits.Room(ctx, c, in.ID, "overview (API)")
	if err != nil {
		return apiRoom{}, err
	}
	st, err := s.cfg.Program.Standing(ctx, c.Workspace, room.Audit.Period, room.Artifacts())
	if err != nil {
		return apiRoom{}, err
	}
	a := room.Audit
	out := apiRoom{ID: a.ID, Name: a.Name, Framework: a.Framework, From: a.Period.From, To: a.Period.To, Controls: []apiRoomControl{}, Samples: len(room.Samples), Bundles: []apiBundle{}}
	for _, p := range room.Parts {
		row := apiRoomControl{ID: p.Control.ID, Key: p.Control.Key, Name: p.Control.Name, Marks: marksJSON(st.Control(p.Artifacts())), Actions: []evidence.ID{}, Artifacts: []apiRoomArtifact{}}
		for _, a := range p.Actions {
			row.Actions = append(row.Actions, a.ID)
		}
		for _, a := range p.Artifacts() {
			row.Artifacts = append(row.Artifacts, roomArtifactJSON(a, []evidence.ArtifactVersion{a.Latest}, st))
		}
		out.Controls = append(out.Controls, row)
	}
	for _, r := range room.Requests {
		if r.State == store.RequestOpen {
			out.Requests++
		}
	}
	for _, b := range room.Bundles {
		out.Bundles = append(out.Bundles, apiBundle{b.ID, b.MadeAt, b.MadeBy, b.Leaves, b.Size, b.SHA256})
	}
	return out, nil
}

type byAuditArtifact struct {
	ID       string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Artifact string `path:"artifact" maxLength:"60" doc:"Id of the artifact"`
}

func (s *server) apiAuditArtifact(ctx context.Context, c people.Caller, in *byAuditArtifact) (apiRoomArtifact, error) {
	room, a, versions, err := s.cfg.Audits.Artifact(ctx, c, in.ID, evidence.ID(in.Artifact))
	if err != nil {
		return apiRoomArtifact{}, err
	}
	st, err := s.cfg.Program.Standing(ctx, c.Workspace, room.Audit.Period, []evidence.Artifact{a})
	return roomArtifactJSON(a, versions, st), err
}

type auditFileInput struct {
	ID       string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Artifact string `path:"artifact" maxLength:"60" doc:"Id of the artifact"`
	Version  int    `path:"version" minimum:"1" doc:"Number of the version"`
	Format   string `path:"format" maxLength:"20" example:"csv" doc:"A format of the version's files"`
}

// auditFile mounts the operation that gives a file of an artifact of an audit.
func (s *server) auditFile(api huma.API, op huma.Operation) {
	huma.Register(api, octets(op, "The file"), func(ctx context.Context, in *auditFileInput) (*huma.StreamResponse, error) {
		a, body, file, err := s.cfg.Audits.File(ctx, people.From(ctx), in.ID, evidence.ID(in.Artifact), in.Version, in.Format)
		if err != nil {
			return nil, s.apiProblem(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			r, w := humago.Unwrap(hc)
			_ = s.sendFile(w, r, a, in.Version, file, body) // it answers in any case
		}}, nil
	})
}

// bundleOperation mounts the operation that makes a bundle.
func (s *server) bundleOperation(api huma.API, op huma.Operation) {
	huma.Register(api, octets(op, "The bundle, a ZIP file"), func(_ context.Context, in *byAudit) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			r, w := humago.Unwrap(hc)
			r = r.WithContext(hc.Context())
			r.SetPathValue("id", in.ID)
			if err := s.makeBundle(w, r); err != nil && !errors.Is(err, context.Canceled) {
				s.fail(w, r, err)
			}
		}}, nil
	})
}

type apiRoomEvent struct {
	UUID   string          `json:"uuid"`
	At     time.Time       `json:"at"`
	Stream evidence.Stream `json:"stream"`
	Action string          `json:"action"`
	Type   string          `json:"type,omitempty"`
	Result evidence.Result `json:"result,omitempty"`
	Person string          `json:"person"`
}

type auditEventsInput struct {
	ID       string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Artifact string `path:"artifact" maxLength:"60" doc:"Id of the artifact"`
	After    string `query:"after" maxLength:"120" doc:"next of the page before"`
}

type apiRoomEvents struct {
	Events []apiRoomEvent `json:"events"`
	Next   *string        `json:"next" doc:"after of the next page; null: that is all"`
}

func (s *server) apiAuditEvents(ctx context.Context, c people.Caller, in *auditEventsInput) (apiRoomEvents, error) {
	after, err := keyset(in.After)
	if err != nil {
		return apiRoomEvents{}, err
	}
	counted, err := s.cfg.Audits.Events(ctx, c, in.ID, evidence.ID(in.Artifact), after)
	out := apiRoomEvents{Events: []apiRoomEvent{}}
	for _, e := range counted.Events {
		out.Events = append(out.Events, apiRoomEvent{e.UUID, e.At, e.Stream, e.Action, e.Type, e.Result, personOf(e.Facts)})
	}
	if counted.Next != nil {
		next := counted.Next.String()
		out.Next = &next
	}
	return out, err
}

func personOf(f evidence.Facts) string {
	for _, name := range []string{f.Person.Email, f.Person.Name} {
		if name != "" {
			return name
		}
	}
	return f.Person.UUID
}

type apiSample struct {
	ID           evidence.ID      `json:"id"`
	Population   string           `json:"population"`
	Seed         string           `json:"seed"`
	Size         int              `json:"size"`
	Members      int64            `json:"members" doc:"Of the population"`
	DrawnAt      time.Time        `json:"drawn_at"`
	DrawnBy      string           `json:"drawn_by"`
	Sample       []apiSampled     `json:"sample,omitempty"`
	Replacements []apiReplacement `json:"replacements,omitempty"`
}

type apiSampled struct {
	Rank   int             `json:"rank"`
	UUID   string          `json:"uuid"`
	At     time.Time       `json:"at"`
	Action string          `json:"action"`
	Type   string          `json:"type,omitempty"`
	Result evidence.Result `json:"result,omitempty"`
	Person string          `json:"person"`
}

type apiReplacement struct {
	Rank   int       `json:"rank"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
}

func sampleJSON(x store.Sample, members []sample.Member, replaced []store.Replacement) apiSample {
	out := apiSample{ID: x.ID, Population: x.Population, Seed: x.Seed, Size: x.Size, Members: x.Members, DrawnAt: x.DrawnAt, DrawnBy: x.DrawnBy}
	for _, m := range members {
		f := m.Facts
		out.Sample = append(out.Sample, apiSampled{m.Rank, f.UUID, f.At, f.Action, f.Type, f.Result, personOf(f)})
	}
	for _, r := range replaced {
		out.Replacements = append(out.Replacements, apiReplacement{r.Rank, r.Reason, r.At, r.By})
	}
	return out
}

type apiSampleList struct {
	Samples []apiSample `json:"samples"`
}

func (s *server) apiSamples(ctx context.Context, c people.Caller, in *byAudit) (apiSampleList, error) {
	room, err := s.cfg.Audits.Room(ctx, c, in.ID, "samples (API)")
	out := apiSampleList{Samples: []apiSample{}}
	for _, x := range room.Samples {
		out.Samples = append(out.Samples, sampleJSON(x, nil, nil))
	}
	return out, err
}

type drawInput struct {
	ID   string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Body struct {
		Population string `json:"population" example:"signinattempts result=failed" doc:"A stream, with filters if you like"`
		Seed       string `json:"seed" maxLength:"200" doc:"Text that the auditor chooses"`
		Size       int    `json:"size" minimum:"1" maximum:"10000"`
	}
}

func (s *server) apiDraw(ctx context.Context, c people.Caller, in *drawInput) (apiSample, error) {
	d, err := s.cfg.Audits.Sample(ctx, c, in.ID, in.Body.Population, in.Body.Seed, in.Body.Size)
	return sampleJSON(d.Sample, d.Members, nil), err
}

type bySample struct {
	ID     string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Sample string `path:"sample" maxLength:"60" doc:"Id of the sample"`
}

func (s *server) apiSample(ctx context.Context, c people.Caller, in *bySample) (apiSample, error) {
	_, d, err := s.cfg.Audits.ShowSample(ctx, c, in.ID, evidence.ID(in.Sample), "JSON")
	return sampleJSON(d.Sample, d.Members, d.Replacements), err
}

type replaceInput struct {
	ID     string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Sample string `path:"sample" maxLength:"60" doc:"Id of the sample"`
	Body   struct {
		Rank   int    `json:"rank" minimum:"1"`
		Reason string `json:"reason" doc:"Why it is passed over"`
	}
}

func (s *server) apiReplace(ctx context.Context, c people.Caller, in *replaceInput) (apiSample, error) {
	d, err := s.cfg.Audits.Replace(ctx, c, in.ID, evidence.ID(in.Sample), in.Body.Rank, in.Body.Reason)
	return sampleJSON(d.Sample, d.Members, d.Replacements), err
}

type apiRequest struct {
	ID       evidence.ID        `json:"id"`
	Control  evidence.ID        `json:"control,omitempty"`
	Artifact evidence.ID        `json:"artifact,omitempty"`
	State    store.RequestState `json:"state" enum:"open,answered,closed"`
	Due      *time.Time         `json:"due"`
	Overdue  bool               `json:"overdue"`
	Messages []apiMessage       `json:"messages"`
}

type apiMessage struct {
	Op       store.RequestOp `json:"op" enum:"ask,answer,follow,close"`
	Text     string          `json:"text"`
	Artifact evidence.ID     `json:"artifact,omitempty" doc:"What an answer points to"`
	At       time.Time       `json:"at"`
	By       string          `json:"by"`
}

func (s *server) requestJSON(r store.AuditRequest) apiRequest {
	out := apiRequest{ID: r.ID, Control: r.Control, Artifact: r.Artifact, State: r.State, Due: moment(r.Due), Overdue: r.Overdue(s.now())}
	for _, m := range r.Messages {
		out.Messages = append(out.Messages, apiMessage{m.Op, m.Text, m.Artifact, m.At, m.By})
	}
	return out
}

type apiRequestList struct {
	Requests []apiRequest `json:"requests"`
}

func (s *server) apiRequests(ctx context.Context, c people.Caller, in *byAudit) (apiRequestList, error) {
	room, err := s.cfg.Audits.Room(ctx, c, in.ID, "requests (API)")
	out := apiRequestList{Requests: []apiRequest{}}
	for _, r := range room.Requests {
		out.Requests = append(out.Requests, s.requestJSON(r))
	}
	return out, err
}

type aboutInput struct {
	ID   string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Body struct {
		Text     string      `json:"text" maxLength:"4000"`
		Control  string      `json:"control,omitempty" doc:"Id or key of a control of the audit"`
		Artifact evidence.ID `json:"artifact,omitempty" doc:"Id of an artifact of the audit"`
	}
}

type askInput struct {
	ID   string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Body struct {
		Text     string      `json:"text" maxLength:"4000"`
		Control  string      `json:"control,omitempty" doc:"Id or key of a control of the audit"`
		Artifact evidence.ID `json:"artifact,omitempty" doc:"Id of an artifact of the audit"`
		Due      *time.Time  `json:"due,omitempty"`
	}
}

func (s *server) apiAsk(ctx context.Context, c people.Caller, in *askInput) (apiRequest, error) {
	var due time.Time
	if in.Body.Due != nil {
		due = *in.Body.Due
	}
	r, err := s.cfg.Audits.Ask(ctx, c, in.ID, audit.About{Control: in.Body.Control, Artifact: in.Body.Artifact}, in.Body.Text, due)
	return s.requestJSON(r), err
}

type sayInput struct {
	ID      string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Request string `path:"request" maxLength:"60" doc:"Id of the request"`
	Body    struct {
		Text     string      `json:"text" maxLength:"4000"`
		Artifact evidence.ID `json:"artifact,omitempty" doc:"What an answer points to: an artifact that the auditor sees"`
	}
}

func (s *server) apiAnswer(ctx context.Context, c people.Caller, in *sayInput) (apiDone, error) {
	err := s.cfg.Audits.Answer(ctx, c, in.ID, evidence.ID(in.Request), in.Body.Text, in.Body.Artifact)
	return apiDone{err == nil}, err
}

func (s *server) apiFollow(ctx context.Context, c people.Caller, in *sayInput) (apiDone, error) {
	err := s.cfg.Audits.Follow(ctx, c, in.ID, evidence.ID(in.Request), in.Body.Text)
	return apiDone{err == nil}, err
}

func (s *server) apiCloseRequest(ctx context.Context, c people.Caller, in *sayInput) (apiDone, error) {
	err := s.cfg.Audits.CloseRequest(ctx, c, in.ID, evidence.ID(in.Request), in.Body.Text)
	return apiDone{err == nil}, err
}

type apiNote struct {
	ID       evidence.ID `json:"id"`
	Text     string      `json:"text"`
	Control  evidence.ID `json:"control,omitempty"`
	Artifact evidence.ID `json:"artifact,omitempty"`
	At       time.Time   `json:"at"`
	By       string      `json:"by"`
}

func noteJSON(n store.AuditNote) apiNote {
	return apiNote{n.ID, n.Text, n.Control, n.Artifact, n.At, n.By}
}

type apiNoteList struct {
	Notes []apiNote `json:"notes"`
}

func (s *server) apiNotes(ctx context.Context, c people.Caller, in *byAudit) (apiNoteList, error) {
	all, err := s.cfg.Audits.Notes(ctx, c, in.ID)
	out := apiNoteList{Notes: []apiNote{}}
	for _, n := range all {
		out.Notes = append(out.Notes, noteJSON(n))
	}
	return out, err
}

func (s *server) apiAddNote(ctx context.Context, c people.Caller, in *aboutInput) (apiNote, error) {
	n, err := s.cfg.Audits.Note(ctx, c, in.ID, audit.About{Control: in.Body.Control, Artifact: in.Body.Artifact}, in.Body.Text)
	return noteJSON(n), err
}

type apiAuditor struct {
	Member    evidence.ID `json:"member"`
	Name      string      `json:"name"`
	Email     string      `json:"email"`
	AddedAt   time.Time   `json:"added_at"`
	RemovedAt *time.Time  `json:"removed_at" doc:"null: he may enter"`
}

type apiAuditorList struct {
	Auditors []apiAuditor `json:"auditors"`
}

func (s *server) apiAuditors(ctx context.Context, c people.Caller, in *byAudit) (apiAuditorList, error) {
	all, err := s.cfg.Audits.Auditors(ctx, c, in.ID)
	out := apiAuditorList{Auditors: []apiAuditor{}}
	for _, a := range all {
		out.Auditors = append(out.Auditors, apiAuditor{a.Member.ID, a.Member.Name, a.Member.Email, a.AddedAt, moment(a.RemovedAt)})
	}
	return out, err
}

type inviteAuditorInput struct {
	ID   string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Body struct {
		Name  string `json:"name" maxLength:"200"`
		Email string `json:"email" maxLength:"254"`
	}
}

type apiInvitedAuditor struct {
	Member    evidence.ID `json:"member"`
	Path      string      `json:"path,omitempty" doc:"Of the link, behind the address of the server; absent: he has an account and is let in at once"`
	ExpiresAt *time.Time  `json:"expires_at"`
}

func (s *server) apiInviteAuditor(ctx context.Context, c people.Caller, in *inviteAuditorInput) (apiInvitedAuditor, error) {
	made, err := s.cfg.Audits.InviteAuditor(ctx, c, in.ID, in.Body.Name, in.Body.Email)
	return apiInvitedAuditor{made.Member.ID, made.Path, moment(made.ExpiresAt)}, err
}

type byAuditor struct {
	ID     string `path:"id" maxLength:"120" doc:"Id or name of the audit"`
	Member string `path:"member" maxLength:"60" doc:"Id of the member"`
}

func (s *server) apiRemoveAuditor(ctx context.Context, c people.Caller, in *byAuditor) (apiDone, error) {
	err := s.cfg.Audits.LetOut(ctx, c, in.ID, evidence.ID(in.Member))
	return apiDone{err == nil}, err
}

type apiTrailLine struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Detail string    `json:"detail"`
}

type apiTrailLines struct {
	Lines []apiTrailLine `json:"lines" doc:"Newest first, at most 1,000"`
}

func (s *server) apiTrail(ctx context.Context, c people.Caller, in *byAudit) (apiTrailLines, error) {
	_, lines, err := s.cfg.Audits.Trail(ctx, c, in.ID, 1000)
	out := apiTrailLines{Lines: []apiTrailLine{}}
	for _, l := range lines {
		out.Lines = append(out.Lines, apiTrailLine{l.At, l.Who, l.What, l.Detail})
	}
	return out, err
}
