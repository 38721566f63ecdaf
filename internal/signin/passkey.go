package signin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// ByPasskey names the way in lists and in the trail.
const ByPasskey = "passkey"

// mostPasskeys is how many a member can have.
const mostPasskeys = 20

// relying makes the checker of passkeys for the address under which people reach the server. Passkeys are bound to its host, which
// must be a name (Web Authentication, section 5.1.3): an address of a network has none.
func relying(address string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return nil, evidence.Errorf(evidence.Invalid, "Passkeys are bound to the name of a host, and this server is reached under a bare address. Give it a name: exhibit serve --url https://exhibit.example.com.")
	}
	w, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: "Exhibit", RPOrigins: []string{u.Scheme + "://" + u.Host}})
	if err != nil {
		return nil, fmt.Errorf("preparing passkeys: %w", err)
	}
	return w, nil
}

// PasskeysWork reports whether passkeys can be used under an address.
func PasskeysWork(address string) bool {
	_, err := relying(address)
	return err == nil
}

// holder is a member as the library sees him.
type holder struct {
	m    store.Member
	keys []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.m.ID) }
func (h holder) WebAuthnName() string                       { return h.m.Email }
func (h holder) WebAuthnDisplayName() string                { return h.m.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (s *Service) holder(ctx context.Context, ws, member evidence.ID) (holder, error) {
	m, err := s.store.Member(ctx, ws, member)
	if err != nil {
		return holder{}, err
	}
	list, err := s.store.Passkeys(ctx, ws, member)
	if err != nil {
		return holder{}, err
	}
	h := holder{m: m}
	for _, p := range list {
		var key webauthn.Credential
		if err := json.Unmarshal([]byte(p.Credential), &key); err != nil {
			return h, fmt.Errorf("reading passkey %s: %w", p.ID, err)
		}
		h.keys = append(h.keys, key)
	}
	return h, nil
}

// Passkeys gives the passkeys of the caller.
func (s *Service) Passkeys(ctx context.Context, c people.Caller) ([]store.Passkey, error) {
	if err := c.May(people.Own); err != nil {
		return nil, err
	}
	return s.store.Passkeys(ctx, c.Workspace, c.Member)
}

// BeginPasskey begins adding a passkey. The authenticator must verify its person: a passkey is both factors. It is a way in, so a
// proof is asked for as for every other.
func (s *Service) BeginPasskey(ctx context.Context, c people.Caller, session string, old seal.Secret, address string) (Begun, error) {
	if _, err := s.prove(ctx, c, session, old); err != nil {
		return Begun{}, err
	}
	w, err := relying(address)
	if err != nil {
		return Begun{}, err
	}
	h, err := s.holder(ctx, c.Workspace, c.Member)
	if err != nil {
		return Begun{}, err
	}
	if len(h.keys) >= mostPasskeys {
		return Begun{}, evidence.Errorf(evidence.Conflict, "You have %d passkeys, and no more can be kept. Remove one first.", mostPasskeys)
	}
	options, data, err := w.BeginRegistration(h, webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired),
		webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()), webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired}))
	if err != nil {
		return Begun{}, fmt.Errorf("beginning with a passkey: %w", err)
	}
	return s.begin(ctx, toAdd, c, options.Response, data)
}

// AddPasskey checks what the browser gave and keeps the passkey under a name. Invalid if it does not fit. begun is the secret of BeginPasskey.
func (s *Service) AddPasskey(ctx context.Context, c people.Caller, address string, begun seal.Secret, name string, given []byte) error {
	if err := c.May(people.Own); err != nil {
		return err
	}
	data, err := s.take(ctx, toAdd, c, begun)
	if err != nil {
		return err
	}
	if name = strings.TrimSpace(name); name == "" || len(name) > 100 || !printable(name) {
		return evidence.Errorf(evidence.Invalid, "A passkey needs a name of at most 100 characters that can be printed, such as the device it is on.")
	}
	w, err := relying(address)
	if err != nil {
		return err
	}
	h, err := s.holder(ctx, c.Workspace, c.Member)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBody(bytes.NewReader(given))
	if err != nil {
		return &evidence.Error{Code: evidence.Invalid, Err: err, Message: "What the browser gave is no passkey. Try again."}
	}
	key, err := w.CreateCredential(h, data, parsed)
	if err != nil {
		return &evidence.Error{Code: evidence.Invalid, Err: err, Message: "The passkey could not be checked, or it took longer than five minutes. Try again."}
	}
	record, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("writing down a passkey: %w", err)
	}
	p := store.Passkey{ID: base64.RawURLEncoding.EncodeToString(key.ID), Workspace: c.Workspace, Member: c.Member, Name: name, Credential: string(record), CreatedAt: s.now().UTC()}
	if err := s.store.AddPasskey(ctx, p); err != nil {
		return err
	}
	return s.note(ctx, c.Workspace, c.Who(), "passkey.add", string(c.Member), name)
}

// RemovePasskey takes a passkey away from the caller. A proof is asked for: whoever sits down at an open session must not be able to
// shut its person out.
func (s *Service) RemovePasskey(ctx context.Context, c people.Caller, session string, old seal.Secret, id string) error {
	if _, err := s.prove(ctx, c, session, old); err != nil {
		return err
	}
	if err := s.store.RemovePasskey(ctx, c.Workspace, c.Member, id); err != nil {
		return err
	}
	return s.note(ctx, c.Workspace, c.Who(), "passkey.remove", string(c.Member), id)
}

// BeginPasskeyProof begins proving that it is the caller who sits there, with one of his passkeys.
func (s *Service) BeginPasskeyProof(ctx context.Context, c people.Caller, address string) (Begun, error) {
	if err := c.May(people.Own); err != nil {
		return Begun{}, err
	}
	w, err := relying(address)
	if err != nil {
		return Begun{}, err
	}
	h, err := s.holder(ctx, c.Workspace, c.Member)
	if err != nil {
		return Begun{}, err
	}
	if len(h.keys) == 0 {
		return Begun{}, evidence.Errorf(evidence.Conflict, "You have no passkey to prove it with.")
	}
	options, data, err := w.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Begun{}, fmt.Errorf("beginning with a passkey: %w", err)
	}
	return s.begin(ctx, toProve, c, options.Response, data)
}

// ProveByPasskey checks what the browser gave; for ProofLife the session is then asked for nothing more. Invalid if it does not fit.
func (s *Service) ProveByPasskey(ctx context.Context, c people.Caller, session, address string, begun seal.Secret, given []byte) error {
	if err := c.May(people.Own); err != nil {
		return err
	}
	data, err := s.take(ctx, toProve, c, begun)
	if err != nil {
		return err
	}
	w, err := relying(address)
	if err != nil {
		return err
	}
	h, err := s.holder(ctx, c.Workspace, c.Member)
	if err != nil {
		return err
	}
	refused := func(cause error) error {
		return &evidence.Error{Code: evidence.Invalid, Err: cause, Message: "That is none of your passkeys, or it took longer than five minutes. Try again."}
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(given))
	if err != nil {
		return refused(err)
	}
	key, err := w.ValidateLogin(h, data, parsed)
	if err != nil {
		return refused(err)
	}
	known, err := s.store.PasskeyByID(ctx, base64.RawURLEncoding.EncodeToString(key.ID))
	if err != nil {
		return err
	}
	if err := s.used(ctx, known, key); err != nil {
		return refused(err)
	}
	return s.store.ProveSession(ctx, hash(session), s.now().UTC())
}

// used keeps a passkey's record after it signed. A counter that went back means that the key was copied.
func (s *Service) used(ctx context.Context, known store.Passkey, key *webauthn.Credential) error {
	if key.Authenticator.CloneWarning {
		return fmt.Errorf("the counter of passkey %s went back", known.ID)
	}
	record, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("writing down a passkey: %w", err)
	}
	known.Credential, known.UsedAt = string(record), s.now().UTC().Truncate(time.Millisecond)
	return s.store.UsePasskey(ctx, known)
}

// BeginPasskeySignIn begins a sign-in with any passkey.
func (s *Service) BeginPasskeySignIn(ctx context.Context, address string) (Begun, error) {
	w, err := relying(address)
	if err != nil {
		return Begun{}, err
	}
	options, data, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Begun{}, fmt.Errorf("beginning with a passkey: %w", err)
	}
	return s.begin(ctx, toSignIn, people.Caller{}, options.Response, data)
}

// WithPasskey opens a session for the member whose passkey signed; it says in which workspace, too. Unauthorized if it does not fit. A
// counter that went back means that the key was copied; then nobody is let in.
func (s *Service) WithPasskey(ctx context.Context, address string, begun seal.Secret, given []byte, d Device) (string, people.Caller, error) {
	data, err := s.take(ctx, toSignIn, people.Caller{}, begun)
	if err != nil {
		return "", people.Caller{}, err
	}
	refused := func(cause error) error {
		return &evidence.Error{Code: evidence.Unauthorized, Err: cause, Message: "This passkey does not sign in here: it was removed, its member is suspended, or it took longer than five minutes."}
	}
	w, err := relying(address)
	if err != nil {
		return "", people.Caller{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(given))
	if err != nil {
		return "", people.Caller{}, refused(err)
	}
	var known store.Passkey
	var whose holder
	find := func(id, handle []byte) (webauthn.User, error) {
		if known, err = s.store.PasskeyByID(ctx, base64.RawURLEncoding.EncodeToString(id)); err != nil {
			return nil, err
		}
		if string(handle) != string(known.Member) {
			return nil, evidence.Errorf(evidence.Unauthorized, "The passkey is another member's.")
		}
		whose, err = s.holder(ctx, known.Workspace, known.Member)
		return whose, err
	}
	key, err := w.ValidateDiscoverableLogin(find, data, parsed)
	switch {
	case err != nil:
		return "", people.Caller{}, refused(err)
	case !whose.m.SuspendedAt.IsZero():
		return "", people.Caller{}, refused(evidence.Errorf(evidence.Unauthorized, "the member is suspended"))
	}
	if err := s.used(ctx, known, key); err != nil {
		return "", people.Caller{}, refused(err)
	}
	return s.open(ctx, whose.m, d, ByPasskey)
}
