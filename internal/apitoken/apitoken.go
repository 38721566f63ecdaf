// Package apitoken holds the secrets with which programs ask on behalf of a member: make one, list them, revoke one, and
// find out who asks.
//
// A token is shown once, when it is made. What is stored is its SHA-256, so that a copy of the database lets nobody in.
// It may do what its scopes and the role that its member has at that moment both grant, for 365 days at most, and it ends
// with its member.
package apitoken

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// How long a token holds if nobody says, and at most and at least.
const (
	DefaultLife = 90 * 24 * time.Hour
	MaxLife     = 365 * 24 * time.Hour
	minLife     = time.Minute

	touchEvery = time.Minute
	nameMost   = 80
	idPrefix   = "tk"
)

// Store is what tokens are kept in; *store.Store is one.
type Store interface {
	AddAPIToken(ctx context.Context, t store.APIToken) error
	APITokens(ctx context.Context, ws evidence.ID) ([]store.APIToken, error)
	APITokenByHash(ctx context.Context, hash [32]byte) (store.APIToken, error)
	TouchAPIToken(ctx context.Context, hash [32]byte, at time.Time) error
	RevokeAPIToken(ctx context.Context, ws, id evidence.ID, who string, at time.Time) error
	Member(ctx context.Context, ws, id evidence.ID) (store.Member, error)
	AddActivity(ctx context.Context, a store.Activity) error
}

// Service makes, lists and revokes tokens, and knows them. It may be used from several goroutines.
type Service struct {
	store Store
	now   func() time.Time
}

// New makes a Service; now nil means time.Now.
func New(s Store, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{store: s, now: now}
}

// State is whether a token works.
type State string

// The states of a token.
const (
	Active  State = "active"
	Expired State = "expired"
	Revoked State = "revoked"
)

// Token is a token as it may be shown: without its secret.
type Token struct {
	ID         evidence.ID
	Name       string
	Member     evidence.ID
	MemberName string
	Scopes     people.Scopes
	State      State
	CreatedAt  time.Time
	CreatedBy  string
	ExpiresAt  time.Time
	LastUsedAt time.Time // to the minute; zero: never
	RevokedAt  time.Time
	RevokedBy  string
}

// CreateRequest asks for a token of the caller.
type CreateRequest struct {
	Name    string
	Scopes  []string
	Expires time.Time // zero: in DefaultLife
}

// Create makes a token of the caller and gives its secret, which nobody can give again. A token makes tokens that may do
// no more and hold no longer than itself. Errors are Forbidden, or Invalid with what to write instead.
//
// A crash after the one insert leaves a token whose secret nobody knows; it is in the list and can be revoked.
func (s *Service) Create(ctx context.Context, c people.Caller, req CreateRequest) (Token, seal.Secret, error) {
	if err := c.May(people.MakeTokens); err != nil {
		return Token{}, seal.Secret{}, err
	}
	t, err := s.draft(ctx, c, req)
	if err != nil {
		return Token{}, seal.Secret{}, err
	}
	secret := newToken()
	t.Hash = hash(secret)
	if err := s.store.AddAPIToken(ctx, t); err != nil {
		return Token{}, seal.Secret{}, fmt.Errorf("making the token: %w", err)
	}
	t.MemberName = c.Name
	detail := fmt.Sprintf("scopes %s, until %s", people.Scopes(t.Scopes).Words(), t.ExpiresAt.Format(time.RFC3339))
	return s.shown(t), secret, s.note(ctx, c, "token.create", t, detail)
}

// draft checks a request and makes of it what is stored, but for the hash.
func (s *Service) draft(ctx context.Context, c people.Caller, req CreateRequest) (store.APIToken, error) {
	now := s.moment()
	t := store.APIToken{ID: evidence.NewID(idPrefix), Workspace: c.Workspace, Member: c.Member, Name: strings.TrimSpace(req.Name),
		CreatedAt: now, CreatedBy: c.Who(), ExpiresAt: req.Expires.UTC().Truncate(time.Millisecond)}
	if t.Name == "" || utf8.RuneCountInString(t.Name) > nameMost || !utf8.ValidString(t.Name) || strings.ContainsFunc(t.Name, unreadable) {
		return t, evidence.Errorf(evidence.Invalid, "A token needs a name of 1 to %d characters, all of which can be seen, that says what it is for.", nameMost)
	}
	scopes, err := people.ParseScopes(req.Scopes)
	if err != nil {
		return t, err
	}
	if err := within(c, scopes); err != nil {
		return t, err
	}
	t.Scopes = string(scopes)
	if req.Expires.IsZero() {
		t.ExpiresAt = now.Add(DefaultLife)
	}
	switch life := t.ExpiresAt.Sub(now); {
	case life < minLife:
		return t, evidence.Errorf(evidence.Invalid, "The token would expire on %s, which is past or almost. Choose a later day.", t.ExpiresAt.Format(time.RFC3339))
	case life > MaxLife:
		return t, evidence.Errorf(evidence.Invalid, "A token holds for %d days at most. Choose a day up to %s.", int(MaxLife/(24*time.Hour)), now.Add(MaxLife).Format(time.DateOnly))
	}
	return t, s.bound(ctx, c, &t, req.Expires.IsZero())
}

// within says no to a scope of which the caller may do nothing, and to what goes beyond the token through which he asks.
func within(c people.Caller, scopes people.Scopes) error {
	for _, scope := range scopes.List() {
		useful := slices.ContainsFunc(scope.Grants(), func(p people.Permission) bool { return p != people.Own && slices.Contains(c.Role.Grants(), p) })
		if !useful {
			return evidence.Errorf(evidence.Invalid, "Your role, %s, may do nothing of the scope %s. Leave it out.", c.Role.Title(), scope)
		}
		if c.Token != "" && !slices.Contains(c.Scopes.List(), scope) {
			return evidence.Errorf(evidence.Forbidden, "The token that asks has not the scope %s itself, so it cannot give it to another. Sign in to make this one.", scope)
		}
	}
	return nil
}

// bound keeps a token that a token makes from outliving it.
func (s *Service) bound(ctx context.Context, c people.Caller, t *store.APIToken, byDefault bool) error {
	if c.Token == "" {
		return nil
	}
	own, err := s.find(ctx, c.Workspace, c.Token)
	if err != nil {
		return err
	}
	if !t.ExpiresAt.After(own.ExpiresAt) {
		return nil
	}
	if !byDefault {
		return evidence.Errorf(evidence.Forbidden, "The token that asks expires on %s, and none that it makes may hold longer.", own.ExpiresAt.Format(time.RFC3339))
	}
	t.ExpiresAt = own.ExpiresAt
	return nil
}

// unreadable reports whether a character of a name would not be seen, or could make another one look different.
func unreadable(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r)
}

// List gives the caller's tokens, and those of everybody to somebody who manages settings; the newest first.
func (s *Service) List(ctx context.Context, c people.Caller) ([]Token, error) {
	if err := c.May(people.MakeTokens); err != nil {
		return nil, err
	}
	rows, err := s.store.APITokens(ctx, c.Workspace)
	if err != nil {
		return nil, err
	}
	var all []Token
	for _, r := range rows {
		if r.Member == c.Member || c.Has(people.ManageSettings) {
			all = append(all, s.shown(r))
		}
	}
	return all, nil
}

// Revoke ends a token at once: the next request with it is refused. It is the caller's own, or he manages settings.
func (s *Service) Revoke(ctx context.Context, c people.Caller, id evidence.ID) (Token, error) {
	if err := c.May(people.MakeTokens); err != nil {
		return Token{}, err
	}
	t, err := s.find(ctx, c.Workspace, id)
	if err != nil {
		return Token{}, err
	}
	if t.Member != c.Member && !c.Has(people.ManageSettings) {
		return Token{}, missing(id)
	}
	t.RevokedAt, t.RevokedBy = s.moment(), c.Who()
	if err := s.store.RevokeAPIToken(ctx, c.Workspace, id, t.RevokedBy, t.RevokedAt); err != nil {
		return Token{}, err
	}
	return s.shown(t), s.note(ctx, c, "token.revoke", t, "of "+t.MemberName)
}

func (s *Service) find(ctx context.Context, ws, id evidence.ID) (store.APIToken, error) {
	rows, err := s.store.APITokens(ctx, ws)
	if err != nil {
		return store.APIToken{}, err
	}
	for _, r := range rows {
		if r.ID == id {
			return r, nil
		}
	}
	return store.APIToken{}, missing(id)
}

func missing(id evidence.ID) error {
	return evidence.Errorf(evidence.NotFound, "There is no token %.60q. It may belong to somebody else.", string(id))
}

// Caller gives who asks with a token. The error is Unauthorized, with the reason: a token that is none, was revoked or
// has expired, or whose member is gone. Role and scopes are those of this moment.
func (s *Service) Caller(ctx context.Context, token seal.Secret) (people.Caller, error) {
	if !wellFormed(token.Reveal()) {
		return people.Caller{}, refused("This is no token of Exhibit: it begins with %s and has %d characters. Copy it whole.", Prefix, tokenLength)
	}
	h, now := hash(token), s.now().UTC()
	t, err := s.store.APITokenByHash(ctx, h)
	switch {
	case evidence.ErrorCode(err) == evidence.NotFound:
		return people.Caller{}, refused("There is no such token here. It may be of another server, or its member was removed. Make a new one.")
	case err != nil:
		return people.Caller{}, fmt.Errorf("looking up the token: %w", err)
	case subtle.ConstantTimeCompare(t.Hash[:], h[:]) != 1: // the database found it by equality; this does not rest on how it compares
		return people.Caller{}, refused("There is no such token here.")
	case !t.RevokedAt.IsZero():
		return people.Caller{}, refused("This token was revoked on %s. Make a new one.", t.RevokedAt.Format(time.RFC3339))
	case !now.Before(t.ExpiresAt):
		return people.Caller{}, refused("This token expired on %s. Make a new one.", t.ExpiresAt.Format(time.RFC3339))
	}
	m, err := s.store.Member(ctx, t.Workspace, t.Member)
	switch {
	case evidence.ErrorCode(err) == evidence.NotFound:
		return people.Caller{}, refused("The member of this token is gone. Make one for another member.")
	case err != nil:
		return people.Caller{}, fmt.Errorf("looking up the member of the token: %w", err)
	case !m.SuspendedAt.IsZero():
		return people.Caller{}, refused("The member of this token is suspended.")
	}
	if now.Sub(t.LastUsedAt) >= touchEvery {
		if err := s.store.TouchAPIToken(ctx, h, now); err != nil {
			return people.Caller{}, fmt.Errorf("noting the use of the token: %w", err)
		}
	}
	return people.Caller{Member: m.ID, Workspace: m.Workspace, Name: m.Name, Email: m.Email, Role: people.Role(m.Role),
		Token: t.ID, Via: t.Name, Scopes: people.Scopes(t.Scopes)}, nil
}

func refused(format string, args ...any) error {
	return evidence.Errorf(evidence.Unauthorized, format, args...)
}

// moment is now as the store keeps times: UTC, whole milliseconds.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func (s *Service) shown(r store.APIToken) Token {
	t := Token{ID: r.ID, Name: r.Name, Member: r.Member, MemberName: r.MemberName, Scopes: people.Scopes(r.Scopes), State: Active, CreatedAt: r.CreatedAt,
		CreatedBy: r.CreatedBy, ExpiresAt: r.ExpiresAt, LastUsedAt: r.LastUsedAt, RevokedAt: r.RevokedAt, RevokedBy: r.RevokedBy}
	switch {
	case !r.RevokedAt.IsZero():
		t.State = Revoked
	case !s.now().Before(r.ExpiresAt):
		t.State = Expired
	}
	return t
}

func (s *Service) note(ctx context.Context, c people.Caller, what string, t store.APIToken, detail string) error {
	err := s.store.AddActivity(ctx, store.Activity{Workspace: c.Workspace, At: s.moment(), Who: c.Who(), What: what, Subject: string(t.ID) + " " + t.Name, Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}

// ParseExpiry reads when a token is to expire, as a person writes it: a number of days or hours ("30d", "12h"), a day,
// which counts to its end, or a time in RFC 3339. "" gives the zero time: the default.
func ParseExpiry(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil && fmt.Sprint(n) == days && n > 0 && n < 100_000 {
			return now.Add(time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Add(24*time.Hour - time.Millisecond), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	return time.Time{}, evidence.Errorf(evidence.Invalid, "%.40q is no expiry. Write a number of days such as 30d, or a date such as %s.", text, now.Add(DefaultLife).Format(time.DateOnly))
}
