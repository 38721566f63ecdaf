//go:build !offline

package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// What can be wrong with a body that comes.
var (
	errTotal      = errors.New("it took too long")
	errSlow       = errors.New("the answer came too slowly")
	errCompressed = errors.New("the compressed answer is too large")
	errDecoded    = errors.New("the answer is too large")
	errEncoding   = errors.New("the answer has an encoding that was not asked for")
	errGzip       = errors.New("the compressed answer is damaged")
	errEcho       = errors.New("the answer repeats the token")
)

// readBody gives the decoded body, as far as it could be read if there is an error too. cancel stops the request when
// the body stands still.
func (c *Client) readBody(resp *http.Response, cancel context.CancelCauseFunc) ([]byte, error) {
	watched := newWatched(resp.Body, c.limits, cancel)
	defer watched.stop()
	limit, tooLarge := c.limits.Decoded, errDecoded
	if resp.StatusCode != http.StatusOK {
		limit, tooLarge = c.limits.Refusal, nil // the beginning of a refusal says enough
	}
	r, err := c.decoded(resp.Header.Get("Content-Encoding"), watched)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(min(max(resp.ContentLength, c.sizeHint.Load()), limit)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if n > limit {
		return b.Bytes()[:limit], tooLarge
	}
	if err == nil && resp.StatusCode == http.StatusOK {
		c.sizeHint.Store(n)
	}
	return b.Bytes(), err
}

func (c *Client) decoded(encoding string, wire io.Reader) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return wire, nil
	case "gzip":
		z, err := gzip.NewReader(&capped{r: wire, left: c.limits.Compressed})
		if errors.Is(err, io.EOF) { // there is not even a header
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, gzipProblem(err)
		}
		return gzipReader{z}, nil
	}
	return nil, errEncoding
}

// gzipReader tells what is wrong with the compression from what is wrong with the connection.
type gzipReader struct{ z *gzip.Reader }

func (g gzipReader) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
	return n, gzipProblem(err)
}

func gzipProblem(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("%w: %w", errGzip, err)
	}
	return err
}

// capped fails with errCompressed after left bytes.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		// One byte more than allowed is asked for, so that a body of exactly the limit still ends well.
		n, err := c.r.Read(p[:min(1, len(p))])
		if n > 0 {
			return 0, errCompressed
		}
		return 0, err
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// watched counts what comes and cancels the request when in one stretch of time too little came.
type watched struct {
	r     io.Reader
	seen  atomic.Int64
	timer *time.Timer
}

func newWatched(r io.Reader, l Limits, cancel context.CancelCauseFunc) *watched {
	w := &watched{r: r}
	least := int64(l.Progress.Seconds() * float64(l.MinRate))
	var before int64
	ready := make(chan struct{}) // the first tick must see the timer that it sets again
	w.timer = time.AfterFunc(l.Progress, func() {
		<-ready
		now := w.seen.Load()
		if now-before < least {
			cancel(errSlow)
			return
		}
		before = now
		w.timer.Reset(l.Progress)
	})
	close(ready)
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.seen.Add(int64(n))
	return n, err
}

func (w *watched) stop() { w.timer.Stop() }
