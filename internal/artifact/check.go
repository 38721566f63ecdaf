package artifact

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/store"
)

// FileCheck says which files of artifacts are as they were kept.
type FileCheck struct {
	Good int
	Bad  []string // "ar_… version 2 csv: why"
}

// CheckFiles reads every file of every version of every artifact and checks it against its digest.
func (s *Service) CheckFiles(ctx context.Context, ws evidence.ID) (FileCheck, error) {
	var check FileCheck
	all, err := s.cfg.Store.Artifacts(ctx, ws, store.ArtifactFilter{})
	if err != nil {
		return check, fmt.Errorf("listing artifacts: %w", err)
	}
	for _, a := range all {
		versions, err := s.cfg.Store.ArtifactVersions(ctx, ws, a.ID)
		if err != nil {
			return check, fmt.Errorf("listing versions of %s: %w", a.ID, err)
		}
		for _, v := range versions {
			if !v.ErasedAt.IsZero() {
				continue // its files went with the data of a person
			}
			for _, f := range v.Files {
				if err := s.cfg.Objects.Verify(ctx, object.Ref{SHA256: f.SHA256, Size: f.Size}); err != nil {
					check.Bad = append(check.Bad, fmt.Sprintf("%s version %d %s: %v", a.ID, v.Version, f.Format, err))
					continue
				}
				check.Good++
			}
		}
		if err := ctx.Err(); err != nil {
			return check, err
		}
	}
	return check, nil
}
