// Package signin lets people in: the first administrator of a workspace, links that sign in once, and sessions.
//
// Every secret, of a link or of a session, is 256 random bits. Only its SHA-256 is stored, so that a copy of the
// database signs nobody in.
package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// How long things hold (ASVS 7.3: an idle limit and an absolute one).
const (
	LinkLife     = 24 * time.Hour
	IdleLimit    = 30 * time.Minute
	SessionLife  = 12 * time.Hour
	touchEvery   = time.Minute
	maxUserAgent = 200
)

// Store is what this package keeps its members, links and sessions in.
type Store interface {
	AddMember(ctx context.Context, m store.Member) error
	Members(ctx context.Context, ws evidence.ID) ([]store.Member, error)
	Member(ctx context.Context, ws, id evidence.ID) (store.Member, error)
	AddSignInLink(ctx context.Context, ws evidence.ID, hash [32]byte, member evidence.ID, expires time.Time) error
	UseSignInLink(ctx context.Context, hash [32]byte, now time.Time) (store.Member, error)
	AnySignIn(ctx context.Context, ws evidence.ID) (bool, error)
	AddSession(ctx context.Context, s store.Session) error
	Session(ctx context.Context, hash [32]byte) (store.Session, error)
	TouchSession(ctx context.Context, hash [32]byte, at time.Time) error
	DeleteSession(ctx context.Context, hash [32]byte) error
	AddActivity(ctx context.Context, a store.Activity) error

	AddPasskey(ctx context.Context, p store.Passkey) error
	Passkeys(ctx context.Context, ws, member evidence.ID) ([]store.Passkey, error)
	PasskeyByID(ctx context.Context, id string) (store.Passkey, error)
	UsePasskey(ctx context.Context, p store.Passkey) error
	PutCeremony(ctx context.Context, c store.Ceremony, now time.Time, most int) error
	TakeCeremony(ctx context.Context, hash [32]byte) (store.Ceremony, error)
	ProveSession(ctx context.Context, hash [32]byte, at time.Time) error
	RemovePasskey(ctx context.Context, ws, member evidence.ID, id string) error

	SetRole(ctx context.Context, ws, id evidence.ID, role, keep string) error
	Suspend(ctx context.Context, ws, id evidence.ID, who string, at time.Time, keep string) error
	Reinstate(ctx context.Context, ws, id evidence.ID) error
	DropSignInLinks(ctx context.Context, ws, member evidence.ID) error
	SessionsOf(ctx context.Context, ws, member evidence.ID) ([]store.Session, error)
	EndSession(ctx context.Context, ws, member evidence.ID, id string) error
	EndOtherSessions(ctx context.Context, ws, member evidence.ID, but [32]byte) (int, error)
	RotateSession(ctx context.Context, old, fresh [32]byte) (bool, error)

	Credential(ctx context.Context, ws, member evidence.ID) (store.Credential, error)
	SetPassword(ctx context.Context, ws, member evidence.ID, phc string, at time.Time, but [32]byte) error
	SetNextTOTP(ctx context.Context, ws, member evidence.ID, sealed []byte) error
	ConfirmTOTP(ctx context.Context, ws, member evidence.ID, sealed []byte, step int64, at time.Time, codes [][32]byte) error
	UseTOTPStep(ctx context.Context, ws, member evidence.ID, step int64) (bool, error)
	UseRecoveryCode(ctx context.Context, ws, member evidence.ID, hash [32]byte) (bool, error)
	MembersByEmail(ctx context.Context, email string) ([]store.Member, error)
	AddSignInStep(ctx context.Context, hash [32]byte, members []store.Member, now, expires time.Time) error
	TrySignInStep(ctx context.Context, hash [32]byte, now time.Time, most int) (map[evidence.ID]evidence.ID, error)
	DropSignInStep(ctx context.Context, hash [32]byte) error
	WorkspaceNames(ctx context.Context) ([]store.Named, error)
}

// Service signs people in and out. It may be used from several goroutines.
type Service struct {
	store Store
	keys  Keys
	now   func() time.Time
	argon chan struct{} // bounds how many passwords are hashed at once
}

// New makes a Service; now nil means time.Now.
func New(s Store, keys Keys, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{store: s, keys: keys, now: now, argon: make(chan struct{}, argonAtOnce)}
}

// PathPrefix is the path of sign-in links without their secret.
const PathPrefix = "/sign-in/"

// Link is a sign-in link. Path holds the only copy of its secret in clear; it belongs into the address that is shown to
// the person, and into no log.
type Link struct {
	Path      string // behind the address of the server
	Member    store.Member
	ExpiresAt time.Time
}

// Members gives the members of a workspace.
func (s *Service) Members(ctx context.Context, ws evidence.ID) ([]store.Member, error) {
	members, err := s.store.Members(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing members: %w", err)
	}
	return members, nil
}

// AddMember makes a member: the first of a workspace is its administrator, the others are collaborators. who names who
// did it. Errors are Invalid for a name or an address that cannot be, and Conflict for an address that is taken.
func (s *Service) AddMember(ctx context.Context, who string, ws evidence.ID, name, email string) (store.Member, error) {
	name, email = strings.TrimSpace(name), strings.TrimSpace(email)
	if err := checkMember(name, email); err != nil {
		return store.Member{}, err
	}
	members, err := s.Members(ctx, ws)
	if err != nil {
		return store.Member{}, err
	}
	role := people.Collaborator
	if len(members) == 0 {
		role = people.Admin
	}
	if err := free(members, email); err != nil {
		return store.Member{}, err
	}
	return s.add(ctx, who, ws, name, email, role)
}

// add stores a member whose name and address have been checked.
func (s *Service) add(ctx context.Context, who string, ws evidence.ID, name, email string, role people.Role) (store.Member, error) {
	m := store.Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: ws, Name: name, Email: email, Role: string(role), CreatedAt: s.now().UTC()}
	if err := s.store.AddMember(ctx, m); err != nil {
		return store.Member{}, fmt.Errorf("adding the member: %w", err)
	}
	return m, s.note(ctx, ws, who, "member.add", string(m.ID), role.Title())
}

// free gives Conflict if an address is a member's already.
func free(members []store.Member, email string) error {
	for _, m := range members {
		if strings.EqualFold(m.Email, email) {
			return evidence.Errorf(evidence.Conflict, "A member with the address %.200q is there already. Make another sign-in link for him instead.", email)
		}
	}
	return nil
}

func checkMember(name, email string) error {
	local, host, ok := strings.Cut(email, "@")
	switch {
	case name == "" || len(name) > 200 || !printable(name):
		return evidence.Errorf(evidence.Invalid, "A member needs a name of 1 to 200 characters that can be printed.")
	case !ok || local == "" || host == "" || len(email) > 254 || strings.ContainsAny(email, " <>,;") || strings.Contains(host, "@") || !printable(email):
		return evidence.Errorf(evidence.Invalid, "%.200q is no mail address. It looks like ada@example.com.", email)
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// FirstAdmin gives the administrator that the workspace had first, and makes one if it has no member at all.
func (s *Service) FirstAdmin(ctx context.Context, ws evidence.ID) (store.Member, error) {
	members, err := s.store.Members(ctx, ws)
	if err != nil {
		return store.Member{}, fmt.Errorf("listing members: %w", err)
	}
	for _, m := range members {
		if people.Role(m.Role) == people.Admin && m.SuspendedAt.IsZero() {
			return m, nil
		}
	}
	if len(members) > 0 {
		return store.Member{}, evidence.Errorf(evidence.Conflict, "This workspace has members but no active administrator. Give one of them the role admin.")
	}
	m := store.Member{
		ID: evidence.NewID(evidence.PrefixPerson), Workspace: ws, Name: "Administrator",
		Role: string(people.Admin), CreatedAt: s.now().UTC(),
	}
	return s.addFirst(ctx, m)
}

// addFirst stores the first member and notes it in the trail. Two servers that start at once may each make one; both
// can sign in, and neither takes anything from the other.
func (s *Service) addFirst(ctx context.Context, m store.Member) (store.Member, error) {
	if err := s.store.AddMember(ctx, m); err != nil {
		return store.Member{}, fmt.Errorf("adding the first administrator: %w", err)
	}
	return m, s.note(ctx, m.Workspace, "first start", "member.add", string(m.ID), "first administrator")
}

// NewLink makes a link that signs member in once within LinkLife. who names who asked for it in the activity trail.
func (s *Service) NewLink(ctx context.Context, who string, ws, member evidence.ID) (Link, error) {
	m, err := s.store.Member(ctx, ws, member)
	if err != nil {
		return Link{}, fmt.Errorf("finding the member: %w", err)
	}
	if !m.SuspendedAt.IsZero() {
		return Link{}, evidence.Errorf(evidence.Conflict, "%s is suspended. Reinstate him first.", people.Caller{Member: m.ID, Name: m.Name}.Who())
	}
	secret := newSecret()
	l := Link{Path: PathPrefix + secret, Member: m, ExpiresAt: s.now().Add(LinkLife).UTC()}
	if err := s.store.AddSignInLink(ctx, ws, hash(secret), member, l.ExpiresAt); err != nil {
		return Link{}, fmt.Errorf("storing the sign-in link: %w", err)
	}
	return l, s.note(ctx, ws, who, "member.link", string(member), "sign-in link until "+l.ExpiresAt.Format(time.RFC3339))
}

// FirstLink gives a link for the first administrator as long as nobody has ever signed in to the workspace; ok tells
// whether it did.
func (s *Service) FirstLink(ctx context.Context, ws evidence.ID) (link Link, ok bool, err error) {
	entered, err := s.store.AnySignIn(ctx, ws)
	if err != nil {
		return Link{}, false, fmt.Errorf("looking whether anybody has signed in: %w", err)
	}
	if entered {
		return Link{}, false, nil
	}
	admin, err := s.FirstAdmin(ctx, ws)
	if err != nil {
		return Link{}, false, err
	}
	link, err = s.NewLink(ctx, "first start", ws, admin.ID)
	return link, err == nil, err
}

// Redeem uses a link up and opens a session. It gives the session's secret, which belongs into a cookie and nowhere
// else. The error is Unauthorized if the link is unknown, used or expired. A crash between the two writes costs the
// link: it signs nobody in, and another one can be made.
func (s *Service) Redeem(ctx context.Context, secret string, d Device) (string, people.Caller, error) {
	now := s.now().UTC()
	m, err := s.store.UseSignInLink(ctx, hash(secret), now)
	switch code := evidence.ErrorCode(err); {
	case code == evidence.NotFound || code == evidence.Conflict || code == evidence.Unauthorized || code == evidence.Invalid:
		return "", people.Caller{}, &evidence.Error{
			Code: evidence.Unauthorized, Err: err,
			Message: "This sign-in link has been used or has expired. Ask for another one.",
		}
	case err != nil:
		return "", people.Caller{}, fmt.Errorf("using the sign-in link: %w", err)
	}
	return s.open(ctx, m, d, ByLink)
}

// Caller gives who a session's secret belongs to and keeps the session from going idle. The error is Unauthorized if
// there is no such session or it has ended.
func (s *Service) Caller(ctx context.Context, secret string) (people.Caller, error) {
	return s.caller(ctx, secret, true)
}

// Peek is Caller for what nobody asked for by himself, such as a page that renews itself: a session that is left alone goes
// idle all the same.
func (s *Service) Peek(ctx context.Context, secret string) (people.Caller, error) {
	return s.caller(ctx, secret, false)
}

func (s *Service) caller(ctx context.Context, secret string, touch bool) (people.Caller, error) {
	ended := evidence.Errorf(evidence.Unauthorized, "You have been signed out. Ask for a sign-in link.")
	if secret == "" {
		return people.Caller{}, evidence.Errorf(evidence.Unauthorized, "You are not signed in. Ask an administrator for a sign-in link.")
	}
	h, now := hash(secret), s.now().UTC()
	session, err := s.store.Session(ctx, h)
	switch {
	case evidence.ErrorCode(err) == evidence.NotFound:
		return people.Caller{}, ended
	case err != nil:
		return people.Caller{}, fmt.Errorf("looking up the session: %w", err)
	case !now.Before(session.ExpiresAt) || now.Sub(session.LastSeen) >= IdleLimit:
		return people.Caller{}, s.end(ctx, h, ended)
	}
	m, err := s.store.Member(ctx, session.Workspace, session.Member)
	switch {
	case evidence.ErrorCode(err) == evidence.NotFound:
		return people.Caller{}, s.end(ctx, h, ended)
	case err != nil:
		return people.Caller{}, fmt.Errorf("looking up the member: %w", err)
	case !m.SuspendedAt.IsZero():
		return people.Caller{}, s.end(ctx, h, ended)
	}
	if touch && now.Sub(session.LastSeen) >= touchEvery {
		if err := s.store.TouchSession(ctx, h, now); err != nil {
			return people.Caller{}, fmt.Errorf("keeping the session alive: %w", err)
		}
	}
	return caller(m), nil
}

// end deletes a session that has ended and gives why.
func (s *Service) end(ctx context.Context, h [32]byte, why error) error {
	if err := s.store.DeleteSession(ctx, h); err != nil {
		return fmt.Errorf("ending the session: %w", err)
	}
	return why
}

// SignOut ends a session. Ending one that is not there is no error.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	h := hash(secret)
	session, err := s.store.Session(ctx, h)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up the session: %w", err)
	}
	if err := s.store.DeleteSession(ctx, h); err != nil {
		return fmt.Errorf("ending the session: %w", err)
	}
	return s.note(ctx, session.Workspace, string(session.Member), "session.close", string(session.Member), "signed out")
}

func (s *Service) note(ctx context.Context, ws evidence.ID, who, what, subject, detail string) error {
	err := s.store.AddActivity(ctx, store.Activity{
		Workspace: ws, At: s.now().UTC(), Who: who, What: what, Subject: subject, Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("noting the activity: %w", err)
	}
	return nil
}

func caller(m store.Member) people.Caller {
	return people.Caller{Member: m.ID, Workspace: m.Workspace, Name: m.Name, Email: m.Email, Role: people.Role(m.Role)}
}

// newSecret makes 256 random bits as text for an address or a cookie. crypto/rand never fails.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// short keeps of a user agent what tells devices apart, and no more than a row should hold.
func short(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= maxUserAgent {
		return s
	}
	return strings.ToValidUTF8(s[:maxUserAgent], "")
}
