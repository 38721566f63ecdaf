package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// Kind is a way to tell.
type Kind string

// The kinds of channels.
const (
	Email   Kind = "email"   // a message over SMTP
	Slack   Kind = "slack"   // an incoming webhook of Slack
	Teams   Kind = "teams"   // a workflow webhook of Microsoft Teams
	Webhook Kind = "webhook" // JSON, signed with HMAC-SHA256
)

// AllKinds gives all kinds of channels.
func AllKinds() []Kind { return []Kind{Email, Slack, Teams, Webhook} }

// Title is the kind in words.
func (k Kind) Title() string {
	switch k {
	case Email:
		return "Mail"
	case Slack:
		return "Slack"
	case Teams:
		return "Microsoft Teams"
	case Webhook:
		return "Webhook"
	}
	return string(k)
}

// How a mail server's connection is encrypted. There is no way without.
const (
	StartTLS    = "starttls" // after a word in the clear; usually port 587
	ImplicitTLS = "tls"      // from the first byte; usually port 465
)

// Bounds of what a person gives.
const (
	nameMost  = 80
	linesMost = 1000
	toMost    = 50
	keyLeast  = 16
	idPrefix  = "nc"
)

// Address is what may be seen of where a channel leads.
type Address struct {
	Host string   `json:"host"`           // host, or host:port of a mail server
	TLS  string   `json:"tls,omitempty"`  // only mail
	From string   `json:"from,omitempty"` // only mail
	To   []string `json:"to,omitempty"`   // only mail
	User string   `json:"user,omitempty"` // only mail; empty: the server asks for no password
}

// secrets is what may not be seen. It is sealed as JSON.
type secrets struct {
	Password string `json:"password,omitempty"`
	URL      string `json:"url,omitempty"`
	Key      string `json:"key,omitempty"`

	user string // no secret: with it the password is known in the form in which it is sent
}

// Channel is a channel as it may be shown.
type Channel struct {
	ID        evidence.ID
	Kind      Kind
	Name      string
	Address   Address
	Tells     []evidence.ConcernKind
	CreatedAt time.Time
	CreatedBy string
	SentAt    time.Time // of the last message that was taken; zero: none
	Failures  int       // in a row; 0: it works, as far as is known
	FailedAt  time.Time
	Failure   string
	NextAt    time.Time // when it is tried again
}

// Request is what a person gives to make or change a channel. An empty secret leaves the one that is there.
type Request struct {
	Kind     Kind // cannot be changed
	Name     string
	Host     string // mail: host or host:port
	TLS      string // mail: StartTLS or ImplicitTLS; empty: by the port
	From     string // mail
	To       []string
	User     string      // mail
	Password seal.Secret // mail
	URL      seal.Secret // all but mail
	Key      seal.Secret // webhook: at least 16 characters
	Tells    []string    // kinds of concerns; empty: all
}

// List gives the channels by name.
func (s *Service) List(ctx context.Context, c people.Caller) ([]Channel, error) {
	if err := c.May(people.ReadSettings); err != nil {
		return nil, err
	}
	rows, err := s.cfg.Store.Channels(ctx, c.Workspace)
	if err != nil {
		return nil, err
	}
	var all []Channel
	for _, r := range rows {
		all = append(all, shown(r))
	}
	return all, nil
}

// Show gives one channel.
func (s *Service) Show(ctx context.Context, c people.Caller, id evidence.ID) (Channel, error) {
	if err := c.May(people.ReadSettings); err != nil {
		return Channel{}, err
	}
	r, err := s.cfg.Store.Channel(ctx, c.Workspace, id)
	return shown(r), err
}

// Digest gives the time of the digest.
func (s *Service) Digest(ctx context.Context, c people.Caller) (store.DigestTime, error) {
	if err := c.May(people.ReadSettings); err != nil {
		return store.DigestTime{}, err
	}
	return s.cfg.Store.Digest(ctx, c.Workspace)
}

// SetDigest chooses the time of the digest and gives what is set from now on. Without a zone the one that is set stays.
func (s *Service) SetDigest(ctx context.Context, c people.Caller, d store.DigestTime) (store.DigestTime, error) {
	if err := c.May(people.ManageSettings); err != nil {
		return d, err
	}
	if d.Hour < 0 || d.Hour > 23 {
		return d, evidence.Errorf(evidence.Invalid, "The hour of the digest is 0 to 23.")
	}
	if d.Zone = strings.TrimSpace(d.Zone); d.Zone == "" {
		now, err := s.cfg.Store.Digest(ctx, c.Workspace)
		if err != nil {
			return d, err
		}
		d.Zone = now.Zone
	}
	// Local is a name that time knows and that means another thing on each machine.
	if _, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "Local" {
		return d, evidence.Errorf(evidence.Invalid, "%.60q is no time zone. Write its IANA name, such as Europe/Berlin, America/New_York or UTC.", d.Zone)
	}
	if err := s.cfg.Store.SetDigest(ctx, c.Workspace, d); err != nil {
		return d, err
	}
	return d, s.note(ctx, c, "notifications.hour", "digest", fmt.Sprintf("%02d:00 %s", d.Hour, d.Zone))
}

// Add makes a channel. Nothing is sent. The channel is told of what lasts with its first digest, or at once what is urgent.
func (s *Service) Add(ctx context.Context, c people.Caller, req Request) (Channel, error) {
	if err := c.May(people.ManageSettings); err != nil {
		return Channel{}, err
	}
	now := s.moment()
	row := store.Channel{ID: evidence.NewID(idPrefix), Workspace: c.Workspace, Kind: string(req.Kind), CreatedAt: now, CreatedBy: c.Who(), DigestAt: now}
	if err := s.fill(ctx, &row, req, secrets{}); err != nil {
		return Channel{}, err
	}
	if err := s.cfg.Store.AddChannel(ctx, row); err != nil {
		return Channel{}, err
	}
	return shown(row), s.note(ctx, c, "notifications.add", subject(row), req.Kind.Title())
}

// Change changes a channel; a secret that is not given stays. What it was told it is not told again.
func (s *Service) Change(ctx context.Context, c people.Caller, id evidence.ID, req Request) (Channel, error) {
	if err := c.May(people.ManageSettings); err != nil {
		return Channel{}, err
	}
	row, err := s.cfg.Store.Channel(ctx, c.Workspace, id)
	if err != nil {
		return Channel{}, err
	}
	if req.Kind != "" && string(req.Kind) != row.Kind {
		return Channel{}, evidence.Errorf(evidence.Invalid, "A channel stays what it is. Add another one, and remove this one.")
	}
	req.Kind = Kind(row.Kind)
	kept, err := s.open(ctx, row)
	if err != nil {
		return Channel{}, err
	}
	if leads(req, shown(row).Address) && kept.Password != "" && req.Password.Empty() {
		return Channel{}, evidence.Errorf(evidence.Invalid, "The password was given for another server or user. Give it again.")
	}
	if err := s.fill(ctx, &row, req, kept); err != nil {
		return Channel{}, err
	}
	if err := s.cfg.Store.ChangeChannel(ctx, row); err != nil {
		return Channel{}, err
	}
	changed, err := s.cfg.Store.Channel(ctx, c.Workspace, id)
	if err != nil {
		return Channel{}, err
	}
	return shown(changed), s.note(ctx, c, "notifications.change", subject(row), Kind(row.Kind).Title())
}

// leads reports whether a password that was kept would go to another server or for another user than it was given for.
func leads(req Request, old Address) bool {
	return req.Kind == Email && req.User != "" && (!strings.EqualFold(strings.TrimSpace(req.Host), old.Host) || req.User != old.User)
}

// Remove removes a channel with its secrets.
func (s *Service) Remove(ctx context.Context, c people.Caller, id evidence.ID) (Channel, error) {
	if err := c.May(people.ManageSettings); err != nil {
		return Channel{}, err
	}
	row, err := s.cfg.Store.Channel(ctx, c.Workspace, id)
	if err != nil {
		return Channel{}, err
	}
	if err := s.cfg.Store.RemoveChannel(ctx, c.Workspace, id); err != nil {
		return Channel{}, err
	}
	return shown(row), s.note(ctx, c, "notifications.remove", subject(row), Kind(row.Kind).Title())
}

func subject(row store.Channel) string { return string(row.ID) + " " + row.Name }

func (s *Service) note(ctx context.Context, c people.Caller, what, subject, detail string) error {
	err := s.cfg.Store.AddActivity(ctx, store.Activity{Workspace: c.Workspace, At: s.moment(), Who: c.Who(), What: what, Subject: subject, Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}

// shown takes the secrets out of a row.
func shown(r store.Channel) Channel {
	c := Channel{ID: r.ID, Kind: Kind(r.Kind), Name: r.Name, Tells: r.Tells, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, SentAt: r.SentAt,
		Failures: r.Failures, FailedAt: r.FailedAt, Failure: r.Failure, NextAt: r.NextAt}
	_ = json.Unmarshal([]byte(r.Address), &c.Address) // written by this package; what cannot be read shows as nothing
	return c
}

// fill checks a request and writes it into a row, with kept where a secret is not given.
func (s *Service) fill(ctx context.Context, row *store.Channel, req Request, kept secrets) error {
	if !slices.Contains(AllKinds(), req.Kind) {
		return evidence.Errorf(evidence.Invalid, "There is no kind of channel %.40q. The kinds are email, slack, teams and webhook.", string(req.Kind))
	}
	row.Name = strings.TrimSpace(req.Name)
	if row.Name == "" {
		row.Name = req.Kind.Title()
	}
	if utf8.RuneCountInString(row.Name) > nameMost || !utf8.ValidString(row.Name) || strings.ContainsFunc(row.Name, unreadable) {
		return evidence.Errorf(evidence.Invalid, "A channel's name has at most %d characters, all of which can be seen.", nameMost)
	}
	var err error
	if row.Tells, err = tells(req.Tells); err != nil {
		return err
	}
	var a Address
	if req.Kind == Email {
		a, err = mailAddress(req, &kept)
	} else {
		a, err = hookAddress(req, &kept)
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("writing the address: %w", err)
	}
	row.Address = string(text)
	row.Secret, err = s.seal(ctx, row, kept)
	return err
}

// tells reads the kinds of concerns that a channel tells.
func tells(words []string) ([]evidence.ConcernKind, error) {
	var kinds []evidence.ConcernKind
	for _, k := range Kinds() {
		if len(words) == 0 || slices.Contains(words, string(k)) {
			kinds = append(kinds, k)
		}
	}
	for _, w := range words {
		if !slices.Contains(Kinds(), evidence.ConcernKind(w)) {
			return nil, evidence.Errorf(evidence.Invalid, "%.40q is nothing that can be told. Choose of %s.", w, kindList())
		}
	}
	return kinds, nil
}

func kindList() string {
	var words []string
	for _, k := range Kinds() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

// mailAddress checks what is given for mail.
func mailAddress(req Request, kept *secrets) (Address, error) {
	a := Address{Host: strings.ToLower(strings.TrimSpace(req.Host)), TLS: req.TLS, User: strings.TrimSpace(req.User)}
	host, port, err := mailServer(a.Host, a.TLS)
	if err != nil {
		return a, err
	}
	switch {
	case a.TLS == "" && port == "465":
		a.TLS = ImplicitTLS
	case a.TLS == "":
		a.TLS = StartTLS
	case a.TLS != StartTLS && a.TLS != ImplicitTLS:
		return a, evidence.Errorf(evidence.Invalid, "Mail is sent with starttls or tls, never without. %.40q is neither.", a.TLS)
	}
	a.Host = net.JoinHostPort(host, port)
	if a.From, err = oneAddress(req.From); err != nil {
		return a, err
	}
	for _, to := range req.To {
		for one := range strings.FieldsFuncSeq(to, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }) {
			address, err := oneAddress(one)
			if err != nil {
				return a, err
			}
			if !slices.Contains(a.To, address) {
				a.To = append(a.To, address)
			}
		}
	}
	if len(a.To) == 0 || len(a.To) > toMost {
		return a, evidence.Errorf(evidence.Invalid, "Give 1 to %d mail addresses to send to.", toMost)
	}
	if !req.Password.Empty() {
		kept.Password = req.Password.Reveal()
	}
	if len(a.User) > linesMost || strings.ContainsFunc(a.User+kept.Password, unicode.IsControl) {
		return a, evidence.Errorf(evidence.Invalid, "The user or the password has characters that no mail server takes.")
	}
	if a.User == "" {
		kept.Password = ""
	} else if kept.Password == "" {
		return a, evidence.Errorf(evidence.Invalid, "The mail server's user needs a password. Leave the user empty if the server asks for none.")
	}
	return a, nil
}

// mailServer splits a mail server's address and adds the port that belongs to how it is encrypted.
func mailServer(text, encryption string) (host, port string, err error) {
	host, port = text, "587"
	if encryption == ImplicitTLS {
		port = "465"
	}
	if h, p, err := net.SplitHostPort(text); err == nil {
		host, port = h, p
	}
	n, err := strconv.ParseUint(port, 10, 16)
	server, perr := source.ParseServer("https://" + net.JoinHostPort(host, "1"))
	if err != nil || n == 0 || perr != nil {
		return "", "", evidence.Errorf(evidence.Invalid, "%.200q is no mail server. Write it like smtp.example.com or smtp.example.com:587.", text)
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", "", fmt.Errorf("reading the mail server: %w", err)
	}
	return u.Hostname(), strconv.FormatUint(n, 10), nil
}

func oneAddress(text string) (string, error) {
	a, err := mail.ParseAddress(strings.TrimSpace(text))
	if err != nil || a.Name != "" || len(a.Address) > 254 || strings.ContainsFunc(a.Address, func(r rune) bool { return r > '~' || r <= ' ' }) {
		return "", evidence.Errorf(evidence.Invalid, "%.200q is no mail address. It looks like ada@example.com.", text)
	}
	return a.Address, nil
}

// hookAddress checks what is given for a webhook of whatever kind. Of its address only the host may be seen: the rest is
// what lets one in.
func hookAddress(req Request, kept *secrets) (Address, error) {
	if !req.URL.Empty() {
		kept.URL = strings.TrimSpace(req.URL.Reveal())
	}
	if !req.Key.Empty() {
		kept.Key = strings.TrimSpace(req.Key.Reveal())
	}
	if kept.URL == "" {
		return Address{}, evidence.Errorf(evidence.Invalid, "Give the address of the webhook. It begins with https://.")
	}
	u, err := url.Parse(kept.URL)
	// No message quotes the address: it is a secret.
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(kept.URL) > linesMost {
		return Address{}, evidence.Errorf(evidence.Invalid, "That is no address of a webhook. It begins with https:// and has no user, no password and no # in it.")
	}
	server, err := source.ParseServer("https://" + u.Host)
	if err != nil {
		return Address{}, evidence.Errorf(evidence.Invalid, "The host of that address cannot be used. Copy the address whole.")
	}
	if req.Kind == Webhook && len(kept.Key) < keyLeast {
		return Address{}, evidence.Errorf(evidence.Invalid, "A webhook is signed with a key of at least %d characters, which its receiver knows too.", keyLeast)
	}
	if req.Kind != Webhook {
		kept.Key = ""
	}
	return Address{Host: strings.TrimPrefix(server, "https://")}, nil
}

// unreadable reports whether a character of a name would not be seen, or could make another one look different.
func unreadable(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r)
}

func (s *Service) seal(ctx context.Context, row *store.Channel, sec secrets) ([]byte, error) {
	box, err := s.cfg.Connections.Box(ctx, row.Workspace)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(sec)
	if err != nil {
		return nil, fmt.Errorf("writing the secrets: %w", err)
	}
	return box.Seal(seal.NewSecret(string(text)), row.ID, seal.PurposeNotify)
}

// open gives a channel's secrets. They open for this channel alone: a row that was moved does not.
func (s *Service) open(ctx context.Context, row store.Channel) (secrets, error) {
	box, err := s.cfg.Connections.Box(ctx, row.Workspace)
	if err != nil {
		return secrets{}, err
	}
	text, err := box.Open(row.Secret, row.ID, seal.PurposeNotify)
	if errors.Is(err, seal.ErrSealed) {
		return secrets{}, &evidence.Error{Code: evidence.Internal, Err: err, Message: "What the channel keeps secret does not open: it was altered. Remove the channel and add it again."}
	}
	if err != nil {
		return secrets{}, err
	}
	var sec secrets
	if err := json.Unmarshal([]byte(text.Reveal()), &sec); err != nil {
		return secrets{}, errors.New("what the channel keeps secret cannot be read") // the cause could quote it
	}
	return sec, nil
}

// admitted reports whether the operator lets a host lie in a private network.
func (o Operator) admitted(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return slices.Contains(o.AllowHosts, host) || slices.Contains(o.AllowHosts, hostport)
}
