package audit

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// longestText bounds what is said at once, in bytes.
const longestText = 4000

// About is what a request or a note is about: a control, an artifact, or neither, which means the audit.
type About struct {
	Control  string // ID or key
	Artifact evidence.ID
}

// Ask makes a request of an auditor. due may be zero.
func (s *Service) Ask(ctx context.Context, c people.Caller, idOrName string, about About, text string, due time.Time) (store.AuditRequest, error) {
	a, err := s.enter(ctx, c, people.AskInAudits, idOrName)
	if err != nil {
		return store.AuditRequest{}, err
	}
	if text, err = checkText(text); err != nil {
		return store.AuditRequest{}, err
	}
	now := s.now()
	if !due.IsZero() && due.Before(now.Truncate(24*time.Hour)) {
		return store.AuditRequest{}, evidence.Errorf(evidence.Invalid, "The due date lies in the past. Choose today or a later day.")
	}
	r := store.AuditRequest{ID: evidence.NewID(evidence.PrefixRequest), Workspace: c.Workspace, Audit: a.ID, Due: due.UTC(), State: store.RequestOpen, AskedAt: now, AskedBy: c.Who()}
	if due.IsZero() {
		r.Due = time.Time{}
	}
	if r.Control, r.Artifact, err = s.about(ctx, a, about); err != nil {
		return r, err
	}
	r.Messages = []store.Message{{ID: evidence.NewID(evidence.PrefixMessage), Op: store.Ask, Text: text, At: now, By: c.Who()}}
	if err := s.cfg.Store.AddRequest(ctx, r); err != nil {
		return r, err
	}
	return r, s.note(ctx, c, "room.ask", a.ID, "request "+string(r.ID))
}

// about finds what something is about inside a room.
func (s *Service) about(ctx context.Context, a store.Audit, about About) (control, artifact evidence.ID, err error) {
	if about.Control == "" && about.Artifact == "" {
		return "", "", nil
	}
	r := Room{Audit: a}
	if r.Parts, err = s.parts(ctx, a); err != nil {
		return "", "", err
	}
	if about.Control != "" {
		p, err := r.Part(about.Control)
		if err != nil {
			return "", "", err
		}
		control = p.Control.ID
	}
	if about.Artifact != "" {
		x, err := r.Holds(about.Artifact)
		if err != nil {
			return "", "", err
		}
		artifact = x.ID
	}
	return control, artifact, nil
}

// Answer answers a request with words and, if it is given, an artifact of the room.
func (s *Service) Answer(ctx context.Context, c people.Caller, idOrName string, request evidence.ID, text string, artifact evidence.ID) error {
	a, err := s.enter(ctx, c, people.ManageAudits, idOrName)
	if err != nil {
		return err
	}
	if _, artifact, err = s.about(ctx, a, About{Artifact: artifact}); evidence.ErrorCode(err) == evidence.NotFound {
		return evidence.Errorf(evidence.Invalid, "The auditor cannot see that artifact: attach it to a control of this audit first. Its period must touch the audit's.")
	} else if err != nil {
		return err
	}
	return s.say(ctx, c, a, request, store.Message{Op: store.Answer, Text: text, Artifact: artifact})
}

// Follow asks again: the answer is not enough. The request is open from then on.
func (s *Service) Follow(ctx context.Context, c people.Caller, idOrName string, request evidence.ID, text string) error {
	a, err := s.enter(ctx, c, people.AskInAudits, idOrName)
	if err != nil {
		return err
	}
	return s.say(ctx, c, a, request, store.Message{Op: store.Follow, Text: text})
}

// CloseRequest ends a request. Only who asks closes.
func (s *Service) CloseRequest(ctx context.Context, c people.Caller, idOrName string, request evidence.ID, text string) error {
	a, err := s.enter(ctx, c, people.AskInAudits, idOrName)
	if err != nil {
		return err
	}
	if strings.TrimSpace(text) == "" {
		text = "Closed."
	}
	return s.say(ctx, c, a, request, store.Message{Op: store.Close, Text: text})
}

func (s *Service) say(ctx context.Context, c people.Caller, a store.Audit, request evidence.ID, m store.Message) error {
	var err error
	if m.Text, err = checkText(m.Text); err != nil {
		return err
	}
	m.ID, m.At, m.By = evidence.NewID(evidence.PrefixMessage), s.now(), c.Who()
	if err := s.cfg.Store.Say(ctx, c.Workspace, a.ID, request, m); err != nil {
		return err
	}
	return s.note(ctx, c, "room."+string(m.Op), a.ID, "request "+string(request))
}

// Note keeps a note of an auditor, which the auditors of the audit see and nobody else.
func (s *Service) Note(ctx context.Context, c people.Caller, idOrName string, about About, text string) (store.AuditNote, error) {
	a, err := s.enter(ctx, c, people.AskInAudits, idOrName)
	if err != nil {
		return store.AuditNote{}, err
	}
	if text, err = checkText(text); err != nil {
		return store.AuditNote{}, err
	}
	n := store.AuditNote{ID: evidence.NewID(evidence.PrefixNote), Workspace: c.Workspace, Audit: a.ID, Text: text, At: s.now(), By: c.Who()}
	if n.Control, n.Artifact, err = s.about(ctx, a, about); err != nil {
		return n, err
	}
	return n, s.cfg.Store.AddNote(ctx, n)
}

// Notes gives the notes of an audit's auditors to one of them.
func (s *Service) Notes(ctx context.Context, c people.Caller, idOrName string) ([]store.AuditNote, error) {
	a, err := s.enter(ctx, c, people.AskInAudits, idOrName)
	if err != nil {
		return nil, err
	}
	return s.cfg.Store.Notes(ctx, c.Workspace, a.ID)
}

func checkText(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case text == "":
		return "", evidence.Errorf(evidence.Invalid, "Write something first.")
	case len(text) > longestText || !utf8.ValidString(text):
		return "", evidence.Errorf(evidence.Invalid, "%s", fmt.Sprintf("That is %d bytes long; at most %d are kept at once.", len(text), longestText))
	}
	return text, nil
}
