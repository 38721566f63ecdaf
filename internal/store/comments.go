package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// CommentActivity is the verb under which the trail, and with it the log, tells of a comment.
const CommentActivity = "action.comment"

// AddComment stores a comment on the action with that key, whom it mentions, and its line of the trail, all or nothing. The
// log gets the line: author and text are commitments there. by is the member who wrote it, and has thereby seen where earlier ones
// mention him. There is no way to change or remove a comment.
func (s *Store) AddComment(ctx context.Context, c evidence.Comment, key string, by evidence.ID) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		err := q.AddComment(ctx, sqlc.AddCommentParams{ID: string(c.ID), Workspace: string(c.Workspace), Action: string(c.Action), At: ms(c.At), Who: c.Who, Text: c.Text})
		if err != nil {
			return fmt.Errorf("storing a comment: %w", err)
		}
		for _, m := range c.Mentions {
			if err := q.AddMention(ctx, string(c.Workspace), string(c.ID), string(m)); err != nil {
				return fmt.Errorf("storing who is mentioned: %w", err)
			}
		}
		if _, err := q.SeeMentions(ctx, ms(c.At), string(c.Workspace), string(by), string(c.Action)); err != nil {
			return fmt.Errorf("noting that mentions were seen: %w", err)
		}
		a := Activity{Workspace: c.Workspace, At: c.At, Who: c.Who, What: CommentActivity, Subject: key, Detail: c.Text}
		err = q.AddActivity(ctx, sqlc.AddActivityParams{Workspace: string(a.Workspace), At: ms(a.At), Who: a.Who, What: a.What, Subject: a.Subject, Detail: a.Detail})
		if err != nil {
			return fmt.Errorf("writing the trail: %w", err)
		}
		return s.enterAction(ctx, q, a)
	})
}

// Comments gives the comments on an action, oldest first.
func (s *Store) Comments(ctx context.Context, ws, action evidence.ID) ([]evidence.Comment, error) {
	rows, err := s.queries().Comments(ctx, string(ws), string(action))
	if err != nil {
		return nil, fmt.Errorf("reading comments: %w", err)
	}
	mentions, err := s.queries().MentionsOfAction(ctx, string(ws), string(action))
	if err != nil {
		return nil, fmt.Errorf("reading who is mentioned: %w", err)
	}
	by := map[string][]evidence.ID{}
	for _, m := range mentions {
		by[m.Comment] = append(by[m.Comment], evidence.ID(m.Member))
	}
	var all []evidence.Comment
	for _, r := range rows {
		all = append(all, evidence.Comment{ID: evidence.ID(r.ID), Workspace: ws, Action: action, At: fromMS(r.At), Who: r.Who, Text: r.Text, Mentions: by[r.ID]})
	}
	return all, nil
}

// Mention is that a comment mentions a member who has not looked at it.
type Mention struct {
	Comment evidence.Comment // without all whom it mentions
	Key     string           // of the action that it is about
	Title   string
	Member  evidence.ID
	ToldAt  time.Time // when a mail was taken for him; zero: none was
}

// UnseenMentions gives the mentions of a workspace at which nobody has looked, oldest first.
func (s *Store) UnseenMentions(ctx context.Context, ws evidence.ID) ([]Mention, error) {
	rows, err := s.queries().UnseenMentions(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading mentions: %w", err)
	}
	var all []Mention
	for _, r := range rows {
		all = append(all, Mention{Member: evidence.ID(r.Member), ToldAt: fromMS(r.ToldAt), Key: r.Key, Title: r.Title, Comment: evidence.Comment{ID: evidence.ID(r.Comment), Workspace: ws,
			Action: evidence.ID(r.Action), At: fromMS(r.At), Who: r.Who, Text: r.Text}})
	}
	return all, nil
}

// SeeMentions notes that a member has seen where comments on an action mention him.
func (s *Store) SeeMentions(ctx context.Context, ws, member, action evidence.ID, at time.Time) error {
	_, err := sqlc.New(s.write).SeeMentions(ctx, ms(at), string(ws), string(member), string(action))
	if err != nil {
		return fmt.Errorf("noting that mentions were seen: %w", err)
	}
	return nil
}

// MentionTold notes that a mail was taken for a member who is mentioned.
func (s *Store) MentionTold(ctx context.Context, m Mention, at time.Time) error {
	if err := sqlc.New(s.write).MentionTold(ctx, ms(at), string(m.Comment.Workspace), string(m.Comment.ID), string(m.Member)); err != nil {
		return fmt.Errorf("noting that somebody was told of a mention: %w", err)
	}
	return nil
}
