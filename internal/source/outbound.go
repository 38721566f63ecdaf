//go:build !offline

package source

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// NewTransport gives the network that every outgoing request goes through, for requests that are not a source's: https
// over TLS 1.2 or newer, no proxy, no private address unless the operator admitted the server, each step within its limit.
// It follows no redirect, since a transport never does. The caller bounds the whole and the body.
func NewTransport(c ClientConfig) (*http.Transport, error) { return newTransport(c) }

// NewDial gives how NewTransport connects, for what is not HTTP. An address that is not public is refused after the name
// lookup and before the connection, unless it is admitted.
func NewDial(admitted bool, limits Limits) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: limits.Connect}
	if !admitted {
		dialer.Control = refusePrivate
	}
	return withConnectLimit(dialer.DialContext, limits.Connect)
}

// IsPrivate reports whether a connection was refused because the name leads to an address that is not public.
func IsPrivate(err error) bool { return errors.Is(err, errPrivate) }
