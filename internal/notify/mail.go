package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// talkMost bounds what a mail server may say in one conversation, in bytes.
const talkMost = 256 << 10

// mail sends a message over SMTP, encrypted from the first byte or after STARTTLS. A server that offers neither gets
// nothing: neither the password nor what is told goes over an open connection.
func (s *Service) mail(ctx context.Context, a Address, sec secrets, m message) (string, error) {
	host, _, err := net.SplitHostPort(a.Host)
	if err != nil {
		return "", evidence.Errorf(evidence.Invalid, "The channel has no mail server that can be used. Change it.")
	}
	conn, err := s.dial(ctx, a.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // what counts is the server's answer
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := s.greet(ctx, conn, a, host)
	if err != nil {
		return "", told(host, err)
	}
	if a.User != "" {
		if err := c.Auth(authFor(c, a.User, sec.Password, host)); err != nil {
			return "", told(host, fmt.Errorf("signing in as %s: %w", a.User, err))
		}
	}
	answer, err := deliver(c, a, m)
	if err != nil {
		return "", told(host, err)
	}
	_ = c.Quit() // the message was taken
	return fmt.Sprintf("%s took the message for %s%s.", host, many(len(a.To), "address", "addresses"), quoted(answer)), nil
}

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// told makes a server's refusal a sentence; trouble with the network stays what it is.
func told(host string, err error) error {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return err
	}
	var said *evidence.Error
	if errors.As(err, &said) {
		return err
	}
	text := err.Error()
	var reply *textproto.Error
	if errors.As(err, &reply) {
		text = strings.Replace(text, reply.Error(), fmt.Sprintf("%d %s", reply.Code, reply.Msg), 1)
	}
	return evidence.Errorf(evidence.Unavailable, "%s refused the message%s.", host, quoted(text))
}

// greet opens a conversation that is encrypted before anything is said that matters.
func (s *Service) greet(ctx context.Context, conn net.Conn, a Address, host string) (*smtp.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if op := s.cfg.Operator; op.admitted(a.Host) && len(op.CAPEM) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a machine without system CAs can still trust the operator's
		}
		pool.AppendCertsFromPEM(op.CAPEM)
		config.RootCAs = pool
	}
	conn = &bounded{Conn: conn, left: talkMost}
	if a.TLS == ImplicitTLS {
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("encrypting: %w", err)
		}
		conn = encrypted
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(a.From, "@")
	if err := c.Hello(domain); err != nil {
		return nil, err
	}
	if a.TLS == ImplicitTLS {
		return c, nil
	}
	if ok, _ := c.Extension("STARTTLS"); !ok {
		return nil, evidence.Errorf(evidence.Unavailable, "%s offers no STARTTLS, so nothing was sent: mail is never sent over an open connection. Choose tls, or another server.", host)
	}
	return c, c.StartTLS(config)
}

// deliver hands the message over and gives what the server answered to it.
func deliver(c *smtp.Client, a Address, m message) (string, error) {
	if err := c.Mail(a.From); err != nil {
		return "", err
	}
	for _, to := range a.To {
		if err := c.Rcpt(to); err != nil {
			return "", fmt.Errorf("%s: %w", to, err)
		}
	}
	id, err := c.Text.Cmd("DATA")
	if err != nil {
		return "", err
	}
	c.Text.StartResponse(id)
	_, _, err = c.Text.ReadResponse(354)
	c.Text.EndResponse(id)
	if err != nil {
		return "", err
	}
	w := c.Text.DotWriter()
	if _, err := w.Write(mailText(a, m)); err != nil {
		return "", errors.Join(err, w.Close())
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	code, text, err := c.Text.ReadResponse(250)
	return fmt.Sprintf("%d %s", code, text), err
}

// mailText is a message of RFC 5322. Nothing from outside gets into a header but the subject, which is encoded.
func mailText(a Address, m message) []byte {
	_, domain, _ := strings.Cut(a.From, "@")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", "Exhibit <" + a.From + ">"}, {"To", strings.Join(a.To, ",\r\n ")}, {"Subject", mime.QEncoding.Encode("utf-8", clip("[Exhibit] "+m.subject(), 180))},
		{"Date", m.At.UTC().Format(time.RFC1123Z)}, {"Message-ID", "<" + m.ID + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = io.WriteString(w, m.plain()) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// bounded is a connection whose other side may say only so much.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the mail server says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// authFor picks how to sign in: PLAIN where it is offered, else LOGIN, which some large services offer alone.
func authFor(c *smtp.Client, user, password, host string) smtp.Auth {
	_, offered := c.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	for _, w := range ways {
		if w == "PLAIN" {
			return smtp.PlainAuth("", user, password, host)
		}
	}
	for _, w := range ways {
		if w == "LOGIN" {
			return &loginAuth{user, password}
		}
	}
	return smtp.PlainAuth("", user, password, host)
}

// loginAuth is the LOGIN mechanism: the server asks for the user, then for the password. It is used over TLS alone.
type loginAuth struct{ user, password string }

// Start implements smtp.Auth.
func (a *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("the connection is not encrypted")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (a *loginAuth) Next(asked []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case bytes.HasPrefix(bytes.ToLower(asked), []byte("user")):
		return []byte(a.user), nil
	}
	return []byte(a.password), nil
}
