package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

const notificationsPath = "/settings/notifications"

// failing names the channels that take no message: who relies on one must know that it is silent.
func failing(channels []notify.Channel) []view.Attention {
	var out []view.Attention
	for _, c := range channels {
		if c.Failures > 0 {
			out = append(out, view.Attention{Tone: ui.Bad, Icon: "bell", Title: "The channel " + c.Name + " takes no messages", Href: notificationsPath,
				Text: c.Failure + " It is tried again by itself; what was not told is told then."})
		}
	}
	return out
}

func (s *server) notifications(w http.ResponseWriter, r *http.Request) error {
	return s.showChannels(w, r, http.StatusOK, view.Notifications{Said: channelWords(r.URL.Query().Get("done"))})
}

func channelWords(done string) string {
	return map[string]string{
		"added": "The channel is added. Send a test to see whether it works.", "changed": "The channel is changed. Send a test to see whether it works.",
		"removed": "The channel is removed with its secrets.", "digest": "The time of the digest is changed.",
	}[done]
}

func (s *server) showChannels(w http.ResponseWriter, r *http.Request, status int, v view.Notifications) error {
	ctx, c := r.Context(), people.From(r.Context())
	var err error
	if v.Channels, err = s.cfg.Notify.List(ctx, c); err != nil {
		return err
	}
	if v.Digest, err = s.cfg.Notify.Digest(ctx, c); err != nil {
		return err
	}
	v.Now, v.MayManage = s.now(), c.Has(people.ManageSettings)
	p, err := s.framed(r, "Notifications", "/settings", crumb("Notifications", ""))
	if err != nil {
		return err
	}
	p.Path = notificationsPath // a page that answers a form is not asked for again by changing the theme
	return render(w, r, status, view.NotificationsPage(p, v))
}

func (s *server) setDigest(w http.ResponseWriter, r *http.Request) error {
	hour, err := strconv.Atoi(r.PostFormValue("hour"))
	if err != nil {
		return evidence.Errorf(evidence.Invalid, "%.20q is no hour. Choose one of the list.", r.PostFormValue("hour"))
	}
	d := store.DigestTime{Hour: hour, Zone: r.PostFormValue("zone")}
	_, err = s.cfg.Notify.SetDigest(r.Context(), people.From(r.Context()), d)
	if mendable(err) {
		return s.showChannels(w, r, statusOf(err), view.Notifications{Typed: d, Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, notificationsPath+"?done=digest", http.StatusSeeOther)
	return nil
}

func (s *server) newChannel(w http.ResponseWriter, r *http.Request) error {
	kind := notify.Kind(r.URL.Query().Get("kind"))
	if !slices.Contains(notify.AllKinds(), kind) {
		return evidence.Errorf(evidence.Invalid, "There is no kind of channel %.40q. Choose one on the page of notifications.", string(kind))
	}
	return s.showChannelForm(w, r, http.StatusOK, view.ChannelForm{Kind: kind, TLS: notify.StartTLS, Tells: notify.Kinds()})
}

func (s *server) editChannel(w http.ResponseWriter, r *http.Request) error {
	c, err := s.cfg.Notify.Show(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.showChannelForm(w, r, http.StatusOK, view.ChannelForm{ID: c.ID, Kind: c.Kind, Name: c.Name, Tells: c.Tells, Host: c.Address.Host, TLS: c.Address.TLS,
		From: c.Address.From, To: strings.Join(c.Address.To, ", "), User: c.Address.User})
}

func (s *server) showChannelForm(w http.ResponseWriter, r *http.Request, status int, v view.ChannelForm) error {
	title := "Add a channel: " + v.Kind.Title()
	if v.ID != "" {
		title = v.Name
	}
	p, err := s.framed(r, title, "/settings", crumb("Notifications", notificationsPath), crumb(title, ""))
	if err != nil {
		return err
	}
	p.Path = notificationsPath
	return render(w, r, status, view.ChannelPage(p, v))
}

// channelForm reads the form of a channel. Secrets are not given back to the page: they are typed again.
func channelForm(r *http.Request) (view.ChannelForm, notify.Request, error) {
	if err := r.ParseForm(); err != nil {
		return view.ChannelForm{}, notify.Request{}, unreadableForm(err)
	}
	f := r.PostForm
	v := view.ChannelForm{ID: evidence.ID(r.PathValue("id")), Kind: notify.Kind(f.Get("kind")), Name: f.Get("name"), Host: f.Get("host"), TLS: f.Get("tls"),
		From: f.Get("from"), To: f.Get("to"), User: f.Get("user")}
	for _, k := range f["tell"] {
		v.Tells = append(v.Tells, evidence.ConcernKind(k))
	}
	return v, notify.Request{Kind: v.Kind, Name: v.Name, Host: v.Host, TLS: v.TLS, From: v.From, To: []string{v.To}, User: v.User,
		Password: seal.NewSecret(f.Get("password")), URL: seal.NewSecret(f.Get("url")), Key: seal.NewSecret(f.Get("key")), Tells: f["tell"]}, nil
}

func (s *server) addChannel(w http.ResponseWriter, r *http.Request) error {
	v, req, err := channelForm(r)
	if err != nil {
		return err
	}
	if !slices.Contains(notify.AllKinds(), v.Kind) {
		return evidence.Errorf(evidence.Invalid, "There is no kind of channel %.40q. Choose one on the page of notifications.", string(v.Kind))
	}
	if err = something(req); err == nil {
		_, err = s.cfg.Notify.Add(r.Context(), people.From(r.Context()), req)
	}
	return s.afterChannel(w, r, v, err, "added")
}

// something says no to a channel that would tell nothing: in a form, nothing ticked is no way to say everything.
func something(req notify.Request) error {
	if len(req.Tells) == 0 {
		return evidence.Errorf(evidence.Invalid, "Tick at least one thing that the channel is to tell.")
	}
	return nil
}

func (s *server) changeChannel(w http.ResponseWriter, r *http.Request) error {
	v, req, err := channelForm(r)
	if err != nil {
		return err
	}
	old, err := s.cfg.Notify.Show(r.Context(), people.From(r.Context()), v.ID)
	if err != nil {
		return err
	}
	v.Kind, req.Kind = old.Kind, old.Kind
	if err = something(req); err == nil {
		_, err = s.cfg.Notify.Change(r.Context(), people.From(r.Context()), v.ID, req)
	}
	return s.afterChannel(w, r, v, err, "changed")
}

// afterChannel leads to the list, or shows the form as it was filled in with why it was refused.
func (s *server) afterChannel(w http.ResponseWriter, r *http.Request, v view.ChannelForm, err error, done string) error {
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.Conflict:
		v.Problem = err.Error()
		return s.showChannelForm(w, r, statusOf(err), v)
	case err != nil:
		return err
	}
	http.Redirect(w, r, notificationsPath+"?done="+done, http.StatusSeeOther)
	return nil
}

// testChannel sends a test and shows on the channel itself what the other side answered.
func (s *server) testChannel(w http.ResponseWriter, r *http.Request) error {
	id := evidence.ID(r.PathValue("id"))
	res, err := s.cfg.Notify.Test(r.Context(), people.From(r.Context()), id, s.cfg.URL)
	if err != nil {
		return err
	}
	return s.showChannels(w, r, http.StatusOK, view.Notifications{Tested: id, Result: res})
}

func (s *server) removeChannel(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.cfg.Notify.Remove(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id"))); err != nil {
		return err
	}
	http.Redirect(w, r, notificationsPath+"?done=removed", http.StatusSeeOther)
	return nil
}
