package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Erasure of one person's data, in steps of one transaction each: BeginErasure, EraseRecords and EraseVersions as often as
// there is something to erase, FinishErasure. Each step leaves everything that is left provable. Whoever erases finds anew what
// is left, so that after a crash the same steps come to the same end. A step that was stored is never done twice: what it erased
// is no longer found.

// BeginErasure notes that an erasure begins; Conflict if another one has not come to its end.
func (s *Store) BeginErasure(ctx context.Context, e evidence.Erasure, a Activity) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		l, err := s.appendFor(ctx, q, e.Workspace)
		if err != nil {
			return err
		}
		n, err := q.RunningErasures(ctx, string(e.Workspace))
		if err != nil {
			return fmt.Errorf("beginning an erasure: %w", err)
		}
		if n > 0 {
			return evidence.Errorf(evidence.Conflict, "Another erasure has not come to its end. Continue it first: exhibit erase continue.")
		}
		err = q.AddErasure(ctx, sqlc.AddErasureParams{Workspace: string(e.Workspace), ID: string(e.ID), Basis: string(e.Basis), Reason: e.Reason, Subject: e.Subject, BegunAt: ms(e.BegunAt), BegunBy: e.BegunBy})
		if err != nil {
			return fmt.Errorf("beginning an erasure: %w", err)
		}
		return l.trail(ctx, a)
	})
}

// Erasures gives the erasures of a workspace, newest first.
func (s *Store) Erasures(ctx context.Context, ws evidence.ID) ([]evidence.Erasure, error) {
	rows, err := s.queries().Erasures(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading erasures: %w", err)
	}
	var all []evidence.Erasure
	for _, r := range rows {
		all = append(all, evidence.Erasure{ID: evidence.ID(r.ID), Workspace: ws, Done: r.State == "done", Basis: evidence.Basis(r.Basis), Reason: r.Reason, Subject: r.Subject, BegunAt: fromMS(r.BegunAt), BegunBy: r.BegunBy,
			EndedAt: fromMS(r.EndedAt), Events: r.Events, Pages: r.Pages, Artifacts: r.Artifacts})
	}
	return all, nil
}

// PageTargets are the records of a page that are to be erased.
type PageTargets struct {
	Page       int64
	Record     string // of the page's leaf
	Connection evidence.ID
	Stream     evidence.Stream
	Positions  []int // in order
	Times      []int64
}

// EraseRecords replaces records of pages by the commitments to them and deletes bytes, salts and facts, with the leaf that
// tells of it. Pages keep their root, streams their counts. It fails with Conflict, and erases nothing, if a legal hold covers
// one of them.
func (s *Store) EraseRecords(ctx context.Context, e evidence.Erasure, who string, batch []PageTargets) error {
	err := s.transact(ctx, func(tx *sql.Tx, q *sqlc.Queries) error {
		l, err := s.appendFor(ctx, q, e.Workspace)
		if err != nil {
			return err
		}
		if err := s.secureDelete(ctx, tx); err != nil {
			return err
		}
		var held []evidence.Hold
		if held, err = holdsOf(ctx, q, e.Workspace); err != nil {
			return err
		}
		var targets []any
		events := int64(0)
		for _, p := range batch {
			if err := refuseHeld(held, p); err != nil {
				return err
			}
			n, err := l.erasePage(ctx, e.ID, p)
			if err != nil {
				return fmt.Errorf("page %d: %w", p.Page, err)
			}
			if n == 0 {
				continue // a twin of this step was faster
			}
			events += n
			targets = append(targets, p.target())
		}
		if len(targets) == 0 {
			return nil
		}
		if err := s.step("records erased"); err != nil {
			return err
		}
		return l.erased(ctx, e, who, targets, sqlc.ErasureStepParams{Events: events, Pages: int64(len(targets))})
	})
	s.frames.forget()
	return err
}

// target is how a leaf names the records: the page by the record of its leaf, records by their segments.
func (p PageTargets) target() translog.Fields {
	segments := make([]any, len(p.Positions))
	for i, n := range p.Positions {
		segments[i] = int64(2*n + 1)
	}
	return translog.Fields{"page": p.Record, "segments": segments}
}

// refuseHeld names the legal hold that keeps one of the records.
func refuseHeld(held []evidence.Hold, p PageTargets) error {
	for _, h := range held {
		for _, at := range p.Times {
			if h.Stands() && h.Covers(p.Connection, eventTime(at), eventTime(at)) {
				return heldError(h)
			}
		}
	}
	return nil
}

func heldError(h evidence.Hold) error {
	return evidence.Errorf(evidence.Conflict, "The legal hold %s (%s: %.200s) keeps some of it from being erased. Release the hold first, or wait until it is released.", h.ID, h.Code.Title(), h.Reason)
}

// erased enters the leaf of a step and notes the step.
func (l *appender) erased(ctx context.Context, e evidence.Erasure, who string, targets []any, done sqlc.ErasureStepParams) error {
	done.Workspace, done.ID, done.Leaf = string(e.Workspace), string(e.ID), l.row.Size
	if err := l.eraseLeaf(ctx, e.ID, e.Basis, e.Reason, who, targets); err != nil {
		return err
	}
	n, err := l.q.ErasureStep(ctx, done)
	if err != nil {
		return fmt.Errorf("noting a step of an erasure: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.Conflict, "The erasure came to its end meanwhile.")
	}
	return nil
}

func (l *appender) eraseLeaf(ctx context.Context, id evidence.ID, basis evidence.Basis, reason, who string, targets []any) error {
	f := translog.Fields{"erasure": string(id), "basis": string(basis), "targets": targets}
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), who}, [3]string{"reason_commit", string(translog.TagComment), reason}); err != nil {
		return err
	}
	_, err := l.add(ctx, translog.KindErase, "", f)
	return err
}

// erasePage erases records of one page and gives how many of them were still there.
func (l *appender) erasePage(ctx context.Context, erasure evidence.ID, p PageTargets) (int64, error) {
	gone, err := erasedOf(ctx, l.q, p.Page)
	if err != nil {
		return 0, err
	}
	which := make(map[int]bool, len(p.Positions))
	for _, i := range p.Positions {
		if _, twice := gone[i]; !twice {
			which[i] = true
		}
	}
	if len(which) == 0 {
		return 0, nil
	}
	if len(which) < len(p.Positions) {
		return 0, evidence.Errorf(evidence.Conflict, "Some of it was erased meanwhile. Look again what is left.")
	}
	times, err := l.redactPage(ctx, p.Page, which)
	if err != nil {
		return 0, err
	}
	row, err := l.q.PageRow(ctx, p.Page)
	if err != nil {
		return 0, fmt.Errorf("reading the page: %w", err)
	}
	for _, i := range p.Positions {
		if err := l.eraseRow(ctx, erasure, row.Stream, p.Page, i, times[i]); err != nil {
			return 0, err
		}
	}
	return int64(len(which)), nil
}

// redactPage rewrites a page without some records, its salts without theirs, and gives the times of its records.
func (l *appender) redactPage(ctx context.Context, id int64, which map[int]bool) ([]int64, error) {
	stored, err := l.q.PageBody(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading its body: %w", err)
	}
	layout, body, err := decodeBody(stored)
	if err != nil {
		return nil, fmt.Errorf("%w; run exhibit fsck", err)
	}
	times, _, err := decodeTimes(stored.Times)
	if err != nil || len(times) != layout.Records() {
		return nil, errors.Join(err, fmt.Errorf("it has times of %d records instead of %d; run exhibit fsck", len(times), layout.Records()))
	}
	salts, err := l.q.PageSalt(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading its salts: %w", err)
	}
	kept, err := translog.Salts(salts).Erase(body, layout.Records(), func(i int) (int, int) { r := layout.Record(i); return r.Start, r.End }, which)
	if err != nil {
		return nil, err
	}
	body, places := without(body, layout, which)
	newLayout, packed, err := page.Encode(body, places)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	err = l.q.SetPageBody(ctx, newLayout, packed, id)
	if err == nil {
		err = l.q.SetPageDigest(ctx, int64(len(body)), sum[:], id)
	}
	if err == nil {
		err = l.q.SetPageSalt(ctx, kept, id)
	}
	if err != nil {
		return nil, fmt.Errorf("rewriting it: %w", err)
	}
	return times, nil
}

// without gives a body in which a mark stands in the place of some records.
func without(body []byte, l page.Layout, which map[int]bool) (out []byte, places []page.Range) {
	at := 0
	for i := range l.Records() {
		r := l.Record(i)
		out = append(out, body[at:r.Start]...)
		start := len(out)
		if which[i] {
			out = append(out, translog.ErasedRecord...)
		} else {
			out = append(out, body[r.Start:r.End]...)
		}
		places = append(places, page.Range{Start: start, End: len(out)})
		at = r.End
	}
	return append(out, body[at:]...), places
}

// eraseRow keeps of a record its uuid, its time and that it was erased.
func (l *appender) eraseRow(ctx context.Context, erasure evidence.ID, stream, id int64, position int, at int64) error {
	e, err := l.q.EventUUID(ctx, int32(stream), at, int32(id), int32(position))
	if errors.Is(err, sql.ErrNoRows) { // it came again: the first one has the uuid
		e.Uuid, err = l.uuidOfRepeat(ctx, id, position)
	} else if err == nil {
		_, err = l.q.EraseEvent(ctx, sqlc.EraseEventParams{Odd: e.Odd&int32(evidence.OddLate) | int32(evidence.OddErased), Stream: int32(stream), At: at, Page: int32(id), Position: int32(position)})
	}
	if err != nil {
		return fmt.Errorf("erasing the row of record %d: %w", position, err)
	}
	if err := l.q.AddErasedRecord(ctx, id, int64(position), e.Uuid, string(erasure)); err != nil {
		return fmt.Errorf("noting an erased record: %w", err)
	}
	return nil
}

func (l *appender) uuidOfRepeat(ctx context.Context, id int64, position int) ([]byte, error) {
	again, err := l.q.RepeatsOfPage(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, a := range again {
		if a.Position != int64(position) {
			continue
		}
		stored, err := l.q.PageTimes(ctx, a.FirstPage)
		if err != nil {
			return nil, err
		}
		times, _, err := decodeTimes(stored)
		if err != nil || a.FirstPosition >= int64(len(times)) {
			return nil, errors.Join(err, errors.New("an event that came again has no first one; run exhibit fsck"))
		}
		first, err := l.q.PageRow(ctx, a.FirstPage)
		if err != nil {
			return nil, err
		}
		e, err := l.q.EventUUID(ctx, int32(first.Stream), times[a.FirstPosition], int32(a.FirstPage), int32(a.FirstPosition))
		return e.Uuid, err
	}
	return nil, fmt.Errorf("page %d has no row for its record %d; run exhibit fsck", id, position)
}

// erasedOf gives the uuids of the records of a page that were erased, by position.
func erasedOf(ctx context.Context, q *sqlc.Queries, id int64) (map[int]sqlc.ErasedRecordsRow, error) {
	rows, err := q.ErasedRecords(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading erased records: %w", err)
	}
	out := make(map[int]sqlc.ErasedRecordsRow, len(rows))
	for _, r := range rows {
		out[int(r.Position)] = r
	}
	return out, nil
}

// secureDelete makes SQLite overwrite what this connection deletes from here on; PostgreSQL has nothing like it.
func (s *Store) secureDelete(ctx context.Context, tx *sql.Tx) error {
	if s.engine.name() != "sqlite" {
		return nil
	}
	var on int
	if err := tx.QueryRowContext(ctx, "PRAGMA secure_delete = ON").Scan(&on); err != nil || on != 1 {
		return errors.Join(err, errors.New("SQLite does not overwrite what it deletes"))
	}
	return nil
}

// VersionTarget is a version of an artifact whose files are to be erased.
type VersionTarget struct {
	Artifact evidence.ID
	Version  int64
	Kind     evidence.ArtifactKind
	Recipe   string
	Period   evidence.Span
	Files    []evidence.File
	Erased   bool // it was
	// Provenance is read with the version and plays no part in erasing it.
	Provenance []byte
	commits    []translog.Hash // to its files
}

// Versions gives all versions of all artifacts of a workspace.
func (s *Store) Versions(ctx context.Context, ws evidence.ID) ([]VersionTarget, error) {
	rows, err := s.queries().VersionsOf(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading the versions of artifacts: %w", err)
	}
	commits, err := s.commitsOf(ctx, ws)
	if err != nil {
		return nil, err
	}
	var all []VersionTarget
	for _, r := range rows {
		v, err := versionOf(sqlc.ArtifactVersion{Artifact: r.Artifact, Version: r.Version, Provenance: r.Provenance, Files: r.Files})
		if err != nil {
			return nil, err
		}
		all = append(all, VersionTarget{Artifact: v.Artifact, Version: r.Version, Kind: evidence.ArtifactKind(r.Kind), Recipe: r.Recipe, Period: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)},
			Files: v.Files, Erased: r.ErasedAt > 0, Provenance: v.Provenance, commits: commits[VersionKey{v.Artifact, int(r.Version)}]})
	}
	return all, nil
}

// commitsOf gives what the log commits to of each version of an artifact.
func (s *Store) commitsOf(ctx context.Context, ws evidence.ID) (map[VersionKey][]translog.Hash, error) {
	l, err := s.Log(ctx, ws)
	if err != nil {
		return nil, err
	}
	all := map[VersionKey][]translog.Hash{}
	err = s.EachLeaf(ctx, l, 0, l.Size, func(_ int64, raw []byte) error {
		leaf, err := translog.DecodeLeaf(raw)
		if err != nil || leaf.Kind != translog.KindArtifact {
			return err
		}
		key := VersionKey{evidence.ID(leaf.Text("artifact")), int(leaf.Int("version"))}
		for _, o := range leaf.List("outputs") {
			fields, _ := o.(translog.Fields)
			all[key] = append(all[key], translog.Leaf{Fields: fields}.Hash("commit"))
		}
		return nil
	})
	return all, err
}

// EraseVersion takes files and provenance of a version of an artifact out of the database, with the leaf that tells of it, and
// notes the files for RemoveErasedFiles. The version stays, with its leaf, its counts and what people concluded about it. It
// fails with Conflict, and erases nothing, if a legal hold touches the artifact's period.
func (s *Store) EraseVersion(ctx context.Context, e evidence.Erasure, who string, v VersionTarget) error {
	return s.transact(ctx, func(tx *sql.Tx, q *sqlc.Queries) error {
		l, err := s.appendFor(ctx, q, e.Workspace)
		if err != nil {
			return err
		}
		if err := s.secureDelete(ctx, tx); err != nil {
			return err
		}
		if err := refuseHeldVersion(ctx, q, e.Workspace, v); err != nil {
			return err
		}
		files := make([]string, 0, len(v.Files))
		targets := []any{translog.Fields{"artifact": string(v.Artifact), "version": v.Version, "role": Provenance}}
		for _, f := range v.Files {
			targets = append(targets, translog.Fields{"artifact": string(v.Artifact), "version": v.Version, "role": f.Format})
			files = append(files, fmt.Sprintf(`{"Format":%q,"Media":%q}`, f.Format, f.Media))
			if err := q.AddErasedFile(ctx, string(e.Workspace), f.SHA256, f.Size); err != nil {
				return fmt.Errorf("noting an erased file: %w", err)
			}
		}
		n, err := q.EraseVersion(ctx, sqlc.EraseVersionParams{Provenance: []byte("{}"), Files: "[" + strings.Join(files, ",") + "]", ErasedAt: ms(s.now()), Erasure: string(e.ID), Artifact: string(v.Artifact), Version: v.Version})
		if err != nil {
			return fmt.Errorf("erasing a version: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "Version %d of artifact %s was erased meanwhile.", v.Version, v.Artifact)
		}
		if err := l.closeOutputs(ctx, v); err != nil {
			return err
		}
		if err := s.step("version erased"); err != nil {
			return err
		}
		return l.erased(ctx, e, who, targets, sqlc.ErasureStepParams{Artifacts: 1})
	})
}

// refuseHeldVersion names the legal hold that touches the period of an artifact.
func refuseHeldVersion(ctx context.Context, q *sqlc.Queries, ws evidence.ID, v VersionTarget) error {
	held, err := holdsOf(ctx, q, ws)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Stands() && h.Touches(v.Period) {
			return heldError(h)
		}
	}
	return nil
}

// closeOutputs deletes what opens the commitments to the files of a version: whoever guesses at a file cannot test it.
func (l *appender) closeOutputs(ctx context.Context, v VersionTarget) error {
	for _, c := range v.commits {
		if err := l.q.DropOpening(ctx, l.row.Workspace, c[:]); err != nil {
			return fmt.Errorf("deleting what opens a commitment: %w", err)
		}
	}
	return nil
}

// RemoveErasedFiles calls remove for each file of an erased version that no other version has, and forgets it. What remove does
// may be done twice.
func (s *Store) RemoveErasedFiles(ctx context.Context, ws evidence.ID, remove func(sha256 string, size int64) error) error {
	rows, err := s.queries().ErasedFiles(ctx, string(ws))
	if err != nil {
		return fmt.Errorf("reading erased files: %w", err)
	}
	for _, r := range rows {
		n, err := s.queries().FilesWith(ctx, "%"+r.Sha256+"%")
		if err != nil {
			return fmt.Errorf("looking for an erased file: %w", err)
		}
		if n == 0 {
			if err := remove(r.Sha256, r.Size); err != nil {
				return err
			}
		}
		if err := s.step("file removed"); err != nil {
			return err
		}
		if err := sqlc.New(s.write).DropErasedFile(ctx, string(ws), r.Sha256); err != nil {
			return fmt.Errorf("forgetting an erased file: %w", err)
		}
	}
	return nil
}
