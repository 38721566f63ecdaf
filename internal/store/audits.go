package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Audit is a framework and a period about which evidence is given to auditors.
type Audit struct {
	ID        evidence.ID
	Workspace evidence.ID
	Name      string // unique in the workspace
	Framework string
	Period    evidence.Span
	CreatedAt time.Time
	CreatedBy string
	Controls  []evidence.ID // what it is about; none: all controls that serve the framework
}

// Holds reports whether a control is one that the audit is about.
func (a Audit) Holds(c evidence.Control) bool {
	if len(a.Controls) > 0 {
		return slices.Contains(a.Controls, c.ID)
	}
	return slices.ContainsFunc(c.Requirements, func(r evidence.RequirementRef) bool { return r.Framework == a.Framework })
}

// AddAudit stores an audit; Conflict if its name is taken.
func (s *Store) AddAudit(ctx context.Context, a Audit) error {
	controls, err := controlIDs(a.Controls)
	if err != nil {
		return err
	}
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.AddAudit(ctx, sqlc.AddAuditParams{ID: string(a.ID), Workspace: string(a.Workspace), Name: a.Name, Framework: a.Framework,
			FromAt: ms(a.Period.From), ToAt: ms(a.Period.To), CreatedAt: ms(a.CreatedAt), CreatedBy: a.CreatedBy, Controls: controls})
		if err != nil {
			return fmt.Errorf("storing an audit: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "There is an audit named %q already. Give another name.", a.Name)
		}
		return s.enterConfig(ctx, q, a.Workspace, "audit", string(a.ID), a)
	})
}

func controlIDs(ids []evidence.ID) (string, error) {
	if len(ids) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return "", fmt.Errorf("writing down the controls of an audit: %w", err)
	}
	return string(text), nil
}

// SetAuditControls says which controls an audit is about.
func (s *Store) SetAuditControls(ctx context.Context, a Audit) error {
	controls, err := controlIDs(a.Controls)
	if err != nil {
		return err
	}
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.SetAuditControls(ctx, controls, string(a.Workspace), string(a.ID))
		if err != nil {
			return fmt.Errorf("changing what an audit is about: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.NotFound, "There is no audit %s.", a.ID)
		}
		return s.enterConfig(ctx, q, a.Workspace, "audit", string(a.ID), a)
	})
}

// Audits gives the audits of a workspace, oldest first.
func (s *Store) Audits(ctx context.Context, ws evidence.ID) ([]Audit, error) {
	rows, err := s.queries().Audits(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading audits: %w", err)
	}
	var all []Audit
	for _, r := range rows {
		a, err := auditOf(r)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// Audit gives one audit by its ID or name.
func (s *Store) Audit(ctx context.Context, ws evidence.ID, idOrName string) (Audit, error) {
	r, err := s.queries().Audit(ctx, string(ws), idOrName)
	if err != nil {
		return Audit{}, notFound(err, "reading an audit", "There is no audit %.100s. exhibit audits list shows them.", idOrName)
	}
	return auditOf(r)
}

func auditOf(r sqlc.Audit) (Audit, error) {
	a := Audit{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Name: r.Name, Framework: r.Framework,
		Period: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}, CreatedAt: fromMS(r.CreatedAt), CreatedBy: r.CreatedBy}
	if err := json.Unmarshal([]byte(r.Controls), &a.Controls); err != nil {
		return a, fmt.Errorf("reading the controls of audit %s: %w", r.ID, err)
	}
	return a, nil
}

// Bundle is a bundle that was made.
type Bundle struct {
	ID          evidence.ID
	Workspace   evidence.ID
	Audit       evidence.ID
	MadeAt      time.Time
	MadeBy      string
	Leaves      int64
	ManifestSHA string
	SHA256      string
	Size        int64
}

// AddBundle notes a bundle that was made.
func (s *Store) AddBundle(ctx context.Context, b Bundle) error {
	manifest, err := hex.DecodeString(b.ManifestSHA)
	if err != nil {
		return fmt.Errorf("noting a bundle: %w", err)
	}
	sum, err := hex.DecodeString(b.SHA256)
	if err != nil {
		return fmt.Errorf("noting a bundle: %w", err)
	}
	err = sqlc.New(s.write).AddBundle(ctx, sqlc.AddBundleParams{ID: string(b.ID), Workspace: string(b.Workspace), Audit: string(b.Audit),
		MadeAt: ms(b.MadeAt), MadeBy: b.MadeBy, Leaves: b.Leaves, ManifestSha: manifest, Sha256: sum, Size: b.Size})
	if err != nil {
		return fmt.Errorf("noting a bundle: %w", err)
	}
	return nil
}

// Bundles gives the bundles of an audit, newest first.
func (s *Store) Bundles(ctx context.Context, ws, audit evidence.ID) ([]Bundle, error) {
	rows, err := s.queries().Bundles(ctx, string(ws), string(audit))
	if err != nil {
		return nil, fmt.Errorf("reading bundles: %w", err)
	}
	var all []Bundle
	for _, r := range rows {
		all = append(all, Bundle{ID: evidence.ID(r.ID), Workspace: ws, Audit: audit, MadeAt: fromMS(r.MadeAt), MadeBy: r.MadeBy, Leaves: r.Leaves,
			ManifestSHA: hex.EncodeToString(r.ManifestSha), SHA256: hex.EncodeToString(r.Sha256), Size: r.Size})
	}
	return all, nil
}

// Sample is a sample that was drawn from a population.
type Sample struct {
	ID         evidence.ID
	Workspace  evidence.ID
	Audit      evidence.ID
	Population string
	Seed       string
	Size       int
	Members    int64 // of the population
	DrawnAt    time.Time
	DrawnBy    string
}

// Replacement says that a member of a sample was passed over and the next in rank taken.
type Replacement struct {
	Rank   int // of the member that was passed over, counted from 1
	Reason string
	At     time.Time
	By     string
}

// AddSample notes a sample that was drawn.
func (s *Store) AddSample(ctx context.Context, x Sample) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		err := q.AddSample(ctx, sqlc.AddSampleParams{ID: string(x.ID), Workspace: string(x.Workspace), Audit: string(x.Audit), Population: x.Population,
			Seed: x.Seed, Size: int64(x.Size), Members: x.Members, DrawnAt: ms(x.DrawnAt), DrawnBy: x.DrawnBy})
		if err != nil {
			return fmt.Errorf("noting a sample: %w", err)
		}
		return s.enterConfig(ctx, q, x.Workspace, "sample", string(x.ID), x)
	})
}

// Samples gives the samples of an audit, oldest first.
func (s *Store) Samples(ctx context.Context, ws, audit evidence.ID) ([]Sample, error) {
	rows, err := s.queries().Samples(ctx, string(ws), string(audit))
	if err != nil {
		return nil, fmt.Errorf("reading samples: %w", err)
	}
	var all []Sample
	for _, r := range rows {
		all = append(all, sampleOf(r))
	}
	return all, nil
}

func sampleOf(r sqlc.AuditSample) Sample {
	return Sample{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Audit: evidence.ID(r.Audit), Population: r.Population, Seed: r.Seed,
		Size: int(r.Size), Members: r.Members, DrawnAt: fromMS(r.DrawnAt), DrawnBy: r.DrawnBy}
}

// AddReplacement notes that a member of a sample is passed over; Conflict if it was already.
func (s *Store) AddReplacement(ctx context.Context, ws, sample evidence.ID, x Replacement) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if _, err := q.SampleRow(ctx, string(ws), string(sample)); err != nil {
			return notFound(err, "reading a sample", "There is no sample %s.", sample)
		}
		n, err := q.AddReplacement(ctx, sqlc.AddReplacementParams{Sample: string(sample), Rank: int64(x.Rank), Reason: x.Reason, ReplacedAt: ms(x.At), ReplacedBy: x.By})
		if err != nil {
			return fmt.Errorf("noting a replacement: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The member of rank %d was replaced already.", x.Rank)
		}
		return s.enterConfig(ctx, q, ws, "replacement", fmt.Sprintf("%s.%d", sample, x.Rank), x)
	})
}

// Replacements gives what was passed over in a sample, by rank.
func (s *Store) Replacements(ctx context.Context, sample evidence.ID) ([]Replacement, error) {
	rows, err := s.queries().Replacements(ctx, string(sample))
	if err != nil {
		return nil, fmt.Errorf("reading replacements: %w", err)
	}
	var all []Replacement
	for _, r := range rows {
		all = append(all, Replacement{Rank: int(r.Rank), Reason: r.Reason, At: fromMS(r.ReplacedAt), By: r.ReplacedBy})
	}
	return all, nil
}
