// Package vouch asks people outside to vouch for a checkpoint: witnesses to countersign it (C2SP tlog-witness), and
// time-stamping authorities for a token over it (RFC 3161). Whom it asks is the operator's choice, and nothing that they
// answer is believed before its signature was checked.
package vouch

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/timestamp"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Limits of one question.
const (
	patience  = 20 * time.Second
	maxAnswer = 256 << 10 // bytes: a token with the certificates of its authority has some thousand
	maxTold   = 200       // bytes of an answer that are told to the operator
)

// Client asks. It follows no redirects, sends no cookies, and may be used by several goroutines at once.
type Client struct {
	http      *http.Client
	userAgent string
}

// New makes a Client.
func New(userAgent string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10}
	return &Client{userAgent: userAgent, http: &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// CheckURL fails for an address that is no http or https one. Plain http is admitted: every answer is signed.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%.200q is not an address like https://witness.example.com", address)
	}
	return nil
}

// SizeError says that a witness has followed the log to another size than the submission takes for it.
type SizeError struct{ Size int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("the witness has followed the log to %d leaves", e.Size)
}

// Cosign submits a checkpoint to a witness and gives the signature lines that it answers, unchecked. The error is a
// *SizeError if the witness has followed the log to another size.
func (c *Client) Cosign(ctx context.Context, prefix string, s translog.Submission) ([]byte, error) {
	answer, body, err := c.post(ctx, strings.TrimSuffix(prefix, "/")+"/add-checkpoint", "text/plain; charset=utf-8", s.Bytes())
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusOK:
		return body, nil
	case answer.StatusCode == http.StatusConflict && answer.Header.Get("Content-Type") == "text/x.tlog.size":
		size, ok := translog.ParseMillis(strings.TrimSuffix(string(body), "\n"))
		if ok && size >= 0 {
			return nil, &SizeError{size}
		}
	case answer.StatusCode == http.StatusNotFound:
		return nil, errors.New("the witness does not follow this log: give its owner the log's verifier key (exhibit log policy)")
	case answer.StatusCode == http.StatusForbidden:
		return nil, errors.New("the witness does not know the key that signs this log: give its owner the verifier key (exhibit log policy)")
	case answer.StatusCode == http.StatusUnprocessableEntity:
		return nil, errors.New("the witness says that the log does not go on from what it saw before")
	}
	return nil, fmt.Errorf("it answers with %s: %s", answer.Status, told(body))
}

// Stamp asks a time-stamping authority for a token over the SHA-256 of data, and gives it in its one form (see package timestamp) with
// the time that it vouches for. The token's own signature is checked, and that it is over data and answers this question; whose it is, is for whoever has
// its roots.
func (c *Client) Stamp(ctx context.Context, address string, data []byte) (token []byte, at time.Time, err error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, at, fmt.Errorf("making a nonce: %w", err)
	}
	answer, body, err := c.post(ctx, address, "application/timestamp-query", timestamp.Request(data, nonce))
	if err != nil {
		return nil, at, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, at, fmt.Errorf("it answers with %s: %s", answer.Status, told(body))
	}
	return readToken(body, data, nonce)
}

// readToken takes the token out of an answer and brings it into the one form that verifiers take.
func readToken(answer, data []byte, nonce *big.Int) (token []byte, at time.Time, err error) {
	raw, err := timestamp.Response(answer)
	if err != nil {
		return nil, at, fmt.Errorf("its answer is no time stamp: %s", told([]byte(err.Error())))
	}
	if token, err = timestamp.Normal(raw); err != nil {
		return nil, at, fmt.Errorf("its time stamp is not good: %s", told([]byte(err.Error())))
	}
	t, err := timestamp.Read(token)
	switch {
	case err != nil:
		return nil, at, fmt.Errorf("its time stamp is not good: %s", told([]byte(err.Error())))
	case !t.Of(data):
		return nil, at, errors.New("its time stamp is of other data")
	case t.Nonce == nil || t.Nonce.Cmp(nonce) != 0:
		return nil, at, errors.New("its time stamp answers another question")
	}
	return token, t.Time, nil
}

func (c *Client) post(ctx context.Context, address, media string, body []byte) (*http.Response, []byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("making a request: %w", err)
	}
	q.Header.Set("Content-Type", media)
	q.Header.Set("User-Agent", c.userAgent)
	answer, err := c.http.Do(q)
	if err != nil {
		return nil, nil, fmt.Errorf("it does not answer: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("its answer broke off: %w", err)
	}
	return answer, text, nil
}

// told is the beginning of an answer in one line.
func told(body []byte) string {
	text := strings.ToValidUTF8(string(body[:min(len(body), maxTold)]), "?")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text))
}
