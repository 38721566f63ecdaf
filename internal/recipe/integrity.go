package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// integrity is kind E23 of the mapping: the pages that the events of the period came in, with their digests.
func integrity() Recipe {
	l := lay(fTime, fUntil, fConnection, fStream, fPages, fPage, fFirst, fLast, fMissing, fEvents, fRecords, fBytes, fDigest, fFinding)
	return Recipe{
		ID: "integrity", Version: 1, Title: "Integrity of the pages",
		Shows: "Every page in which events of the period came, with its number in the history of its stream, when it was received, how many records and bytes it holds and the SHA-256 of its bytes as they came; " +
			"and for each stream one digest over all of them and how many numbers between them are missing.",
		Method: []string{
			"The population is every event of the period. Listed are the pages whose records reach into the period, in order of stream and page.",
			"The digest of a page is the SHA-256 of the answer's bytes, taken when it arrived, before anything was derived from it.",
			"The digest of a stream is a chain: 32 zero bytes to begin with, then for each page in order the SHA-256 of the digest so far followed by the page's. A page that is changed, left out or put in changes it.",
			"The pages and the answers without records of a stream are numbered without a hole; a number between the first and the last page that neither has is missing.",
		},
		NotShown: []string{
			"That the bytes were checked against their digests for this artifact: exhibit fsck reads all of them and does so.",
			"That digests were not made anew together with the bytes: signed checkpoints of a log, witnesses and time stamps show that. Keep this artifact where the operator of Exhibit cannot change it.",
			"That the source's answers were true: 1Password does not sign them.", "Earlier verifications: their history comes with the log.", notOlder,
		},
		Streams: []evidence.Stream{signIns, usages, audits}, columns: l.columns, matched: "came in the pages below",
		build: func(ctx context.Context, b *builder) error { return buildIntegrity(ctx, b, l) },
		Mappings: supports(evidence.Strong, "Every page that events of the period came in is listed with its digest, numbered without a hole, and chained.",
			"Digests show changes to who kept an earlier copy of them; they do not by themselves show that nobody made them anew.", ids{
				soc2: "CC6.1 CC2.1", iso: "A.5.33 A.5.28", nist: "AU-9 AU-9(3) AU-10", cis: "8.3", pci: "10.3.2 10.3.4",
				hipaa: "164.312(c)(1)", csf: "PR.PS-04 RS.AN-06 RS.AN-07",
			}),
	}
}

// chain sums the pages of one stream up.
type chain struct {
	connection    evidence.ID
	stream        evidence.Stream
	pages         int64
	events, bytes int64
	first, last   int64 // numbers in the stream's history; 0: second readings alone
	low, high     Page  // first and last page
	sum           [sha256.Size]byte
	broken        bool // a digest that is none
}

func (c *chain) add(p Page) {
	if c.pages == 0 {
		c.low = p
	}
	c.high = p
	c.pages++
	c.events += int64(p.Events)
	c.bytes += int64(p.Size)
	if p.Sequence > 0 {
		if c.first == 0 {
			c.first = p.Sequence
		}
		c.first, c.last = min(c.first, p.Sequence), max(c.last, p.Sequence)
	}
	digest, err := hex.DecodeString(p.SHA256)
	c.broken = c.broken || err != nil || len(digest) != sha256.Size
	c.sum = sha256.Sum256(append(c.sum[:], digest...))
}

func buildIntegrity(ctx context.Context, b *builder, l *layout) error {
	streams := b.section(Section{
		Record: "stream", Title: "Streams", Note: "Events are those that were new with the pages, also of pages that reach beyond the period. The digest is the chain over the pages.",
		Empty: "No page holds events of the period.",
		Full:  l.all(fPage, fRecords), Brief: l.pick(fConnection, fStream, fPages, fFirst, fLast, fMissing, fEvents, fBytes, fDigest),
	})
	pages := b.section(Section{
		Record: "page", Title: "Pages", Note: "Time is when the page was received. A page without a number was a second reading.", Empty: "No page holds events of the period.",
		Full: l.pick(fTime, fConnection, fStream, fPage, fFirst, fRecords, fBytes, fDigest), Brief: l.pick(fTime, fStream, fPage, fFirst, fRecords, fBytes, fDigest),
	})
	if _, err := b.listGroups(ctx); err != nil {
		return err
	}
	var chains []*chain
	err := b.in.Pages(ctx, b.candidates(b.report.Recipe), func(p Page) error {
		n := len(chains)
		if n == 0 || chains[n-1].stream != p.Stream || chains[n-1].connection != p.Connection {
			chains = append(chains, &chain{connection: p.Connection, stream: p.Stream})
			n++
		}
		chains[n-1].add(p)
		return pages.rows.add(b.pageRow(l, p))
	})
	if err != nil {
		return fmt.Errorf("reading pages: %w", err)
	}
	var missing int64
	for _, c := range chains {
		n, err := b.in.MissingNumbers(ctx, c.connection, c.stream, c.first, c.last)
		if err != nil {
			return fmt.Errorf("looking for missing pages: %w", err)
		}
		missing += n
		if err := streams.rows.add(b.chainRow(l, c, n)); err != nil {
			return err
		}
	}
	b.also = fmt.Sprintf("%d numbers are missing between them", missing)
	return nil
}

func (b *builder) pageRow(l *layout, p Page) Row {
	c := l.row()
	c.set(fTime, exact(p.ReceivedAt))
	c.set(fConnection, b.source(p.Connection))
	c.set(fStream, string(p.Stream))
	c.set(fPage, strconv.FormatInt(p.No, 10))
	if p.Sequence > 0 {
		c.set(fFirst, strconv.FormatInt(p.Sequence, 10))
	}
	c.set(fRecords, strconv.Itoa(p.Records))
	c.set(fBytes, strconv.Itoa(p.Size))
	c.set(fDigest, p.SHA256)
	return Row{Cells: c.text, At: p.ReceivedAt.UnixMilli()}
}

func (b *builder) chainRow(l *layout, x *chain, missing int64) Row {
	c := l.row()
	c.set(fTime, exact(x.low.ReceivedAt))
	c.set(fUntil, exact(x.high.ReceivedAt))
	c.set(fConnection, b.source(x.connection))
	c.set(fStream, string(x.stream))
	for at, n := range map[fact]int64{fPages: x.pages, fFirst: x.first, fLast: x.last, fMissing: missing, fEvents: x.events, fBytes: x.bytes} {
		c.set(at, strconv.FormatInt(n, 10))
	}
	c.set(fDigest, hex.EncodeToString(x.sum[:]))
	switch {
	case x.broken:
		c.set(fFinding, "a page has no digest")
	case missing > 0:
		c.set(fFinding, "numbers are missing")
	}
	return Row{Cells: c.text, At: x.low.ReceivedAt.UnixMilli()}
}
