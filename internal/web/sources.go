package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) sources(w http.ResponseWriter, r *http.Request) error {
	mark, err := s.liveMark(r)
	if err != nil {
		return err
	}
	o, err := s.overview(r.Context(), people.From(r.Context()))
	if err != nil {
		return err
	}
	v := view.Sources{Now: s.now(), Numbers: o.numbers, Query: strings.TrimSpace(r.FormValue("q")), Category: r.FormValue("category")}
	v.MayManage = people.From(r.Context()).Has(people.ManageConnections)
	v.Have = map[string]int{}
	for _, rd := range o.readings {
		v.Have[rd.kind.ID]++
	}
	if v.Waiting, err = s.waiting(r.Context()); err != nil {
		return err
	}
	v.Tabs = s.categories(v.Query, v.Category)
	for _, k := range s.cfg.Kinds {
		if wanted(k, v.Query, v.Category) {
			v.Available = append(v.Available, k)
		}
	}
	for i, c := range o.cards {
		c.Waiting = v.Waiting[string(c.ID)]
		named := strings.Contains(strings.ToLower(c.Name), strings.ToLower(v.Query))
		if wanted(o.readings[i].kind, v.Query, v.Category) || named && wanted(o.readings[i].kind, "", v.Category) {
			v.Connected = append(v.Connected, c)
		}
	}
	p, err := s.framed(r, "Sources", "/sources")
	if err != nil {
		return err
	}
	p.Mark = mark
	return render(w, r, http.StatusOK, view.SourcesPage(p, v))
}

// waiting says, of each source, and of each connection that gets a new token, for whom an open approval waits and how long.
func (s *server) waiting(ctx context.Context) (map[string]string, error) {
	me := people.From(ctx)
	open, err := s.cfg.Connections.OpenApprovals(ctx, me)
	if err != nil {
		return nil, err
	}
	say := map[string]string{}
	for _, a := range open {
		who := ui.Visible(a.Name)
		if a.Member == me.Member {
			who = "you"
		}
		// The one that expires last is what a tab still shows.
		say[cmp.Or(string(a.Connection), a.Source)] = "Waiting for approval by " + who + ", until " + a.ExpiresAt.UTC().Format("15:04 UTC")
	}
	return say, nil
}

// wanted reports whether an entry of the catalogue has the words of a search in its name or description.
func wanted(k source.Kind, query, category string) bool {
	if category != "" && k.Category != category {
		return false
	}
	return strings.Contains(strings.ToLower(k.Name+" "+k.Summary+" "+k.Category), strings.ToLower(query))
}

func (s *server) categories(query, here string) []view.Tab {
	all := view.Tab{Name: "All", Href: sourcesHref(query, ""), Here: here == ""}
	var tabs []view.Tab
	at := map[string]int{}
	for _, k := range s.cfg.Kinds {
		all.Count++
		i, ok := at[k.Category]
		if !ok {
			i = len(tabs)
			at[k.Category] = i
			tabs = append(tabs, view.Tab{Name: k.Category, Href: sourcesHref(query, k.Category), Here: here == k.Category})
		}
		tabs[i].Count++
	}
	return append([]view.Tab{all}, tabs...)
}

func sourcesHref(query, category string) string {
	v := url.Values{}
	if query != "" {
		v.Set("q", query)
	}
	if category != "" {
		v.Set("category", category)
	}
	if len(v) == 0 {
		return "/sources"
	}
	return "/sources?" + v.Encode()
}

func (s *server) source(w http.ResponseWriter, r *http.Request) error {
	k, err := s.kind(r.PathValue("id"))
	if err != nil {
		return err
	}
	mark, err := s.liveMark(r)
	if err != nil {
		return err
	}
	list, err := s.readings(r.Context(), people.From(r.Context()).Workspace)
	if err != nil {
		return err
	}
	v := view.Source{Now: s.now(), Kind: k, Days: int(k.Retention / day), Commands: s.connectCommands(k)}
	v.MayManage = people.From(r.Context()).Has(people.ManageConnections)
	for _, rd := range list {
		if rd.connection.Source != k.ID {
			continue
		}
		card, err := s.card(r.Context(), rd)
		if err != nil {
			return err
		}
		v.Connections = append(v.Connections, card)
	}
	p, err := s.framed(r, k.Name, "/sources", ui.Crumb{Name: k.Name})
	if err != nil {
		return err
	}
	p.Mark = mark
	return render(w, r, http.StatusOK, view.SourcePage(p, v))
}

// connectCommands gives the exact command for each server of a source.
func (s *server) connectCommands(k source.Kind) []view.Command {
	var out []view.Command
	for _, server := range k.Servers {
		out = append(out, view.Command{
			For:  server.Name,
			Text: s.cfg.Command + " connections add " + k.ID + " --server " + server.URL + " --token-file token.txt",
		})
	}
	return out
}

// lookAfter gives the commands that fit a connection as it is.
func (s *server) lookAfter(c evidence.Connection) []view.Command {
	id := string(c.ID)
	if !c.OffAt.IsZero() {
		return []view.Command{{For: "Switch on, with a new token", Text: s.cfg.Command + " connections on " + id + " --token-file token.txt"}}
	}
	return []view.Command{
		{For: "Check the token now", Text: s.cfg.Command + " connections check " + id},
		{For: "Rotate the token: the new one is checked before the old one is dropped", Text: s.cfg.Command + " connections rotate " + id + " --token-file token.txt"},
		{For: "Read now", Text: s.cfg.Command + " collect --connection " + id + " --until-idle"},
		{For: "Switch off: reading stops and the token is forgotten, the evidence stays", Text: s.cfg.Command + " connections off " + id},
	}
}

// ageWords says how long after its end a window was read again.
func ageWords(d time.Duration) string {
	if d == 0 {
		return "on request"
	}
	return ui.Long(d)
}
