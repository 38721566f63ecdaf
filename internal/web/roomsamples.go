package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) samples(w http.ResponseWriter, r *http.Request) error {
	return s.showSamples(w, r, http.StatusOK, view.SampleForm{})
}

func (s *server) showSamples(w http.ResponseWriter, r *http.Request, status int, f view.SampleForm) error {
	room, err := s.room(r, "samples", "samples")
	if err != nil {
		return err
	}
	v := view.RoomSamples{Room: room, Form: f}
	for _, st := range s.allStreams() {
		v.Streams = append(v.Streams, view.FrameworkChoice{ID: string(st), Name: s.streamTitle(st)})
	}
	p, err := s.roomPage(r, room.Room.Audit, "Samples", crumb("Samples", ""))
	if err != nil {
		return err
	}
	return render(w, r, status, view.RoomSamplesPage(p, v))
}

func (s *server) drawSample(w http.ResponseWriter, r *http.Request) error {
	f := view.SampleForm{Stream: r.PostFormValue("stream"), Where: r.PostFormValue("where"), Seed: r.PostFormValue("seed"), Size: r.PostFormValue("size")}
	size, err := strconv.Atoi(strings.TrimSpace(f.Size))
	if err != nil {
		err = evidence.Errorf(evidence.Invalid, "%.20q is no number of members.", f.Size)
	}
	var d audit.Drawn
	if err == nil {
		d, err = s.cfg.Audits.Sample(r.Context(), people.From(r.Context()), r.PathValue("id"), strings.TrimSpace(f.Stream+" "+f.Where), f.Seed, size)
	}
	if refused(err) {
		f.Problem = err.Error()
		return s.showSamples(w, r, statusOf(err), f)
	}
	return s.backToRoom(w, r, "/samples/"+string(d.ID), "drawn", err)
}

func (s *server) sample(w http.ResponseWriter, r *http.Request) error {
	return s.showSample(w, r, http.StatusOK, view.RoomSample{})
}

func (s *server) showSample(w http.ResponseWriter, r *http.Request, status int, v view.RoomSample) error {
	a, d, err := s.cfg.Audits.ShowSample(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("sample")), "")
	if err != nil {
		return err
	}
	if v.Room, err = s.roomOf(r, audit.Room{Audit: a}, "samples"); err != nil {
		return err
	}
	v.Drawn = d
	v.Command = fmt.Sprintf("exhibit audits sample bundle.zip --bundle --population %s --seed %s --size %d", shellQuoted(d.Population), shellQuoted(d.Seed), d.Size)
	p, err := s.roomPage(r, a, "Sample", crumb("Samples", view.AuditHref(a.ID)+"/samples"), crumb(d.Population, ""))
	if err != nil {
		return err
	}
	return render(w, r, status, view.RoomSamplePage(p, v))
}

// shellQuoted writes text so that a shell takes it as one word.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// sampleSheet gives the sheet in which an auditor notes what he found about each member.
func (s *server) sampleSheet(w http.ResponseWriter, r *http.Request) error {
	form := r.PathValue("format")
	media := map[string]string{"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}[form]
	if media == "" {
		return evidence.Errorf(evidence.NotFound, "A sheet comes as csv or xlsx, not as %.20q.", form)
	}
	_, d, err := s.cfg.Audits.ShowSample(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("sample")), form)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if err := audit.WriteSheet(&body, d.Members, form); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", downloadPolicy)
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="sample_`+string(d.ID)+"."+form+`"`)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // a client that hangs up is no error of ours
	}
	return nil
}

func (s *server) sampleMember(w http.ResponseWriter, r *http.Request) error {
	rank, err := strconv.Atoi(r.PathValue("rank"))
	if err != nil {
		return evidence.Errorf(evidence.NotFound, "%.20q is no rank.", r.PathValue("rank"))
	}
	a, d, e, err := s.cfg.Audits.SampleEvent(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("sample")), rank)
	if err != nil {
		return err
	}
	at := view.AuditHref(a.ID) + "/samples"
	return s.showRoomEvent(w, r, a, e, fmt.Sprintf("member %d of the sample", rank), crumb("Samples", at), crumb(d.Population, at+"/"+string(d.ID)), crumb(fmt.Sprintf("Member %d", rank), ""))
}

func (s *server) replaceMember(w http.ResponseWriter, r *http.Request) error {
	v := view.RoomSample{Reason: r.PostFormValue("reason")}
	var err error
	if v.Rank, err = strconv.Atoi(r.PostFormValue("rank")); err != nil {
		return evidence.Errorf(evidence.Invalid, "%.20q is no rank.", r.PostFormValue("rank"))
	}
	_, err = s.cfg.Audits.Replace(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("sample")), v.Rank, v.Reason)
	if refused(err) {
		v.Problem = err.Error()
		return s.showSample(w, r, statusOf(err), v)
	}
	return s.backToRoom(w, r, "/samples/"+r.PathValue("sample"), "replaced", err)
}
