package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// mentionAge is how old a comment may be of which somebody is still told by mail. Later it stands on his front page alone.
const mentionAge = 7 * 24 * time.Hour

// tellMentions sends a mail to each member whom a comment mentions and who has not looked, through the first mail channel
// that works. Without one, those who are mentioned see it on their front page.
//
//   - Crash between sending and noting: the next round sends it again, under the same id. It may come twice, it is never lost.
func (s *Service) tellMentions(ctx context.Context, ws evidence.ID, channels []store.Channel, link string) error {
	now := s.moment()
	at := slices.IndexFunc(channels, func(c store.Channel) bool { return Kind(c.Kind) == Email && !now.Before(c.NextAt) })
	if at < 0 {
		return nil
	}
	all, err := s.cfg.Actions.Mentions(ctx, ws)
	if err != nil {
		return fmt.Errorf("looking for who is mentioned: %w", err)
	}
	members, err := s.cfg.Store.Members(ctx, ws)
	if err != nil {
		return fmt.Errorf("looking for who is mentioned: %w", err)
	}
	for _, m := range all {
		who := slices.IndexFunc(members, func(x store.Member) bool { return x.ID == m.Member })
		if who < 0 || !members[who].SuspendedAt.IsZero() || !m.ToldAt.IsZero() || now.Sub(m.Comment.At) > mentionAge {
			continue
		}
		if _, err := s.sendTo(ctx, channels[at], []string{members[who].Email}, s.mentionMessage(ctx, m, link)); err != nil {
			return s.failed(ctx, channels[at], err)
		}
		// It was told: that is noted although the server stops now.
		if err := s.cfg.Store.MentionTold(context.WithoutCancel(ctx), m, now); err != nil {
			return err
		}
		s.cfg.Log.Info("told somebody that he is mentioned", "comment", m.Comment.ID, "channel", channels[at].ID)
	}
	return nil
}

func (s *Service) mentionMessage(ctx context.Context, m store.Mention, link string) message {
	return message{ID: string(m.Comment.ID) + "-" + string(m.Member), Kind: mention, Workspace: s.cfg.Name(ctx, m.Comment.Workspace), At: s.moment(), Link: link, Open: []item{{
		Fact: "mention/" + string(m.Comment.ID), Title: fmt.Sprintf("%s mentions you on %s: %s", m.Comment.Who, m.Key, m.Title), Text: m.Comment.Text,
		Href: "/actions/" + string(m.Comment.Action) + "#" + string(m.Comment.ID),
	}}}
}
