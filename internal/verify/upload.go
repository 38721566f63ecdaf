package verify

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
)

// given checks that the provenance of an uploaded file tells of that very file and of the period that the log says.
func (v *verifier) given(x artLeaf, files []bundle.File) {
	var p struct {
		Upload struct {
			Format string    `json:"format"`
			SHA256 string    `json:"sha256"`
			Size   int64     `json:"size"`
			From   time.Time `json:"from"`
			To     time.Time `json:"to"`
		} `json:"upload"`
	}
	i := slices.IndexFunc(files, func(f bundle.File) bool { return f.Format == "provenance" })
	if i < 0 {
		v.fail(stepArtifacts, "artifact_file", "artifact %s has no provenance", x.leaf.Text("artifact"))
		return
	}
	text, err := v.in.Read(files[i].Path, maxSmall)
	if err != nil || json.Unmarshal(text, &p) != nil {
		v.fail(stepArtifacts, "provenance", "the provenance of artifact %s cannot be read", x.leaf.Text("artifact"))
		return
	}
	u := p.Upload
	span, _ := x.leaf.Span("period")
	same := slices.ContainsFunc(files, func(f bundle.File) bool { return f.Format == u.Format && f.SHA256 == u.SHA256 && f.Size == u.Size })
	if !same || len(files) != 2 || u.From.UnixMilli() != span.From || u.To.UnixMilli() != span.To {
		v.fail(stepArtifacts, "provenance", "the provenance of artifact %s tells of another file or period", x.leaf.Text("artifact"))
	}
}
