package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// The deeds that the log tells of beside reading: connections, artifacts, attachments, the trail, and how the program is
// set up. Each is entered in the transaction that stores it.

func connectionChain(id evidence.ID) string { return "connection/" + string(id) }
func artifactChain(id evidence.ID) string   { return "artifact/" + string(id) }
func reviewChain(id evidence.ID) string     { return "review/" + string(id) }
func attachmentChain(id string) string      { return "attachment/" + id }
func thingChain(area, id string) string     { return "config/" + area + "/" + id }

// entered marks a leaf as being about something that was stored before there was a log.
func entered(f translog.Fields, before bool) {
	if before {
		f["entered"] = true
	}
}

// connection writes an account as it is from now on. op says what changed: add, update, token, off.
func (l *appender) connection(ctx context.Context, op string, c evidence.Connection, before bool) error {
	f := translog.Fields{"connection": string(c.ID), "op": op, "source": c.Source, "server": c.Server, "account": c.AccountUUID,
		"features": names(c.Features), "missing": names(c.Missing), "expires": max(0, ms(c.ExpiresAt)), "off": max(0, ms(c.OffAt))}
	entered(f, before)
	token, err := json.Marshal(map[string]string{"mark": c.TokenMark, "integration": c.Integration, "issued_at": c.IssuedAt.UTC().Format(time.RFC3339), "name": c.Name})
	if err != nil {
		return fmt.Errorf("writing down a credential: %w", err)
	}
	if err := l.texts(ctx, f, [3]string{"token_commit", string(translog.TagToken), string(token)}); err != nil {
		return err
	}
	_, err = l.add(ctx, translog.KindConnect, connectionChain(c.ID), f)
	return err
}

func names(streams []evidence.Stream) []any {
	out := []any{}
	for _, s := range streams {
		out = append(out, string(s))
	}
	return out
}

// enterConnection writes an account as it is from now on.
func (s *Store) enterConnection(ctx context.Context, q *sqlc.Queries, op string, c evidence.Connection) error {
	l, err := s.appendFor(ctx, q, c.Workspace)
	if err != nil {
		return err
	}
	return l.connection(ctx, op, c, false)
}

// changed reports whether a connection differs in what the log tells of it.
func changed(a, b evidence.Connection) bool {
	return a.Source != b.Source || a.Name != b.Name || a.Server != b.Server || a.AccountUUID != b.AccountUUID || a.Integration != b.Integration ||
		a.TokenMark != b.TokenMark || ms(a.ExpiresAt) != ms(b.ExpiresAt) || ms(a.OffAt) != ms(b.OffAt) ||
		!slices.Equal(a.Features, b.Features) || !slices.Equal(a.Missing, b.Missing)
}

// endOff ends the trouble of being switched off for all streams of a connection.
func (s *Store) endOff(ctx context.Context, q *sqlc.Queries, id evidence.ID) error {
	streams, err := q.StreamRows(ctx, string(id))
	if err != nil {
		return fmt.Errorf("reading streams: %w", err)
	}
	for _, r := range streams {
		open, err := q.OpenTrouble(ctx, r.ID)
		if errors.Is(err, sql.ErrNoRows) || err == nil && open.Cause != string(evidence.SwitchedOff) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the open trouble: %w", err)
		}
		if err := s.closeTrouble(ctx, q, r.ID, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// Provenance is the format under which the log names an artifact's provenance among its files.
const Provenance = "provenance"

// artifact writes a version of an artifact. Each file is committed to by its digest.
func (l *appender) artifact(ctx context.Context, a evidence.Artifact, before bool) error {
	v := a.Latest
	outputs := []any{}
	sum := sha256.Sum256(v.Provenance)
	files := append(slices.Clone(v.Files), evidence.File{Format: Provenance, Media: "application/json", Size: int64(len(v.Provenance)), SHA256: hex.EncodeToString(sum[:])})
	for _, file := range files {
		raw, err := hex.DecodeString(file.SHA256)
		if err != nil || len(raw) != sha256.Size {
			raw = []byte(file.SHA256) // not a digest that this version makes; it is committed to as it is
		}
		c, err := l.commitTo(ctx, translog.TagFile, raw, raw)
		if err != nil {
			return err
		}
		outputs = append(outputs, translog.Fields{"role": file.Format, "media": file.Media, "size": file.Size, "commit": c})
	}
	f := translog.Fields{"artifact": string(a.ID), "kind": string(a.Kind), "recipe": a.Recipe, "version": int64(v.Version), "recipe_version": int64(v.RecipeVersion),
		"engine": v.Engine, "result": string(v.Result), "population": v.Population, "rows": v.Rows, "as_of": cmp.Or(v.AsOf, l.row.Size), "built": max(0, ms(v.BuiltAt)),
		"period": translog.SpanFields(ms(a.Period.From), ms(a.Period.To)), "outputs": outputs}
	entered(f, before)
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), v.BuiltBy}, [3]string{"title_commit", string(translog.TagSubject), a.Title}); err != nil {
		return err
	}
	if err := l.member(ctx, f, v.BuiltMember); err != nil {
		return err
	}
	if _, err := l.add(ctx, translog.KindArtifact, artifactChain(a.ID), f); err != nil {
		return err
	}
	if err := l.q.PlaceVersion(ctx, l.row.Size-1, string(a.ID), int64(v.Version)); err != nil {
		return fmt.Errorf("noting the place of a version in the log: %w", err)
	}
	return nil
}

// member commits to which member did something, beside his name, which others can share; nothing for the command line.
func (l *appender) member(ctx context.Context, f translog.Fields, id evidence.ID) error {
	if id == "" {
		return nil
	}
	return l.texts(ctx, f, [3]string{"member_commit", string(translog.TagActor), string(id)})
}

func (s *Store) enterArtifact(ctx context.Context, q *sqlc.Queries, a evidence.Artifact) error {
	l, err := s.appendFor(ctx, q, a.Workspace)
	if err != nil {
		return err
	}
	return l.artifact(ctx, a, false)
}

// attach writes that the newest version of an artifact is evidence for something.
func (l *appender) attach(ctx context.Context, a evidence.Attachment, version int64, before bool) error {
	subject, err := l.chainEnd(ctx, artifactChain(a.Artifact))
	if err != nil {
		return err
	}
	f := translog.Fields{"attachment": string(a.ID), "artifact": string(a.Artifact), "control": string(a.Target.Control), "action": string(a.Target.Action),
		"strength": string(a.Strength), "automatic": a.Automatic, "version": version, "subject": subject}
	entered(f, before)
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), a.AttachedBy}, [3]string{"reason_commit", string(translog.TagComment), a.Reason + "\n" + a.Caveat}); err != nil {
		return err
	}
	record, err := l.add(ctx, translog.KindAttach, "", f)
	if err != nil {
		return err
	}
	if err := l.q.SetChainEnd(ctx, l.row.Workspace, attachmentChain(string(a.ID)), record); err != nil {
		return fmt.Errorf("writing to the log: %w", err)
	}
	return nil
}

func (s *Store) enterAttach(ctx context.Context, q *sqlc.Queries, a evidence.Attachment) error {
	l, err := s.appendFor(ctx, q, a.Workspace)
	if err != nil {
		return err
	}
	newest, err := q.NewestVersion(ctx, string(a.Artifact))
	if err != nil {
		return fmt.Errorf("reading the versions of an artifact: %w", err)
	}
	return l.attach(ctx, a, newest, false)
}

func (l *appender) detach(ctx context.Context, id, by, reason string, before bool) error {
	f := translog.Fields{"attachment": id}
	entered(f, before)
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), by}, [3]string{"reason_commit", string(translog.TagComment), reason}); err != nil {
		return err
	}
	_, err := l.add(ctx, translog.KindDetach, attachmentChain(id), f)
	return err
}

func (s *Store) enterDetach(ctx context.Context, q *sqlc.Queries, ws, id evidence.ID, by, reason string) error {
	l, err := s.appendFor(ctx, q, ws)
	if err != nil {
		return err
	}
	return l.detach(ctx, string(id), by, reason, false)
}

// action writes a line of the trail. What it was done to stands in clear if it is a name that Exhibit made.
func (l *appender) action(ctx context.Context, a Activity, before bool) error {
	f := translog.Fields{"type": a.What, "subject": inClear(a.Subject)}
	if before {
		f["entered"], f["done_at"] = true, max(0, ms(a.At))
	}
	err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), a.Who}, [3]string{"subject_commit", string(translog.TagSubject), a.Subject},
		[3]string{"comment_commit", string(translog.TagComment), a.Detail})
	if err != nil {
		return err
	}
	_, err = l.add(ctx, translog.KindAction, "", f)
	return err
}

func (s *Store) enterAction(ctx context.Context, q *sqlc.Queries, a Activity) error {
	l, err := s.appendFor(ctx, q, a.Workspace)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return nil // the trail may name a workspace that is gone; it has no log
	}
	if err != nil {
		return err
	}
	return l.action(ctx, a, false)
}

// enterConfig writes how a thing is set up from now on: a control, an action, a framework in use, a member.
func (s *Store) enterConfig(ctx context.Context, q *sqlc.Queries, ws evidence.ID, area, id string, thing any) error {
	l, err := s.appendFor(ctx, q, ws)
	if err != nil {
		return err
	}
	return l.config(ctx, area, id, thing, false)
}

func (l *appender) config(ctx context.Context, area, id string, thing any, before bool) error {
	text, err := json.Marshal(thing)
	if err != nil {
		return fmt.Errorf("writing down a %s: %w", area, err)
	}
	f := translog.Fields{"area": area, "id": id}
	entered(f, before)
	if err := l.texts(ctx, f, [3]string{"after_commit", string(translog.TagSubject), string(text)}); err != nil {
		return err
	}
	_, err = l.add(ctx, translog.KindConfig, thingChain(area, id), f)
	return err
}
