package source

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeLimits runs in a bubble of its own time, over a pipe instead of a network.
func TestTimeLimits(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"
	for _, c := range []struct {
		name   string
		server func(net.Conn) // nil: nobody takes the connection
		want   string
		after  time.Duration
	}{
		{"no connection", nil, "did not answer in time", 5 * time.Second},
		{"no handshake", func(net.Conn) {}, "did not answer in time", 5 * time.Second},
		{"no header", func(c net.Conn) { secure(c) }, "did not answer in time", 20 * time.Second},
		{"no body", func(c net.Conn) { io.WriteString(secure(c), head) }, "too slowly", 10 * time.Second},
		{"stops in the middle", func(c net.Conn) { io.WriteString(secure(c), head+strings.Repeat("x", 50_000)) }, "too slowly", 20 * time.Second},
		{"trickles", func(c net.Conn) { trickle(secure(c), head, 900, time.Second) }, "too slowly", 10 * time.Second},
		{"goes on for too long", func(c net.Conn) { trickle(secure(c), head, 1200, time.Second) }, "not finish its answer in time", 90 * time.Second},
		{"slow but well", func(c net.Conn) { trickle(secure(c), head, 4000, time.Second) }, "", 49 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := NewClient(ClientConfig{Server: "https://127.0.0.1", Admitted: true, CAPEM: testCertificate, Limits: DefaultLimits(), Dial: pipe(c.server)})
				if err != nil {
					t.Fatal(err)
				}
				defer client.transport.(*http.Transport).CloseIdleConnections()
				start := time.Now()
				_, err = client.Do(t.Context(), Call{Method: "GET", Path: "/", Token: canary})
				if got := time.Since(start); got != c.after {
					t.Errorf("it took %v, want %v", got, c.after)
				}
				checkFailure(t, err, c.want)
				time.Sleep(2 * time.Second) // the server's side notices and ends
			})
		})
	}
}

func TestCallerDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := NewClient(ClientConfig{Server: "https://127.0.0.1", Admitted: true, CAPEM: testCertificate, Limits: DefaultLimits(), Dial: pipe(func(c net.Conn) { secure(c) })})
		if err != nil {
			t.Fatal(err)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = client.Do(cancelled, Call{Method: "GET", Path: "/", Token: canary})
		if _, retry := errors.AsType[*RetryError](err); retry || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		bounded, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err = client.Do(bounded, Call{Method: "GET", Path: "/", Token: canary})
		if _, retry := errors.AsType[*RetryError](err); !retry || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
	})
}

// pipe gives a dial function whose connections are taken by server.
func pipe(server func(net.Conn)) dialFunc {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		if server == nil {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
		}
		near, far := net.Pipe()
		go server(far)
		return near, nil
	}
}

// secure takes a TLS connection and reads the request.
func secure(c net.Conn) net.Conn {
	conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{testKeyPair}})
	if _, err := conn.Read(make([]byte, 4096)); err != nil {
		c.Close()
	}
	go io.Copy(io.Discard, conn)
	return conn
}

func trickle(w io.WriteCloser, head string, n int, every time.Duration) {
	defer w.Close()
	chunk := strings.Repeat("x", n)
	if _, err := io.WriteString(w, head+chunk); err != nil {
		return
	}
	for sent := n; sent < 200_000; sent += n {
		time.Sleep(every)
		if _, err := io.WriteString(w, chunk[:min(n, 200_000-sent)]); err != nil {
			return
		}
	}
}
