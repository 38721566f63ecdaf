package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
)

// checkTime bounds how long a source may take to say what a token may read.
const checkTime = 30 * time.Second

// WrongServerError says that a token is for another server than the one that was chosen. It comes inside an
// *evidence.Error, so that a page can offer the right server.
type WrongServerError struct {
	Chosen string
	Right  string // what the token says of itself
}

func (e *WrongServerError) Error() string {
	return fmt.Sprintf("the token is for %s and not for %s", e.Right, e.Chosen)
}

// verified is what is known of a token once its source has accepted it.
type verified struct {
	server   string
	token    seal.Secret
	facts    source.TokenFacts
	grant    source.Grant
	features []evidence.Stream
	missing  []evidence.Stream
}

// verify looks at the token, first by itself and then by asking its source. Nothing is stored. server may be empty: the
// token's own is taken then.
func (s *Service) verify(ctx context.Context, kind source.Kind, server string, token seal.Secret) (verified, error) {
	v := verified{token: seal.NewSecret(strings.TrimSpace(token.Reveal()))}
	if v.token.Empty() {
		return v, evidence.Errorf(evidence.Invalid, "There is no token. Paste the one that %s showed when it was made.", kind.Name)
	}
	facts, err := kind.Preflight(v.token.Reveal(), s.now())
	if err != nil {
		return v, err
	}
	v.facts = facts
	if v.server, err = s.chooseServer(kind, server, facts); err != nil {
		return v, err
	}
	if e := facts.Expires; !e.IsZero() && !s.now().Before(e) {
		return v, evidence.Errorf(evidence.Invalid, "This token expired on %s. Make a new one at %s.", day(e), kind.Name)
	}
	src, err := s.openWith(kind, v.server, func(context.Context) (string, error) { return v.token.Reveal(), nil })
	if err != nil {
		return v, err
	}
	if v.grant, err = checkSource(ctx, src, kind, v.server); err != nil {
		return v, err
	}
	v.features, v.missing = split(kind, v.grant.Features)
	if len(v.features) == 0 {
		return v, evidence.Errorf(evidence.Invalid, "%s accepts this token, but it was made without any event type that Exhibit reads. "+
			"Make one with %s.", kind.Name, streamList(kind))
	}
	return v, nil
}

// chooseServer gives the server to send the token to, which must be allowed and the one that the token is for.
func (s *Service) chooseServer(kind source.Kind, chosen string, facts source.TokenFacts) (string, error) {
	if chosen == "" {
		chosen = facts.Server
	}
	if chosen == "" {
		return "", evidence.Errorf(evidence.Invalid, "The token does not say which server it is for. Choose one: %s.", serverList(kind))
	}
	server, err := source.ParseServer(chosen)
	if err != nil {
		return "", err
	}
	if err := s.admit(kind, server); err != nil {
		return "", err
	}
	if facts.Server != "" && facts.Server != server {
		return "", &evidence.Error{Code: evidence.Invalid, Err: &WrongServerError{Chosen: server, Right: facts.Server},
			Message: fmt.Sprintf("This token is for %s, but %s was chosen. Choose %s and submit the token again.", facts.Server, server, facts.Server)}
	}
	return server, nil
}

// checkSource asks the source what the token may read.
func checkSource(ctx context.Context, src source.Source, kind source.Kind, server string) (source.Grant, error) {
	ctx, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	grant, err := src.Check(ctx)
	if err == nil {
		return grant, nil
	}
	var said *evidence.Error
	switch {
	case errors.Is(err, source.ErrUnauthorized):
		return grant, &evidence.Error{Code: evidence.Unauthorized, Err: err, Message: fmt.Sprintf("%s refuses this token at %s. It was revoked, "+
			"or was cut short when it was copied, or belongs to another server. Copy it whole, or make a new one.", kind.Name, server)}
	case errors.Is(err, source.ErrPlan):
		return grant, &evidence.Error{Code: evidence.Unauthorized, Err: err, Message: fmt.Sprintf("%s says that the account's plan does not offer "+
			"this. Needed: %s.", kind.Name, kind.Plan)}
	case errors.As(err, &said):
		return grant, onceMore(err, said)
	}
	return grant, &evidence.Error{Code: evidence.Unavailable, Err: err, Message: fmt.Sprintf("%s could not be asked about the token: %s gives no "+
		"usable answer. Check the network and try again; nothing was stored.", kind.Name, server)}
}

// onceMore keeps what a source says of trouble that passes, and takes out its promise: the collector tries again by
// itself, but a check was asked for by a person, and nobody repeats it for him.
func onceMore(err error, said *evidence.Error) error {
	var retry *source.RetryError
	var bad *source.BadPageError
	if !errors.As(err, &retry) && !errors.As(err, &bad) {
		return err
	}
	what, _, promised := strings.Cut(said.Message, "Exhibit ")
	if !promised {
		return err
	}
	return &evidence.Error{Code: said.Code, Err: err, Message: strings.TrimRight(what, " ;.") + ". Nothing was changed; try again in a minute."}
}

// split gives which of the kind's streams were granted, and which were not, in the kind's order.
func split(kind source.Kind, granted []evidence.Stream) (features, missing []evidence.Stream) {
	for _, k := range kind.Streams {
		if slices.Contains(granted, k.Stream) {
			features = append(features, k.Stream)
		} else {
			missing = append(missing, k.Stream)
		}
	}
	return features, missing
}

// apply writes what was learned about the token into the connection.
func (v verified) apply(c *evidence.Connection, now time.Time) {
	sum := sha256.Sum256([]byte(v.token.Reveal()))
	c.TokenMark = hex.EncodeToString(sum[len(sum)-2:])
	c.ExpiresAt = v.facts.Expires
	c.IssuedAt = v.facts.IssuedAt
	learn(c, v.grant, v.features, v.missing, now)
}

// learn writes what the source says of a token into the connection.
func learn(c *evidence.Connection, g source.Grant, features, missing []evidence.Stream, now time.Time) {
	if g.AccountUUID != "" {
		c.AccountUUID = g.AccountUUID
	}
	if !g.IssuedAt.IsZero() {
		c.IssuedAt = g.IssuedAt
	}
	c.Integration = g.Integration
	c.Features, c.Missing = features, missing
	c.CheckedAt = now
}

func serverList(kind source.Kind) string {
	var list []string
	for _, s := range kind.Servers {
		list = append(list, s.URL)
	}
	return strings.Join(list, ", ")
}

func streamList(kind source.Kind) string {
	var list []string
	for _, s := range kind.Streams {
		list = append(list, string(s.Stream))
	}
	return strings.Join(list, ", ")
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }
