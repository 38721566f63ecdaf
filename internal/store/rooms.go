package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Auditor is a member who was let into the room of an audit.
type Auditor struct {
	Member    Member
	AddedAt   time.Time
	AddedBy   string
	RemovedAt time.Time // zero: he may enter
	RemovedBy string
}

// LetIn lets a member into the room of an audit; again, if he was let out.
func (s *Store) LetIn(ctx context.Context, ws, audit, member evidence.ID, at time.Time, by string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if _, err := q.Audit(ctx, string(ws), string(audit)); err != nil {
			return notFound(err, "reading an audit", "There is no audit %s.", audit)
		}
		if _, err := q.Member(ctx, string(ws), string(member)); err != nil {
			return notFound(err, "reading a member", "There is no member %s.", member)
		}
		err := q.LetIn(ctx, sqlc.LetInParams{Workspace: string(ws), Audit: string(audit), Member: string(member), AddedAt: ms(at), AddedBy: by})
		if err != nil {
			return fmt.Errorf("letting an auditor in: %w", err)
		}
		return s.enterConfig(ctx, q, ws, "auditor", string(audit)+"."+string(member), map[string]any{"in": true, "at": ms(at), "by": by})
	})
}

// LetOut ends a member's access to the room of an audit; NotFound if he has none.
func (s *Store) LetOut(ctx context.Context, ws, audit, member evidence.ID, at time.Time, by string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.LetOut(ctx, sqlc.LetOutParams{RemovedAt: ms(at), RemovedBy: by, Workspace: string(ws), Audit: string(audit), Member: string(member)})
		if err != nil {
			return fmt.Errorf("letting an auditor out: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.NotFound, "The audit has no auditor %s.", member)
		}
		return s.enterConfig(ctx, q, ws, "auditor", string(audit)+"."+string(member), map[string]any{"in": false, "at": ms(at), "by": by})
	})
}

// Auditors gives who was let into the room of an audit, those who were let out again included.
func (s *Store) Auditors(ctx context.Context, ws, audit evidence.ID) ([]Auditor, error) {
	rows, err := s.queries().Auditors(ctx, string(ws), string(audit))
	if err != nil {
		return nil, fmt.Errorf("reading auditors: %w", err)
	}
	var all []Auditor
	for _, r := range rows {
		all = append(all, Auditor{AddedAt: fromMS(r.AddedAt), AddedBy: r.AddedBy, RemovedAt: fromMS(r.RemovedAt), RemovedBy: r.RemovedBy,
			Member: Member{ID: evidence.ID(r.Member), Workspace: ws, Name: r.Name, Email: r.Email, Role: r.Role, JoinedAt: fromMS(r.JoinedAt), SuspendedAt: fromMS(r.SuspendedAt)}})
	}
	return all, nil
}

// RoomsOf gives the audits whose rooms a member may enter.
func (s *Store) RoomsOf(ctx context.Context, ws, member evidence.ID) ([]evidence.ID, error) {
	rows, err := s.queries().RoomsOf(ctx, string(ws), string(member))
	if err != nil {
		return nil, fmt.Errorf("reading the rooms of a member: %w", err)
	}
	var all []evidence.ID
	for _, r := range rows {
		all = append(all, evidence.ID(r))
	}
	return all, nil
}

// RequestState is where a request of an auditor stands.
type RequestState string

// The states of a request.
const (
	RequestOpen     RequestState = "open"
	RequestAnswered RequestState = "answered"
	RequestClosed   RequestState = "closed"
)

// RequestOp is one step of a request.
type RequestOp string

// The steps. Ask, Follow and Close are the auditor's, Answer is the company's.
const (
	Ask    RequestOp = "ask"
	Answer RequestOp = "answer"
	Follow RequestOp = "follow" // the answer is not enough
	Close  RequestOp = "close"
)

// leaves gives the state in which a step leaves a request.
func (o RequestOp) leaves() RequestState {
	switch o {
	case Answer:
		return RequestAnswered
	case Close:
		return RequestClosed
	}
	return RequestOpen
}

// Message is one thing that was said about a request.
type Message struct {
	ID       evidence.ID
	Op       RequestOp
	Text     string
	Artifact evidence.ID // what an answer points to; empty: nothing
	At       time.Time
	By       string
}

// AuditRequest is what an auditor asks for, with everything that was said about it, the question first.
type AuditRequest struct {
	ID        evidence.ID
	Workspace evidence.ID
	Audit     evidence.ID
	Control   evidence.ID // what it is about; empty: the audit
	Artifact  evidence.ID
	Due       time.Time // zero: none
	State     RequestState
	AskedAt   time.Time
	AskedBy   string
	Messages  []Message
}

// Overdue reports whether the people should have answered by now.
func (r AuditRequest) Overdue(now time.Time) bool {
	return r.State == RequestOpen && !r.Due.IsZero() && now.After(r.Due)
}

// AddRequest stores a request; its question is the only message.
func (s *Store) AddRequest(ctx context.Context, r AuditRequest) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		err := q.AddAuditRequest(ctx, sqlc.AddAuditRequestParams{ID: string(r.ID), Workspace: string(r.Workspace), Audit: string(r.Audit), Control: string(r.Control),
			Artifact: string(r.Artifact), Due: ms(r.Due), AskedAt: ms(r.AskedAt), AskedBy: r.AskedBy})
		if err != nil {
			return fmt.Errorf("storing a request: %w", err)
		}
		return s.say(ctx, q, r, r.Messages[0])
	})
}

// Say stores the next step of a request and moves it; Conflict if it is closed.
func (s *Store) Say(ctx context.Context, ws, audit, request evidence.ID, m Message) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		row, err := q.AuditRequestRow(ctx, string(ws), string(audit), string(request))
		if err != nil {
			return notFound(err, "reading a request", "The audit has no request %s.", request)
		}
		n, err := q.MoveAuditRequest(ctx, string(m.Op.leaves()), string(ws), string(audit), string(request))
		if err != nil {
			return fmt.Errorf("moving a request: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "This request is closed. A new one can be made.")
		}
		return s.say(ctx, q, requestOf(ws, row), m)
	})
}

// say stores a message and enters it into the log.
func (s *Store) say(ctx context.Context, q *sqlc.Queries, r AuditRequest, m Message) error {
	err := q.AddAuditMessage(ctx, sqlc.AddAuditMessageParams{ID: string(m.ID), Workspace: string(r.Workspace), Request: string(r.ID), Op: string(m.Op),
		Text: m.Text, Artifact: string(m.Artifact), SaidAt: ms(m.At), SaidBy: m.By})
	if err != nil {
		return fmt.Errorf("storing what was said about a request: %w", err)
	}
	return s.enterRequest(ctx, q, r, m)
}

// enterRequest writes one step of a request. Who and what was said are commitments.
func (s *Store) enterRequest(ctx context.Context, q *sqlc.Queries, r AuditRequest, m Message) error {
	l, err := s.appendFor(ctx, q, r.Workspace)
	if err != nil {
		return err
	}
	about := r.Artifact
	if m.Op == Answer {
		about = m.Artifact
	}
	f := translog.Fields{"request": string(r.ID), "audit": string(r.Audit), "op": string(m.Op), "control": string(r.Control), "artifact": string(about), "due": max(0, ms(r.Due))}
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), m.By}, [3]string{"text_commit", string(translog.TagComment), m.Text}); err != nil {
		return err
	}
	_, err = l.add(ctx, translog.KindRequest, "request/"+string(r.ID), f)
	return err
}

// Requests gives the requests of an audit, oldest first, with what was said about each.
func (s *Store) Requests(ctx context.Context, ws, audit evidence.ID) ([]AuditRequest, error) {
	rows, err := s.queries().AuditRequests(ctx, string(ws), string(audit))
	if err != nil {
		return nil, fmt.Errorf("reading requests: %w", err)
	}
	said, err := s.queries().AuditMessages(ctx, string(ws), string(audit))
	if err != nil {
		return nil, fmt.Errorf("reading what was said about requests: %w", err)
	}
	var all []AuditRequest
	for _, row := range rows {
		r := requestOf(ws, row)
		for _, m := range said {
			if m.Request == row.ID {
				r.Messages = append(r.Messages, Message{ID: evidence.ID(m.ID), Op: RequestOp(m.Op), Text: m.Text, Artifact: evidence.ID(m.Artifact), At: fromMS(m.SaidAt), By: m.SaidBy})
			}
		}
		all = append(all, r)
	}
	return all, nil
}

func requestOf(ws evidence.ID, r sqlc.AuditRequest) AuditRequest {
	return AuditRequest{ID: evidence.ID(r.ID), Workspace: ws, Audit: evidence.ID(r.Audit), Control: evidence.ID(r.Control), Artifact: evidence.ID(r.Artifact),
		Due: fromMS(r.Due), State: RequestState(r.State), AskedAt: fromMS(r.AskedAt), AskedBy: r.AskedBy}
}

// AuditNote is what an auditor noted for himself and the other auditors of the audit.
type AuditNote struct {
	ID        evidence.ID
	Workspace evidence.ID
	Audit     evidence.ID
	Control   evidence.ID // what it is about; empty: the audit
	Artifact  evidence.ID
	Text      string
	At        time.Time
	By        string
}

// AddNote stores a note.
func (s *Store) AddNote(ctx context.Context, n AuditNote) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		err := q.AddAuditNote(ctx, sqlc.AddAuditNoteParams{ID: string(n.ID), Workspace: string(n.Workspace), Audit: string(n.Audit), Control: string(n.Control),
			Artifact: string(n.Artifact), Text: n.Text, WrittenAt: ms(n.At), WrittenBy: n.By})
		if err != nil {
			return fmt.Errorf("storing a note: %w", err)
		}
		return s.enterConfig(ctx, q, n.Workspace, "note", string(n.ID), n)
	})
}

// Notes gives the notes of an audit's auditors, newest first.
func (s *Store) Notes(ctx context.Context, ws, audit evidence.ID) ([]AuditNote, error) {
	rows, err := s.queries().AuditNotes(ctx, string(ws), string(audit))
	if err != nil {
		return nil, fmt.Errorf("reading notes: %w", err)
	}
	var all []AuditNote
	for _, r := range rows {
		all = append(all, AuditNote{ID: evidence.ID(r.ID), Workspace: ws, Audit: audit, Control: evidence.ID(r.Control), Artifact: evidence.ID(r.Artifact),
			Text: r.Text, At: fromMS(r.WrittenAt), By: r.WrittenBy})
	}
	return all, nil
}
