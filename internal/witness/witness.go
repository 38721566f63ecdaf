// Package witness countersigns checkpoints of logs that it follows (C2SP tlog-witness). For each log it remembers the last
// checkpoint that it signed, and signs another one only with a proof that the log merely grew. So that nobody can rewrite
// what a witness saw, not even the owner of the log: a witness belongs to somebody else, best of all to the auditor.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
)

// Config makes a Witness. All of it must be given.
type Config struct {
	Key   *translog.SigningKey // makes cosignatures
	Logs  []translog.Key       // that are followed; several of one name are keys of one log
	State *translog.State      // last signed checkpoint of each log
	Now   func() time.Time
	Log   *slog.Logger
}

// Witness answers logs. It may be used by several goroutines, and several processes may share a state.
type Witness struct {
	cfg  Config
	logs map[string][]translog.Key // by origin
}

// New makes a Witness. It fails if the key makes no cosignatures, or if a log's key is no log's.
func New(cfg Config) (*Witness, error) {
	if !cfg.Key.Verifier().Witness() {
		return nil, errors.New("the key is that of a log, not of a witness. Make one with: exhibit witness key")
	}
	w := &Witness{cfg: cfg, logs: map[string][]translog.Key{}}
	for _, k := range cfg.Logs {
		if k.Witness() {
			return nil, fmt.Errorf("%s is the key of a witness, not of a log", k.Name)
		}
		w.logs[k.Name] = append(w.logs[k.Name], k)
	}
	if len(w.logs) == 0 {
		return nil, errors.New("a witness follows at least one log. exhibit log policy prints the key of yours")
	}
	return w, nil
}

// sizeType is the media type of a size that is told to a log which is behind.
const sizeType = "text/x.tlog.size"

// Handler serves add-checkpoint, and at / what the witness is and how far it has followed each log.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	mux.HandleFunc("GET /{$}", w.about)
	return mux
}

func (w *Witness) addCheckpoint(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, translog.MaxSubmission))
	if err != nil {
		http.Error(out, "the submission is too long, or broke off", http.StatusBadRequest)
		return
	}
	a := w.answer(body)
	if a.status != http.StatusOK {
		w.cfg.Log.Info("did not sign a checkpoint", "from", r.RemoteAddr, "status", a.status, "reason", strings.TrimSpace(a.reason))
	}
	out.Header().Set("Content-Type", a.media)
	out.WriteHeader(a.status)
	_, _ = io.WriteString(out, a.text) // a log that does not hear it asks again
}

// answer is what a submission is answered with. reason is for the operator.
type answer struct {
	status              int
	media, text, reason string
}

func refuse(status int, reason string) answer {
	return answer{status, "text/plain; charset=utf-8", reason + "\n", reason}
}

// answer checks a submission and signs it.
//
// The state is durable before the signature exists. Crash before that: nothing was signed, and the log sends the same again.
// Crash behind it, or an answer that is lost: the log is told with 409 how far the witness is, sends the same checkpoint
// with that size, and gets its signature.
func (w *Witness) answer(body []byte) answer {
	s, err := translog.ParseSubmission(body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	c, note, err := translog.OpenCheckpoint(s.Note)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	keys, known := w.logs[c.Origin]
	if !known {
		return refuse(http.StatusNotFound, "this witness does not follow that log")
	}
	if _, _, err := note.Signed(keys...); err != nil {
		return refuse(http.StatusForbidden, "the checkpoint is not signed by a key of the log that this witness knows")
	}
	if s.Old > c.Size {
		return refuse(http.StatusBadRequest, "the old size is above that of the checkpoint")
	}
	err = w.cfg.State.Advance(s.Old, s.Proof, c)
	var conflict *translog.ConflictError
	switch {
	case errors.As(err, &conflict):
		return answer{http.StatusConflict, sizeType, strconv.FormatInt(conflict.Last.Size, 10) + "\n", "the log does not know how far it was followed"}
	case errors.Is(err, translog.ErrFork) && s.Old == c.Size && len(s.Proof) == 0:
		w.cfg.Log.Error("a log shows two trees of one size", "origin", c.Origin, "size", c.Size, "checkpoint", string(s.Note))
		return answer{http.StatusConflict, sizeType, strconv.FormatInt(s.Old, 10) + "\n", "another root at the same size"}
	case errors.Is(err, translog.ErrFork):
		w.cfg.Log.Error("a log does not go on from what it showed before", "origin", c.Origin, "size", c.Size, "checkpoint", string(s.Note))
		return refuse(http.StatusUnprocessableEntity, "the proof does not show that the log goes on from the last checkpoint that was signed")
	case err != nil:
		w.cfg.Log.Error("the state could not be kept, so nothing was signed", "origin", c.Origin, "error", err)
		return refuse(http.StatusInternalServerError, "the witness cannot keep its state")
	}
	w.cfg.Log.Info("signed a checkpoint", "origin", c.Origin, "size", c.Size)
	return answer{http.StatusOK, "text/plain; charset=utf-8", c.Cosign(w.cfg.Now(), w.cfg.Key), ""}
}

// about tells whoever looks what this is.
func (w *Witness) about(out http.ResponseWriter, _ *http.Request) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(out, "witness %s\n", w.cfg.Key.Verifier())
	var origins []string
	for origin := range w.logs {
		origins = append(origins, origin)
	}
	slices.Sort(origins)
	for _, origin := range origins {
		c, _, err := w.cfg.State.Last(origin)
		if err != nil {
			fmt.Fprintf(out, "log %s: its state cannot be read\n", origin)
			continue
		}
		fmt.Fprintf(out, "log %s %s\n", origin, translog.Pin{Size: c.Size, Root: c.Root})
	}
}

// ReadKey reads a witness's key from a file that WriteKey wrote.
func ReadKey(path string) (*translog.SigningKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the witness's key: %w", err)
	}
	k, err := translog.ParseSigningKey(string(bytes.TrimSpace(b)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// WriteKey makes a key for a witness of that name in a new file which only its owner may read. It replaces no file.
func WriteKey(path, name string) (*translog.SigningKey, error) {
	k, err := translog.NewSigningKey(name, true)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the witness's key: %w", err)
	}
	_, err = io.WriteString(f, k.Secret()+"\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("making the witness's key: %w", errors.Join(err, os.Remove(path)))
	}
	return k, nil
}
