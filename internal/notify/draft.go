package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// newGap is how far behind the end of what was told a gap must begin to be another one. While a gap is healed its
// beginning moves, and while it lasts its end does.
const newGap = 10 * time.Minute

// draft is what a channel is to be told now, and what is noted once it was.
type draft struct {
	kind                messageKind // empty: nothing is to be said
	open, over, lasting []item
	note                store.Told
}

// draftFor compares what lasts with what a channel was told. It depends on its arguments alone.
//
//   - What was not told, or has grown worse, is new. What was told and no longer lasts is over.
//   - If anything new puts data at risk, or anything over did, that alone is told, at once.
//   - Else, once the digest is due, all of it is told together. With nothing to tell the digest is skipped.
//   - What needs no telling, such as that a gap's end has moved, is noted all the same.
func draftFor(c store.Channel, concerns []evidence.Concern, notices []store.Notice, now time.Time, at store.DigestTime) draft {
	known := map[string]store.Notice{}
	for _, n := range notices {
		known[n.Fact] = n
	}
	d := draft{note: store.Told{At: now}}
	var fresh []evidence.Concern
	lasts := map[string]bool{}
	for _, con := range concerns {
		if !slices.Contains(c.Tells, con.Kind) {
			continue
		}
		lasts[con.Key] = true
		n, ok := known[con.Key]
		switch {
		case !con.Silent && (!ok || con.Stage > n.Stage || con.Newest.After(n.UpTo.Add(newGap))):
			fresh = append(fresh, con)
		case ok:
			d.lasting = append(d.lasting, itemOf(con))
			if changed := noticeOf(con, n.ToldAt); changed != n {
				d.note.Put = append(d.note.Put, changed)
			}
		}
	}
	var over []store.Notice
	for _, n := range notices {
		switch {
		case lasts[n.Fact]:
		case slices.Contains(c.Tells, n.Kind):
			over = append(over, n)
		default: // the channel no longer tells that kind
			d.note.Drop = append(d.note.Drop, n.Fact)
		}
	}
	d.choose(fresh, over, now, digestDue(c.DigestAt, now, at))
	return d
}

// choose decides what of the news is told now.
func (d *draft) choose(fresh []evidence.Concern, over []store.Notice, now time.Time, due bool) {
	urgent := slices.ContainsFunc(fresh, func(c evidence.Concern) bool { return c.AtOnce }) || slices.ContainsFunc(over, func(n store.Notice) bool { return n.Urgent })
	switch {
	case urgent:
		d.kind, d.lasting = alert, nil
	case due && len(fresh)+len(over) > 0:
		d.kind, d.note.Digest = digest, true
	case due:
		d.note.Digest = true
		return
	default:
		return
	}
	for _, c := range fresh {
		if c.AtOnce || !urgent {
			d.open = append(d.open, itemOf(c))
			d.note.Put = append(d.note.Put, noticeOf(c, now))
		}
	}
	for _, n := range over {
		if n.Urgent || !urgent {
			d.over = append(d.over, item{Fact: n.Fact, Kind: n.Kind, Title: n.Title, Href: n.Href})
			d.note.Drop = append(d.note.Drop, n.Fact)
		}
	}
}

// nothing reports whether there is nothing to say and nothing to note.
func (d draft) nothing() bool {
	return d.kind == "" && !d.note.Digest && len(d.note.Put)+len(d.note.Drop) == 0
}

// digestDue reports whether a digest hour has passed since the last digest. On a day on which clocks skip that hour, it
// is one hour beside it.
func digestDue(last, now time.Time, at store.DigestTime) bool {
	now = now.In(at.Clock())
	due := time.Date(now.Year(), now.Month(), now.Day(), at.Hour, 0, 0, 0, now.Location())
	if due.After(now) {
		due = due.AddDate(0, 0, -1)
	}
	return last.Before(due)
}

func itemOf(c evidence.Concern) item {
	return item{Fact: c.Key, Kind: c.Kind, Title: c.Title, Text: c.Text, By: c.By, ByIs: c.ByIs, Href: hrefOf(c), AtOnce: c.AtOnce}
}

// hrefOf is where somebody looks after a concern.
func hrefOf(c evidence.Concern) string {
	if c.Kind == evidence.ConcernVouch {
		return "/log"
	}
	if c.Kind == evidence.ConcernHold {
		return "/settings/holds"
	}
	if c.Action != "" {
		return "/actions/" + string(c.Action)
	}
	return "/connections/" + string(c.Connection)
}

func noticeOf(c evidence.Concern, at time.Time) store.Notice {
	return store.Notice{Fact: c.Key, Kind: c.Kind, Stage: c.Stage, Title: c.Title, Href: hrefOf(c), UpTo: c.UpTo.UTC().Truncate(time.Millisecond), Urgent: c.AtOnce, ToldAt: at}
}

// id names a draft's message: the same as long as the same is to be told, so that a receiver knows a repetition.
func (d draft) id(c store.Channel) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%d\n", c.ID, d.kind, c.SentAt.UnixMilli())
	for _, i := range d.open {
		fmt.Fprintf(h, "new %s\n", i.Fact)
	}
	for _, i := range d.over {
		fmt.Fprintf(h, "over %s\n", i.Fact)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
