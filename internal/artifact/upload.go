package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/upload"
)

// UploadRequest is a file that a person hands in as evidence.
type UploadRequest struct {
	Name  string // of the file; what stands before a slash is left out
	Body  io.Reader
	Title string // empty: that of the artifact, or the file's name
	// Span is what the file is evidence about, in whole seconds; it may reach into the future, as a policy does. Empty with
	// Artifact: the artifact's.
	Span      evidence.Span
	Effective time.Time   // since when what it says holds; zero: not told
	Artifact  evidence.ID // of which it is a new version; empty: a new artifact
}

// Handed says how a file came: the provenance of an upload, which the log commits to.
type Handed struct {
	Name      string     `json:"name"`
	Format    string     `json:"format"`
	Media     string     `json:"media"`
	Size      int64      `json:"size"`
	SHA256    string     `json:"sha256"`
	From      time.Time  `json:"from"`
	To        time.Time  `json:"to"`
	Effective *time.Time `json:"effective,omitempty"`
	Checked   string     `json:"checked"` // by which version of Exhibit
}

// HandedIn reads the provenance of an uploaded version; ok is false for one that was built.
func HandedIn(v evidence.ArtifactVersion) (h Handed, ok bool) {
	var p struct {
		Upload *Handed `json:"upload"`
	}
	if err := json.Unmarshal(v.Provenance, &p); err != nil || p.Upload == nil {
		return h, false
	}
	return *p.Upload, true
}

// Upload takes a file as a new artifact, or as a new version of an uploaded one. It is looked at before anything is kept;
// see package upload. Order: the file, durable under its digest; then the version with its leaf in the log.
func (s *Service) Upload(ctx context.Context, who string, ws evidence.ID, req UploadRequest) (View, error) {
	req.Name, req.Title = path.Base(strings.ReplaceAll(strings.TrimSpace(req.Name), `\`, "/")), strings.TrimSpace(req.Title)
	a, err := s.uploaded(ctx, ws, &req)
	if err != nil {
		return View{}, err
	}
	if err := checkUpload(req); err != nil {
		return View{}, err
	}
	file, err := s.keep(ctx, req)
	if err != nil {
		return View{}, err
	}
	handed := Handed{Name: req.Name, Format: file.Format, Media: file.Media, Size: file.Size, SHA256: file.SHA256, From: req.Span.From.UTC(), To: req.Span.To.UTC(), Checked: s.cfg.Engine}
	if !req.Effective.IsZero() {
		at := req.Effective.UTC()
		handed.Effective = &at
	}
	if was, ok := HandedIn(a.Latest); ok && was.SHA256 == handed.SHA256 && same(was.Effective, handed.Effective) && a.Title == req.Title && a.RetiredAt.IsZero() {
		return View{}, evidence.Errorf(evidence.Conflict, "Version %d is this very file already. Nothing was added.", a.Latest.Version)
	}
	provenance, err := json.Marshal(map[string]Handed{"upload": handed})
	if err != nil {
		return View{}, fmt.Errorf("writing provenance: %w", err)
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	a, err = s.cfg.Store.SaveArtifact(ctx, evidence.Artifact{
		ID: a.ID, Workspace: ws, Kind: evidence.Uploaded, Title: req.Title, Period: req.Span, CreatedAt: now,
		Latest: evidence.ArtifactVersion{Engine: s.cfg.Engine, Provenance: provenance, Files: []evidence.File{file}, BuiltAt: now, BuiltBy: who, BuiltMember: people.From(ctx).Member},
	})
	if err != nil {
		return View{}, fmt.Errorf("saving the artifact: %w", err)
	}
	detail := fmt.Sprintf("version %d, %s, sha256 %s", a.Latest.Version, file.Format, file.SHA256)
	if err := s.note(ctx, ws, who, "artifact.upload", a.ID, detail); err != nil {
		return View{}, err
	}
	return s.Show(ctx, ws, a.ID)
}

func same(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// uploaded gives the artifact of which a file is a new version, or a new one, and fills in what the request leaves out.
func (s *Service) uploaded(ctx context.Context, ws evidence.ID, req *UploadRequest) (evidence.Artifact, error) {
	if req.Artifact == "" {
		if req.Title == "" {
			req.Title = req.Name
		}
		return evidence.Artifact{ID: evidence.NewID(evidence.PrefixArtifact)}, nil
	}
	a, err := s.cfg.Store.Artifact(ctx, ws, req.Artifact)
	if err != nil {
		return a, err
	}
	if a.Kind != evidence.Uploaded {
		return a, evidence.Errorf(evidence.Conflict, "%s was built by a recipe. Build it again for a new version, or hand the file in as an artifact of its own.", a.ID)
	}
	if req.Span != (evidence.Span{}) && (!req.Span.From.Equal(a.Period.From) || !req.Span.To.Equal(a.Period.To)) {
		return a, evidence.Errorf(evidence.Invalid, "A new version is about the period of the artifact, %s to %s. For another period hand it in as an artifact of its own.", stamp(a.Period.From), stamp(a.Period.To))
	}
	req.Span = a.Period
	if req.Title == "" {
		req.Title = a.Title
	}
	return a, nil
}

// maxTitle is how long a title or a file's name may be, in runes.
const maxTitle = 200

func checkUpload(req UploadRequest) error {
	p := req.Span
	switch {
	case !printable(req.Title):
		return evidence.Errorf(evidence.Invalid, "The title must be one line of at most %d characters.", maxTitle)
	case !printable(req.Name):
		return evidence.Errorf(evidence.Invalid, "The name of the file must be one line of at most %d characters. Rename it.", maxTitle)
	case p.From.IsZero() || p.To.IsZero():
		return evidence.Errorf(evidence.Invalid, "Say what period the file is about. Give its start and its end.")
	case p.Empty():
		return evidence.Errorf(evidence.Invalid, "The period ends at %s, before or when it begins at %s. Give a start that lies before the end.", stamp(p.To), stamp(p.From))
	case p.From.Nanosecond() != 0 || p.To.Nanosecond() != 0:
		return evidence.Errorf(evidence.Invalid, "A period begins and ends at whole seconds. Leave the fractions out.")
	case p.From.Year() < 1970 || p.To.Year() > 2200 || !req.Effective.IsZero() && (req.Effective.Year() < 1970 || req.Effective.Year() > 2200):
		return evidence.Errorf(evidence.Invalid, "Give years from 1970 to 2200.")
	}
	return nil
}

func printable(text string) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxTitle && !strings.ContainsFunc(text, unicode.IsControl)
}

// keep looks at a file and puts it into the object store. It lies in a temporary file meanwhile, since some formats are
// read from their end.
func (s *Service) keep(ctx context.Context, req UploadRequest) (f evidence.File, err error) {
	if _, ok := upload.Named(req.Name); !ok { // said before 50 MB were read for nothing
		_, err := upload.Check(req.Name, strings.NewReader(""), 0)
		return f, err
	}
	tmp, err := os.CreateTemp(s.cfg.TempDir, "upload-*")
	if err != nil {
		return f, fmt.Errorf("keeping an upload for a moment: %w", err)
	}
	defer func() { err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name())) }()
	size, err := io.Copy(tmp, io.LimitReader(req.Body, upload.MaxSize+1))
	if err != nil {
		return f, fmt.Errorf("receiving an upload: %w", err)
	}
	kind, err := upload.Check(req.Name, tmp, size)
	if err != nil {
		return f, err
	}
	ref, err := s.cfg.Objects.Put(ctx, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(tmp, 0, size))
		return err
	})
	if err != nil {
		return f, fmt.Errorf("keeping an upload: %w", err)
	}
	return evidence.File{Format: kind.Format, Media: kind.Media, Size: ref.Size, SHA256: ref.SHA256}, nil
}
