package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// ByPassword is a sign-in with a password and a one-time code.
const ByPassword = "password and code"

// What passwords and codes are like. The cost is the second choice of RFC 9106 section 4.
const (
	MinPassword   = 15 // characters (ASVS 6.2.1 asks for 8 and recommends 15)
	maxPassword   = 200
	argonTime     = 3
	argonMemory   = 64 << 10 // KiB
	argonThreads  = 4
	argonKey      = 32
	argonSalt     = 16
	argonAtOnce   = 2 // 64 MiB each: more would let a flood of sign-ins take the memory
	totpPeriod    = 30
	recoveryCodes = 10
	recoveryBytes = 10
	stepLife      = 5 * time.Minute
	stepTries     = 5
)

// Keys opens the keyset of a workspace.
type Keys interface {
	Box(ctx context.Context, ws evidence.ID) (*seal.Box, error)
}

// Step is a sign-in of which the password was right and the second factor is missing.
type Step struct {
	Secret     seal.Secret // goes with the code
	Workspaces []store.Named
}

// Ways says how somebody can sign in without a link.
type Ways struct {
	PasswordAt time.Time // zero: no password
	TOTPAt     time.Time // zero: no one-time codes, so that the password alone lets nobody in
	Codes      int       // recovery codes that are left
	NeedsOld   bool      // a change asks for the password there is, or for a passkey
}

// Ways gives how the caller can sign in. secret is that of the session that asks.
func (s *Service) Ways(ctx context.Context, c people.Caller, secret string) (Ways, error) {
	if err := c.May(people.Own); err != nil {
		return Ways{}, err
	}
	cred, err := s.store.Credential(ctx, c.Workspace, c.Member)
	if err != nil {
		return Ways{}, err
	}
	needs, err := s.needsProof(ctx, c, cred, secret)
	return Ways{PasswordAt: cred.PasswordAt, TOTPAt: cred.TOTPAt, Codes: cred.Codes, NeedsOld: needs}, err
}

// ProofLife is how long a passkey that was just used stands for the password.
const ProofLife = 5 * time.Minute

// needsProof reports whether a change asks for the password there is, or for a passkey. Somebody who came by a link, which only
// whoever runs the server makes for a member who has joined, has perhaps lost both.
func (s *Service) needsProof(ctx context.Context, c people.Caller, cred store.Credential, secret string) (bool, error) {
	keys, err := s.store.Passkeys(ctx, c.Workspace, c.Member)
	if err != nil {
		return true, err
	}
	if cred.Password == "" && len(keys) == 0 {
		return false, nil
	}
	session, err := s.store.Session(ctx, hash(secret))
	if err != nil {
		return true, fmt.Errorf("looking up the session: %w", err)
	}
	proven := session.ProvenAt
	if session.Way == ByPasskey && session.CreatedAt.After(proven) {
		proven = session.CreatedAt
	}
	return session.Way != ByLink && s.now().Sub(proven) >= ProofLife, nil
}

// prove checks the password there is, or that a passkey was just used, where it is asked for. A browser session alone must not change
// how one signs in.
func (s *Service) prove(ctx context.Context, c people.Caller, secret string, old seal.Secret) (store.Credential, error) {
	if err := c.May(people.Own); err != nil {
		return store.Credential{}, err
	}
	if c.Token != "" {
		return store.Credential{}, evidence.Errorf(evidence.Forbidden, "A token cannot change how its member signs in.")
	}
	cred, err := s.store.Credential(ctx, c.Workspace, c.Member)
	if err != nil {
		return cred, err
	}
	needs, err := s.needsProof(ctx, c, cred, secret)
	switch {
	case err != nil || !needs:
		return cred, err
	case cred.Password == "":
		return cred, evidence.Errorf(evidence.Invalid, "Confirm with a passkey first that it is you. That holds for %d minutes.", int(ProofLife.Minutes()))
	case !s.matches(cred.Password, old):
		return cred, evidence.Errorf(evidence.Invalid, "That is not your password. Type the one that holds now, or confirm with a passkey.")
	}
	return cred, nil
}

// SetPassword gives the caller another password and ends his other sessions. Errors are Invalid with what is wrong.
func (s *Service) SetPassword(ctx context.Context, c people.Caller, secret string, old, fresh seal.Secret) error {
	if _, err := s.prove(ctx, c, secret, old); err != nil {
		return err
	}
	if c.Email == "" {
		return evidence.Errorf(evidence.Conflict, "You have no mail address here, and one signs in with it. Let an administrator invite you with yours.")
	}
	if err := goodPassword(c, fresh.Reveal()); err != nil {
		return err
	}
	if err := s.store.SetPassword(ctx, c.Workspace, c.Member, s.phc(fresh), s.now().UTC(), hash(secret)); err != nil {
		return err
	}
	return s.note(ctx, c.Workspace, c.Who(), "signin.password", string(c.Member), "changed the password; other sessions ended")
}

// goodPassword refuses what is short or guessed first. Composition is not asked for: length is what helps.
func goodPassword(c people.Caller, p string) error {
	switch n := utf8.RuneCountInString(p); {
	case !utf8.ValidString(p) || n < MinPassword:
		return evidence.Errorf(evidence.Invalid, "A password has %d characters or more. Several words that do not belong together are easy to keep.", MinPassword)
	case n > maxPassword:
		return evidence.Errorf(evidence.Invalid, "A password has %d characters at most.", maxPassword)
	}
	plain := letters(p)
	local, _, _ := strings.Cut(c.Email, "@")
	for _, w := range []string{"password", "passwort", "exhibit", "letmein", "welcome", "qwerty", "administrator", "changeme", "iloveyou", "1password", "correcthorsebatterystaple",
		"0123456789", "1234567890", "abcdefghij", letters(c.Email), letters(local), letters(c.Name)} {
		if len(w) >= 3 && len(strings.ReplaceAll(plain, w, "")) < 8 {
			return evidence.Errorf(evidence.Invalid, "This password is among the first that are tried. Choose one without your name and without well-known words.")
		}
	}
	if distinct(plain) < 5 {
		return evidence.Errorf(evidence.Invalid, "This password has too few different characters.")
	}
	return nil
}

// letters writes text in lower case without spaces and marks.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-_!", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// phc hashes a password with argon2id and a salt of its own (PHC string format).
func (s *Service) phc(p seal.Secret) string {
	var salt [argonSalt]byte
	rand.Read(salt[:])
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt[:]), base64.RawStdEncoding.EncodeToString(s.derive(p, salt[:], argonTime, argonMemory, argonThreads)))
}

func (s *Service) derive(p seal.Secret, salt []byte, passes, memory uint32, threads uint8) []byte {
	s.argon <- struct{}{}
	defer func() { <-s.argon }()
	return argon2.IDKey([]byte(p.Reveal()), salt, passes, memory, threads, argonKey)
}

// matches reports whether a password is the one of a hash. Without a hash it works as long and says no, so that time does not
// tell whether somebody is a member.
func (s *Service) matches(phc string, p seal.Secret) bool {
	var version int
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(phc, "$")
	if len(parts) == 6 {
		_, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &threads)
		salt, serr := base64.RawStdEncoding.DecodeString(parts[4])
		want, werr := base64.RawStdEncoding.DecodeString(parts[5])
		if err == nil && serr == nil && werr == nil && version == argon2.Version && passes > 0 && threads > 0 {
			return subtle.ConstantTimeCompare(want, s.derive(p, salt, passes, memory, threads)) == 1
		}
	}
	s.derive(p, make([]byte, argonSalt), argonTime, argonMemory, argonThreads)
	return false
}

// Password begins a sign-in. The error is Unauthorized, the same for an unknown address, a wrong password and a member without
// one. A password without a second factor lets nobody in, which is told to whoever has it.
func (s *Service) Password(ctx context.Context, email string, p seal.Secret) (Step, error) {
	refused := evidence.Errorf(evidence.Unauthorized, "Mail address or password is wrong, or there is no password yet.")
	if len(email) > 254 || len(p.Reveal()) > 4*maxPassword {
		return Step{}, refused
	}
	members, err := s.store.MembersByEmail(ctx, strings.TrimSpace(email))
	if err != nil {
		return Step{}, err
	}
	var right []store.Member
	bare := false
	for _, m := range members {
		cred, err := s.store.Credential(ctx, m.Workspace, m.ID)
		if err != nil {
			return Step{}, err
		}
		if !s.matches(cred.Password, p) {
			continue
		}
		if cred.TOTP == nil {
			bare = true
			continue
		}
		right = append(right, m)
	}
	if len(members) == 0 {
		s.matches("", p)
	}
	switch {
	case len(right) == 0 && bare:
		return Step{}, evidence.Errorf(evidence.Unauthorized, "Your account has no second factor yet, and a password alone lets nobody in. Ask whoever runs the server for a link, and set it up under Your account.")
	case len(right) == 0:
		return Step{}, refused
	}
	return s.step(ctx, right)
}

func (s *Service) step(ctx context.Context, members []store.Member) (Step, error) {
	now, secret := s.now().UTC(), newSecret()
	if err := s.store.AddSignInStep(ctx, hash(secret), members, now, now.Add(stepLife)); err != nil {
		return Step{}, err
	}
	names, err := s.store.WorkspaceNames(ctx)
	if err != nil {
		return Step{}, err
	}
	step := Step{Secret: seal.NewSecret(secret)}
	for _, n := range names {
		for _, m := range members {
			if m.Workspace == n.ID {
				step.Workspaces = append(step.Workspaces, n)
			}
		}
	}
	return step, nil
}

// Code ends a sign-in with a one-time or a recovery code for one of the step's workspaces, "" for the only one. It gives the
// secret of a new session. The error is Invalid for a wrong code, which may be tried again, and Unauthorized when the step has
// ended, which happens after five tries and five minutes.
func (s *Service) Code(ctx context.Context, step seal.Secret, ws evidence.ID, code string, d Device) (string, people.Caller, error) {
	h := hash(step.Reveal())
	members, err := s.store.TrySignInStep(ctx, h, s.now().UTC(), stepTries)
	if err != nil {
		return "", people.Caller{}, err
	}
	if len(members) == 1 && ws == "" {
		for only := range members {
			ws = only
		}
	}
	id, ok := members[ws]
	if !ok {
		return "", people.Caller{}, evidence.Errorf(evidence.Unauthorized, "This sign-in has ended: it took too long, or too many codes were wrong. Begin again.")
	}
	m, err := s.store.Member(ctx, ws, id)
	if err != nil {
		return "", people.Caller{}, err
	}
	if !m.SuspendedAt.IsZero() {
		return "", people.Caller{}, evidence.Errorf(evidence.Unauthorized, "This sign-in has ended. Begin again.")
	}
	way, err := s.takeCode(ctx, m, code)
	if err != nil {
		return "", people.Caller{}, err
	}
	if way == "" {
		if err := s.note(ctx, ws, caller(m).Who(), "signin.refused", string(m.ID), "the password was right, the code was not"); err != nil {
			return "", people.Caller{}, err
		}
		return "", people.Caller{}, evidence.Errorf(evidence.Invalid, "This code is wrong, too old, or was used before. Wait for the next one.")
	}
	if err := s.store.DropSignInStep(ctx, h); err != nil {
		return "", people.Caller{}, err
	}
	return s.open(ctx, m, d, way)
}

// takeCode uses a one-time or a recovery code up and gives the way of sign-in; "" if it is neither.
func (s *Service) takeCode(ctx context.Context, m store.Member, code string) (string, error) {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	if len(code) != 6 {
		ok, err := s.store.UseRecoveryCode(ctx, m.Workspace, m.ID, hash(code))
		if err != nil || !ok {
			return "", err
		}
		return "password and recovery code", nil
	}
	cred, err := s.store.Credential(ctx, m.Workspace, m.ID)
	if err != nil {
		return "", err
	}
	step, ok, err := s.stepOf(ctx, m.Workspace, m.ID, cred.TOTP, code)
	if err != nil || !ok {
		return "", err
	}
	if ok, err = s.store.UseTOTPStep(ctx, m.Workspace, m.ID, step); err != nil || !ok { // of a replay and its original one is taken
		return "", err
	}
	return ByPassword, nil
}

// stepOf gives the step of 30 seconds to which a code belongs: now, the one before or the one after (RFC 6238 section 5.2).
func (s *Service) stepOf(ctx context.Context, ws, member evidence.ID, sealed []byte, code string) (step int64, ok bool, err error) {
	if sealed == nil {
		return 0, false, nil
	}
	box, err := s.keys.Box(ctx, ws)
	if err != nil {
		return 0, false, err
	}
	secret, err := box.Open(sealed, member, seal.PurposeTOTP)
	if err != nil {
		return 0, false, err
	}
	now := s.now().Unix() / totpPeriod
	for _, at := range []int64{now, now - 1, now + 1} {
		good, err := hotp.ValidateCustom(code, uint64(max(at, 0)), secret.Reveal(), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && good {
			return at, true, nil
		}
	}
	return 0, false, nil
}

// BeginTOTP makes a secret for the caller's authenticator app and gives it as an otpauth address. It holds once it is
// confirmed; until then a secret before goes on holding.
func (s *Service) BeginTOTP(ctx context.Context, c people.Caller, session string, old seal.Secret) (*otp.Key, error) {
	cred, err := s.prove(ctx, c, session, old)
	if err != nil {
		return nil, err
	}
	if cred.Password == "" {
		return nil, evidence.Errorf(evidence.Conflict, "Choose a password first.")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Exhibit", AccountName: c.Email, Period: totpPeriod, SecretSize: 20})
	if err != nil {
		return nil, fmt.Errorf("making a secret of one-time codes: %w", err)
	}
	box, err := s.keys.Box(ctx, c.Workspace)
	if err != nil {
		return nil, err
	}
	sealed, err := box.Seal(seal.NewSecret(key.Secret()), c.Member, seal.PurposeTOTP)
	if err != nil {
		return nil, err
	}
	return key, s.store.SetNextTOTP(ctx, c.Workspace, c.Member, sealed)
}

// ConfirmTOTP takes the secret of BeginTOTP into use with a code of it, and gives ten recovery codes, which nobody can give
// again. The error is Invalid for a wrong code.
func (s *Service) ConfirmTOTP(ctx context.Context, c people.Caller, code string) ([]string, error) {
	if err := c.May(people.Own); err != nil {
		return nil, err
	}
	cred, err := s.store.Credential(ctx, c.Workspace, c.Member)
	if err != nil {
		return nil, err
	}
	step, ok, err := s.stepOf(ctx, c.Workspace, c.Member, cred.NextTOTP, strings.ReplaceAll(strings.TrimSpace(code), " ", ""))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, evidence.Errorf(evidence.Invalid, "This code does not belong to the secret. Begin again, scan the picture, and type the code that the app shows then.")
	}
	var shown []string
	var hashes [][32]byte
	for range recoveryCodes {
		var b [recoveryBytes]byte
		rand.Read(b[:])
		plain := base32.StdEncoding.EncodeToString(b[:])
		hashes = append(hashes, hash(plain))
		shown = append(shown, plain[:4]+"-"+plain[4:8]+"-"+plain[8:12]+"-"+plain[12:])
	}
	if err := s.store.ConfirmTOTP(ctx, c.Workspace, c.Member, cred.NextTOTP, step, s.now().UTC(), hashes); err != nil {
		return nil, err
	}
	return shown, s.note(ctx, c.Workspace, c.Who(), "signin.totp", string(c.Member), "one-time codes of an app; recovery codes made anew")
}
