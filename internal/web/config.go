// Package web is everything that is seen in a browser and everything that a program asks over HTTP: pages, the JSON API,
// health and metrics. It decides nothing about evidence: it asks the use cases, and every route names the permission
// that it needs in one table.
package web

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/pquerna/otp"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/wording"
)

// Config is what the pages and the API stand on.
type Config struct {
	Store       Store
	SignIn      SignIn
	Tokens      Tokens
	Notify      Notify
	Coverage    Coverage
	Connections Connections
	Artifacts   Artifacts
	Program     Program
	Audits      Audits
	Holds       Holds
	Erasure     Erasure
	Logbook     Logbook
	Explore     Explore
	Kinds       []source.Kind // the catalogue
	Workspace   string        // name of the workspace that is shown to who is not signed in
	// Secure says that browsers come over https, directly or through a proxy: the session cookie is then __Host- and
	// Secure, and HSTS is sent. Without it the pages may only be served on a loopback address.
	Secure bool
	// Command is how the command line is called where Exhibit runs, for the commands that pages show: "exhibit".
	Command string
	Version string
	URL     string // under which people reach the server, for messages; empty: not known
	// Stopping is closed when the server is about to stop: streams end then, so that it need not wait for them. nil: never.
	Stopping <-chan struct{}
	// PerMinute is how many requests a minute go to one account at most; 0: the limit was lifted.
	PerMinute int
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: nothing is logged
}

// Store is what is read straight from the store: what needs no use case because nothing is decided.
type Store interface {
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
	Connection(ctx context.Context, ws, id evidence.ID) (evidence.Connection, error)
	Streams(ctx context.Context, conn evidence.ID) ([]evidence.StreamStatus, error)
	LiveMark(ctx context.Context, ws evidence.ID) (string, error)
	Reconciliations(ctx context.Context, conn evidence.ID, stream evidence.Stream, limit int) ([]store.Reconciliation, error)

	Events(ctx context.Context, r store.EventsRequest) (store.EventsPage, error)
	Event(ctx context.Context, ws evidence.ID, ref evidence.EventRef) (evidence.Event, store.EventPlace, error)
	Conflicts(ctx context.Context, ws evidence.ID, ref evidence.EventRef) ([]evidence.Event, error)
	Histogram(ctx context.Context, r store.HistogramRequest) (store.Histogram, error)
	Count(ctx context.Context, q evidence.Query) (int64, error)
	HeldPages(ctx context.Context, q evidence.Query) ([]store.HeldPage, error)
	Values(ctx context.Context, ws evidence.ID, key evidence.Key, prefix string, limit int) ([]store.ValueCount, error)
	PageBody(ctx context.Context, ws evidence.ID, page int64) ([]byte, store.PageRow, error)
	Size(ctx context.Context) (store.Size, error)

	Artifacts(ctx context.Context, ws evidence.ID, f store.ArtifactFilter) ([]evidence.Artifact, error)
	Artifact(ctx context.Context, ws, id evidence.ID) (evidence.Artifact, error)
	ArtifactVersions(ctx context.Context, ws, id evidence.ID) ([]evidence.ArtifactVersion, error)
	Attachments(ctx context.Context, ws evidence.ID, f store.AttachmentFilter) ([]evidence.Attachment, error)
	WorkspaceNames(ctx context.Context) ([]store.Named, error)
	Members(ctx context.Context, ws evidence.ID) ([]store.Member, error)
	Bundles(ctx context.Context, ws, audit evidence.ID) ([]store.Bundle, error)
	Member(ctx context.Context, ws, id evidence.ID) (store.Member, error)
	Trail(ctx context.Context, r store.TrailRequest) (store.TrailPage, error)
	TrailWords(ctx context.Context, ws evidence.ID) (whos, whats []string, err error)
}

// SignIn lets people in and out; see package signin.
type SignIn interface {
	Redeem(ctx context.Context, link string, d signin.Device) (session string, c people.Caller, err error)
	Caller(ctx context.Context, session string) (people.Caller, error)
	Peek(ctx context.Context, session string) (people.Caller, error)
	SignOut(ctx context.Context, session string) error
	Rotate(ctx context.Context, session string) (fresh string, err error)

	Invite(ctx context.Context, c people.Caller, req signin.InviteRequest) (signin.Link, error)
	InviteAgain(ctx context.Context, c people.Caller, id evidence.ID) (signin.Link, error)
	ChangeRole(ctx context.Context, c people.Caller, id evidence.ID, role people.Role) (store.Member, error)
	Suspend(ctx context.Context, c people.Caller, id evidence.ID) (store.Member, error)
	Reinstate(ctx context.Context, c people.Caller, id evidence.ID) (store.Member, error)

	Password(ctx context.Context, email string, p seal.Secret) (signin.Step, error)
	Code(ctx context.Context, step seal.Secret, ws evidence.ID, code string, d signin.Device) (session string, c people.Caller, err error)
	Ways(ctx context.Context, c people.Caller, session string) (signin.Ways, error)
	SetPassword(ctx context.Context, c people.Caller, session string, old, fresh seal.Secret) error
	BeginTOTP(ctx context.Context, c people.Caller, session string, old seal.Secret) (*otp.Key, error)
	ConfirmTOTP(ctx context.Context, c people.Caller, code string) ([]string, error)

	Passkeys(ctx context.Context, c people.Caller) ([]store.Passkey, error)
	BeginPasskey(ctx context.Context, c people.Caller, session string, old seal.Secret, address string) (signin.Begun, error)
	AddPasskey(ctx context.Context, c people.Caller, address string, begun seal.Secret, name string, given []byte) error
	RemovePasskey(ctx context.Context, c people.Caller, session string, old seal.Secret, id string) error
	BeginPasskeyProof(ctx context.Context, c people.Caller, address string) (signin.Begun, error)
	ProveByPasskey(ctx context.Context, c people.Caller, session, address string, begun seal.Secret, given []byte) error
	BeginPasskeySignIn(ctx context.Context, address string) (signin.Begun, error)
	WithPasskey(ctx context.Context, address string, begun seal.Secret, given []byte, d signin.Device) (session string, c people.Caller, err error)

	Sessions(ctx context.Context, c people.Caller, member evidence.ID, session string) ([]signin.Session, error)
	EndSession(ctx context.Context, c people.Caller, member evidence.ID, id string) error
	EndOtherSessions(ctx context.Context, c people.Caller, session string) (int, error)
}

// Tokens makes, lists and revokes API tokens and knows whose they are; see package apitoken.
type Tokens interface {
	Create(ctx context.Context, c people.Caller, req apitoken.CreateRequest) (apitoken.Token, seal.Secret, error)
	List(ctx context.Context, c people.Caller) ([]apitoken.Token, error)
	Revoke(ctx context.Context, c people.Caller, id evidence.ID) (apitoken.Token, error)
	Caller(ctx context.Context, token seal.Secret) (people.Caller, error)
}

// Notify holds the channels on which people are told; see package notify.
type Notify interface {
	List(ctx context.Context, c people.Caller) ([]notify.Channel, error)
	Show(ctx context.Context, c people.Caller, id evidence.ID) (notify.Channel, error)
	Add(ctx context.Context, c people.Caller, req notify.Request) (notify.Channel, error)
	Change(ctx context.Context, c people.Caller, id evidence.ID, req notify.Request) (notify.Channel, error)
	Remove(ctx context.Context, c people.Caller, id evidence.ID) (notify.Channel, error)
	Test(ctx context.Context, c people.Caller, id evidence.ID, link string) (notify.Result, error)
	Digest(ctx context.Context, c people.Caller) (store.DigestTime, error)
	SetDigest(ctx context.Context, c people.Caller, d store.DigestTime) (store.DigestTime, error)
}

// Coverage says what of a span has been read; see package connection.
type Coverage interface {
	Coverage(ctx context.Context, ws evidence.ID, span evidence.Span) ([]evidence.StreamCoverage, error)
	History(ctx context.Context, req connection.HistoryRequest) ([]connection.StreamHistory, error)
	WriteCSV(ctx context.Context, w io.Writer, who string, req connection.HistoryRequest) error
}

// Connections approves connections and looks after them; see package connection.
type Connections interface {
	OpenApprovals(ctx context.Context, c people.Caller) ([]store.OpenApproval, error)
	BeginApproval(ctx context.Context, c people.Caller, sourceID string, id evidence.ID) (link string, err error)
	Approval(ctx context.Context, c people.Caller, link string) (connection.Approval, error)
	ChooseServer(ctx context.Context, c people.Caller, link, server string) (connection.Approval, error)
	SubmitToken(ctx context.Context, c people.Caller, link string, token seal.Secret, name string) (connection.Approval, error)
	UseTokensServer(ctx context.Context, c people.Caller, link string) (connection.Approval, error)
	AcceptMissing(ctx context.Context, c people.Caller, link string) (connection.Approval, error)
	List(ctx context.Context, ws evidence.ID) ([]connection.Status, error)
	Show(ctx context.Context, ws, id evidence.ID) (connection.Status, error)
	Handovers(ctx context.Context, ws, id evidence.ID) ([]connection.Handover, error)
	Check(ctx context.Context, who string, ws, id evidence.ID) (connection.Status, error)
	ReadNow(ctx context.Context, who string, ws, id evidence.ID) (connection.Status, error)
	Off(ctx context.Context, who string, ws, id evidence.ID) (connection.Status, error)
	Add(ctx context.Context, who string, ws evidence.ID, req connection.AddRequest) (connection.Status, error)
	Rotate(ctx context.Context, who string, ws, id evidence.ID, token seal.Secret) (connection.Status, error)
	On(ctx context.Context, who string, ws, id evidence.ID, token seal.Secret) (connection.Status, error)
	Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error)
}

// connectionUse is one of the use cases that need nothing but the connection.
type connectionUse func(ctx context.Context, who string, ws, id evidence.ID) (connection.Status, error)

// Artifacts builds, gives out and attaches artifacts; see package artifact.
type Artifacts interface {
	Build(ctx context.Context, who string, ws evidence.ID, req artifact.BuildRequest) (artifact.View, error)
	Table(ctx context.Context, ws, id evidence.ID, version int) (io.ReadCloser, error)
	File(ctx context.Context, who string, ws, id evidence.ID, version int, format string) (io.ReadCloser, evidence.File, error)
	List(ctx context.Context, ws evidence.ID, f artifact.Filter) ([]artifact.View, error)
	Show(ctx context.Context, ws, id evidence.ID) (artifact.View, error)
	Upload(ctx context.Context, who string, ws evidence.ID, req artifact.UploadRequest) (artifact.View, error)
	Review(ctx context.Context, c people.Caller, req artifact.ReviewRequest) (evidence.Review, error)
	Reviews(ctx context.Context, ws, id evidence.ID) ([]evidence.Review, error)
	Standings(ctx context.Context, ws evidence.ID) (map[evidence.ID]evidence.ReviewStanding, error)
	Retire(ctx context.Context, who string, ws, id evidence.ID, reason string) error
	Proposals(ctx context.Context, ws evidence.ID) (map[evidence.ID][]artifact.Suggestion, error)
	Accept(ctx context.Context, who string, ws evidence.ID, req artifact.ProposalRequest) (evidence.Attachment, error)
	Decline(ctx context.Context, who string, ws evidence.ID, req artifact.ProposalRequest) error
	Attaching(ctx context.Context, ws evidence.ID) (evidence.Attaching, error)
	SetAttaching(ctx context.Context, c people.Caller, how evidence.Attaching) error
	Schedule(ctx context.Context, who string, ws evidence.ID, req artifact.ScheduleRequest) (evidence.Schedule, error)
	Schedules(ctx context.Context, ws evidence.ID) ([]evidence.Schedule, error)
	StopSchedule(ctx context.Context, who string, ws, id evidence.ID) error
	Attach(ctx context.Context, who string, ws evidence.ID, req artifact.AttachRequest) (evidence.Attachment, error)
	Detach(ctx context.Context, who string, ws evidence.ID, req artifact.DetachRequest) error
}

// Program gives actions, controls and frameworks as they stand now, and changes them; see package program.
type Program interface {
	Controls(ctx context.Context, ws evidence.ID) ([]program.ControlView, error)
	Actions(ctx context.Context, ws evidence.ID) ([]program.ActionView, error)

	Action(ctx context.Context, ws evidence.ID, idOrKey string) (program.ActionView, error)
	Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error)
	FilteredActions(ctx context.Context, ws evidence.ID, f program.ActionFilter) ([]program.ActionView, error)
	AddAction(ctx context.Context, c people.Caller, d program.ActionDraft) (evidence.Action, error)
	EditAction(ctx context.Context, c people.Caller, idOrKey string, e program.ActionEdit) (evidence.Action, error)
	Move(ctx context.Context, c people.Caller, idOrKey string, to evidence.ActionStatus) (evidence.Action, error)
	Done(ctx context.Context, c people.Caller, idOrKey, note string) (evidence.Action, error)
	Reopen(ctx context.Context, c people.Caller, idOrKey, reason string) (evidence.Action, error)
	RetireAction(ctx context.Context, c people.Caller, idOrKey, reason string) (evidence.Action, error)
	Wording(ctx context.Context, ws evidence.ID, framework string) ([]wording.Proposal, error)
	AcceptWording(ctx context.Context, c people.Caller, id string) (wording.Proposal, error)
	DeclineWording(ctx context.Context, c people.Caller, id string) (wording.Proposal, error)
	DecideWordings(ctx context.Context, c people.Caller, group string, accept bool) ([]wording.Proposal, error)
	Matches(ctx context.Context, ws evidence.ID, v program.ActionView) ([]program.Match, error)
	AcceptMatch(ctx context.Context, c people.Caller, idOrKey, recipeID string) (evidence.Action, error)
	Comment(ctx context.Context, c people.Caller, idOrKey, text string) (evidence.Comment, error)
	Comments(ctx context.Context, ws, action evidence.ID) ([]evidence.Comment, error)
	Mentions(ctx context.Context, ws evidence.ID) ([]store.Mention, error)
	SeeMentions(ctx context.Context, c people.Caller, idOrKey string) error
	ActionHistory(ctx context.Context, ws evidence.ID, key string) ([]store.Activity, error)

	AddControl(ctx context.Context, c people.Caller, d program.ControlDraft) (evidence.Control, error)
	EditControl(ctx context.Context, c people.Caller, idOrKey string, e program.ControlEdit) (evidence.Control, error)
	MapControl(ctx context.Context, c people.Caller, idOrKey string, add, remove []evidence.RequirementRef) (evidence.Control, error)
	RetireControl(ctx context.Context, c people.Caller, idOrKey, reason string) (evidence.Control, error)
	ControlHistory(ctx context.Context, ws evidence.ID, key string) ([]store.Activity, error)
	Findings(ctx context.Context, ws evidence.ID) ([]program.Finding, error)

	Frameworks(ctx context.Context, ws evidence.ID) ([]program.Framework, error)
	Framework(ctx context.Context, ws evidence.ID, id string) (program.Framework, error)
	FrameworkHistory(ctx context.Context, ws evidence.ID, id string) ([]store.LoadedFramework, error)
	PreviewFramework(ctx context.Context, c people.Caller, data []byte, as framework.Loaded) (program.Loading, error)
	FrameworkDraft(ctx context.Context, c people.Caller, id evidence.ID) (program.Loading, error)
	AcceptFramework(ctx context.Context, c people.Caller, id evidence.ID) (program.Loading, error)
	LoadFramework(ctx context.Context, c people.Caller, data []byte, as framework.Loaded) (program.Loading, error)
	Matrix(ctx context.Context, ws evidence.ID, req program.MatrixRequest) (program.Matrix, error)
	Standing(ctx context.Context, ws evidence.ID, period evidence.Span, shown []evidence.Artifact) (program.Standing, error)

	Profile(ctx context.Context, ws evidence.ID) (p framework.Profile, told bool, err error)
	SetProfile(ctx context.Context, c people.Caller, p framework.Profile) error
	Propose(ctx context.Context, ws evidence.ID, frameworks []string) (program.Proposal, error)
	Adopt(ctx context.Context, c people.Caller, frameworks, accepted []string) (program.Adoption, error)
}

// Explore keeps filters, finds related events and makes files of events; see package explore.
type Explore interface {
	SaveFilter(ctx context.Context, c people.Caller, f evidence.Filter) (evidence.Filter, error)
	Filters(ctx context.Context, c people.Caller) ([]evidence.Filter, error)
	Filter(ctx context.Context, c people.Caller, id evidence.ID) (evidence.Filter, error)
	ChangeFilter(ctx context.Context, c people.Caller, id evidence.ID, name string, shared bool) (evidence.Filter, error)
	RemoveFilter(ctx context.Context, c people.Caller, id evidence.ID) error
	Related(ctx context.Context, ws evidence.ID, e evidence.Event) ([]explore.Related, error)
	BeginExport(ctx context.Context, c people.Caller, q evidence.Query, format string) (explore.Export, error)
	Exports(ctx context.Context, c people.Caller) ([]explore.Export, error)
	Export(ctx context.Context, c people.Caller, id evidence.ID) (explore.Export, error)
	ExportFile(ctx context.Context, c people.Caller, id evidence.ID) (io.ReadCloser, explore.Export, error)
	CancelExport(ctx context.Context, c people.Caller, id evidence.ID) error
}
