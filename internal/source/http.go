//go:build !offline

package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits bound one outgoing request, so that no server can hold a reader for ever or fill its memory.
type Limits struct {
	Connect    time.Duration // name lookup and TCP
	TLS        time.Duration // handshake
	Headers    time.Duration // from the request's last byte to the answer's header
	Total      time.Duration // all of it
	Progress   time.Duration // in every such stretch of time the body must bring MinRate bytes a second
	MinRate    int64         // bytes a second
	Compressed int64         // bytes of a gzip body as they come over the wire
	Decoded    int64         // bytes of a body after decoding
	Refusal    int64         // bytes that are kept of the body of an answer other than 200
}

// DefaultLimits gives the limits that every source starts from.
func DefaultLimits() Limits {
	return Limits{
		Connect: 5 * time.Second, TLS: 5 * time.Second, Headers: 20 * time.Second, Total: 90 * time.Second,
		Progress: 10 * time.Second, MinRate: 1 << 10,
		Compressed: 8 << 20, Decoded: 32 << 20, Refusal: 64 << 10,
	}
}

// ClientConfig says whom a Client speaks to.
type ClientConfig struct {
	Server    string // https://host[:port], as ParseServer gives it
	Admitted  bool   // by the operator: may lie in a private network, and CAPEM is trusted for it
	CAPEM     []byte // used for an admitted server alone, beside the system's CAs
	UserAgent string
	Limits    Limits
	Transport http.RoundTripper // nil: the client's own; another one brings its own connect, TLS and header limits
	// Dial opens a connection; nil: the network, without private addresses unless Admitted.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends requests to one server and nowhere else: https only, TLS 1.2 or newer, no redirects, no cookies, no
// proxy (the environment's is not honoured either), HTTP/1.1 so that a connection that hangs takes one request with it.
// It may be used by several goroutines at once.
type Client struct {
	base      string // https://host[:port]
	host      string // host[:port], for messages
	userAgent string
	limits    Limits
	transport http.RoundTripper
	sizeHint  atomic.Int64 // size of the last body: the next one is likely as long
}

// NewClient makes a Client. It fails if the server is no https server or the CA file holds no certificate.
func NewClient(c ClientConfig) (*Client, error) {
	server, err := ParseServer(c.Server)
	if err != nil {
		return nil, err
	}
	client := &Client{base: server, host: server[len("https://"):], userAgent: c.UserAgent, limits: c.Limits, transport: c.Transport}
	if client.transport == nil {
		client.transport, err = newTransport(c)
	}
	return client, err
}

func newTransport(c ClientConfig) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Admitted && len(c.CAPEM) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a machine without system CAs can still trust the operator's
		}
		if err := CheckCA(c.CAPEM); err != nil {
			return nil, fmt.Errorf("reading the CA file: %w", err)
		}
		pool.AppendCertsFromPEM(c.CAPEM)
		config.RootCAs = pool
	}
	dial := c.Dial
	if dial == nil {
		dialer := &net.Dialer{Timeout: c.Limits.Connect}
		if !c.Admitted {
			dialer.Control = refusePrivate
		}
		dial = dialer.DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            withConnectLimit(dial, c.Limits.Connect),
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    c.Limits.TLS,
		ResponseHeaderTimeout:  c.Limits.Headers,
		DisableCompression:     true, // asked for by hand, so that both sizes can be limited
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              protocols,
	}, nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func withConnectLimit(dial dialFunc, limit time.Duration) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return dial(ctx, network, address)
	}
}

// errPrivate says that a public server's name leads into a private network.
var errPrivate = errors.New("the name leads to an address that is not public")

// refusePrivate runs after the name lookup and before each connect with the very address that is connected to, so that
// a name cannot lead elsewhere after it was checked.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) {
		return errPrivate
	}
	return nil
}

// notPublic holds what net/netip has no predicate for: this network, shared address space (RFC 6598), protocol
// assignments (RFC 6890), benchmarking (RFC 2544), reserved; NAT64 and 6to4, which can wrap private addresses.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
}

// public reports whether a is an address of the public Internet. Cloud metadata services live on link-local, private
// and shared addresses, all of which are not public.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Call is one request.
type Call struct {
	Method string
	Path   string // begins with a slash
	Token  string // sent as Bearer token; it stands in no error
	Body   []byte // JSON; nil: none
}

// Answer is what the server said. Body is decoded.
type Answer struct {
	Status int // 0: none came
	Header http.Header
	Body   []byte
	Date   time.Time // of the Date header; zero: none
}

// Do sends one request. An error is a *RetryError, and wraps a *BadPageError if a body came that is not whole, unless
// the caller cancelled. The Answer's Status is set whenever one came, with an error too.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	bounded, stop := context.WithTimeoutCause(ctx, c.limits.Total, errTotal)
	defer stop()
	bounded, cancel := context.WithCancelCause(bounded)
	defer cancel(nil)

	req, err := c.request(bounded, call)
	if err != nil {
		return Answer{}, err
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return Answer{}, c.failure(ctx, bounded, withoutToken(err, call.Token))
	}
	defer resp.Body.Close()
	answer := Answer{Status: resp.StatusCode, Header: resp.Header}
	answer.Date, _ = http.ParseTime(resp.Header.Get("Date")) // a date that cannot be read is none

	answer.Body, err = c.readBody(resp, cancel)
	body, echoed := redact(answer.Body, call.Token)
	answer.Body = body
	switch {
	case err != nil:
		return answer, c.badBody(c.failure(ctx, bounded, withoutToken(err, call.Token)), answer.Body)
	case echoed && answer.Status == http.StatusOK:
		return answer, c.badBody(&RetryError{Err: c.trouble(errEcho)}, answer.Body)
	}
	return answer, nil
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, call.Method, c.base+call.Path, bytes.NewReader(call.Body))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	if call.Path == "" || call.Path[0] != '/' || req.URL.Scheme != "https" || req.URL.Host != c.host || req.URL.User != nil {
		return nil, fmt.Errorf("making a request: the path %q leads to another server", call.Path)
	}
	req.Header.Set("Authorization", "Bearer "+call.Token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", c.userAgent)
	if call.Body == nil {
		return req, nil
	}
	req.Header.Set("Content-Type", "application/json")
	// Reading is all that is ever asked for, so a request may be sent again on a fresh connection if the server closed
	// the old one just then. The empty value tells net/http so and is not sent.
	req.Header["Idempotency-Key"] = nil
	return req, nil
}

// redacted takes the place of a token that a server sends back.
const redacted = "[redacted]"

// redact takes the token out of a body: an error page that repeats the request must not bring it into the store.
func redact(body []byte, token string) ([]byte, bool) {
	if token == "" || !bytes.Contains(body, []byte(token)) {
		return body, false
	}
	return bytes.ReplaceAll(body, []byte(token), []byte(redacted)), true
}
