package explore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Times of an export.
const (
	keptFor   = 24 * time.Hour  // how long a file can be fetched
	tellEvery = time.Second     // how often the row says how far the work is
	silentFor = 2 * time.Minute // after so long without a word the work has been broken off
	mayTake   = 12 * time.Hour
)

// maxExports is how many exports a member has at most at a time; the oldest goes when another one comes.
const maxExports = 10

// Export is an export as it stands now.
type Export struct {
	store.Export
	Rate float64       // events a second so far; 0: not known
	Left time.Duration // that it still takes, about; 0: not known
}

// BeginExport begins to write the events of a query into a file for c. A member makes one file at a time.
func (s *Service) BeginExport(ctx context.Context, c people.Caller, q evidence.Query, format string) (Export, error) {
	if err := c.May(people.ReadEvents); err != nil {
		return Export{}, err
	}
	f, err := FormatOf(format)
	if err != nil {
		return Export{}, err
	}
	q.Workspace = c.Workspace
	if err := s.Sweep(ctx); err != nil {
		return Export{}, err
	}
	s.beginning.Lock()
	defer s.beginning.Unlock()
	if err := s.makeRoom(ctx, c); err != nil {
		return Export{}, err
	}
	now := s.now()
	e := store.Export{ID: evidence.NewID(evidence.PrefixExport), Workspace: c.Workspace, Member: c.Member, Format: f.ID, Words: q.String(), State: store.ExportRunning,
		Total: -1, CreatedAt: now, TouchedAt: now, ExpiresAt: now.Add(keptFor)}
	if err := s.note(ctx, c.Workspace, c.Who(), "events.export", e.ID, fmt.Sprintf("%s of %s", f.Name, e.Words)); err != nil {
		return Export{}, err
	}
	if err := s.cfg.Store.AddExport(ctx, e); err != nil {
		return Export{}, err
	}
	return Export{Export: e}, s.start(c, q, e)
}

// makeRoom refuses a second file at a time and drops the oldest of too many.
func (s *Service) makeRoom(ctx context.Context, c people.Caller) error {
	all, err := s.Exports(ctx, c)
	if err != nil {
		return err
	}
	for i, e := range all {
		if e.State == store.ExportRunning {
			return evidence.Errorf(evidence.Conflict, "Another file is being made for you. Wait until it is there, or cancel it.")
		}
		if i >= maxExports-1 {
			if err := s.remove(ctx, e.Export); err != nil {
				return err
			}
		}
	}
	return nil
}

// start runs the job. It outlives the request; Close ends it.
func (s *Service) start(c people.Caller, q evidence.Query, e store.Export) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return evidence.Errorf(evidence.Unavailable, "The server is being stopped. Try again in a minute.")
	}
	ctx, cancel := context.WithTimeout(s.ctx, mayTake)
	s.stopped[e.ID] = cancel
	s.jobs.Go(func() {
		defer cancel()
		s.run(ctx, c, q, e)
		s.mu.Lock()
		delete(s.stopped, e.ID)
		s.mu.Unlock()
	})
	return nil
}

// errCancelled ends the writing of an export that nobody wants any more.
var errCancelled = errors.New("the export was cancelled")

// run writes the file and then the row that says so. A crash between the two leaves a file that is removed when its row
// expires.
func (s *Service) run(ctx context.Context, c people.Caller, q evidence.Query, e store.Export) {
	ref, err := s.file(ctx, q, &e)
	e.TouchedAt, e.FinishedAt, e.ExpiresAt = s.now(), s.now(), s.now().Add(keptFor)
	e.State, e.Size, e.SHA256 = store.ExportDone, ref.Size, ref.SHA256
	if errors.Is(err, errCancelled) {
		return // the row says so already
	}
	if err != nil {
		e.State, e.Problem = store.ExportFailed, "It broke off: the server had a problem, which its log tells. Make it again."
		if s.ctx.Err() != nil {
			e.Problem = "It broke off because the server was stopped. Make it again."
		} else {
			s.cfg.Log.Error("an export broke off", "export", e.ID, "error", err)
		}
	}
	// The job's own time may be over; saying how it ended takes a moment all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if e.State == store.ExportDone {
		if err := s.note(ctx, e.Workspace, c.Who(), "events.exported", e.ID, fmt.Sprintf("%s, %d events, sha256 %s", e.Format, e.Written, e.SHA256)); err != nil {
			s.cfg.Log.Error("an export could not be noted", "export", e.ID, "error", err)
			e.State, e.Problem = store.ExportFailed, "It could not be written into the activity trail, without which no file is given out. Make it again."
		}
	}
	wanted, err := s.cfg.Store.UpdateExport(ctx, e)
	if err == nil && !wanted { // it was removed while its file was kept
		err = s.cfg.Objects.RemovePassing(ctx, string(e.ID))
	}
	if err != nil {
		s.cfg.Log.Error("how an export ended could not be stored", "export", e.ID, "error", err)
	}
}

// file counts and writes the events.
func (s *Service) file(ctx context.Context, q evidence.Query, e *store.Export) (object.Ref, error) {
	total, err := s.cfg.Store.Count(ctx, q)
	if err != nil {
		return object.Ref{}, fmt.Errorf("counting events: %w", err)
	}
	e.Total = total
	if err := s.tell(ctx, e); err != nil {
		return object.Ref{}, err
	}
	return s.cfg.Objects.PutPassing(ctx, string(e.ID), func(w io.Writer) error {
		_, err := s.Write(ctx, w, Writing{Query: q, Format: e.Format, Progress: func(written int64) error {
			e.Written = written
			if written%64 != 0 || s.now().Sub(e.TouchedAt) < tellEvery {
				return nil
			}
			return s.tell(ctx, e)
		}})
		return err
	})
}

// tell writes down how far the work is, and learns whether it is still wanted.
func (s *Service) tell(ctx context.Context, e *store.Export) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("making an export: %w", err)
	}
	e.TouchedAt = s.now()
	wanted, err := s.cfg.Store.UpdateExport(ctx, *e)
	if err == nil && !wanted {
		err = errCancelled
	}
	return err
}

// Exports gives the exports of c, newest first.
func (s *Service) Exports(ctx context.Context, c people.Caller) ([]Export, error) {
	if err := c.May(people.ReadEvents); err != nil {
		return nil, err
	}
	all, err := s.cfg.Store.Exports(ctx, c.Workspace, c.Member)
	if err != nil {
		return nil, err
	}
	var out []Export
	for _, e := range all {
		if e.ExpiresAt.After(s.now()) {
			out = append(out, s.seen(e))
		}
	}
	return out, nil
}

// Export gives one export of c.
func (s *Service) Export(ctx context.Context, c people.Caller, id evidence.ID) (Export, error) {
	if err := c.May(people.ReadEvents); err != nil {
		return Export{}, err
	}
	e, err := s.cfg.Store.Export(ctx, c.Workspace, c.Member, id)
	if err == nil && !e.ExpiresAt.After(s.now()) {
		err = evidence.Errorf(evidence.NotFound, "This export has expired. Make it again.")
	}
	if err != nil {
		return Export{}, err
	}
	return s.seen(e), nil
}

// seen works out what a row does not say: that the work has been broken off, how fast it is, how long it still takes.
func (s *Service) seen(e store.Export) Export {
	x := Export{Export: e}
	if e.State != store.ExportRunning {
		return x
	}
	if s.now().Sub(e.TouchedAt) > silentFor {
		x.State, x.Problem = store.ExportFailed, "It broke off because the server was stopped. Make it again."
		return x
	}
	if took := e.TouchedAt.Sub(e.CreatedAt).Seconds(); took > 0.5 && e.Written > 0 {
		x.Rate = float64(e.Written) / took
		if left := e.Total - e.Written; left > 0 {
			x.Left = time.Duration(float64(left)/x.Rate*float64(time.Second)) + time.Second
		}
	}
	return x
}

// CancelExport stops an export that runs, and removes one that has ended with its file.
func (s *Service) CancelExport(ctx context.Context, c people.Caller, id evidence.ID) error {
	e, err := s.Export(ctx, c, id)
	if err != nil {
		return err
	}
	what := "events.export.removed"
	if e.State == store.ExportRunning {
		what = "events.export.cancelled"
	}
	if err := s.note(ctx, c.Workspace, c.Who(), what, id, e.Format+" of "+e.Words); err != nil {
		return err
	}
	return s.remove(ctx, e.Export)
}

// remove forgets an export and its file. A job that still runs, here or in another process, finds no row and stops; if it
// has just kept its file, it removes that itself.
func (s *Service) remove(ctx context.Context, e store.Export) error {
	s.mu.Lock()
	if stop := s.stopped[e.ID]; stop != nil {
		defer stop()
	}
	s.mu.Unlock()
	if err := s.cfg.Objects.RemovePassing(ctx, string(e.ID)); err != nil {
		return err
	}
	return s.cfg.Store.DeleteExport(ctx, e.Workspace, e.ID)
}

// Sweep removes what has expired, of everybody.
func (s *Service) Sweep(ctx context.Context) error {
	gone, err := s.cfg.Store.ExpiredExports(ctx, s.now())
	if err != nil {
		return err
	}
	for _, e := range gone {
		if err := s.remove(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// ExportFile gives the file of an export to c, and notes it in the activity trail: without the note there is no file. The
// reader must be closed.
func (s *Service) ExportFile(ctx context.Context, c people.Caller, id evidence.ID) (io.ReadCloser, Export, error) {
	e, err := s.Export(ctx, c, id)
	if err != nil {
		return nil, e, err
	}
	if e.State != store.ExportDone {
		return nil, e, evidence.Errorf(evidence.Conflict, "The file is not there: the export is %s.", e.State)
	}
	body, err := s.cfg.Objects.OpenPassing(ctx, string(id), object.Ref{SHA256: e.SHA256, Size: e.Size})
	if err != nil {
		return nil, e, err
	}
	if err := s.note(ctx, c.Workspace, c.Who(), "events.export.read", id, fmt.Sprintf("%s of %s, sha256 %s", e.Format, e.Words, e.SHA256)); err != nil {
		return nil, e, errors.Join(err, body.Close())
	}
	return body, e, nil
}
