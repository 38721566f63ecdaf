package signin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// Begun is the first step of what is done with a passkey.
type Begun struct {
	Options []byte      // what the browser asks its authenticator for, as JSON
	Secret  seal.Secret // goes with what the authenticator gives; it works once
}

// CeremonyLife is how long the two steps may lie apart.
const CeremonyLife = 5 * time.Minute

// mostCeremonies is how many may be open at once, over all workspaces: before a sign-in anybody can begin one.
const mostCeremonies = 10_000

// The purposes of ceremonies. What was begun for one serves no other.
const (
	toAdd    = "add"
	toSignIn = "sign in"
	toProve  = "prove"
)

// begin keeps the server's half in the database, so that any node can take the second step. c is nobody before a sign-in.
func (s *Service) begin(ctx context.Context, purpose string, c people.Caller, options any, data *webauthn.SessionData) (Begun, error) {
	half, err := json.Marshal(data)
	if err != nil {
		return Begun{}, fmt.Errorf("writing down what was begun with a passkey: %w", err)
	}
	text, err := json.Marshal(options)
	if err != nil {
		return Begun{}, fmt.Errorf("writing down what a browser is asked: %w", err)
	}
	secret, now := newSecret(), s.now().UTC()
	err = s.store.PutCeremony(ctx, store.Ceremony{Hash: hash(secret), Purpose: purpose, Workspace: c.Workspace, Member: c.Member, Data: string(half), ExpiresAt: now.Add(CeremonyLife)}, now, mostCeremonies)
	return Begun{text, seal.NewSecret(secret)}, err
}

// take gives the server's half once, for the purpose and the person that it was begun for.
func (s *Service) take(ctx context.Context, purpose string, c people.Caller, secret seal.Secret) (webauthn.SessionData, error) {
	var data webauthn.SessionData
	half, err := s.store.TakeCeremony(ctx, hash(secret.Reveal()))
	if err != nil && evidence.ErrorCode(err) != evidence.NotFound {
		return data, err
	}
	if err != nil || !s.now().Before(half.ExpiresAt) || half.Purpose != purpose || half.Workspace != c.Workspace || half.Member != c.Member {
		return data, evidence.Errorf(evidence.Invalid, "That took longer than five minutes, or was sent twice. Begin again.")
	}
	if err := json.Unmarshal([]byte(half.Data), &data); err != nil {
		return data, fmt.Errorf("reading what was begun with a passkey: %w", err)
	}
	return data, nil
}
