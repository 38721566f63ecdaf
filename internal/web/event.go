package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) event(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	ref, err := evidence.ParseEventRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	v, err := s.eventView(ctx, c.Workspace, ref)
	if err != nil {
		return err
	}
	p, err := s.framed(r, "Event "+ref.String(), "/events", ui.Crumb{Name: ref.String()})
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.EventPage(p, v))
}

func (s *server) eventView(ctx context.Context, ws evidence.ID, ref evidence.EventRef) (view.Event, error) {
	e, place, err := s.cfg.Store.Event(ctx, ws, ref)
	if err != nil {
		return view.Event{}, err
	}
	conn, err := s.cfg.Store.Connection(ctx, ws, e.Connection)
	if err != nil {
		return view.Event{}, fmt.Errorf("finding the connection of event %s: %w", ref, err)
	}
	_, page, err := s.cfg.Store.PageBody(ctx, ws, e.Page)
	if err != nil {
		return view.Event{}, fmt.Errorf("reading the page of event %s: %w", ref, err)
	}
	copies, err := s.cfg.Store.Conflicts(ctx, ws, ref)
	if err != nil {
		return view.Event{}, fmt.Errorf("reading the conflicts of event %s: %w", ref, err)
	}
	rd, err := s.readingOf(ctx, conn)
	if err != nil {
		return view.Event{}, err
	}
	v := view.Event{
		Now: s.now(), Event: e, Words: describe(rd.kind, e), Connection: conn, PageSHA256: place.PageSHA256, PageSize: page.Size,
		Sequence: place.Sequence, Records: place.Records, Offset: place.Offset, Length: place.Length, Reread: place.Mode == store.Reread,
		RequestedAt: place.RequestedAt, ReceivedAt: place.ReceivedAt, Links: sameLinks(e),
	}
	if v.Related, err = s.related(ctx, ws, e); err != nil {
		return view.Event{}, err
	}
	if people.From(ctx).Has(people.BuildArtifacts) {
		at := url.Values{string(evidence.KeyUUID): {e.UUID}}
		spanParams(at, evidence.Span{From: e.At.Truncate(time.Second), To: e.At.Truncate(time.Second).Add(time.Second)})
		v.ArtifactHref = "/events/artifact?" + at.Encode()
	}
	for _, other := range copies {
		v.Copies = append(v.Copies, view.Copy{Ref: other.EventRef.String(), At: other.At, Raw: other.Raw})
	}
	return v, nil
}

// related gives the events that are nearest to one and share its session, person or item.
func (s *server) related(ctx context.Context, ws evidence.ID, e evidence.Event) ([]view.Related, error) {
	list, err := s.cfg.Explore.Related(ctx, ws, e)
	if err != nil {
		return nil, err
	}
	kinds, err := s.kindsByConnection(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []view.Related
	for _, r := range list {
		v := url.Values{"range": {"120d"}}
		if !r.Query.Span.From.IsZero() {
			v.Del("range")
			spanParams(v, r.Query.Span)
		}
		whereParams(v, r.Query.Where)
		group := view.Related{Relation: r.Relation, Href: "/events?" + v.Encode()}
		for _, x := range r.Events {
			group.Rows = append(group.Rows, eventRow(kinds[x.Connection], x))
		}
		out = append(out, group)
	}
	return out, nil
}

// sameLinks leads to events that share something with this one.
func sameLinks(e evidence.Event) []view.Link {
	var out []view.Link
	for _, l := range []struct {
		text, value string
		key         evidence.Key
	}{
		{"Same person", cmp.Or(e.Person.UUID, e.Person.Email), evidence.KeyPerson}, {"Same item", e.Item, evidence.KeyItem}, {"Same vault", e.Vault, evidence.KeyVault},
		{"Same IP address", e.IP, evidence.KeyIP}, {"Same country", e.Country, evidence.KeyCountry}, {"Same app", e.Client, evidence.KeyClient}, {"Same action", e.Action, evidence.KeyAction},
	} {
		if l.value != "" {
			out = append(out, view.Link{Text: l.text, Href: "/events?" + url.Values{string(l.key): {l.value}, "range": {"120d"}}.Encode()})
		}
	}
	return out
}

// eventBytes gives the bytes of an event exactly as they were received, to be saved.
func (s *server) eventBytes(w http.ResponseWriter, r *http.Request) error {
	ref, err := evidence.ParseEventRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	e, _, err := s.cfg.Store.Event(r.Context(), people.From(r.Context()).Workspace, ref)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", downloadPolicy)
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="event-`+ref.String()+`.json"`)
	h.Set("Content-Length", strconv.Itoa(len(e.Raw)))
	_, _ = w.Write(e.Raw) // a browser that hangs up is no error of ours
	return nil
}
