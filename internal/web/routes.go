package web

import (
	"net/http"
	"time"

	"github.com/exhibithq/exhibit/internal/people"
)

// handler answers a request or gives an error, which is turned into an answer in one place.
type handler func(w http.ResponseWriter, r *http.Request) error

// open marks routes that nobody has to be signed in for. None of them shows anything of a workspace.
const open people.Permission = ""

// Time limits of requests. Building an artifact reads a whole period and is given more.
const (
	quick = 30 * time.Second
	asks  = time.Minute // a source is asked, which has half of it to answer
	slow  = 10 * time.Minute
	watch = 12 * time.Hour // a page listens for as long as a session can last
)

// route is one address with what one needs to use it.
type route struct {
	pattern string
	needs   people.Permission
	limit   time.Duration
	handle  handler
}

// routes is the whole table of pages; the API's operations stand in its own, with the same columns. A test holds that
// every row names a permission of package people or is open on purpose.
func (s *server) routes() []route {
	return []route{
		{"GET /{$}", people.Own, quick, s.home},
		{"GET /find", people.Own, quick, s.find},
		{"GET " + livePath, people.ReadSources, watch, s.live},
		{"GET /sources", people.ReadSources, quick, s.sources},
		{"GET /sources/{id}", people.ReadSources, quick, s.source},
		{"GET /connections/{id}", people.ReadSources, quick, s.connection},
		{"GET /connections/{id}/configured", people.ManageConnections, quick, s.configured},
		{"GET /connections/{id}/off", people.ManageConnections, quick, s.askOff},
		{"POST /connections/{id}/off", people.ManageConnections, quick, s.switchOff},
		{"POST /connections/{id}/check", people.ManageConnections, asks, s.checkConnection},
		{"POST /connections/{id}/read", people.ManageConnections, asks, s.readConnection},
		{"GET /connections/{id}/coverage", people.ReadSources, quick, s.connectionCoveragePage},
		{"GET /coverage", people.ReadSources, quick, s.coveragePage},
		{"GET /coverage.csv", people.ReadSources, slow, s.coverageCSV},
		{"GET /connect", people.ManageConnections, quick, s.beginApproval},
		{"GET /connect/approve", people.ManageConnections, quick, s.approve},
		{"POST /connect/server", people.ManageConnections, quick, s.confirmServer},
		{"POST /connect/token", people.ManageConnections, asks, s.submitToken},
		{"POST /connect/mend", people.ManageConnections, asks, s.mendServer},
		{"POST /connect/accept", people.ManageConnections, asks, s.acceptMissing},
		{"GET /events", people.ReadEvents, quick, s.events},
		{"GET /events/export", people.ReadEvents, quick, s.exportEvents},
		{"POST /events/export", people.ReadEvents, quick, s.beginExport},
		{"GET /exports/{id}/file", people.ReadEvents, slow, s.exportFile},
		{"GET /api/v1/events/exports/{id}/file", people.ReadEvents, slow, s.exportFile},
		{"POST /exports/{id}/cancel", people.ReadEvents, quick, s.cancelExport},
		{"GET /events/filters", people.ReadEvents, quick, s.filters},
		{"POST /events/filters", people.ReadEvents, quick, s.saveFilter},
		{"POST /filters/{id}", people.ReadEvents, quick, s.changeFilter},
		{"POST /filters/{id}/remove", people.ReadEvents, quick, s.removeFilter},
		{"GET /events/artifact", people.BuildArtifacts, quick, s.saveAsArtifact},
		{"GET /events/{ref}", people.ReadEvents, quick, s.event},
		{"GET /events/{ref}/raw", people.ReadEvents, quick, s.eventBytes},
		{"GET /artifacts", people.ReadArtifacts, quick, s.artifacts},
		{"POST /artifacts", people.BuildArtifacts, slow, s.buildArtifact},
		{"GET /artifacts/build", people.BuildArtifacts, quick, s.askBuild},
		{"GET /artifacts/schedules", people.ReadArtifacts, quick, s.schedules},
		{"POST /artifacts/schedules", people.BuildArtifacts, asks, s.addSchedule},
		{"POST /artifacts/schedules/{id}/stop", people.BuildArtifacts, quick, s.stopSchedule},
		{"POST /artifacts/attaching", people.ManageSettings, quick, s.setAttaching},
		{"POST /artifacts/{id}/accept", people.AttachArtifacts, quick, s.acceptProposal},
		{"POST /artifacts/{id}/decline", people.AttachArtifacts, quick, s.declineProposal},
		{"GET /artifacts/upload", people.BuildArtifacts, quick, s.askUpload},
		{"POST /artifacts/upload", people.BuildArtifacts, slow, s.upload},
		{"GET /artifacts/{id}", people.ReadArtifacts, quick, s.artifact},
		{"GET /artifacts/{id}/v/{version}/{format}", people.ReadArtifacts, slow, s.download},
		{"POST /artifacts/{id}/review", people.ReviewArtifacts, quick, s.reviewArtifact},
		{"POST /artifacts/{id}/retire", people.BuildArtifacts, quick, s.retireArtifact},
		{"GET /artifacts/{id}/v/{version}/proof", people.ReadArtifacts, quick, s.artifactProof},
		{"GET /artifacts/{id}/v/{version}/leaf", people.ReadArtifacts, quick, s.artifactLeaf},
		{"POST /artifacts/{id}/attach", people.AttachArtifacts, quick, s.attach},
		{"POST /artifacts/{id}/detach", people.AttachArtifacts, quick, s.detach},
		{"GET /actions", people.ReadActions, quick, s.actions},
		{"GET /actions/new", people.ManageActions, quick, s.newAction},
		{"POST /actions", people.ManageActions, quick, s.addAction},
		{"GET /actions/{id}", people.ReadActions, quick, s.action},
		{"GET /actions/{id}/edit", people.ManageActions, quick, s.editAction},
		{"POST /actions/{id}/edit", people.ManageActions, quick, s.changeAction},
		{"POST /actions/{id}/move", people.ManageActions, quick, s.moveAction},
		{"POST /actions/{id}/done", people.ManageActions, quick, s.doneAction},
		{"POST /actions/{id}/reopen", people.ManageActions, quick, s.reopenAction},
		{"POST /actions/{id}/retire", people.ManageActions, quick, s.retireAction},
		{"GET /controls", people.ReadControls, quick, s.controls},
		{"GET /controls/new", people.ManageControls, quick, s.newControl},
		{"POST /controls", people.ManageControls, quick, s.addControl},
		{"POST /controls/map", people.ManageControls, quick, s.mapControl},
		{"GET /controls/{id}", people.ReadControls, quick, s.control},
		{"GET /controls/{id}/edit", people.ManageControls, quick, s.editControl},
		{"POST /controls/{id}/edit", people.ManageControls, quick, s.changeControl},
		{"POST /controls/{id}/map", people.ManageControls, quick, s.mapControl},
		{"POST /controls/{id}/retire", people.ManageControls, quick, s.retireControl},
		{"GET /frameworks", people.ReadControls, quick, s.frameworks},
		{"GET /log", people.ReadArtifacts, quick, s.logPage},
		{"GET /log/verify", people.ReadArtifacts, quick, s.verifyPage},
		{"GET /log/trust.policy", people.ReadArtifacts, quick, s.trustPolicy},
		{"GET /log/tiles/{path...}", people.ReadArtifacts, quick, s.logTile},
		{"POST /frameworks/profile", people.ManageControls, quick, s.setProfile},
		{"GET /frameworks/proposal", people.ManageControls, quick, s.proposal},
		{"POST /frameworks/adopt", people.ManageControls, quick, s.adopt},
		{"POST /frameworks/import", people.ManageControls, asks, s.previewFramework},
		{"GET /frameworks/import", people.ManageControls, quick, s.frameworkDraft},
		{"POST /frameworks/import/accept", people.ManageControls, quick, s.acceptFramework},
		{"GET /frameworks/{id}", people.ReadControls, quick, s.framework},
		{"GET /frameworks/{id}/matrix", people.ReadControls, quick, s.matrix},
		{"GET /frameworks/{id}/matrix.csv", people.ReadControls, quick, s.matrixCSV},
		{"GET /frameworks/{id}/requirements/{requirement}", people.ReadControls, quick, s.requirement},
		{"GET /audits", people.ReadAudits, quick, s.audits},
		{"GET /audits/new", people.ManageAudits, quick, s.newAudit},
		{"POST /audits", people.ManageAudits, quick, s.addAudit},
		{"GET /audits/{id}", people.ReadAudits, quick, s.auditOverview},
		{"GET /audits/{id}/scope", people.ManageAudits, quick, s.auditScope},
		{"POST /audits/{id}/scope", people.ManageAudits, quick, s.setScope},
		{"GET /audits/{id}/controls/{control}", people.ReadAudits, quick, s.roomControl},
		{"GET /audits/{id}/artifacts/{artifact}", people.ReadAudits, quick, s.roomArtifact},
		{"GET /audits/{id}/artifacts/{artifact}/v/{version}/{format}", people.ReadAudits, slow, s.roomFile},
		{"GET /audits/{id}/artifacts/{artifact}/events", people.ReadSamples, quick, s.roomEvents},
		{"GET /audits/{id}/artifacts/{artifact}/events/{uuid}", people.ReadSamples, quick, s.roomEvent},
		{"GET /audits/{id}/samples", people.ReadSamples, quick, s.samples},
		{"POST /audits/{id}/samples", people.TakeEvidence, slow, s.drawSample},
		{"GET /audits/{id}/samples/{sample}", people.ReadSamples, slow, s.sample},
		{"GET /audits/{id}/samples/{sample}/sheet/{format}", people.ReadSamples, slow, s.sampleSheet},
		{"GET /audits/{id}/samples/{sample}/members/{rank}", people.ReadSamples, slow, s.sampleMember},
		{"POST /audits/{id}/samples/{sample}/replace", people.TakeEvidence, slow, s.replaceMember},
		{"GET /audits/{id}/requests", people.ReadAudits, quick, s.requests},
		{"POST /audits/{id}/requests", people.AskInAudits, quick, s.ask},
		{"POST /audits/{id}/requests/{request}/answer", people.ManageAudits, quick, s.answerRequest},
		{"POST /audits/{id}/requests/{request}/follow", people.AskInAudits, quick, s.followRequest},
		{"POST /audits/{id}/requests/{request}/close", people.AskInAudits, quick, s.closeRequest},
		{"GET /audits/{id}/notes", people.AskInAudits, quick, s.auditNotes},
		{"POST /audits/{id}/notes", people.AskInAudits, quick, s.addNote},
		{"GET /audits/{id}/bundle", people.ReadAudits, quick, s.bundlePage},
		{"POST /audits/{id}/bundle", people.TakeEvidence, slow, s.makeBundle},
		{"GET /audits/{id}/people", people.ReadSettings, quick, s.auditPeople},
		{"POST /audits/{id}/auditors", people.ManagePeople, quick, s.inviteAuditor},
		{"POST /audits/{id}/auditors/{member}/remove", people.ManagePeople, quick, s.removeAuditor},
		{"GET /settings", people.ReadSettings, quick, s.settings},
		{"GET /settings/people", people.ReadSettings, quick, s.settingsPeople},
		{"POST /settings/people", people.ManagePeople, quick, s.invite},
		{"GET /settings/people/{id}", people.ManagePeople, quick, s.memberPage},
		{"POST /settings/people/{id}/invite", people.ManagePeople, quick, s.inviteAgain},
		{"POST /settings/people/{id}/role", people.ManagePeople, quick, s.changeRole},
		{"POST /settings/people/{id}/suspend", people.ManagePeople, quick, s.suspend},
		{"POST /settings/people/{id}/reinstate", people.ManagePeople, quick, s.reinstate},
		{"POST /settings/people/{id}/sessions/{session}/end", people.ManagePeople, quick, s.endMemberSession},
		{"GET /settings/account", people.Own, quick, s.account},
		{"POST /settings/account/password", people.Own, quick, s.setPassword},
		{"POST /settings/account/codes", people.Own, quick, s.beginCodes},
		{"POST /settings/account/codes/confirm", people.Own, quick, s.confirmCodes},
		{"POST /settings/account/sessions/{session}/end", people.Own, quick, s.endSession},
		{"POST /settings/account/sessions/end-others", people.Own, quick, s.endOtherSessions},
		{"GET /settings/activity", people.ReadSettings, quick, s.activity},
		{"GET /settings/notifications", people.ReadSettings, quick, s.notifications},
		{"POST /settings/notifications", people.ManageSettings, quick, s.addChannel},
		{"POST /settings/notifications/digest", people.ManageSettings, quick, s.setDigest},
		{"GET /settings/notifications/new", people.ManageSettings, quick, s.newChannel},
		{"GET /settings/notifications/{id}", people.ManageSettings, quick, s.editChannel},
		{"POST /settings/notifications/{id}", people.ManageSettings, quick, s.changeChannel},
		{"POST /settings/notifications/{id}/test", people.ManageSettings, asks, s.testChannel},
		{"POST /settings/notifications/{id}/remove", people.ManageSettings, quick, s.removeChannel},
		{"GET /settings/api-tokens", people.MakeTokens, quick, s.apiTokens},
		{"POST /settings/api-tokens", people.MakeTokens, quick, s.makeToken},
		{"POST /settings/api-tokens/{id}/revoke", people.MakeTokens, quick, s.revokeToken},
		{"POST /sign-out", people.Own, quick, s.signOut},
		{"GET /sign-in/{link}", open, quick, s.askToSignIn},
		{"POST /sign-in", open, quick, s.signIn},
		{"GET /sign-in", open, quick, s.signInPage},
		{"POST /sign-in/password", open, quick, s.signInPassword},
		{"POST /sign-in/code", open, quick, s.signInCode},
		{"POST /theme", open, quick, s.chooseTheme},
		{"GET /healthz", open, quick, s.healthy},
		{"GET /readyz", open, quick, s.ready},
	}
}
