package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

// TokenOptions are the choices made when a token is issued. The zero value is a token for all three streams that never
// expires.
type TokenOptions struct {
	Features []string  // streams that the token may read; nil for all three
	Expires  time.Time // the zero time for never, the default of 1Password
	Audience string    // host that the token is for; default the simulator's own
	IssuedAt time.Time // default Now()
}

// claims are those of a 1Password service-account JWT as far as they are publicly known.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp,omitempty"`
	ID       string   `json:"jti"`
	Account  string   `json:"1password.com/auuid"`
	Features []string `json:"1password.com/fts"`
}

type tokenHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// signer signs and verifies tokens. Its key follows from the seed, so that a token survives a restart.
type signer struct {
	key    *ecdsa.PrivateKey
	header string
}

func newSigner(seed uint64) (signer, error) {
	for try := uint64(0); ; try++ { // one try in 2^32 lies outside of the curve's order
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte("exhibit simulator token key"), seed), try))
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
		if err != nil {
			if try > 8 {
				return signer{}, fmt.Errorf("making the token key: %w", err)
			}
			continue
		}
		id := sha256.Sum256(sum[:])
		header, err := json.Marshal(tokenHeader{"ES256", strings.ToLower(shortID(id[:])), "JWT"})
		if err != nil {
			return signer{}, fmt.Errorf("making the token header: %w", err)
		}
		return signer{key, base64.RawURLEncoding.EncodeToString(header)}, nil
	}
}

// shortID is the form of the identifiers of 1Password: 26 characters of base 32.
func shortID(b []byte) string { return base32.StdEncoding.EncodeToString(b)[:26] }

// sign makes a compact JWS (RFC 7515) with ES256 (RFC 7518 section 3.4). The signature is deterministic (RFC 6979).
func (s signer) sign(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("writing the claims: %w", err)
	}
	text := s.header + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	der, err := s.key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("signing the token: %w", err)
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return "", fmt.Errorf("reading the signature: %w", err)
	}
	raw := make([]byte, 64)
	sig.R.FillBytes(raw[:32])
	sig.S.FillBytes(raw[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(raw), nil
}

var errToken = errors.New("the token is not valid")

// verify checks form and signature, nothing else.
func (s signer) verify(token string) (claims, error) {
	header, rest, ok := strings.Cut(token, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || header != s.header {
		return claims{}, errToken
	}
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(sig) != 64 {
		return claims{}, errToken
	}
	digest := sha256.Sum256([]byte(header + "." + payload))
	if !ecdsa.Verify(&s.key.PublicKey, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return claims{}, errToken
	}
	var c claims
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return claims{}, errToken
	}
	return c, nil
}

// IssueToken makes a token of the simulated integration. Issue as many as you like; each can be revoked by itself.
// Before the simulator listens it does not know its own host, so without Config.Audience name one in the options.
func (s *Simulator) IssueToken(o TokenOptions) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Features == nil {
		for _, stream := range Streams() {
			o.Features = append(o.Features, string(stream))
		}
	}
	for _, f := range o.Features {
		if !slices.Contains(Streams(), Stream(f)) {
			return "", fmt.Errorf("issuing a token: there is no feature %q; there are signinattempts, itemusages and auditevents", f)
		}
	}
	if o.Audience == "" {
		if len(s.audience) == 0 {
			return "", errors.New("issuing a token: the simulator listens nowhere yet, so the token's audience must be given")
		}
		o.Audience = s.audience[0]
	}
	if o.IssuedAt.IsZero() {
		o.IssuedAt = s.config.Now()
	}
	s.issued++
	id := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", s.IntegrationUUID(), s.issued, o.IssuedAt.UnixNano()))
	c := claims{
		Issuer: "com.1password.b5", Subject: s.IntegrationUUID(), Audience: []string{o.Audience}, IssuedAt: o.IssuedAt.Unix(),
		ID: shortID(id[:]), Account: s.AccountUUID(), Features: o.Features,
	}
	if !o.Expires.IsZero() {
		c.Expires = o.Expires.Unix()
	}
	s.fresh[c.ID] = true
	return s.key.sign(c)
}

// Revoke makes the simulator refuse a token from now on, with 401.
func (s *Simulator) Revoke(token string) error {
	c, err := s.key.verify(token)
	if err != nil {
		return fmt.Errorf("revoking a token: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[c.ID] = true
	return nil
}

// RevokeAll makes the simulator refuse every token that was issued so far, also by an earlier run.
func (s *Simulator) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.fresh = true, map[string]bool{}
}

// authorize checks the Authorization header against signature, expiry, revocation, host and feature; feature may be
// empty. Every failure is the same to the caller, as it is with the real API.
func (s *Simulator) authorize(header, host, feature string) (claims, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return claims{}, false
	}
	c, err := s.key.verify(strings.TrimSpace(token))
	if err != nil {
		return claims{}, false
	}
	if c.Expires != 0 && !s.config.Now().Before(time.Unix(c.Expires, 0)) {
		return claims{}, false
	}
	if feature != "" && !slices.Contains(c.Features, feature) {
		return claims{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revoked[c.ID] || s.all && !s.fresh[c.ID] || len(c.Audience) != 1 {
		return claims{}, false
	}
	// A token of another region is refused. Through a proxy the client's idea of the host may differ from the simulator's.
	known := c.Audience[0] == host || slices.Contains(s.audience, c.Audience[0])
	return c, known
}

// knownAs makes the address that the simulator listens on an audience of its tokens, and localhost if it is loopback.
func (s *Simulator) knownAs(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.audience, address) {
		return
	}
	s.audience = append(s.audience, address)
	if host, port, err := net.SplitHostPort(address); err == nil && net.ParseIP(host).IsLoopback() {
		s.audience = append(s.audience, net.JoinHostPort("localhost", port))
	}
}
