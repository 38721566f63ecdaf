package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// usualMonths is how many months the matrix shows when nobody says otherwise.
const usualMonths = 6

// matrixAsked reads which matrix is asked for. If the period cannot be read, the usual one is given with the error.
func (s *server) matrixAsked(r *http.Request) (program.MatrixRequest, error) {
	q := r.URL.Query()
	req := program.MatrixRequest{Framework: r.PathValue("id"), Controls: q.Get("by") == "controls"}
	var err error
	if req.Period, err = s.monthsAsked(q.Get("from"), q.Get("to")); err != nil {
		return req, err
	}
	if by := q.Get("by"); by != "" && by != "controls" && by != "requirements" {
		return req, evidence.Errorf(evidence.Invalid, "A matrix has requirements or controls as rows, not %.40q.", by)
	}
	return req, nil
}

// monthsAsked gives the months from the first to the last, both told as 2026-10; without one the usual end is taken. With
// an error it gives the usual months.
func (s *server) monthsAsked(first, last string) (evidence.Span, error) {
	now := s.now()
	usual := evidence.Span{From: program.MonthsBack(now, usualMonths), To: evidence.Monthly.PeriodAt(now).To}
	from, err := monthOf(first)
	if err != nil {
		return usual, err
	}
	to, err := monthOf(last)
	if err != nil {
		return usual, err
	}
	asked := usual
	if !from.Empty() {
		asked.From = from.From
	}
	if !to.Empty() {
		asked.To = to.To
	}
	switch {
	case asked.Empty():
		return usual, evidence.Errorf(evidence.Invalid, "The last month lies before the first.")
	case asked.From.AddDate(0, program.MaxMonths, 0).Before(asked.To):
		return usual, evidence.Errorf(evidence.Invalid, "A matrix shows at most %d months. Choose a shorter period.", program.MaxMonths)
	}
	return asked, nil
}

func (s *server) matrix(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	v := view.Matrix{Show: r.URL.Query().Get("show")}
	if err := checkServed(v.Show); err != nil {
		return err
	}
	status := http.StatusOK
	req, problem := s.matrixAsked(r)
	if problem != nil {
		v.Problem, status = problem.Error(), statusOf(problem)
	}
	var err error
	if v.Matrix, err = s.cfg.Program.Matrix(ctx, c.Workspace, req); err != nil {
		return err
	}
	v.From, v.To = req.Period.From.Format("2006-01"), req.Period.To.Add(-time.Second).Format("2006-01")
	s.matrixLinks(&v)
	v.Rows = cutRows(&v)
	p, err := s.framed(r, v.Framework.Name+" by month", "/frameworks", ui.Crumb{Name: v.Framework.Name, Path: "/frameworks/" + v.Framework.ID}, ui.Crumb{Name: "Matrix"})
	if err != nil {
		return err
	}
	p.Wide = true
	return render(w, r, status, view.MatrixPage(p, v))
}

// cutRows counts the rows of each list and gives those of the list that is shown.
func cutRows(v *view.Matrix) []program.MatrixRow {
	if v.Controls {
		v.Tabs = nil
		return v.Rows
	}
	var out []program.MatrixRow
	for _, row := range v.Rows {
		for i, is := range inList(false, len(row.Controls)) {
			if is {
				v.Tabs[i].Count++
				if servedWords()[i] == v.Show {
					out = append(out, row)
				}
			}
		}
	}
	return out
}

// matrixLinks gives the addresses of the same matrix cut otherwise.
func (s *server) matrixLinks(v *view.Matrix) {
	here := func(page string, change func(url.Values)) string {
		q := url.Values{"from": {v.From}, "to": {v.To}}
		if v.Controls {
			q.Set("by", "controls")
		}
		if v.Show != "" {
			q.Set("show", v.Show)
		}
		change(q)
		return "/frameworks/" + v.Framework.ID + "/" + page + "?" + q.Encode()
	}
	v.CSV = here("matrix.csv", func(q url.Values) { q.Del("show") })
	v.ByTabs = []view.Tab{
		{Name: "Requirements", Here: !v.Controls, Href: here("matrix", func(q url.Values) { q.Del("by") })},
		{Name: "Controls", Here: v.Controls, Href: here("matrix", func(q url.Values) { q.Set("by", "controls"); q.Del("show") })},
	}
	v.Tabs = []view.Tab{{Name: "All"}, {Name: "With a control"}, {Name: "Without"}}
	for i, word := range servedWords() {
		v.Tabs[i].Here = word == v.Show
		v.Tabs[i].Href = here("matrix", func(q url.Values) {
			q.Del("show")
			if word != "" {
				q.Set("show", word)
			}
		})
	}
	for _, months := range []int{3, 6, 12} {
		v.Quick = append(v.Quick, view.QuickPeriod{Name: fmt.Sprintf("Last %d months", months), Href: here("matrix", func(q url.Values) {
			q.Set("from", program.MonthsBack(s.now(), months).Format("2006-01"))
			q.Set("to", s.now().Format("2006-01"))
		})})
	}
}

func (s *server) matrixCSV(w http.ResponseWriter, r *http.Request) error {
	req, err := s.matrixAsked(r)
	if err != nil {
		return err
	}
	m, err := s.cfg.Program.Matrix(r.Context(), people.From(r.Context()).Workspace, req)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if err := m.WriteCSV(&body); err != nil {
		return err
	}
	name := strings.Join([]string{"matrix", m.Framework.ID, m.By(), req.Period.From.Format("200601"), req.Period.To.Add(-time.Second).Format("200601")}, "_") + ".csv"
	w.Header().Set("Content-Security-Policy", downloadPolicy)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // a client that hangs up is no error of ours
	}
	return nil
}
