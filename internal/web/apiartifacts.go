package web

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// artifactOperations build, give out and attach, and give the bytes of an event.
func (s *server) artifactOperations(api huma.API) {
	mount(s, api, operation(http.MethodPost, "/artifacts", "build-artifact", "Build an artifact, or a new version if the table says something else", people.BuildArtifacts, slow), s.apiBuild)
	mount(s, api, operation(http.MethodPost, "/artifacts/{id}/attach", "attach-artifact", "Attach an artifact to a control or an action", people.AttachArtifacts, quick), s.apiAttach)
	mount(s, api, operation(http.MethodPost, "/artifacts/{id}/detach", "detach-artifact", "End an attachment; it is kept with its reason", people.AttachArtifacts, quick), s.apiDetach)
	s.raw(api, operation(http.MethodGet, "/artifacts/{id}/versions/{version}/{format}", "get-artifact-file", "A file of an artifact, byte for byte", people.ReadArtifacts, slow), s.apiFile)
	// Not below /events/{ref}: that would be an address of a file of events, too.
	s.rawEvent(api, operation(http.MethodGet, "/event-bytes/{ref}", "get-event-bytes", "The bytes of an event, exactly as they were received", people.ReadEvents, quick))
}

type buildArtifact struct {
	Body struct {
		Recipe string            `json:"recipe" example:"failed-sign-ins" doc:"Id of a recipe"`
		From   string            `json:"from" example:"2026-07-01" doc:"RFC 3339 or a date"`
		To     string            `json:"to" example:"2026-10-01" doc:"RFC 3339 or a date, exclusive"`
		Params map[string]string `json:"params,omitempty" doc:"By name of the parameter; what is left out takes its default"`
	}
}

func (s *server) apiBuild(ctx context.Context, c people.Caller, in *buildArtifact) (apiArtifact, error) {
	from, err := parseTime(in.Body.From)
	if err != nil {
		return apiArtifact{}, err
	}
	to, err := parseTime(in.Body.To)
	if err != nil {
		return apiArtifact{}, err
	}
	done, err := s.builds.begin(c.Member)
	if err != nil {
		return apiArtifact{}, err
	}
	defer done()
	built, err := s.cfg.Artifacts.Build(ctx, c.Who(), c.Workspace, artifact.BuildRequest{Recipe: in.Body.Recipe, Span: evidence.Span{From: from, To: to}, Params: in.Body.Params})
	if err != nil {
		return apiArtifact{}, err
	}
	return s.apiArtifact(ctx, c, &byID{ID: string(built.Artifact.ID)})
}

type attachArtifact struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the artifact"`
	Body struct {
		Control  string            `json:"control,omitempty" example:"EX-01" doc:"Id or key of a control; either this or action"`
		Action   string            `json:"action,omitempty" doc:"Id or key of an action"`
		Strength evidence.Strength `json:"strength" example:"strong" doc:"strong, partial or context"`
		Reason   string            `json:"reason" doc:"Why it supports it"`
		Caveat   string            `json:"caveat,omitempty" doc:"What it does not show"`
	}
}

type apiAttachment struct {
	ID       evidence.ID       `json:"id"`
	Artifact evidence.ID       `json:"artifact"`
	Control  evidence.ID       `json:"control,omitempty"`
	Action   evidence.ID       `json:"action,omitempty"`
	Strength evidence.Strength `json:"strength"`
}

func (s *server) apiAttach(ctx context.Context, c people.Caller, in *attachArtifact) (apiAttachment, error) {
	at, err := s.cfg.Artifacts.Attach(ctx, c.Who(), c.Workspace, artifact.AttachRequest{
		Artifact: evidence.ID(in.ID), Control: in.Body.Control, Action: in.Body.Action, Strength: in.Body.Strength, Reason: in.Body.Reason, Caveat: in.Body.Caveat,
	})
	return apiAttachment{at.ID, at.Artifact, at.Target.Control, at.Target.Action, at.Strength}, err
}

type detachArtifact struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the artifact"`
	Body struct {
		Attachment string `json:"attachment,omitempty" doc:"Id of the attachment; or name what it is attached to"`
		Control    string `json:"control,omitempty" doc:"Id or key of a control"`
		Action     string `json:"action,omitempty" doc:"Id or key of an action"`
		Reason     string `json:"reason" doc:"Kept with the attachment"`
	}
}

type apiDone struct {
	Done bool `json:"done" example:"true"`
}

func (s *server) apiDetach(ctx context.Context, c people.Caller, in *detachArtifact) (apiDone, error) {
	err := s.cfg.Artifacts.Detach(ctx, c.Who(), c.Workspace, artifact.DetachRequest{
		Attachment: evidence.ID(in.Body.Attachment), Artifact: evidence.ID(in.ID), Control: in.Body.Control, Action: in.Body.Action, Reason: in.Body.Reason,
	})
	return apiDone{err == nil}, err
}

// octets says that an operation answers with bytes.
func octets(op huma.Operation, what string) huma.Operation {
	op.Responses = map[string]*huma.Response{"200": {Description: what, Content: map[string]*huma.MediaType{"application/octet-stream": {}}}}
	return op
}

type fileOf struct {
	ID      string `path:"id" maxLength:"60" doc:"Id of the artifact"`
	Version int    `path:"version" minimum:"1" doc:"Number of the version"`
	Format  string `path:"format" maxLength:"20" example:"csv" doc:"A format of the version's files"`
}

// raw mounts an operation that answers with a file.
func (s *server) raw(api huma.API, op huma.Operation, open func(context.Context, people.Caller, *fileOf) (io.ReadCloser, evidence.File, string, error)) {
	huma.Register(api, octets(op, "The file"), func(ctx context.Context, in *fileOf) (*huma.StreamResponse, error) {
		body, file, name, err := open(ctx, people.From(ctx), in)
		if err != nil {
			return nil, s.apiProblem(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer body.Close() //nolint:errcheck // opened for reading
			hc.SetHeader("Content-Security-Policy", downloadPolicy)
			hc.SetHeader("Content-Type", file.Media)
			hc.SetHeader("Content-Length", strconv.FormatInt(file.Size, 10))
			hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
			hc.SetHeader("ETag", `"`+file.SHA256+`"`)
			hc.SetStatus(http.StatusOK)
			if _, err := io.Copy(hc.BodyWriter(), body); err != nil {
				if ctx.Err() == nil {
					s.log.Error("a download broke off", "artifact", in.ID, "version", in.Version, "error", err)
				}
				panic(http.ErrAbortHandler) // half a file must not look like a whole one
			}
		}}, nil
	})
}

func (s *server) apiFile(ctx context.Context, c people.Caller, in *fileOf) (io.ReadCloser, evidence.File, string, error) {
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(in.ID))
	if err != nil {
		return nil, evidence.File{}, "", err
	}
	body, file, err := s.cfg.Artifacts.File(ctx, c.Who(), c.Workspace, a.ID, in.Version, in.Format)
	return body, file, fileName(a, in.Version, file.Format), err
}

// rawEvent mounts the operation that gives an event's bytes.
func (s *server) rawEvent(api huma.API, op huma.Operation) {
	huma.Register(api, octets(op, "The bytes"), func(ctx context.Context, in *byRef) (*huma.StreamResponse, error) {
		ref, err := evidence.ParseEventRef(in.Ref)
		if err != nil {
			return nil, s.apiProblem(ctx, err)
		}
		e, _, err := s.cfg.Store.Event(ctx, people.From(ctx).Workspace, ref)
		if err != nil {
			return nil, s.apiProblem(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			hc.SetHeader("Content-Security-Policy", downloadPolicy)
			hc.SetHeader("Content-Type", "application/octet-stream")
			hc.SetHeader("Content-Length", strconv.Itoa(len(e.Raw)))
			hc.SetHeader("Content-Disposition", `attachment; filename="event-`+ref.String()+`.json"`)
			hc.SetStatus(http.StatusOK)
			_, _ = hc.BodyWriter().Write(e.Raw) // a client that hangs up is no error of ours
		}}, nil
	})
}
