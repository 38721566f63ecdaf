package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
)

type sourcesCmd struct {
	Source string `arg:"" optional:"" help:"Show one source with how to set it up."`
}

type sourceJSON struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Category string        `json:"category"`
	Summary  string        `json:"summary"`
	Auth     string        `json:"auth"`
	Plan     string        `json:"plan"`
	Servers  []serverJSON  `json:"servers"`
	Streams  []streamInfo  `json:"streams"`
	Controls []string      `json:"controls"`
	Setup    []source.Step `json:"setup"`
	Limits   []string      `json:"limits"`
	Help     []helpJSON    `json:"help"`
}

type helpJSON struct {
	Sign   string        `json:"sign"`
	Causes []source.Step `json:"causes"`
}

type serverJSON struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type streamInfo struct {
	Stream evidence.Stream `json:"stream"`
	Title  string          `json:"title"`
	Shows  string          `json:"shows"`
}

func toSourceJSON(k source.Kind) sourceJSON {
	j := sourceJSON{ID: k.ID, Name: k.Name, Category: k.Category, Summary: k.Summary, Auth: k.Auth, Plan: k.Plan,
		Controls: orEmpty(k.Controls), Setup: orEmpty(k.Setup), Limits: orEmpty(k.Limits), Servers: []serverJSON{}, Streams: []streamInfo{}}
	for _, s := range k.Servers {
		j.Servers = append(j.Servers, serverJSON{s.Name, s.URL})
	}
	for _, s := range k.Streams {
		j.Streams = append(j.Streams, streamInfo{s.Stream, s.Title, s.Shows})
	}
	j.Help = []helpJSON{}
	for _, h := range k.Help {
		j.Help = append(j.Help, helpJSON{h.Sign, h.Causes})
	}
	return j
}

func (c *sourcesCmd) Run(_ context.Context, g *Globals) error {
	kinds := all.Kinds()
	if c.Source != "" {
		for _, k := range kinds {
			if k.ID == c.Source {
				return g.printSource(k)
			}
		}
		return usagef("There is no source %q. \"exhibit sources\" lists them.", c.Source)
	}
	if g.JSON {
		list := []sourceJSON{}
		for _, k := range kinds {
			list = append(list, toSourceJSON(k))
		}
		return g.printJSON(map[string]any{"sources": list})
	}
	t := newTable(g.out, "id", "name", "category", "plan", "collects")
	for _, k := range kinds {
		t.row(k.ID, k.Name, k.Category, k.Plan, k.Summary)
	}
	return t.flush()
}

func (g *Globals) printSource(k source.Kind) error {
	if g.JSON {
		return g.printJSON(toSourceJSON(k))
	}
	fmt.Fprintf(g.out, "%s (%s)\n%s\n\nAuthentication: %s\nPlan: %s\n\nServers\n", k.Name, k.Category, k.Summary, k.Auth, k.Plan)
	for _, s := range k.Servers {
		fmt.Fprintf(g.out, "  %-22s %s\n", s.Name, s.URL)
	}
	fmt.Fprintln(g.out, "\nStreams")
	for _, s := range k.Streams {
		fmt.Fprintf(g.out, "  %-16s %s. %s\n", s.Stream, s.Title, s.Shows)
	}
	fmt.Fprintln(g.out, "\nHow to set it up")
	for i, s := range k.Setup {
		fmt.Fprintf(g.out, "  %d. %s. %s\n", i+1, s.Title, s.Text)
	}
	fmt.Fprintln(g.out, "\nWhat it cannot show")
	for _, l := range k.Limits {
		fmt.Fprintf(g.out, "  - %s\n", l)
	}
	fmt.Fprintln(g.out, "\nWhen something does not work")
	for _, h := range k.Help {
		fmt.Fprintf(g.out, "  %s\n", h.Sign)
		for _, c := range h.Causes {
			fmt.Fprintf(g.out, "    %s. %s\n", c.Title, c.Text)
		}
	}
	fmt.Fprintf(g.out, "\nConnect it: exhibit connections add %s --token-file FILE\nTypical controls: %s\n", k.ID, strings.Join(k.Controls, "; "))
	return nil
}
