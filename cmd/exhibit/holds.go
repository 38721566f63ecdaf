package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/hold"
)

type holdsCmd struct {
	List    holdsListCmd    `cmd:"" default:"1" help:"List legal holds, the next to be reviewed first."`
	Place   holdsPlaceCmd   `cmd:"" help:"Keep everything in a scope from being erased."`
	Review  holdsReviewCmd  `cmd:"" help:"Keep a hold until another day, after somebody looked whether it is still needed."`
	Release holdsReleaseCmd `cmd:"" help:"End a hold; it stays on record."`
}

// holdJSON is the shape of "holds list --json".
type holdJSON struct {
	ID         evidence.ID       `json:"id"`
	Code       evidence.HoldCode `json:"code"`
	Reason     string            `json:"reason"`
	From       jsonTime          `json:"from"`
	To         jsonTime          `json:"to"`
	Connection evidence.ID       `json:"connection"`
	Owner      string            `json:"owner"`
	Review     jsonTime          `json:"review"`
	Due        bool              `json:"due"`
	PlacedAt   jsonTime          `json:"placed_at"`
	PlacedBy   string            `json:"placed_by"`
	ReviewedAt jsonTime          `json:"reviewed_at"`
	ReviewedBy string            `json:"reviewed_by"`
	ReleasedAt jsonTime          `json:"released_at"`
	ReleasedBy string            `json:"released_by"`
	Release    string            `json:"release_reason"`
}

func toHoldJSON(v hold.View) holdJSON {
	return holdJSON{v.ID, v.Code, v.Reason, jsonTime(v.Span.From), jsonTime(v.Span.To), v.Connection, v.OwnerName, jsonTime(v.Hold.Review), v.Due, jsonTime(v.PlacedAt), v.PlacedBy,
		jsonTime(v.ReviewedAt), v.ReviewedBy, jsonTime(v.ReleasedAt), v.ReleasedBy, v.Release}
}

type holdsListCmd struct{}

func (c *holdsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Holds.List(ctx, keyboard(a))
		if err != nil {
			return err
		}
		if g.JSON {
			list := []holdJSON{}
			for _, v := range all {
				list = append(list, toHoldJSON(v))
			}
			return g.printJSON(map[string]any{"holds": list})
		}
		if len(all) == 0 {
			fmt.Fprintln(g.out, "Nothing is on hold.")
			return nil
		}
		t := newTable(g.out, "id", "code", "holds", "owner", "review by", "state", "reason")
		for _, v := range all {
			state := "in force"
			switch {
			case !v.Stands():
				state = "released " + moment(v.ReleasedAt)
			case v.Due:
				state = "review is due"
			}
			t.row(string(v.ID), string(v.Code), printable(v.Scope()), printable(v.OwnerName), moment(v.Hold.Review), state, printable(v.Reason))
		}
		return t.flush()
	})
}

type holdsPlaceCmd struct {
	From       string `help:"Start of the events that are held. Without it and --to: of all times." placeholder:"T"`
	To         string `help:"Their end, which is no longer held." placeholder:"T"`
	Connection string `help:"Hold events of this connection alone." placeholder:"ID"`
	Owner      string `help:"The member who answers for it, by e-mail address or id." required:"" placeholder:"MEMBER"`
	Code       string `help:"Why, in one word: ${enum}." enum:"litigation,investigation,regulator,audit,contract,other" required:"" placeholder:"CODE"`
	Reason     string `help:"Why, in words." required:"" placeholder:"TEXT"`
	Review     string `help:"Day on which somebody must look again." required:"" placeholder:"T"`
}

func (c *holdsPlaceCmd) Run(ctx context.Context, g *Globals) error {
	req := hold.PlaceRequest{Connection: evidence.ID(c.Connection), Owner: c.Owner, Code: evidence.HoldCode(c.Code), Reason: c.Reason}
	var err error
	if strings.TrimSpace(c.From+c.To) != "" {
		if c.From == "" || c.To == "" {
			return usagef("Give both --from and --to, or neither to hold events of all times.")
		}
		if req.Span, err = period(c.From, c.To, evidence.Span{}); err != nil {
			return err
		}
	}
	if req.Review, err = day(c.Review); err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Holds.Place(ctx, keyboard(a), req)
		if err != nil {
			return badInput(err)
		}
		return g.printHold(v, "is on hold. Nothing of it is erased until: exhibit holds release "+string(v.ID)+" --reason TEXT")
	})
}

type holdsReviewCmd struct {
	ID     string `arg:"" help:"Id of the hold."`
	Until  string `help:"Day on which somebody must look again." required:"" placeholder:"T"`
	Owner  string `help:"Another member who answers for it from now on." placeholder:"MEMBER"`
	Reason string `help:"Why it is still needed." required:"" placeholder:"TEXT"`
}

func (c *holdsReviewCmd) Run(ctx context.Context, g *Globals) error {
	until, err := day(c.Until)
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Holds.Review(ctx, keyboard(a), hold.ReviewRequest{Hold: evidence.ID(c.ID), Owner: c.Owner, Review: until, Reason: c.Reason})
		if err != nil {
			return badInput(err)
		}
		return g.printHold(v, "stays on hold, to be reviewed by "+moment(v.Hold.Review)+".")
	})
}

type holdsReleaseCmd struct {
	ID     string `arg:"" help:"Id of the hold."`
	Reason string `help:"Why it is no longer needed." required:"" placeholder:"TEXT"`
}

func (c *holdsReleaseCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Holds.Release(ctx, keyboard(a), evidence.ID(c.ID), c.Reason)
		if err != nil {
			return badInput(err)
		}
		return g.printHold(v, "is no longer on hold. What it held can be erased on request.")
	})
}

// day reads a day or a moment.
func day(text string) (time.Time, error) {
	t, err := evidence.ParseMoment(text, time.Now())
	if err != nil {
		return t, usagef("%v", err)
	}
	return t, nil
}

// printHold prints a hold as it is now, with what that means.
func (g *Globals) printHold(v hold.View, words string) error {
	if g.JSON {
		return g.printJSON(toHoldJSON(v))
	}
	fmt.Fprintf(g.out, "%s: %s %s\n", v.ID, printable(v.Scope()), words)
	return nil
}
