package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// comments gives the comments on an action, cut into mentions and the rest, and the names that can be mentioned.
func (s *server) comments(r *http.Request, action evidence.ID, v *view.Action) error {
	ctx, c := r.Context(), people.From(r.Context())
	list, err := s.cfg.Program.Comments(ctx, c.Workspace, action)
	if err != nil {
		return err
	}
	members, err := s.cfg.Store.Members(ctx, c.Workspace)
	if err != nil {
		return err
	}
	members = program.Mentionable(members)
	unseen, err := s.unseen(ctx, c)
	if err != nil {
		return err
	}
	for _, x := range list {
		isNew := slices.ContainsFunc(unseen, func(m store.Mention) bool { return m.Comment.ID == x.ID })
		v.Comments = append(v.Comments, view.Comment{ID: string(x.ID), At: x.At, Who: x.Who, Parts: program.SplitMentions(x.Text, members), Unseen: isNew})
	}
	for _, m := range members {
		if m.ID != c.Member && m.Name != "" {
			v.Mentionable = append(v.Mentionable, m.Name)
		}
	}
	return nil
}

// seeMentions notes that the caller has seen where an action mentions him, and leads back to where he was.
func (s *server) seeMentions(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	if err := s.cfg.Program.SeeMentions(r.Context(), c, r.PathValue("id")); err != nil {
		return err
	}
	to := "/actions/" + url.PathEscape(r.PathValue("id")) + "#comments"
	if back := r.PostFormValue("return"); back != "" {
		to = localPath(back)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (s *server) addComment(w http.ResponseWriter, r *http.Request) error {
	text := r.PostFormValue("text")
	made, err := s.cfg.Program.Comment(r.Context(), people.From(r.Context()), r.PathValue("id"), text)
	if err != nil {
		return s.acted(w, r, err, view.Action{Comment: text, At: "comment"})
	}
	http.Redirect(w, r, "/actions/"+url.PathEscape(r.PathValue("id"))+"#"+string(made.ID), http.StatusSeeOther)
	return nil
}

// mentions gives what mentions the caller and he has not seen, for the front page.
func (s *server) mentions(ctx context.Context, c people.Caller) ([]view.Attention, error) {
	if !c.Has(people.ReadActions) {
		return nil, nil
	}
	all, err := s.unseen(ctx, c)
	var out []view.Attention
	for _, m := range all {
		path := "/actions/" + string(m.Comment.Action)
		out = append(out, view.Attention{Tone: ui.Info, Icon: "message-square", Title: m.Comment.Who + " mentions you on " + m.Key + ": " + m.Title,
			Href: path + "#" + string(m.Comment.ID), Text: m.Comment.Text, Done: "Mark as seen", DoneAt: path + "/seen"})
	}
	return out, err
}

// unseen gives what mentions the caller and he has not seen.
func (s *server) unseen(ctx context.Context, c people.Caller) ([]store.Mention, error) {
	all, err := s.cfg.Program.Mentions(ctx, c.Workspace)
	return slices.DeleteFunc(all, func(m store.Mention) bool { return m.Member != c.Member }), err
}

type apiComment struct {
	ID       evidence.ID   `json:"id"`
	At       time.Time     `json:"at"`
	Who      string        `json:"who"`
	Text     string        `json:"text"`
	Mentions []evidence.ID `json:"mentions" doc:"Members whom it mentions"`
}

type apiComments struct {
	Comments []apiComment `json:"comments"`
}

func commentJSON(x evidence.Comment) apiComment {
	return apiComment{x.ID, x.At.UTC(), x.Who, x.Text, all(x.Mentions)}
}

// commentOperations are the operations of comments on actions.
func (s *server) commentOperations(api huma.API) {
	add(s, api, "/actions/{id}/comments", "list-comments", "Comments on an action, oldest first", people.ReadActions, s.apiComments)
	mount(s, api, operation(http.MethodPost, "/actions/{id}/seen", "see-mentions", "Note that you have seen where comments on an action mention you", people.ReadActions, quick), s.apiSeeMentions)
	mount(s, api, operation(http.MethodPost, "/actions/{id}/comments", "add-comment", "Comment on an action, for ever; an @ and a name tell that member", people.ManageActions, quick), s.apiAddComment)
}

func (s *server) apiComments(ctx context.Context, c people.Caller, in *byID) (apiComments, error) {
	out := apiComments{Comments: []apiComment{}}
	v, err := s.cfg.Program.Action(ctx, c.Workspace, in.ID)
	if err != nil {
		return out, err
	}
	list, err := s.cfg.Program.Comments(ctx, c.Workspace, v.Action.ID)
	for _, x := range list {
		out.Comments = append(out.Comments, commentJSON(x))
	}
	return out, err
}

func (s *server) apiSeeMentions(ctx context.Context, c people.Caller, in *byID) (apiComments, error) {
	if err := s.cfg.Program.SeeMentions(ctx, c, in.ID); err != nil {
		return apiComments{}, err
	}
	return s.apiComments(ctx, c, in)
}

type addCommentInput struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id or key"`
	Body struct {
		Text string `json:"text" doc:"It cannot be changed or removed" example:"@Ada Okafor, please look."`
	}
}

func (s *server) apiAddComment(ctx context.Context, c people.Caller, in *addCommentInput) (apiComment, error) {
	made, err := s.cfg.Program.Comment(ctx, c, in.ID, in.Body.Text)
	return commentJSON(made), err
}
