package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// settings is the index of the settings: a card each, for those that the caller may open.
func (s *server) settings(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	members, err := s.cfg.Store.Members(ctx, c.Workspace)
	if err != nil {
		return err
	}
	size, err := s.cfg.Store.Size(ctx)
	if err != nil {
		return err
	}
	last, err := s.cfg.Store.Trail(ctx, store.TrailRequest{Workspace: c.Workspace, Limit: 1})
	if err != nil {
		return err
	}
	v := view.Settings{Now: s.now(), Workspace: s.workspaceName(ctx, c.Workspace), Version: s.cfg.Version, Members: len(members), Events: size.Events, Pages: size.Pages, Bytes: size.Bytes}
	if len(last.Lines) > 0 {
		v.LastActivity = last.Lines[0].At
	}
	if c.Has(people.MakeTokens) {
		v.MayTokens = true
		if v.Tokens, err = s.tokenCounts(r); err != nil {
			return err
		}
	}
	channels, err := s.cfg.Notify.List(ctx, c)
	if err != nil {
		return err
	}
	v.Channels = len(channels)
	for _, ch := range channels {
		if ch.Failures > 0 {
			v.Failing++
		}
	}
	if v.Digest, err = s.cfg.Notify.Digest(ctx, c); err != nil {
		return err
	}
	holds, err := s.cfg.Holds.List(ctx, c)
	if err != nil {
		return err
	}
	for _, h := range holds {
		if h.Stands() {
			v.Holds++
		}
		if h.Due {
			v.HoldsDue++
		}
	}
	p, err := s.framed(r, "Settings", "/settings")
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.SettingsPage(p, v))
}

// trailPage is how many lines of the trail a page shows.
const trailPage = 50

// activity shows the trail, newest first.
func (s *server) activity(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	q, err := trailRequest(r.URL.Query(), c.Workspace)
	if err != nil {
		return err
	}
	page, err := s.cfg.Store.Trail(r.Context(), q)
	if err != nil {
		return err
	}
	v := view.Activity{Now: s.now(), Who: q.Who, What: q.What, Older: q.Before > 0}
	var verbs []string
	if v.Whos, verbs, err = s.cfg.Store.TrailWords(r.Context(), c.Workspace); err != nil {
		return err
	}
	v.Whats = withGroups(verbs)
	for _, l := range page.Lines {
		v.Lines = append(v.Lines, view.TrailLine(l))
	}
	if page.Next > 0 {
		v.NextHref = activityHref(q.Who, q.What, page.Next)
	}
	v.NewestHref = activityHref(q.Who, q.What, 0)
	p, err := s.framed(r, "Activity", "/settings", crumb("Activity", ""))
	if err != nil {
		return err
	}
	p.Wide = true
	return render(w, r, http.StatusOK, view.ActivityPage(p, v))
}

// trailRequest reads what of the trail is asked for.
func trailRequest(v url.Values, ws evidence.ID) (store.TrailRequest, error) {
	q := store.TrailRequest{Workspace: ws, Who: v.Get("who"), What: v.Get("what"), Limit: trailPage}
	if text := v.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return q, evidence.Errorf(evidence.Invalid, "%.40q is no place in the trail. Begin at the newest line again.", text)
		}
		q.Before = n
	}
	if len(q.Who) > 300 || len(q.What) > 100 {
		return q, evidence.Errorf(evidence.Invalid, "Nobody and nothing in the trail has a name that long.")
	}
	return q, nil
}

// withGroups puts before the verbs of one thing the thing itself, which stands for all of them.
func withGroups(verbs []string) []string {
	var out []string
	for _, verb := range verbs {
		if thing, _, ok := strings.Cut(verb, "."); ok && (len(out) == 0 || !strings.HasPrefix(out[len(out)-1], thing+".") && out[len(out)-1] != thing) {
			out = append(out, thing)
		}
		out = append(out, verb)
	}
	return out
}

func activityHref(who, what string, before int64) string {
	v := url.Values{}
	for name, value := range map[string]string{"who": who, "what": what} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if before > 0 {
		v.Set("before", strconv.FormatInt(before, 10))
	}
	if len(v) == 0 {
		return "/settings/activity"
	}
	return "/settings/activity?" + v.Encode()
}
