package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
)

// house is a workspace on a real store, with real connections to tell of.
type house struct {
	*Service
	t     *testing.T
	store *store.Store
	conns *connection.Service
	ws    evidence.ID
	dir   string
	admin people.Caller
}

// newHouse makes one on the clock of the test: the real one, or that of a bubble. The caller closes its store.
func newHouse(t *testing.T, change func(*Config)) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	var err error
	h.store, err = store.Open(t.Context(), store.Config{Dir: h.dir})
	h.must(err)
	h.ws, err = h.store.EnsureWorkspace(t.Context(), "Northwind")
	h.must(err)
	key, err := seal.OpenKEK(h.dir)
	h.must(err)
	h.conns = connection.New(connection.Config{Store: h.store, Key: key, Kinds: []source.Kind{onepassword.Kind()}})
	h.admin = people.Caller{Member: "us_ada", Workspace: h.ws, Name: "Ada", Role: people.Admin}
	h.Service = h.service(change)
	return h
}

// service makes a Service as another process on the same store would.
func (h *house) service(change func(*Config)) *Service {
	cfg := Config{Store: h.store, Connections: h.conns, Actions: program.New(h.store, nil), Name: func(context.Context, evidence.ID) string { return "Northwind" }, UserAgent: "Exhibit/test", Jitter: func() float64 { return 0 }}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) close() { h.must(h.store.Close()) }

// connect makes a connection whose token expires after left.
func (h *house) connect(name string, left time.Duration) evidence.Connection {
	h.t.Helper()
	now := time.Now().UTC()
	streams := []evidence.Stream{onepassword.SignIns}
	c := evidence.Connection{ID: evidence.NewID(evidence.PrefixConnection), Workspace: h.ws, Source: "onepassword", Name: name, Server: "https://events.1password.com",
		Features: streams, CreatedAt: now, CheckedAt: now, ExpiresAt: now.Add(left)}
	h.must(h.store.CreateConnection(h.t.Context(), c, []byte("sealed"), streams))
	return c
}

// trouble begins or ends a refusal of a connection's token.
func (h *house) trouble(c evidence.Connection, open bool) {
	h.t.Helper()
	ctx := h.t.Context()
	lease, err := h.store.Acquire(ctx, c.ID, onepassword.SignIns, "test/1/1", time.Hour)
	h.must(err)
	if open {
		h.must(h.store.SetTrouble(ctx, lease, evidence.Trouble{Span: evidence.Span{From: time.Now().UTC()}, Cause: evidence.TokenRefused, State: evidence.StateUnauthorized, Reason: "The token is refused."}))
	} else {
		h.must(h.store.CloseTrouble(ctx, lease, time.Now().UTC()))
	}
	h.must(h.store.Release(ctx, lease))
}

// hook is a webhook's address of a kind, with what looks like a secret in it.
func hook(kind Kind, address string, tells ...string) Request {
	r := Request{Kind: kind, Name: kind.Title() + " channel", URL: seal.NewSecret(address), Tells: tells}
	if kind == Webhook {
		r.Key = seal.NewSecret("a-key-that-both-know")
	}
	return r
}

// receiver is a real HTTPS server that keeps what it is sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) last(t *testing.T) (*http.Request, string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		t.Fatal("nothing came")
	}
	return r.got[len(r.got)-1], r.bodies[len(r.bodies)-1]
}

// allow admits this machine, as an operator does for a server in his network.
func allow(cert *httptest.Server) func(*Config) {
	return func(c *Config) {
		c.Operator = Operator{AllowHosts: []string{"127.0.0.1"}, CAPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate().Raw})}
	}
}

// postOffice is a real SMTP server, as small as it can be.
type postOffice struct {
	net.Listener
	config   *tls.Config
	implicit bool
	auth     string // ways to sign in that it offers
	noTLS    bool   // it offers no STARTTLS
	refuse   string // command that it refuses

	mu      sync.Mutex
	words   []string // commands as they came, without what follows AUTH
	secrets []string
	clear   []string // what came before encryption
	message string
}

func newPostOffice(t *testing.T, cert *httptest.Server, change func(*postOffice)) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &postOffice{Listener: l, config: &tls.Config{Certificates: cert.TLS.Certificates}, auth: "PLAIN LOGIN"}
	change(m)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.serve(c)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return m
}

// serve speaks with one client until it leaves.
func (m *postOffice) serve(c net.Conn) {
	defer func() { c.Close() }()
	encrypted := m.implicit
	if m.implicit {
		c = tls.Server(c, m.config)
	}
	r := bufio.NewReader(c)
	say := func(s string) { io.WriteString(c, s+"\r\n") }
	hear := func() string {
		s, err := r.ReadString('\n')
		if err != nil {
			return "QUIT"
		}
		return strings.TrimRight(s, "\r\n")
	}
	say("220 mail.example.com ready")
	for {
		text := hear()
		word, rest, _ := strings.Cut(text, " ")
		word = strings.ToUpper(word)
		m.mu.Lock()
		if !encrypted {
			m.clear = append(m.clear, text)
		}
		if word == "AUTH" {
			way, _, _ := strings.Cut(rest, " ")
			m.words = append(m.words, "AUTH "+way)
		} else {
			m.words = append(m.words, text)
		}
		m.mu.Unlock()
		switch {
		case word == m.refuse:
			say("550 5.7.1 not from here: " + rest)
		case word == "EHLO":
			say("250-mail.example.com")
			if !encrypted && !m.noTLS {
				say("250-STARTTLS")
			}
			if m.auth != "" {
				say("250-AUTH " + m.auth)
			}
			say("250 8BITMIME")
		case word == "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, m.config)
			r, encrypted = bufio.NewReader(c), true
		case word == "AUTH":
			m.signIn(rest, say, hear)
		case word == "DATA":
			say("354 go on")
			var b strings.Builder
			for s := hear(); s != "." && s != "QUIT"; s = hear() {
				b.WriteString(s + "\n")
			}
			m.mu.Lock()
			m.message = b.String()
			m.mu.Unlock()
			say("250 2.0.0 queued as 4711")
		case word == "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (m *postOffice) signIn(rest string, say func(string), hear func() string) {
	keep := func(s string) {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			b = []byte("undecodable " + s)
		}
		m.mu.Lock()
		m.secrets = append(m.secrets, string(b))
		m.mu.Unlock()
	}
	way, first, _ := strings.Cut(rest, " ")
	if way == "PLAIN" {
		keep(first)
	} else {
		for _, ask := range []string{"Username:", "Password:"} {
			say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
			keep(hear())
		}
	}
	say("235 welcome")
}
