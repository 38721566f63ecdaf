//go:build !offline

package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// failure says in a person's words why a request came to nothing. It gives a *RetryError, except when the caller
// cancelled: then the caller's own error. caller is the context that Do was given, bounded the one with its limits.
func (c *Client) failure(caller, bounded context.Context, err error) error {
	if errors.Is(caller.Err(), context.Canceled) {
		return fmt.Errorf("asking %s: %w", c.host, caller.Err())
	}
	if cause := context.Cause(bounded); cause != nil {
		err = cause
	}
	return &RetryError{Err: c.trouble(err)}
}

// trouble makes the sentence for err, which the log gets.
func (c *Client) trouble(err error) *evidence.Error {
	return &evidence.Error{Code: evidence.Unavailable, Message: fmt.Sprintf(sentence(err), c.host), Err: err}
}

// sentence gives a sentence in which %s stands for the host.
func sentence(err error) string {
	for _, s := range bodySentences {
		if errors.Is(err, s.of) {
			return s.words
		}
	}
	if words := networkSentence(err); words != "" {
		return words
	}
	return "The connection to %s broke off. Exhibit tries again by itself."
}

// bodySentences are looked through in order.
var bodySentences = []struct {
	of    error
	words string
}{
	{errTotal, "%s did not finish its answer in time. Exhibit tries again by itself."},
	{context.DeadlineExceeded, "%s did not answer in time. Exhibit tries again by itself."},
	{errSlow, "%s sent its answer too slowly, or stopped in the middle. Exhibit tries again by itself."},
	{errCompressed, "%s sent a compressed answer that is larger than Exhibit accepts."},
	{errDecoded, "%s sent an answer that is larger than Exhibit accepts."},
	{errEncoding, "%s sent an answer in an encoding that was not asked for. Is a proxy in between?"},
	{errGzip, "%s sent a compressed answer that is damaged. Exhibit tries again by itself."},
	{errEcho, "%s sent the token back in its answer, which an events server never does. Is a proxy in between?"},
	{io.ErrUnexpectedEOF, "%s sent an answer that ends too early. Exhibit tries again by itself."},
	{errPrivate, "%s leads to a private address on this network, so nothing was sent there. Check the DNS of this machine; a server of your own must be admitted with --allow-events-server."},
}

func networkSentence(err error) string {
	if _, dns := errors.AsType[*net.DNSError](err); dns {
		return "The name %s cannot be looked up. Check the network and the DNS of this machine."
	}
	if words := certificateSentence(err); words != "" {
		return words
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "%s did not answer in time. Check the network and any firewall between; Exhibit tries again by itself."
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "%s cannot be reached. Check the network and any firewall between; Exhibit tries again by itself."
	}
	return ""
}

func certificateSentence(err error) string {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return "%s shows a certificate that this machine does not trust, so no token was sent. Is a proxy in between? For a server of your own give its CA with --events-ca."
	}
	if _, name := errors.AsType[x509.HostnameError](err); name {
		return "%s shows the certificate of another host, so no token was sent."
	}
	_, invalid := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	op, ok := errors.AsType[*net.OpError](err)
	alert := ok && (op.Op == "remote error" || op.Op == "local error") // what crypto/tls calls an alert
	if invalid || header || alert {
		return "No secure connection to %s could be made, so no token was sent. Check the clock of this machine and any proxy between."
	}
	return ""
}

// badBody puts what came of the body behind the sentence of err, if anything came and the server is to blame.
func (c *Client) badBody(err error, body []byte) error {
	var retry *RetryError
	if !errors.As(err, &retry) || len(body) == 0 {
		return err
	}
	if errors.Is(err, errDecoded) { // its beginning says enough
		body = bytes.Clone(body[:min(int64(len(body)), c.limits.Refusal)])
	}
	said, ok := errors.AsType[*evidence.Error](retry)
	if !ok {
		return err
	}
	return &RetryError{After: retry.After, Err: &evidence.Error{
		Code: said.Code, Message: said.Message, Err: &BadPageError{Body: body, Err: said.Err},
	}}
}

// withoutToken gives err, or its text alone without the token if that stands in it. No transport that is known writes it
// there; a transport that a test or a later Go gives might.
func withoutToken(err error, token string) error {
	if token == "" || !strings.Contains(err.Error(), token) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), token, redacted))
}
