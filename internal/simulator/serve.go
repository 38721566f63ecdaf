package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Serve answers on ln until ctx ends, then finishes the requests under way within a second. With certificate files in
// config it speaks HTTPS, with a nil config plain HTTP. The listener's address becomes the
// audience of tokens, unless Config.Audience names one.
func (s *Simulator) Serve(ctx context.Context, ln net.Listener, config *tls.Config) error {
	s.knownAs(ln.Addr().String())
	base, cut := context.WithCancel(context.Background())
	defer cut()
	srv := &http.Server{
		Handler:           s.handler,
		TLSConfig:         config,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		Protocols:         s.config.protocols(),
		ErrorLog:          log.New(io.Discard, "", 0), // faults make clients break off; that is not worth a line
	}
	failed := make(chan error, 1)
	go func() {
		if config == nil {
			failed <- srv.Serve(ln)
			return
		}
		failed <- srv.ServeTLS(ln, "", "")
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving the simulated Events API: %w", err)
	case <-ctx.Done():
	}
	grace, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	cut() // ends what hangs on purpose
	if err := srv.Shutdown(grace); err != nil {
		srv.Close() // what is still open after the grace is cut
	}
	if err := <-failed; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the simulated Events API: %w", err)
	}
	return nil
}

// protocols: HTTP/2 only on demand, because it halves the speed.
func (c Config) protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(c.HTTP2)
	return p
}

// StartTLS listens on addr ("127.0.0.1:0" for any free port) and serves HTTPS in the background until stop is called.
// It returns the base URL and the certificate of the CA to trust. With a tlsDir the certificate is kept there and used
// again; see Certificate.
func (s *Simulator) StartTLS(addr, tlsDir string) (url string, caPEM []byte, stop func(), err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	host, _, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		ln.Close()
		return "", nil, nil, fmt.Errorf("reading the address %s: %w", ln.Addr(), err)
	}
	cert, caPEM, err := Certificate(tlsDir, host)
	if err != nil {
		ln.Close()
		return "", nil, nil, err
	}
	s.knownAs(ln.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		// An error other than the end asked for would show as refused connections in every client.
		_ = s.Serve(ctx, ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}()
	return "https://" + ln.Addr().String(), caPEM, func() { cancel(); <-done }, nil
}
