package simulator

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// refusal tells whether a fault takes the place of the page, whatever it holds.
func refusal(kind string) bool {
	switch kind {
	case faultTooMany, faultTooManyBare, faultServer, faultHTML, faultReset, faultHang, faultBomb, faultBadCursor, faultRevoked:
		return true
	}
	return false
}

// possible lists the faults that make sense for the page.
func (p *page) possible(gzip bool) []string {
	kinds := []string{
		faultTooMany, faultTooManyBare, faultServer, faultHTML, faultReset, faultHang, faultRevoked,
		faultTruncated, faultCut, faultSlow, faultLies,
	}
	if gzip {
		kinds = append(kinds, faultBomb)
	}
	if p.text != "" {
		kinds = append(kinds, faultBadCursor)
		if p.len() > 0 {
			kinds = append(kinds, faultLoop)
		}
		if p.asked.Last > 0 {
			kinds = append(kinds, faultDuplicate)
		}
	}
	if p.len() > 1 {
		kinds = append(kinds, faultUnordered)
	}
	if p.len() > 0 {
		kinds = append(kinds, faultConflict)
	}
	return kinds
}

// refuse answers without a page.
func (s *Simulator) refuse(w http.ResponseWriter, r *http.Request, target, kind string) {
	switch kind {
	case faultTooMany:
		s.tooMany(w, target, time.Second)
	case faultTooManyBare:
		s.tooMany(w, target, 0)
	case faultServer:
		s.serverError(w, target)
	case faultHTML:
		html(w, http.StatusOK, "Sign in to the network to continue")
	case faultBadCursor:
		s.fail(w, target, http.StatusBadRequest)
	case faultRevoked:
		s.fail(w, target, http.StatusUnauthorized)
	case faultBomb:
		bomb(w)
	case faultHang:
		<-r.Context().Done() // the server's shutdown ends this too: its base context is the simulator's
		panic(http.ErrAbortHandler)
	default:
		panic(http.ErrAbortHandler)
	}
}

func (s *Simulator) serverError(w http.ResponseWriter, target string) {
	switch status := []int{500, 502, 503}[s.faults.number(target, 3)]; status {
	case http.StatusBadGateway:
		html(w, status, "502 Bad Gateway")
	default:
		s.fail(w, target, status)
	}
}

func html(w http.ResponseWriter, status int, text string) {
	body := "<!DOCTYPE html>\n<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n"
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write([]byte(body)) // an error means that the client has gone
}

// bomb answers with a valid page of 4 GiB, packed into some megabytes: many times the same gzip member (RFC 1952
// section 2.2 lets members follow each other).
func bomb(w http.ResponseWriter) {
	const blank, times = 16 << 20, 256
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Encoding", "gzip")
	w.Write(packed([]byte(`{"items":[`)))
	member := packed(bytes.Repeat([]byte{' '}, blank))
	for range times {
		if _, err := w.Write(member); err != nil {
			return // the client was wise enough to leave
		}
	}
	w.Write(packed([]byte(`],"cursor":"","has_more":false}`)))
}

// packed gives b as one gzip member.
func packed(b []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		panic(err) // only for a level that does not exist
	}
	z.Write(b) // a buffer takes everything
	z.Close()
	return out.Bytes()
}

// skew sends a wrong Date header, if that is among the faults.
func (s *Simulator) skew(w http.ResponseWriter, target string) {
	if s.faults.manner(target, faultSkew) == "" {
		return
	}
	off := []time.Duration{-26 * time.Hour, -3 * time.Hour, 90 * time.Minute, 400 * 24 * time.Hour}[s.faults.number(target, 4)]
	w.Header().Set("Date", s.config.Now().Add(off).UTC().Format(http.TimeFormat))
}

// distort changes what the page says. The cursor never skips an event.
func (s *Simulator) distort(p *page, kind string) {
	switch kind {
	case faultDuplicate:
		end := p.snap.After(p.asked.After)
		p.from, p.to = max(0, end-p.asked.Last), end
		next := p.asked
		next.Nonce++
		p.cursor, p.more = next.encode(), true
	case faultLoop:
		p.cursor, p.more = p.text, true
	case faultLies:
		p.more = !p.more
	case faultUnordered:
		s.shuffle(p)
	}
	if !s.faults.watches(faultConflict) {
		return
	}
	if kind == faultConflict {
		s.revise(p)
	}
	s.seen.mark(p)
}

func (s *Simulator) shuffle(p *page) {
	for i := p.from; i < p.to; i++ {
		p.order = append(p.order, i)
	}
	for i := len(p.order) - 1; i > 0; i-- {
		j := s.faults.number(string(p.stream), i+1)
		p.order[i], p.order[j] = p.order[j], p.order[i]
	}
	if slices.IsSorted(p.order) {
		slices.Reverse(p.order)
	}
}

// revise changes an event that was served before. If there is none the fault did not happen.
func (s *Simulator) revise(p *page) {
	again := s.seen.again(p)
	if len(again) == 0 {
		s.faults.add(faultConflict, -1)
		return
	}
	p.changed = again[s.faults.number(string(p.stream), len(again))]
}

// buffers lend the memory for pages and their packed form.
type buffers struct {
	plain  sync.Pool // *[]byte
	packed sync.Pool // *packer
}

type packer struct {
	out bytes.Buffer
	z   *gzip.Writer
}

func (b *buffers) page() *[]byte {
	if p, ok := b.plain.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, 0, 1<<20)
	return &p
}

func (b *buffers) packer() *packer {
	if p, ok := b.packed.Get().(*packer); ok {
		p.out.Reset()
		p.z.Reset(&p.out)
		return p
	}
	p := &packer{}
	z, err := gzip.NewWriterLevel(&p.out, gzip.BestSpeed)
	if err != nil {
		panic(err) // only for a level that does not exist
	}
	p.z = z
	return p
}

// deliver writes the page out, in the manner of the fault.
func (s *Simulator) deliver(w http.ResponseWriter, r *http.Request, p *page, kind string, gzip bool) {
	buf := s.buffers.page()
	defer s.buffers.plain.Put(buf)
	*buf = p.append((*buf)[:0])
	body := *buf
	if kind == faultTruncated {
		body = body[:len(body)*2/3]
	}
	h := w.Header()
	h.Set("Content-Type", jsonType)
	if gzip {
		z := s.buffers.packer()
		defer s.buffers.packed.Put(z)
		z.z.Write(body) // a buffer takes everything
		z.z.Close()
		body = z.out.Bytes()
		h.Set("Content-Encoding", "gzip")
		h.Set("Vary", "Accept-Encoding")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	s.tally.served(p.len())
	switch kind {
	case faultCut:
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush() // an error means that the client has gone
		panic(http.ErrAbortHandler)
	case faultSlow:
		s.drip(w, r, body)
	default:
		w.Write(body) // an error means that the client has gone
	}
}

// drip writes the body in twenty pieces over Config.SlowFor.
func (s *Simulator) drip(w http.ResponseWriter, r *http.Request, body []byte) {
	const pieces = 20
	for piece := range slices.Chunk(body, (len(body)+pieces-1)/pieces) {
		if _, err := w.Write(piece); err != nil {
			return
		}
		http.NewResponseController(w).Flush() // an error shows at the next write
		select {
		case <-time.After(s.config.SlowFor / pieces):
		case <-r.Context().Done():
			return
		}
	}
}
