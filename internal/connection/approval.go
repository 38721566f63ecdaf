package connection

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// ApprovalLife is how long the link of an approval works.
const ApprovalLife = 30 * time.Minute

// ApprovalStep is where a person stands in an approval.
type ApprovalStep string

// The steps in order. Most approvals go from StepServer to StepToken and are done.
const (
	StepServer ApprovalStep = "server" // choose the server
	StepToken  ApprovalStep = "token"  // paste the token
	StepMend   ApprovalStep = "mend"   // the token that was pasted is for another server, which may be taken instead
	StepAccept ApprovalStep = "accept" // the token that was pasted lacks event types; take it or paste another
	StepDone   ApprovalStep = "done"   // the link is used up
)

// Approval is what a person sees of a connection that he is approving. The token is no part of it.
type Approval struct {
	Kind       source.Kind
	Connection evidence.Connection // which one gets a new token; zero: a new one. At StepDone the one that came out of it
	Servers    []source.Server     // to choose from
	Server     string              // the chosen one; empty: none yet
	Name       string              // as it was typed
	Step       ApprovalStep
	ExpiresAt  time.Time
	// At StepMend and StepAccept, what the held token says of itself.
	Token   source.TokenFacts
	Missing []source.StreamKind // what it may not read
}

// BeginApproval begins the approval of a new connection of a source, or of a new token for connection id if that is not
// empty: a rotation, or, when it is off, switching it on. It gives the link's secret, of which only the hash is stored.
// The link works for the caller alone, until the approval is done, and for ApprovalLife.
func (s *Service) BeginApproval(ctx context.Context, c people.Caller, sourceID string, id evidence.ID) (link string, err error) {
	now := s.moment()
	a := store.Approval{Workspace: c.Workspace, Member: c.Member, Source: sourceID, Step: string(StepServer), CreatedAt: now, ExpiresAt: now.Add(ApprovalLife)}
	subject := "new"
	if id != "" {
		conn, kind, err := s.find(ctx, c.Workspace, id)
		if err != nil {
			return "", err
		}
		a.Source, a.Connection, a.Server, a.Step = kind.ID, id, conn.Server, string(StepToken)
		subject = string(id) + " " + conn.Name
	}
	if _, ok := s.Kind(a.Source); !ok {
		return "", evidence.Errorf(evidence.NotFound, "The catalogue has no source %.80q.", sourceID)
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	link = base64.RawURLEncoding.EncodeToString(secret[:])
	a.Hash = sha256.Sum256([]byte(link))
	if err := s.store.AddApproval(ctx, a); err != nil {
		return "", err
	}
	return link, s.note(ctx, c, "approval.begin", subject, "source "+a.Source)
}

// note writes a line about an approval into the trail.
func (s *Service) note(ctx context.Context, c people.Caller, what, subject, detail string) error {
	err := s.store.AddActivity(ctx, store.Activity{Workspace: c.Workspace, At: s.moment(), Who: c.Who(), What: what, Subject: subject, Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}

// OpenApprovals gives the approvals of the caller's workspace that wait for their person, the first to expire first.
func (s *Service) OpenApprovals(ctx context.Context, c people.Caller) ([]store.OpenApproval, error) {
	if err := c.May(people.ReadSources); err != nil {
		return nil, err
	}
	return s.store.OpenApprovals(ctx, c.Workspace, s.now())
}

// Approval gives an approval as it stands; NotFound if the link is unknown, has expired or is somebody else's.
func (s *Service) Approval(ctx context.Context, c people.Caller, link string) (Approval, error) {
	a, err := s.approval(ctx, c, link)
	if err != nil {
		return Approval{}, err
	}
	return s.seen(ctx, a)
}

func (s *Service) approval(ctx context.Context, c people.Caller, link string) (store.Approval, error) {
	return s.store.Approval(ctx, c.Workspace, c.Member, sha256.Sum256([]byte(link)), s.now())
}

// seen turns a stored approval into what the person sees.
func (s *Service) seen(ctx context.Context, a store.Approval) (Approval, error) {
	kind, ok := s.Kind(a.Source)
	if !ok {
		return Approval{}, evidence.Errorf(evidence.Invalid, "This version of Exhibit does not know the source %q.", a.Source)
	}
	v := Approval{Kind: kind, Servers: s.servers(kind), Server: a.Server, Name: a.Name, Step: ApprovalStep(a.Step), ExpiresAt: a.ExpiresAt}
	if !a.UsedAt.IsZero() {
		v.Step = StepDone
	}
	if a.Connection != "" {
		conn, err := s.store.Connection(ctx, a.Workspace, a.Connection)
		if err != nil {
			return v, err
		}
		v.Connection = conn
	}
	if v.Step != StepMend && v.Step != StepAccept {
		return v, nil
	}
	token, err := s.held(ctx, a)
	if err != nil {
		return v, err
	}
	if v.Token, err = kind.Preflight(token.Reveal(), s.now()); err != nil {
		return v, err
	}
	for _, k := range kind.Streams {
		if slices.Contains(a.Missing, k.Stream) {
			v.Missing = append(v.Missing, k)
		}
	}
	return v, nil
}

// servers gives what a person may choose from: the source's own servers, and those that the operator allowed at start.
func (s *Service) servers(kind source.Kind) []source.Server {
	list := slices.Clone(kind.Servers)
	for _, url := range s.operator.AllowServers {
		if !slices.ContainsFunc(list, func(have source.Server) bool { return have.URL == url }) {
			list = append(list, source.Server{Name: "Allowed by the operator", URL: url})
		}
	}
	return list
}

// ChooseServer keeps the server that a person confirmed, and forgets a token that was pasted before. It must be one of
// the source's or allowed by the operator; an approval for a connection keeps the connection's.
func (s *Service) ChooseServer(ctx context.Context, c people.Caller, link, server string) (Approval, error) {
	a, err := s.approval(ctx, c, link)
	if err != nil {
		return Approval{}, err
	}
	kind, _ := s.Kind(a.Source)
	if strings.TrimSpace(server) == "" {
		return Approval{}, evidence.Errorf(evidence.Invalid, "No server is chosen yet. Choose the one that your account lives on.")
	}
	chosen, err := source.ParseServer(server)
	if err != nil {
		return Approval{}, err
	}
	if err := s.admit(kind, chosen); err != nil {
		return Approval{}, err
	}
	if a.Connection != "" && a.UsedAt.IsZero() && chosen != a.Server {
		return Approval{}, evidence.Errorf(evidence.Conflict, "This connection reads %s, which cannot be changed. Add another connection for %s.", a.Server, chosen)
	}
	a.Server, a.Step, a.Token, a.Missing = chosen, string(StepToken), nil, nil
	if err := s.store.UpdateApproval(ctx, a, s.now()); err != nil {
		return Approval{}, err
	}
	return s.seen(ctx, a)
}

// SubmitToken takes a pasted token: it is read locally, then checked with its source, and the connection is made, or gets
// its new token, at once. Two things ask the person first, with the token held sealed: a token for another server than
// the chosen one (StepMend), and one that lacks event types (StepAccept). Any other error leaves StepToken and no token.
func (s *Service) SubmitToken(ctx context.Context, c people.Caller, link string, token seal.Secret, name string) (Approval, error) {
	a, err := s.approval(ctx, c, link)
	if err != nil {
		return Approval{}, err
	}
	if a.Server == "" {
		return Approval{}, evidence.Errorf(evidence.Conflict, "No server is confirmed yet. Confirm one first.")
	}
	a.Name, a.Step, a.Token, a.Missing = strings.TrimSpace(name), string(StepToken), nil, nil
	if err := s.store.UpdateApproval(ctx, a, s.now()); err != nil { // what was typed stays, whatever comes now
		return Approval{}, err
	}
	return s.submit(ctx, c, a, token, false)
}

// UseTokensServer mends a wrong server: it takes the one that the held token is for.
func (s *Service) UseTokensServer(ctx context.Context, c people.Caller, link string) (Approval, error) {
	a, token, err := s.heldAt(ctx, c, link, StepMend)
	if err != nil {
		return Approval{}, err
	}
	kind, _ := s.Kind(a.Source)
	facts, err := kind.Preflight(token.Reveal(), s.now())
	if err != nil {
		return Approval{}, err
	}
	a.Server = facts.Server
	return s.submit(ctx, c, a, token, false)
}

// AcceptMissing connects with the held token although it lacks event types.
func (s *Service) AcceptMissing(ctx context.Context, c people.Caller, link string) (Approval, error) {
	a, token, err := s.heldAt(ctx, c, link, StepAccept)
	if err != nil {
		return Approval{}, err
	}
	return s.submit(ctx, c, a, token, true)
}

// submit verifies a token and goes on to what it allows. accepted says that the person knows what is missing.
func (s *Service) submit(ctx context.Context, c people.Caller, a store.Approval, token seal.Secret, accepted bool) (Approval, error) {
	kind, ok := s.Kind(a.Source)
	if !ok {
		return Approval{}, evidence.Errorf(evidence.Invalid, "This version of Exhibit does not know the source %q.", a.Source)
	}
	if a.Connection == "" { // a name that cannot be is said before anything is sent
		if _, err := s.freeName(ctx, a.Workspace, kind, a.Name); err != nil {
			return Approval{}, err
		}
	}
	v, err := s.verify(ctx, kind, a.Server, token)
	var wrong *WrongServerError
	switch {
	case errors.As(err, &wrong) && a.Connection != "":
		return Approval{}, evidence.Errorf(evidence.Invalid, "This token is for %s, but this connection reads %s. Paste a token of the account that it reads, "+
			"or add another connection for this one.", wrong.Right, wrong.Chosen)
	case errors.As(err, &wrong) && s.admit(kind, wrong.Right) == nil:
		return s.hold(ctx, a, StepMend, v)
	case err != nil:
		return Approval{}, err
	case len(v.missing) > 0 && !accepted:
		return s.hold(ctx, a, StepAccept, v)
	}
	return s.finish(ctx, c, a, kind, v)
}

// hold keeps a token sealed until its person has decided.
func (s *Service) hold(ctx context.Context, a store.Approval, step ApprovalStep, v verified) (Approval, error) {
	box, err := s.box(ctx, a.Workspace)
	if err != nil {
		return Approval{}, err
	}
	if a.Token, err = box.Seal(v.token, boundTo(a), seal.PurposeApproval); err != nil {
		return Approval{}, err
	}
	a.Step, a.Missing = string(step), v.missing
	if err := s.store.UpdateApproval(ctx, a, s.now()); err != nil {
		return Approval{}, err
	}
	return s.seen(ctx, a)
}

// boundTo names an approval where a sealed token is otherwise bound to its connection.
func boundTo(a store.Approval) evidence.ID { return evidence.ID(hex.EncodeToString(a.Hash[:])) }

func (s *Service) held(ctx context.Context, a store.Approval) (seal.Secret, error) {
	box, err := s.box(ctx, a.Workspace)
	if err != nil {
		return seal.Secret{}, err
	}
	token, err := box.Open(a.Token, boundTo(a), seal.PurposeApproval)
	if err != nil {
		return seal.Secret{}, &evidence.Error{Code: evidence.Internal, Err: err, Message: "The token that was held does not open: it was altered. Begin again."}
	}
	return token, nil
}

// heldAt gives an approval that stands at a step with a held token, and the token.
func (s *Service) heldAt(ctx context.Context, c people.Caller, link string, step ApprovalStep) (store.Approval, seal.Secret, error) {
	a, err := s.approval(ctx, c, link)
	if err != nil {
		return a, seal.Secret{}, err
	}
	if !a.UsedAt.IsZero() || ApprovalStep(a.Step) != step {
		return a, seal.Secret{}, evidence.Errorf(evidence.Conflict, "This step was answered already. Open the link again to see how it stands.")
	}
	token, err := s.held(ctx, a)
	return a, token, err
}

// finish uses the link up and makes the connection, or gives it its new token.
//
// The link is used first, so that of two answers at once only one makes something. A crash after that leaves a used link
// and nothing made: the person begins again. One after the connection was stored leaves a whole connection.
func (s *Service) finish(ctx context.Context, c people.Caller, a store.Approval, kind source.Kind, v verified) (Approval, error) {
	if err := s.store.UseApproval(ctx, a, s.now()); err != nil {
		return Approval{}, err
	}
	what, conn, err := s.grant(ctx, c, a, kind, v)
	if err != nil {
		return Approval{}, errors.Join(err, s.store.ReopenApproval(context.WithoutCancel(ctx), a))
	}
	if err := s.store.CloseApproval(ctx, a, conn.ID); err != nil {
		return Approval{}, err
	}
	st, err := s.done(ctx, c.Who(), what, conn, "approved in the browser, server "+conn.Server+", token "+conn.TokenMark)
	return Approval{Kind: kind, Connection: st.Connection, Server: conn.Server, Name: conn.Name, Step: StepDone, ExpiresAt: a.ExpiresAt}, err
}

// grant stores what was approved, and names it for the trail.
func (s *Service) grant(ctx context.Context, c people.Caller, a store.Approval, kind source.Kind, v verified) (what string, conn evidence.Connection, err error) {
	if a.Connection == "" {
		name, err := s.freeName(ctx, a.Workspace, kind, a.Name)
		if err != nil {
			return "", conn, err
		}
		conn, err = s.create(ctx, c.Who(), a.Workspace, kind, name, v)
		return "connection.add", conn, err
	}
	if conn, err = s.store.Connection(ctx, a.Workspace, a.Connection); err != nil {
		return "", conn, err
	}
	what = "connection.rotate"
	if !conn.OffAt.IsZero() {
		what, conn.OffAt = "connection.on", time.Time{}
	}
	conn, err = s.renew(ctx, kind, conn, v)
	return what, conn, err
}
