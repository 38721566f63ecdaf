package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// adoptWhy is what the log says of what it did not see happen.
const adoptWhy = "stored before this workspace had a log; the log vouches for it from here on, not from when it happened"

// adopt enters what was stored before there were logs, once for each workspace that the migration marked. Each workspace
// is one transaction: a crash leaves it marked, and the next start does it.
func (s *Store) adopt(ctx context.Context) error {
	marked, err := s.queries().LogsToAdopt(ctx)
	if err != nil {
		return fmt.Errorf("looking for what the log lacks: %w", err)
	}
	for _, w := range marked {
		err := s.transact(ctx, func(tx *sql.Tx, q *sqlc.Queries) error {
			a := &adoption{ws: evidence.ID(w.ID), tx: tx}
			if a.appender, err = s.appendTo(ctx, q, w.Workspace, a.ws); err != nil {
				return err
			}
			if a.row.Adopt == 0 {
				return nil // another process did it meanwhile
			}
			return a.run(ctx)
		})
		if err != nil {
			return fmt.Errorf("entering what was stored before into the log: %w", err)
		}
		s.log.Info("what was stored before has been entered into the log", "workspace", w.ID)
	}
	return nil
}

// adoption enters one workspace.
type adoption struct {
	*appender
	ws      evidence.ID
	tx      *sql.Tx
	count   struct{ pages, polls, artifacts, attachments, actions int64 }
	streams map[int64]*adopted
	order   []int64
}

// adopted is a stream with those of its answers without records that are not entered yet.
type adopted struct {
	*streamLog
	polls []sqlc.PollsOfRow
}

func (a *adoption) run(ctx context.Context) error {
	if err := a.statement(ctx, translog.KindAdopt); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{a.connections, a.pages, a.restOfStreams, a.program, a.artifacts, a.attachments, a.activity} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	a.row.Adopt = 0
	return a.statement(ctx, translog.KindAdoptEnd)
}

func (a *adoption) statement(ctx context.Context, kind translog.Kind) error {
	c := a.count
	_, err := a.add(ctx, kind, "", translog.Fields{"pages": c.pages, "polls": c.polls, "artifacts": c.artifacts, "attachments": c.attachments, "actions": c.actions, "why": adoptWhy})
	return err
}

func (a *adoption) connections(ctx context.Context) error {
	a.streams = make(map[int64]*adopted)
	all, err := a.q.Connections(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading connections: %w", err)
	}
	for _, r := range all {
		if err := a.connection(ctx, "add", connectionOf(sqlc.ConnectionRow(r)), true); err != nil {
			return err
		}
		streams, err := a.q.StreamRows(ctx, r.ID)
		if err != nil {
			return fmt.Errorf("reading streams: %w", err)
		}
		for _, st := range streams {
			polls, err := a.q.PollsOf(ctx, string(a.ws), st.ID)
			if err != nil {
				return fmt.Errorf("reading polls: %w", err)
			}
			a.streams[st.ID] = &adopted{&streamLog{appender: a.appender, stream: st.ID, connection: r.ID, name: st.Name}, polls}
			a.order = append(a.order, st.ID)
		}
	}
	return nil
}

func (a *adoption) pages(ctx context.Context) error {
	return eachPageOf(ctx, a.q, a.ws, func(p sqlc.PagesOfRow) error {
		if err := a.page(ctx, p); err != nil {
			return fmt.Errorf("page %d: %w", p.ID, err)
		}
		return nil
	})
}

func (a *adoption) page(ctx context.Context, p sqlc.PagesOfRow) error {
	st := a.streams[p.Stream]
	if p.Sequence > 0 {
		if err := a.pollsBefore(ctx, st, p.Sequence); err != nil {
			return err
		}
	}
	stored, err := a.q.PageBody(ctx, p.ID)
	if err != nil {
		return fmt.Errorf("reading its body: %w", err)
	}
	body, layout, err := unpack(stored, p.Sha256)
	if err != nil {
		return err
	}
	_, late, err := decodeTimes(stored.Times)
	if err != nil {
		return err
	}
	f := st.fields(p.Sequence)
	f["entered"], f["mode"], f["build"], f["limit"] = true, p.Mode, p.Build, p.AskedLimit
	f["t_req"], f["t_res"], f["server_date"] = p.RequestedAt, p.ReceivedAt, max(0, p.ServerDate)
	f["min_at"], f["max_at"], f["late"] = strconv.FormatInt(p.MinAt, 10), strconv.FormatInt(p.MaxAt, 10), bitmap(late)
	f["next_sha"] = hex.EncodeToString(p.NextSha)
	if p.CursorSha != nil {
		f["cursor_sha"] = hex.EncodeToString(p.CursorSha)
	} else {
		f["asked"] = translog.SpanFields(p.AskedFrom, p.AskedTo)
	}
	a.count.pages++
	return st.page(ctx, f, p.ID, body, layout.Records(), func(i int) (int, int) { r := layout.Record(i); return r.Start, r.End })
}

// pollsBefore enters the answers without records, and the resets, that came before a number of the stream.
func (a *adoption) pollsBefore(ctx context.Context, st *adopted, sequence int64) error {
	for len(st.polls) > 0 && st.polls[0].FirstSequence < sequence {
		p := st.polls[0]
		st.polls = st.polls[1:]
		f := st.fields(p.LastSequence)
		f["entered"] = true
		if p.CursorSha != nil {
			f["cursor_sha"] = hex.EncodeToString(p.CursorSha)
		}
		kind := translog.KindReset
		if p.Kind == "poll" {
			kind = translog.KindPolls
			f["count"], f["first_at"], f["last_at"], f["bodies_sha"] = p.LastSequence-p.FirstSequence+1, p.FirstAt, p.LastAt, hex.EncodeToString(p.BodiesSha)
		}
		a.count.polls++
		if _, err := a.add(ctx, kind, st.chain(), f); err != nil {
			return err
		}
	}
	return nil
}

// restOfStreams enters what stands behind the last page, what had been read, troubles and second readings.
func (a *adoption) restOfStreams(ctx context.Context) error {
	for _, id := range a.order {
		st := a.streams[id]
		if err := a.pollsBefore(ctx, st, math.MaxInt64); err != nil {
			return err
		}
		if err := a.covered(ctx, st); err != nil {
			return err
		}
		troubles, err := a.q.Troubles(ctx, id)
		if err != nil {
			return fmt.Errorf("reading troubles: %w", err)
		}
		for _, t := range troubles {
			if err := st.gap(ctx, troubleOf(t), true); err != nil {
				return err
			}
		}
		again, err := a.q.Reconciliations(ctx, id, math.MaxInt32)
		if err != nil {
			return fmt.Errorf("reading reconciliations: %w", err)
		}
		for i := len(again) - 1; i >= 0; i-- {
			r := again[i]
			err := st.reconciliation(ctx, Reconciliation{Age: time.Duration(r.AgeMs) * time.Millisecond, Span: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)},
				At: fromMS(r.At), Seen: r.Seen, Known: r.Known, New: r.Fresh, Changed: r.Changed, Missing: r.Missing}, true)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// covered enters what had been read of a stream, for which only the database speaks.
func (a *adoption) covered(ctx context.Context, st *adopted) error {
	windows, err := a.q.Coverage(ctx, st.stream)
	if err != nil {
		return fmt.Errorf("reading coverage: %w", err)
	}
	none := hex.EncodeToString(digest(""))
	for _, w := range windows {
		f := st.fields(0)
		f["entered"], f["count"], f["first_at"], f["last_at"], f["bodies_sha"] = true, int64(0), int64(0), int64(0), none
		f["covered"] = translog.SpanFields(w.FromAt, w.ToAt)
		if _, err := a.add(ctx, translog.KindPolls, st.chain(), f); err != nil {
			return err
		}
	}
	return nil
}

// program enters controls, actions, frameworks in use and members as they are.
func (a *adoption) program(ctx context.Context) error {
	controls, err := a.q.Controls(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading controls: %w", err)
	}
	for _, r := range controls {
		c, err := controlOf(r)
		if err == nil {
			err = a.config(ctx, "control", r.ID, c, true)
		}
		if err != nil {
			return err
		}
	}
	actions, err := a.q.Actions(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading actions: %w", err)
	}
	for _, r := range actions {
		x, err := actionOf(r)
		if err == nil {
			err = a.config(ctx, "action", r.ID, x, true)
		}
		if err != nil {
			return err
		}
	}
	frameworks, err := a.q.FrameworksInUse(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading frameworks in use: %w", err)
	}
	for _, r := range frameworks {
		if err := a.config(ctx, "framework", r.Framework, r.Version, true); err != nil {
			return err
		}
	}
	members, err := a.q.Members(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading members: %w", err)
	}
	for _, r := range members {
		if err := a.config(ctx, "member", r.ID, memberOf(r), true); err != nil {
			return err
		}
	}
	return nil
}

func (a *adoption) artifacts(ctx context.Context) error {
	all, err := a.q.AllVersions(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading artifacts: %w", err)
	}
	for _, r := range all {
		x := evidence.Artifact{ID: evidence.ID(r.Artifact), Workspace: a.ws, Kind: evidence.ArtifactKind(r.Kind), Recipe: r.Recipe, Title: r.Title,
			Period: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}}
		x.Latest = evidence.ArtifactVersion{Artifact: x.ID, Version: int(r.Version), RecipeVersion: int(r.RecipeVersion), Engine: r.Engine,
			Result: evidence.Completeness(r.Result), Population: r.Population, Rows: r.TableRows, Provenance: r.Provenance, BuiltAt: fromMS(r.BuiltAt), BuiltBy: r.BuiltBy}
		if err := json.Unmarshal([]byte(r.Files), &x.Latest.Files); err != nil {
			return fmt.Errorf("reading the files of artifact %s: %w", r.Artifact, err)
		}
		a.count.artifacts++
		if err := a.artifact(ctx, x, true); err != nil {
			return err
		}
	}
	return nil
}

func (a *adoption) attachments(ctx context.Context) error {
	all, err := a.q.AllAttachments(ctx, string(a.ws))
	if err != nil {
		return fmt.Errorf("reading attachments: %w", err)
	}
	for _, r := range all {
		newest, err := a.q.NewestVersion(ctx, r.Artifact)
		if err != nil {
			return fmt.Errorf("reading the versions of an artifact: %w", err)
		}
		a.count.attachments++
		if err := a.attach(ctx, attachmentOf(a.ws, r), newest, true); err != nil {
			return err
		}
		if r.DetachedAt == 0 {
			continue
		}
		if err := a.detach(ctx, r.ID, r.DetachedBy, r.Detached, true); err != nil {
			return err
		}
	}
	return nil
}

func (a *adoption) activity(ctx context.Context) error {
	for after := int64(0); ; {
		lines, err := a.q.AllActivity(ctx, string(a.ws), after, 500)
		if err != nil {
			return fmt.Errorf("reading the trail: %w", err)
		}
		if len(lines) == 0 {
			return nil
		}
		for _, r := range lines {
			a.count.actions++
			line := Activity{Workspace: a.ws, At: fromMS(r.At), Who: r.Who, What: r.What, Subject: r.Subject, Detail: r.Detail}
			if err := a.action(ctx, line, true); err != nil {
				return err
			}
			after = r.ID
		}
	}
}
