package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// Bounds of one sending.
const (
	sendTime   = 30 * time.Second
	answerMost = 4 << 10 // bytes of an answer that are read
	saidMost   = 200     // characters of an answer that are shown
)

func limits() source.Limits {
	l := source.DefaultLimits()
	l.Headers, l.Total = 20*time.Second, sendTime
	return l
}

// send gives a message to a channel. said is a sentence for a person that quotes what the other side answered. The error
// is an *evidence.Error whose message may be shown: neither holds a secret.
func (s *Service) send(ctx context.Context, row store.Channel, m message) (said string, err error) {
	return s.sendTo(ctx, row, shown(row).Address.To, m)
}

// sendTo is send to these mail addresses instead of the channel's.
func (s *Service) sendTo(ctx context.Context, row store.Channel, to []string, m message) (said string, err error) {
	sec, err := s.open(ctx, row)
	if err != nil {
		return "", err
	}
	sec.user = shown(row).Address.User
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	switch Kind(row.Kind) {
	case Email:
		address := shown(row).Address
		address.To = to
		said, err = s.mail(ctx, address, sec, m)
	case Slack:
		said, err = s.post(ctx, sec, slackBody(m), nil)
	case Teams:
		said, err = s.post(ctx, sec, teamsBody(m), nil)
	case Webhook:
		body := webhookBody(m)
		said, err = s.post(ctx, sec, body, signature(sec.Key, s.cfg.Now(), m.ID, body))
	default:
		return "", evidence.Errorf(evidence.Internal, "This version of Exhibit does not know channels of the kind %q.", row.Kind)
	}
	return sec.redact(said), s.explain(ctx, shown(row).Address.Host, sec, err)
}

// redact takes secrets out of text that the other side made.
func (sec secrets) redact(text string) string {
	in64 := base64.StdEncoding.EncodeToString
	parts := []string{sec.URL, sec.Password, sec.Key}
	if sec.Password != "" { // the forms in which it is said to a mail server
		parts = append(parts, in64([]byte(sec.Password)), in64([]byte("\x00"+sec.user+"\x00"+sec.Password)))
	}
	if u, err := url.Parse(sec.URL); err == nil {
		parts = append(parts, u.RequestURI())
		for piece := range strings.SplitSeq(u.Path, "/") {
			if len(piece) >= 8 {
				parts = append(parts, piece)
			}
		}
	}
	for _, p := range parts {
		if len(p) > 3 {
			text = strings.ReplaceAll(text, p, "[redacted]")
		}
	}
	return text
}

// explain makes of an error what a person is told.
func (s *Service) explain(ctx context.Context, host string, sec secrets, err error) error {
	var said *evidence.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return &evidence.Error{Code: said.Code, Message: sec.redact(said.Message)}
	case source.IsPrivate(err):
		return evidence.Errorf(evidence.Forbidden, "%s leads to an address that is not public. Whoever starts Exhibit can admit it with --allow-notify-host %s.", host, host)
	case ctx.Err() != nil:
		return evidence.Errorf(evidence.Unavailable, "%s did not answer within %d seconds.", host, int(sendTime.Seconds()))
	}
	return evidence.Errorf(evidence.Unavailable, "%s could not be reached: %s.", host, strings.TrimSuffix(line(sec.redact(err.Error())), "."))
}

// post sends JSON to a webhook: to its exact address, over https, without following redirects. What is not answered with
// 2xx is an error.
func (s *Service) post(ctx context.Context, sec secrets, body []byte, header http.Header) (string, error) {
	u, err := url.Parse(sec.URL)
	if err != nil || u.Scheme != "https" {
		return "", evidence.Errorf(evidence.Invalid, "The channel has no address that can be used. Change it.")
	}
	transport, done, err := s.transport(u)
	if err != nil {
		return "", err
	}
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sec.URL, io.NopCloser(bytes.NewReader(body))) // sent once: a body that cannot be read again is not repeated
	if err != nil {
		return "", errors.New("the request cannot be made") // the cause quotes the address
	}
	req.ContentLength = int64(len(body))
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	res, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // opened for reading
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerMost))
	if err != nil && res.StatusCode < 300 {
		return "", err
	}
	sentence := fmt.Sprintf("%s answered %d%s.", u.Host, res.StatusCode, quoted(string(answer)))
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return "", evidence.Errorf(evidence.Unavailable, "%s leads elsewhere (it answered %d), which is not followed. Give the address that it leads to.", u.Host, res.StatusCode)
	case res.StatusCode >= 300:
		return "", evidence.Errorf(evidence.Unavailable, "%s", sentence)
	}
	return sentence, nil
}

// quoted shows the beginning of an answer: ": ok".
func quoted(answer string) string {
	text := []rune(line(answer))
	if len(text) == 0 {
		return ""
	}
	if len(text) > saidMost {
		text = append(text[:saidMost], '…')
	}
	return ": " + strings.TrimSuffix(string(text), ".")
}

// transport gives the network for one request.
func (s *Service) transport(u *url.URL) (t http.RoundTripper, done func(), err error) {
	if s.cfg.Transport != nil {
		return s.cfg.Transport, func() {}, nil
	}
	server, err := source.ParseServer("https://" + u.Host)
	if err != nil {
		return nil, nil, err
	}
	made, err := source.NewTransport(source.ClientConfig{
		Server: server, Admitted: s.cfg.Operator.admitted(strings.TrimPrefix(server, "https://")), CAPEM: s.cfg.Operator.CAPEM, Limits: limits(),
	})
	if err != nil {
		return nil, nil, err
	}
	return made, made.CloseIdleConnections, nil
}

// dial opens a connection for what is not HTTP.
func (s *Service) dial(ctx context.Context, hostport string) (net.Conn, error) {
	if s.cfg.Dial != nil {
		return s.cfg.Dial(ctx, "tcp", hostport)
	}
	return source.NewDial(s.cfg.Operator.admitted(hostport), limits())(ctx, "tcp", hostport)
}
