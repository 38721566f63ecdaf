package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

func TestPeople(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		ada := Member{ID: "us_ada", Workspace: f.ws, Name: "Ada", Email: "ada@example.com", Role: "admin", CreatedAt: day0}
		f.ok(f.AddMember(ctx, ada))
		if err := f.AddMember(ctx, Member{ID: "us_two", Workspace: f.ws, Email: ada.Email}); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("the same address again: %v", err)
		}
		link := [32]byte{1}
		f.ok(f.AddSignInLink(ctx, f.ws, link, ada.ID, day0.Add(time.Hour)))
		if any, err := f.AnySignIn(ctx, f.ws); any || err != nil {
			t.Errorf("somebody signed in: %v %v", any, err)
		}
		if _, err := f.UseSignInLink(ctx, link, day0.Add(time.Hour)); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("an expired link: %v", err)
		}
		got, err := f.UseSignInLink(ctx, link, day0)
		f.ok(err)
		if got != ada {
			t.Errorf("the link signs in %+v", got)
		}
		if _, err := f.UseSignInLink(ctx, link, day0); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("a used link: %v", err)
		}
		if any, err := f.AnySignIn(ctx, f.ws); !any || err != nil {
			t.Errorf("nobody signed in: %v %v", any, err)
		}
		session := Session{Hash: [32]byte{2}, Member: ada.ID, Workspace: f.ws, CreatedAt: day0, ExpiresAt: day0.Add(time.Hour), LastSeen: day0, UserAgent: "x"}
		f.ok(f.AddSession(ctx, session))
		f.ok(f.TouchSession(ctx, session.Hash, day0.Add(time.Minute)))
		back, err := f.Session(ctx, session.Hash)
		f.ok(err)
		if session.LastSeen = day0.Add(time.Minute); back != session {
			t.Errorf("session %+v, want %+v", back, session)
		}
		f.ok(f.AddSession(ctx, Session{Hash: [32]byte{3}, Member: ada.ID, Workspace: f.ws, CreatedAt: day0.Add(2 * time.Hour), ExpiresAt: day0.Add(3 * time.Hour)}))
		if _, err := f.Session(ctx, session.Hash); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("an expired session stays: %v", err)
		}
		f.ok(f.DeleteSession(ctx, [32]byte{3}))
		if err := f.TouchSession(ctx, [32]byte{3}, day0); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("a deleted session: %v", err)
		}
		f.ok(f.AddActivity(ctx, Activity{Workspace: f.ws, At: day0, Who: "Ada", What: "one"}))
		f.ok(f.AddActivity(ctx, Activity{Workspace: f.ws, At: day0, Who: "Ada", What: "two"}))
		trail, err := f.Activity(ctx, f.ws, 1)
		f.ok(err)
		if len(trail) != 1 || trail[0].What != "two" {
			t.Errorf("trail %+v", trail)
		}
	})
}

func TestConnectionsAndKeysets(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		err := f.CreateConnection(ctx, evidence.Connection{ID: "cn_x", Workspace: f.ws, Name: "1Password"}, nil, nil)
		if evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("the same name again: %v", err)
		}
		want, err := f.Connection(ctx, f.ws, f.conn)
		f.ok(err)
		want.Missing, want.Features, want.ExpiresAt = []evidence.Stream{usages}, nil, day0.Add(time.Hour)
		f.ok(f.UpdateConnection(ctx, want))
		all, err := f.Connections(ctx, f.ws)
		f.ok(err)
		if len(all) != 1 || fmt.Sprint(all[0]) != fmt.Sprint(want) {
			t.Errorf("connections %+v, want %+v", all, want)
		}
		if _, err := f.SealedKeyset(ctx, f.ws); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("no keyset yet: %v", err)
		}
		f.ok(f.PutSealedKeyset(ctx, f.ws, []byte("k1")))
		if err := f.PutSealedKeyset(ctx, f.ws, []byte("k2")); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("a second keyset: %v", err)
		}
		if k, err := f.SealedKeyset(ctx, f.ws); string(k) != "k1" || err != nil {
			t.Errorf("keyset %s, %v", k, err)
		}
		again, err := f.EnsureWorkspace(ctx, "default")
		f.ok(err)
		if ids, err := f.Workspaces(ctx); again != f.ws || err != nil || len(ids) != 1 {
			t.Errorf("workspaces %v, %v", ids, err)
		}
	})
}

func TestArtifactsAndProgram(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		control, err := f.PutControl(ctx, evidence.Control{ID: "co_1", Workspace: f.ws, Key: "EX-01", Name: "One", Requirements: []evidence.RequirementRef{{Framework: "soc2", ID: "CC6.1"}}, CreatedAt: day0})
		f.ok(err)
		control, err = f.PutControl(ctx, evidence.Control{ID: "co_2", Workspace: f.ws, Key: "EX-01", Name: "Uno", CreatedAt: f.now})
		f.ok(err)
		if control.ID != "co_1" || control.Name != "Uno" || !control.CreatedAt.Equal(day0) {
			t.Errorf("control %+v", control)
		}
		action, err := f.PutAction(ctx, evidence.Action{ID: "ac_1", Workspace: f.ws, Key: "A1", Control: "co_1", Title: "Do", Due: f.now, CreatedAt: day0})
		f.ok(err)
		action.Status, action.Requests, action.Grace = evidence.ActionDone, []evidence.EvidenceRequest{{Recipe: "coverage"}, {Upload: "The list"}}, time.Hour
		changed, err := f.ChangeAction(ctx, action)
		f.ok(err)
		if changed.Revision != 2 || len(changed.Requests) != 2 || changed.Grace != time.Hour {
			t.Errorf("changed %+v", changed)
		}
		if _, err := f.ChangeAction(ctx, action); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("a change of an old revision: %v", err)
		}
		if _, err := f.AddAction(ctx, evidence.Action{ID: "ac_3", Workspace: f.ws, Key: "A1", CreatedAt: day0}); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("a key that is taken: %v", err)
		}
		if a, err := f.Action(ctx, f.ws, "A1"); err != nil || a.Status != evidence.ActionDone || a.Control != "co_1" {
			t.Errorf("action %+v, %v", a, err)
		}
		if _, err := f.PutAction(ctx, evidence.Action{ID: "ac_2", Workspace: f.ws, Key: "A2", Control: "co_9"}); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("an action of no control: %v", err)
		}
		a := evidence.Artifact{ID: "ar_1", Workspace: f.ws, Kind: evidence.Derived, Recipe: "coverage", Title: "Coverage", CreatedAt: day0,
			Period: evidence.Span{From: day0, To: f.now}, Latest: evidence.ArtifactVersion{Rows: 1, Provenance: []byte(`{}`), Files: []evidence.File{{Format: "csv", Size: 3, SHA256: "aa"}}, BuiltAt: day0}}
		first, err := f.SaveArtifact(ctx, a)
		f.ok(err)
		a.ID, a.Latest.Rows = "ar_2", 2
		second, err := f.SaveArtifact(ctx, a)
		f.ok(err)
		if first.Latest.Version != 1 || second.ID != "ar_1" || second.Latest.Version != 2 || second.Latest.Artifact != "ar_1" {
			t.Errorf("versions %+v and %+v", first, second)
		}
		if got, err := f.Artifact(ctx, f.ws, "ar_1"); err != nil || fmt.Sprint(got) != fmt.Sprint(second) {
			t.Errorf("artifact %+v, %v, want %+v", got, err, second)
		}
		if versions, err := f.ArtifactVersions(ctx, f.ws, "ar_1"); err != nil || len(versions) != 2 || versions[0].Rows != 2 || versions[1].Files[0].SHA256 != "aa" {
			t.Errorf("versions %+v, %v", versions, err)
		}
		attachAndDetach(t, f)
		f.ok(f.UseFramework(ctx, f.ws, "soc2", "2017", day0))
		f.ok(f.UseFramework(ctx, f.ws, "soc2", "2022", f.now))
		if used, err := f.FrameworksInUse(ctx, f.ws); err != nil || len(used) != 1 || used[0] != (FrameworkInUse{"soc2", "2022", day0}) {
			t.Errorf("frameworks %+v, %v", used, err)
		}
	})
}

func attachAndDetach(t *testing.T, f *fixture) {
	ctx := t.Context()
	at := evidence.Attachment{ID: "at_1", Workspace: f.ws, Artifact: "ar_1", Target: evidence.Target{Control: "co_1"}, Strength: evidence.Strong, AttachedAt: day0}
	f.ok(f.Attach(ctx, at))
	for name, c := range map[string]struct {
		change func(*evidence.Attachment)
		code   evidence.Code
	}{
		"again":      {func(a *evidence.Attachment) {}, evidence.Conflict},
		"nowhere":    {func(a *evidence.Attachment) { a.Target = evidence.Target{} }, evidence.Invalid},
		"twice":      {func(a *evidence.Attachment) { a.Target.Action = "ac_1" }, evidence.Invalid},
		"no control": {func(a *evidence.Attachment) { a.Target.Control = "co_9" }, evidence.NotFound},
		"no thing":   {func(a *evidence.Attachment) { a.Artifact = "ar_9" }, evidence.NotFound},
	} {
		other := at
		other.ID = "at_2"
		c.change(&other)
		if err := f.Attach(ctx, other); evidence.ErrorCode(err) != c.code {
			t.Errorf("attach %s: %v", name, err)
		}
	}
	f.ok(f.Attach(ctx, evidence.Attachment{ID: "at_3", Workspace: f.ws, Artifact: "ar_1", Target: evidence.Target{Action: "ac_1"}, AttachedAt: f.now}))
	if list, err := f.Attachments(ctx, f.ws, AttachmentFilter{Artifact: "ar_1"}); err != nil || len(list) != 2 || list[0] != at {
		t.Errorf("attachments %+v, %v", list, err)
	}
	for filter, want := range map[ArtifactFilter]int{{}: 1, {Recipe: "coverage"}: 1, {Recipe: "x"}: 0, {Kind: evidence.Uploaded}: 0, {Control: "co_1"}: 1, {Action: "ac_1"}: 1, {Action: "ac_2"}: 0} {
		if list, err := f.Artifacts(ctx, f.ws, filter); err != nil || len(list) != want {
			t.Errorf("artifacts %+v: %d, %v", filter, len(list), err)
		}
	}
	f.ok(f.Detach(ctx, f.ws, "at_1", f.now, "Ada", "wrong"))
	if err := f.Detach(ctx, f.ws, "at_1", f.now, "Ada", "wrong"); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("detached twice: %v", err)
	}
	if err := f.Detach(ctx, f.ws, "at_9", f.now, "Ada", "wrong"); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("detached nothing: %v", err)
	}
	if list, err := f.Artifacts(ctx, f.ws, ArtifactFilter{Control: "co_1"}); err != nil || len(list) != 0 {
		t.Errorf("still attached: %+v, %v", list, err)
	}
	at.ID = "at_4"
	f.ok(f.Attach(ctx, at))
}

func TestStrangeEvents(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		long := strings.Repeat("ü", 5000)
		p := source.Page{Body: []byte("[{1}{22}{333}{4444}{5}]"), Next: "c", Records: []source.Record{
			{Start: 1, End: 4, Facts: evidence.Facts{Person: evidence.Person{Name: "a\x00b\xff", UUID: long}, Item: long, Odd: evidence.OddUUID}},
			{Start: 4, End: 8, Facts: evidence.Facts{UUID: long, At: time.UnixMilli(-5)}},
			{Start: 8, End: 13, Facts: evidence.Facts{UUID: long + "2", At: time.UnixMilli(0)}},
			{Start: 13, End: 19, Facts: evidence.Facts{UUID: "FIFTEEN-LETTERS", At: day0}},
			{Start: 19, End: 22, Facts: evidence.Facts{UUID: "\x00FIFTEEN-LETTER", At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}},
		}}
		l := f.acquire(usages)
		done := f.commit(l, live(l, p, day0))
		if done.New != 5 || done.Odd != 1 {
			t.Fatalf("%+v", done)
		}
		got, err := f.Events(t.Context(), EventsRequest{Query: f.query(), WithRaw: true})
		f.ok(err)
		var raws []string
		for _, e := range got.Events {
			raws = append(raws, string(e.Raw))
		}
		if want := []string{"{22}", "{333}", "{4444}", "{1}", "{5}"}; !slices.Equal(raws, want) {
			t.Errorf("raw %q, want %q", raws, want)
		}
		nameless := got.Events[3]
		if nameless.Odd != evidence.OddTime|evidence.OddUUID || !strings.HasPrefix(nameless.UUID, "sha256:") || nameless.Person.Name != "a\uFFFDb\uFFFD" || len(nameless.Item) > maxWordBytes {
			t.Errorf("%+v", nameless.Facts)
		}
		q := f.query()
		q.Where = []evidence.Match{{Key: evidence.KeyItem, Values: []string{long}}, {Key: evidence.KeyOdd, Values: []string{"time"}}}
		if n, err := f.Count(t.Context(), q); n != 1 || err != nil {
			t.Errorf("%d events by a long value, %v", n, err)
		}
		f.clean()
	})
}

func TestWorkspacesAreApart(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.acquire(usages)
		done := f.commit(l, live(l, pageOf("c", false, happening{n: 1, at: day0, person: "ada"}), day0))
		other, err := f.EnsureWorkspace(ctx, "other")
		f.ok(err)
		q := evidence.Query{Workspace: other}
		if n, err := f.Count(ctx, q); n != 0 || err != nil {
			t.Errorf("another workspace counts %d, %v", n, err)
		}
		for e, err := range f.Verbatim(ctx, q) {
			t.Errorf("another workspace reads %+v, %v", e, err)
		}
		if v, err := f.Values(ctx, other, evidence.KeyPerson, "", 10); len(v) != 0 || err != nil {
			t.Errorf("another workspace sees values %+v, %v", v, err)
		}
		ref := evidence.EventRef{Page: done.Page}
		_, _, event := f.Event(ctx, other, ref)
		_, _, body := f.PageBody(ctx, other, done.Page)
		_, conflicts := f.Conflicts(ctx, other, ref)
		_, connection := f.Connection(ctx, other, f.conn)
		for name, err := range map[string]error{"event": event, "page": body, "conflicts": conflicts, "connection": connection} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("another workspace reads the %s: %v", name, err)
			}
		}
	})
}

func TestEventPlacesAndValues(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.acquire(usages)
		p := pageOf("c", false, happening{n: 1, at: day0, person: "ada"}, happening{n: 2, at: day0, person: "bob"}, happening{n: 1, at: day0, person: "ada", note: "x"})
		done := f.commit(l, live(l, p, day0.Add(time.Hour)))
		e, place, err := f.Event(ctx, f.ws, evidence.EventRef{Page: done.Page, Position: 1})
		f.ok(err)
		if e.Person.Email != "bob@example.com" || string(p.Body[place.Offset:place.Offset+place.Length]) != string(e.Raw) || place.Records != 3 || place.Sequence != 1 {
			t.Errorf("event %+v at %+v", e, place)
		}
		others, err := f.Conflicts(ctx, f.ws, evidence.EventRef{Page: done.Page})
		f.ok(err)
		if len(others) != 1 || others[0].Position != 2 || !strings.Contains(string(others[0].Raw), `"note":"x"`) {
			t.Errorf("conflicts %+v", others)
		}
		body, row, err := f.PageBody(ctx, f.ws, done.Page)
		f.ok(err)
		if string(body) != string(p.Body) || row.SHA256 != place.PageSHA256 || row.Events != 2 || row.Cursor || !row.From.Equal(day0) {
			t.Errorf("page %+v", row)
		}
		for _, ref := range []evidence.EventRef{{Page: done.Page, Position: 3}, {Page: done.Page + 1}} {
			if _, _, err := f.Event(ctx, f.ws, ref); evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("event %s: %v", ref, err)
			}
		}
		for prefix, want := range map[string]string{"": "[{Pada Person ada <ada@example.com> 1} {Pbob Person bob <bob@example.com> 1}]", "BOB@": "[{Pbob Person bob <bob@example.com> 1}]", "%": "[]"} {
			if v, err := f.Values(ctx, f.ws, evidence.KeyPerson, prefix, 10); err != nil || fmt.Sprint(v) != want {
				t.Errorf("values %q: %+v, %v", prefix, v, err)
			}
		}
		if v, err := f.Values(ctx, f.ws, evidence.KeyOdd, "", 10); err != nil || fmt.Sprint(v) != "[{conflict conflict 1}]" {
			t.Errorf("oddities: %+v, %v", v, err)
		}
		size, err := f.Size(ctx)
		f.ok(err)
		if size.Pages != 1 || size.Events != 2 || size.Bytes == 0 {
			t.Errorf("size %+v", size)
		}
	})
}

// TestDamageIsFound breaks one thing after the other behind the store's back.
func TestDamageIsFound(t *testing.T) {
	for check, statement := range map[string]string{
		"pages":         `UPDATE page SET sha256 = next_sha`,
		"events":        `DELETE FROM event WHERE position = 0`,
		"dictionary":    `UPDATE event SET person = 999`,
		"hourly counts": `UPDATE tally SET day = day + 1 WHERE value = 0`,
		"sequence":      `UPDATE stream SET sequence = 7 WHERE sequence > 0`,
		"windows":       `UPDATE coverage SET to_at = from_at`,
		"counters":      `UPDATE stream SET events = 5 WHERE events > 0`,
	} {
		both(t, func(t *testing.T, f *fixture) {
			l := f.acquire(usages)
			f.commit(l, live(l, pageOf("c", false, happening{n: 1, at: day0, person: "1"}, happening{n: 2, at: day0, person: "2"}), day0.Add(time.Hour)))
			f.clean()
			_, err := f.write.Exec(statement)
			f.ok(err)
			results, err := f.Check(t.Context(), nil)
			f.ok(err)
			i := slices.IndexFunc(results, func(r CheckResult) bool { return r.Name == check })
			if results[i].OK || !strings.Contains(results[i].Detail, "exhibit fsck --rebuild") && !strings.Contains(results[i].Detail, "backup") {
				t.Errorf("%s: %+v", check, results[i])
			}
			if check == "events" || check == "dictionary" || check == "hourly counts" || check == "counters" {
				f.ok(f.Rebuild(t.Context(), modelNormalise, nil))
				f.clean()
			}
		})
	}
}

// TestUnreadableIsFound takes away what a check reads: that is a finding, and no reason to tell of nothing else.
func TestUnreadableIsFound(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		_, err := f.write.Exec(`DROP TABLE tally`)
		f.ok(err)
		results, err := f.Check(t.Context(), nil)
		f.ok(err)
		find := func(name string) CheckResult {
			i := slices.IndexFunc(results, func(r CheckResult) bool { return r.Name == name })
			if i < 0 {
				t.Fatalf("no result for %s in %+v", name, results)
			}
			return results[i]
		}
		if r := find("pages"); !r.OK {
			t.Errorf("pages: %+v", r)
		}
		if r := find("hourly counts"); r.OK || !strings.Contains(r.Detail, "cannot be read to the end") || !strings.Contains(r.Detail, "backup") {
			t.Errorf("hourly counts: %+v", r)
		}
	})
}

func TestRebuildCrashes(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		l := f.acquire(usages)
		f.commit(l, live(l, pageOf("c", false, happening{n: 1, at: day0, person: "1"}), day0.Add(time.Hour)))
		before := f.dump()
		f.fail = func(step string) error {
			if step == "rebuilt" {
				return errCrash
			}
			return nil
		}
		if err := f.Rebuild(t.Context(), modelNormalise, nil); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		f.fail = nil
		if !slices.Equal(before, f.dump()) {
			t.Error("a rebuild that failed changed something")
		}
	})
}

func TestOpen(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := context.Background()
		f.ok(f.Close())
		defer f.open() // for the clean-up
		if from, to, err := Migrate(ctx, f.cfg); err != nil || from != to || to < 1 {
			t.Errorf("migrated from %d to %d, %v", from, to, err)
		}
		d, err := dial(ctx, f.cfg)
		f.ok(err)
		_, err = d.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`)
		f.ok(err)
		_, errOpen := Open(ctx, f.cfg)
		_, _, errMigrate := Migrate(ctx, f.cfg)
		for _, err := range []error{errOpen, errMigrate} {
			if evidence.ErrorCode(err) != evidence.Conflict || !strings.Contains(err.Error(), "newer") {
				t.Errorf("a newer schema: %v", err)
			}
		}
		_, err = d.write.Exec(`DELETE FROM goose_db_version WHERE version_id = 99`)
		f.ok(err)
		f.ok(d.close())
	})
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		have, want int64
		mustExist  bool
		code       evidence.Code
		says       string
	}{
		{0, 3, false, "", ""}, {3, 3, true, "", ""},
		{0, 3, true, evidence.NotFound, "exhibit serve"},
		{2, 3, false, evidence.Conflict, "exhibit migrate"},
		{4, 3, false, evidence.Conflict, "newer"},
	} {
		err := fits(c.have, c.want, c.mustExist)
		if evidence.ErrorCode(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, sqliteFile), []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  Config
		code evidence.Code
	}{
		"nothing":   {Config{}, evidence.Invalid},
		"file":      {Config{Dir: file}, evidence.Unavailable},
		"garbage":   {Config{Dir: garbage}, evidence.Unavailable},
		"bad URL":   {Config{URL: "postgres://user:hunter2@[::1"}, evidence.Invalid},
		"nobody":    {Config{URL: "postgres://u:hunter2@127.0.0.1:1/x"}, evidence.Unavailable},
		"not there": {Config{Dir: filepath.Join(t.TempDir(), "fresh"), MustExist: true}, evidence.NotFound},
	} {
		_, err := Open(ctx, c.cfg)
		if evidence.ErrorCode(err) != c.code || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: %s: %v", name, evidence.ErrorCode(err), err)
		}
	}
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(ctx, Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range append(files, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %s", path, info.Mode())
		}
	}
}

func FuzzUUIDKey(f *testing.F) {
	for _, s := range []string{"", testUUID(1), "FIFTEEN-LETTERS", "\x00FIFTEEN-LETTER", "\x01", strings.Repeat("A", 26), strings.Repeat("x", 300)} {
		f.Add(s, testUUID(2))
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got, err := uuidOf(uuidKey(a))
		if err != nil || got != a && len(a) <= maxUUIDBytes {
			t.Errorf("%q became %q, %v", a, got, err)
		}
		if a != b && string(uuidKey(a)) == string(uuidKey(b)) {
			t.Errorf("%q and %q have one key", a, b)
		}
	})
}

func FuzzTimes(f *testing.F) {
	f.Add([]byte{1, 2, 3, 255, 255, 1})
	f.Add(encodeTimes([]int64{1700000000000, 1600000000000, -5}, []bool{true, false, true}))
	f.Fuzz(func(t *testing.T, in []byte) {
		times, late, err := decodeTimes(in)
		if err != nil {
			return
		}
		again, lateAgain, err := decodeTimes(encodeTimes(times, late))
		if len(times) > 0 && slices.Max(times) < 1<<60 && slices.Min(times) > -1<<60 && (err != nil || !slices.Equal(times, again) || !slices.Equal(late, lateAgain)) {
			t.Errorf("%v became %v, %v", times, again, err)
		}
	})
}

func TestParseKeysetRefuses(t *testing.T) {
	for _, s := range []string{"", "1.2.3", "1.2.3.x", " 1.2.3.4", "1.2.3.4.5", "1.2.99999999999.4", "1.2.3.-4", "01.2.3.4"} {
		if _, err := ParseKeyset(s); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzKeyset(f *testing.F) {
	f.Add("1.2.3.4")
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := ParseKeyset(s); err == nil && k.String() != s {
			t.Errorf("%q became %q", s, k)
		}
	})
}
