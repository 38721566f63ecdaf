package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

// settingsOperations are who asks, who may ask, who did what, and who is told.
func (s *server) settingsOperations(api huma.API) {
	add(s, api, "/me", "get-me", "Who asks, and what he may do", people.Own, s.apiMe)
	add(s, api, "/activity", "list-activity", "The activity trail, newest first, page by page", people.ReadSettings, s.apiActivity)
	add(s, api, "/api-tokens", "list-api-tokens", "The caller's tokens; everybody's for who manages settings", people.MakeTokens, s.apiTokenList)
	mount(s, api, operation(http.MethodPost, "/api-tokens", "create-api-token", "Make a token; its secret is in this answer and nowhere else", people.MakeTokens, quick), s.apiTokenCreate)
	mount(s, api, operation(http.MethodDelete, "/api-tokens/{id}", "revoke-api-token", "End a token at once", people.MakeTokens, quick), s.apiTokenRevoke)
	add(s, api, "/notifications", "list-channels", "The channels on which people are told, without their secrets", people.ReadSettings, s.apiChannels)
	mount(s, api, operation(http.MethodPost, "/notifications", "add-channel", "Add a channel; nothing is sent", people.ManageSettings, quick), s.apiChannelAdd)
	mount(s, api, operation(http.MethodPut, "/notifications/digest", "set-digest-hour", "Choose the hour of the daily digest", people.ManageSettings, quick), s.apiDigest)
	add(s, api, "/notifications/{id}", "get-channel", "One channel", people.ReadSettings, s.apiChannelGet)
	mount(s, api, operation(http.MethodPut, "/notifications/{id}", "change-channel", "Change a channel; a secret that is left out stays", people.ManageSettings, quick), s.apiChannelChange)
	mount(s, api, operation(http.MethodDelete, "/notifications/{id}", "remove-channel", "Remove a channel with its secrets", people.ManageSettings, quick), s.apiChannelRemove)
	mount(s, api, operation(http.MethodPost, "/notifications/{id}/test", "test-channel", "Send a test and give what the other side answered", people.ManageSettings, asks), s.apiChannelTest)
}

type apiMe struct {
	Member      evidence.ID         `json:"member"`
	Name        string              `json:"name" example:"Ada Okafor"`
	Email       string              `json:"email" example:"ada@example.com"`
	Role        people.Role         `json:"role" example:"admin"`
	Workspace   string              `json:"workspace" example:"default"`
	Token       *evidence.ID        `json:"token" doc:"Id of the token that asks; null for a session"`
	Scopes      []people.Scope      `json:"scopes" doc:"Of the token; empty for a session"`
	Permissions []people.Permission `json:"permissions"`
}

func (s *server) apiMe(ctx context.Context, c people.Caller, _ *nothing) (apiMe, error) {
	out := apiMe{Member: c.Member, Name: c.Name, Email: c.Email, Role: c.Role, Workspace: s.workspaceName(ctx, c.Workspace), Scopes: all(c.Scopes.List()), Permissions: []people.Permission{}}
	if c.Token != "" {
		out.Token = &c.Token
	}
	for _, p := range people.Permissions() {
		if c.Has(p) {
			out.Permissions = append(out.Permissions, p)
		}
	}
	return out, nil
}

type trailParams struct {
	Who   string `query:"who" maxLength:"300" doc:"Exactly; everybody if left out"`
	What  string `query:"what" maxLength:"100" doc:"A verb such as artifact.build, or its first word" example:"token"`
	After string `query:"after" maxLength:"20" doc:"next of the answer before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Lines at most"`
}

type apiLine struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who" example:"Ada Okafor (API token deploy)"`
	What    string    `json:"what" example:"artifact.build"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail"`
}

type apiTrail struct {
	Activity []apiLine `json:"activity"`
	Next     *string   `json:"next" doc:"What to send as after for more; null at the end"`
}

func (s *server) apiActivity(ctx context.Context, c people.Caller, in *trailParams) (apiTrail, error) {
	out := apiTrail{Activity: []apiLine{}}
	q, err := trailRequest(url.Values{"who": {in.Who}, "what": {in.What}, "before": {in.After}}, c.Workspace)
	if err != nil {
		return out, err
	}
	q.Limit = in.Limit
	page, err := s.cfg.Store.Trail(ctx, q)
	for _, l := range page.Lines {
		out.Activity = append(out.Activity, apiLine{l.At.UTC(), l.Who, l.What, l.Subject, l.Detail})
	}
	if page.Next > 0 {
		next := strconv.FormatInt(page.Next, 10)
		out.Next = &next
	}
	return out, err
}

type apiToken struct {
	ID        evidence.ID    `json:"id" example:"tk_4zq2hxk7m3v5w6ya"`
	Name      string         `json:"name" example:"deploy"`
	Member    string         `json:"member" doc:"Name of the member on whose behalf it asks"`
	Scopes    []people.Scope `json:"scopes" example:"[\"read\"]"`
	State     apitoken.State `json:"state" example:"active"`
	CreatedAt time.Time      `json:"created_at"`
	CreatedBy string         `json:"created_by"`
	ExpiresAt time.Time      `json:"expires_at"`
	LastUsed  *time.Time     `json:"last_used_at" doc:"To the minute; null: never"`
	RevokedAt *time.Time     `json:"revoked_at"`
	RevokedBy string         `json:"revoked_by"`
	Token     string         `json:"token,omitempty" doc:"The secret, in the answer that makes it alone" example:"exh_…"`
}

func tokenJSON(t apitoken.Token) apiToken {
	return apiToken{ID: t.ID, Name: t.Name, Member: t.MemberName, Scopes: all(t.Scopes.List()), State: t.State, CreatedAt: t.CreatedAt.UTC(), CreatedBy: t.CreatedBy,
		ExpiresAt: t.ExpiresAt.UTC(), LastUsed: moment(t.LastUsedAt), RevokedAt: moment(t.RevokedAt), RevokedBy: t.RevokedBy}
}

type apiTokens struct {
	Tokens []apiToken `json:"api_tokens"`
}

func (s *server) apiTokenList(ctx context.Context, c people.Caller, _ *nothing) (apiTokens, error) {
	out := apiTokens{Tokens: []apiToken{}}
	list, err := s.cfg.Tokens.List(ctx, c)
	for _, t := range list {
		out.Tokens = append(out.Tokens, tokenJSON(t))
	}
	return out, err
}

type createToken struct {
	Body struct {
		Name    string   `json:"name" example:"deploy"`
		Scopes  []string `json:"scopes" example:"[\"read\"]" doc:"monitor, read, build, manage, settings; of a token that asks, its own at most"`
		Expires string   `json:"expires,omitempty" example:"30d" doc:"30d, 12h, a date, or a time in RFC 3339; 90d if left out, 365d at most"`
	}
}

func (s *server) apiTokenCreate(ctx context.Context, c people.Caller, in *createToken) (apiToken, error) {
	if err := s.confidential(ctx); err != nil {
		return apiToken{}, err
	}
	expires, err := apitoken.ParseExpiry(in.Body.Expires, s.now())
	if err != nil {
		return apiToken{}, err
	}
	t, secret, err := s.cfg.Tokens.Create(ctx, c, apitoken.CreateRequest{Name: in.Body.Name, Scopes: in.Body.Scopes, Expires: expires})
	if err != nil {
		return apiToken{}, err
	}
	out := tokenJSON(t)
	out.Token = secret.Reveal()
	return out, nil
}

func (s *server) apiTokenRevoke(ctx context.Context, c people.Caller, in *byID) (apiToken, error) {
	t, err := s.cfg.Tokens.Revoke(ctx, c, evidence.ID(in.ID))
	return tokenJSON(t), err
}

type apiChannel struct {
	ID        evidence.ID            `json:"id" example:"nc_4zq2hxk7m3v5w6ya"`
	Kind      notify.Kind            `json:"kind" example:"slack"`
	Name      string                 `json:"name" example:"Security"`
	Host      string                 `json:"host" doc:"Mail server, or host of the webhook; the rest of its address is a secret" example:"hooks.slack.com"`
	TLS       string                 `json:"tls,omitempty"`
	From      string                 `json:"from,omitempty"`
	To        []string               `json:"to,omitempty"`
	User      string                 `json:"user,omitempty"`
	Tells     []evidence.ConcernKind `json:"tells" example:"[\"unauthorized\",\"expiry\"]"`
	CreatedAt time.Time              `json:"created_at"`
	CreatedBy string                 `json:"created_by"`
	SentAt    *time.Time             `json:"sent_at" doc:"Of the last message that was taken"`
	Failures  int                    `json:"failures" doc:"In a row; 0: it works, as far as is known"`
	Failure   string                 `json:"failure"`
	FailedAt  *time.Time             `json:"failed_at"`
	NextAt    *time.Time             `json:"next_at" doc:"When it is tried again"`
}

func channelJSON(c notify.Channel) apiChannel {
	a := c.Address
	return apiChannel{c.ID, c.Kind, c.Name, a.Host, a.TLS, a.From, a.To, a.User, all(c.Tells), c.CreatedAt.UTC(), c.CreatedBy, moment(c.SentAt), c.Failures, c.Failure, moment(c.FailedAt), moment(c.NextAt)}
}

type apiChannels struct {
	Channels   []apiChannel `json:"channels"`
	DigestHour int          `json:"digest_hour" doc:"In the digest's time zone" example:"7"`
	DigestZone string       `json:"digest_zone" doc:"IANA name" example:"Europe/Berlin"`
}

func (s *server) apiChannels(ctx context.Context, c people.Caller, _ *nothing) (apiChannels, error) {
	out := apiChannels{Channels: []apiChannel{}}
	list, err := s.cfg.Notify.List(ctx, c)
	if err != nil {
		return out, err
	}
	for _, ch := range list {
		out.Channels = append(out.Channels, channelJSON(ch))
	}
	digest, err := s.cfg.Notify.Digest(ctx, c)
	out.DigestHour, out.DigestZone = digest.Hour, digest.Zone
	return out, err
}

// ChannelBody is what a channel is made of. huma reads embedded fields only from exported types.
type ChannelBody struct {
	Kind     string   `json:"kind,omitempty" example:"slack" doc:"email, slack, teams or webhook; it cannot be changed"`
	Name     string   `json:"name,omitempty" example:"Security"`
	Host     string   `json:"host,omitempty" doc:"email: mail server, host or host:port" example:"smtp.example.com:587"`
	TLS      string   `json:"tls,omitempty" doc:"email: starttls or tls"`
	From     string   `json:"from,omitempty" doc:"email: sender"`
	To       []string `json:"to,omitempty" doc:"email: receivers"`
	User     string   `json:"user,omitempty" doc:"email: user of the mail server"`
	Password string   `json:"password,omitempty" writeOnly:"true" format:"password" doc:"email: kept sealed, never given back"`
	URL      string   `json:"url,omitempty" writeOnly:"true" format:"password" doc:"slack, teams, webhook: address, a secret"`
	Key      string   `json:"key,omitempty" writeOnly:"true" format:"password" doc:"webhook: key of the signature, at least 16 characters"`
	Tells    []string `json:"tells,omitempty" doc:"Kinds of concerns; all if left out"`
}

func (b ChannelBody) request() notify.Request {
	return notify.Request{Kind: notify.Kind(b.Kind), Name: b.Name, Host: b.Host, TLS: b.TLS, From: b.From, To: b.To, User: b.User,
		Password: seal.NewSecret(b.Password), URL: seal.NewSecret(b.URL), Key: seal.NewSecret(b.Key), Tells: b.Tells}
}

type addChannelIn struct{ Body ChannelBody }

func (s *server) apiChannelAdd(ctx context.Context, c people.Caller, in *addChannelIn) (apiChannel, error) {
	if err := s.confidential(ctx); err != nil {
		return apiChannel{}, err
	}
	ch, err := s.cfg.Notify.Add(ctx, c, in.Body.request())
	return channelJSON(ch), err
}

func (s *server) apiChannelGet(ctx context.Context, c people.Caller, in *byID) (apiChannel, error) {
	ch, err := s.cfg.Notify.Show(ctx, c, evidence.ID(in.ID))
	return channelJSON(ch), err
}

type changeChannelIn struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the channel"`
	Body ChannelBody
}

func (s *server) apiChannelChange(ctx context.Context, c people.Caller, in *changeChannelIn) (apiChannel, error) {
	if err := s.confidential(ctx); err != nil {
		return apiChannel{}, err
	}
	ch, err := s.cfg.Notify.Change(ctx, c, evidence.ID(in.ID), in.Body.request())
	return channelJSON(ch), err
}

func (s *server) apiChannelRemove(ctx context.Context, c people.Caller, in *byID) (apiDone, error) {
	_, err := s.cfg.Notify.Remove(ctx, c, evidence.ID(in.ID))
	return apiDone{err == nil}, err
}

type apiTested struct {
	OK   bool   `json:"ok"`
	Said string `json:"said" doc:"What the other side answered, in a sentence" example:"hooks.slack.com answered 200: ok."`
}

func (s *server) apiChannelTest(ctx context.Context, c people.Caller, in *byID) (apiTested, error) {
	res, err := s.cfg.Notify.Test(ctx, c, evidence.ID(in.ID), s.cfg.URL)
	return apiTested(res), err
}

type digestHour struct {
	Body struct {
		Hour int    `json:"hour" minimum:"0" maximum:"23" example:"7"`
		Zone string `json:"zone,omitempty" maxLength:"60" doc:"IANA name of the time zone of the hour; left out, it stays as it is" example:"Europe/Berlin"`
	}
}

func (s *server) apiDigest(ctx context.Context, c people.Caller, in *digestHour) (apiDone, error) {
	_, err := s.cfg.Notify.SetDigest(ctx, c, store.DigestTime{Hour: in.Body.Hour, Zone: in.Body.Zone})
	return apiDone{err == nil}, err
}
