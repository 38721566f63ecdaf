package recipe

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
)

// The fonts are subsets of DejaVu Sans Condensed (see font/LICENSE.txt), made by scripts/vendor-assets.sh.
var (
	//go:embed font/text.ttf
	textFont []byte
	//go:embed font/bold.ttf
	boldFont []byte
)

// Measures in millimetres, sizes in points. The page is A4, lying, as tables are wide.
const (
	margin    = 13.0
	pageWide  = 297.0 - 2*margin
	pageLow   = 210.0 - margin
	textSize  = 8.5
	gridSize  = 6.6
	textLine  = 4.2
	gridLine  = 3.0
	cellPad   = 1.0
	cellLines = 24 // a cell that needs more is cut and says so
)

// printer lays text and tables out on pages, from top to bottom.
type printer struct {
	pdf     *fpdf.Fpdf
	undrawn bool // a character was met that the font cannot draw
}

func newPrinter(title string, made time.Time) *printer {
	pdf := fpdf.New("L", "mm", "A4", "")
	p := &printer{pdf: pdf}
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(pdfDate(made))
	pdf.SetModificationDate(pdfDate(made))
	pdf.SetProducer("Exhibit", true)
	pdf.SetTitle(p.drawable(title), true)
	pdf.SetLang("en")
	pdf.AliasNbPages("{pages}")
	pdf.AddUTF8FontFromBytes("text", "", textFont)
	pdf.AddUTF8FontFromBytes("text", "B", boldFont)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetCellMargin(0)
	pdf.SetAutoPageBreak(false, margin)
	pdf.SetFooterFunc(func() {
		p.font("", gridSize, 90)
		pdf.SetXY(margin, pageLow+2)
		pdf.CellFormat(pageWide/2, gridLine, fmt.Sprintf("Page %d of {pages}", pdf.PageNo()), "", 0, "L", false, 0, "")
		pdf.CellFormat(pageWide/2, gridLine, p.drawable(title), "", 0, "R", false, 0, "")
	})
	pdf.AddPage()
	return p
}

// font chooses style, size and how grey: 0 is black.
func (p *printer) font(style string, size float64, grey int) {
	p.pdf.SetFont("text", style, size)
	p.pdf.SetTextColor(grey, grey, grey)
}

// room begins a new page if less than height is left on this one.
func (p *printer) room(height float64) {
	if p.pdf.GetY()+height > pageLow {
		p.pdf.AddPage()
		p.pdf.SetXY(margin, margin)
	}
}

func (p *printer) title(s string) {
	p.font("B", 16, 20)
	p.line(p.drawable(s), 8)
}

func (p *printer) heading(s string) {
	p.pdf.SetY(p.pdf.GetY() + 2.5)
	p.room(3 * textLine)
	p.font("B", 10, 20)
	for _, part := range p.wrap(p.drawable(s), pageWide) {
		p.line(part, 5.2)
	}
}

func (p *printer) text(s string) { p.indented(s, 0) }

// indented writes a sentence, wrapped, some way in from the left.
func (p *printer) indented(s string, in float64) {
	p.font("", textSize, 40)
	for _, part := range p.wrap(p.drawable(s), min(pageWide, 230)-in) {
		p.room(textLine)
		p.pdf.SetX(margin + in)
		p.line(part, textLine)
	}
}

// line writes one line at the pen and moves it to the beginning of the next.
func (p *printer) line(s string, height float64) {
	p.room(height)
	p.pdf.CellFormat(pageWide, height, s, "", 2, "L", false, 0, "")
	p.pdf.SetX(margin)
}

func (p *printer) passage(x passage) {
	p.heading(x.Title)
	for _, s := range x.Text {
		p.text(s)
	}
	for _, t := range x.Terms {
		p.term(t)
	}
	for i, s := range x.List {
		p.room(textLine)
		y, page := p.pdf.GetY(), p.pdf.PageNo()
		p.indented(s, 6)
		if after := p.pdf.GetY(); p.pdf.PageNo() == page {
			p.pdf.SetXY(margin, y)
			p.pdf.CellFormat(6, textLine, bullet(x, i), "", 0, "L", false, 0, "")
			p.pdf.SetXY(margin, after)
		}
	}
}

// term writes a name with its value to the right of it.
func (p *printer) term(t term) {
	p.font("", textSize, 100)
	names := p.wrap(p.drawable(t.Name), 67)
	high := float64(len(names)) * textLine
	p.room(high)
	y, page := p.pdf.GetY(), p.pdf.PageNo()
	for i, part := range names {
		p.pdf.SetXY(margin, y+float64(i)*textLine)
		p.pdf.CellFormat(67, textLine, part, "", 0, "L", false, 0, "")
	}
	p.pdf.SetXY(margin, y)
	p.indented(t.Value, 70)
	if p.pdf.PageNo() == page {
		p.pdf.SetXY(margin, max(p.pdf.GetY(), y+high))
	}
}

// grid is a table that is laid out; its texts can be drawn.
type grid struct {
	heads  []string
	right  []bool
	rows   [][]string
	widths []float64
}

func (p *printer) grid(g grid) {
	p.font("", gridSize, 0)
	g.widths = p.columnWidths(g)
	p.pdf.SetY(p.pdf.GetY() + 1)
	p.room(8 * gridLine)
	p.gridHead(g)
	for _, row := range g.rows {
		p.font("", gridSize, 30)
		lines, height := p.cells(g, row)
		if p.pdf.GetY()+height > pageLow {
			p.pdf.AddPage()
			p.pdf.SetXY(margin, margin)
			p.gridHead(g)
			p.font("", gridSize, 30)
		}
		p.gridRow(g, lines, height)
	}
	p.pdf.SetY(p.pdf.GetY() + 1)
}

// gridHead writes the heading; it stands on top of each page that the table reaches.
func (p *printer) gridHead(g grid) {
	p.font("B", gridSize, 30)
	lines, height := p.cells(g, g.heads)
	p.pdf.SetFillColor(232, 236, 245)
	p.pdf.Rect(margin, p.pdf.GetY(), pageWide, height, "F")
	p.gridRow(g, lines, height)
}

// cells wraps the cells of a row and gives the row's height.
func (p *printer) cells(g grid, row []string) (lines [][]string, height float64) {
	most := 1
	for i, cell := range row {
		part := p.wrap(cell, g.widths[i]-2*cellPad)
		if len(part) > cellLines {
			part = append(part[:cellLines-1:cellLines-1], "… (cut)")
		}
		lines = append(lines, part)
		most = max(most, len(part))
	}
	return lines, float64(most)*gridLine + 2*cellPad
}

func (p *printer) gridRow(g grid, lines [][]string, height float64) {
	x, y := margin, p.pdf.GetY()
	for i, cell := range lines {
		align := "L"
		if g.right[i] {
			align = "R"
		}
		for k, part := range cell {
			p.pdf.SetXY(x+cellPad, y+cellPad+float64(k)*gridLine)
			p.pdf.CellFormat(g.widths[i]-2*cellPad, gridLine, part, "", 0, align, false, 0, "")
		}
		x += g.widths[i]
	}
	p.pdf.SetDrawColor(205, 211, 224)
	p.pdf.SetLineWidth(0.1)
	p.pdf.Line(margin, y+height, margin+pageWide, y+height)
	p.pdf.SetXY(margin, y+height)
}

// columnWidths shares the page's width out by what the columns hold: nobody gets less than a long word needs, as far as
// there is room, and the rest goes where most text is.
func (p *printer) columnWidths(g grid) []float64 {
	least, wanted := make([]float64, len(g.heads)), make([]float64, len(g.heads))
	measure := func(row []string) {
		for i, cell := range row {
			wanted[i] = max(wanted[i], min(p.width(cell, 400), 70))
			for word := range strings.FieldsSeq(cell) {
				least[i] = max(least[i], min(p.width(word, 100), 34))
			}
		}
	}
	p.font("B", gridSize, 0)
	measure(g.heads)
	p.font("", gridSize, 0)
	for _, row := range g.rows {
		measure(row)
	}
	var sumLeast, sumWanted float64
	for i := range least {
		least[i] += 2*cellPad + 0.4
		wanted[i] = max(wanted[i]+2*cellPad+0.4, least[i])
		sumLeast, sumWanted = sumLeast+least[i], sumWanted+wanted[i]
	}
	widths := make([]float64, len(least))
	for i := range widths {
		switch {
		case sumLeast >= pageWide:
			widths[i] = least[i] * pageWide / sumLeast
		case sumWanted <= pageWide:
			widths[i] = wanted[i] * pageWide / sumWanted
		default:
			widths[i] = least[i] + (wanted[i]-least[i])*(pageWide-sumLeast)/(sumWanted-sumLeast)
		}
	}
	return widths
}

// width measures text; of a long one its first bytes suffice.
func (p *printer) width(s string, most int) float64 {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return p.pdf.GetStringWidth(s)
}

// wrap breaks text into lines of at most width; a word that is too long is broken anywhere.
func (p *printer) wrap(s string, width float64) []string {
	var lines []string
	if len(s) > 8000 { // far more than a page is given to any cell
		s = strings.ToValidUTF8(s[:8000], "") + "…"
	}
	for part := range strings.SplitSeq(s, "\n") {
		if p.pdf.GetStringWidth(part) <= width {
			lines = append(lines, part)
			continue
		}
		lines = append(lines, p.pdf.SplitText(part, width)...)
	}
	return lines
}

// drawable gives text that the font can draw and a reader can see: other characters stand as their code.
func (p *printer) drawable(s string) string {
	s = visible(s)
	has := drawableRunes()
	missing := func(r rune) bool { return r != '\n' && !has[r] }
	if !strings.ContainsFunc(s, missing) {
		return s
	}
	p.undrawn = true
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == utf8.RuneError:
			b.WriteString("?")
		case missing(r):
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (p *printer) writeTo(w io.Writer) error { return p.pdf.Output(w) }

// drawableRunes are the characters that both fonts have.
var drawableRunes = sync.OnceValue(func() map[rune]bool {
	bold := map[rune]bool{}
	for _, r := range characters(boldFont) {
		bold[r] = true
	}
	both := map[rune]bool{}
	for _, r := range characters(textFont) {
		both[r] = bold[r]
	}
	return both
})

// characters reads from a TrueType font which characters of the basic plane it has: table cmap, format 4. The fonts are our
// own, so a broken one would panic in every test.
func characters(font []byte) []rune {
	u16, u32 := binary.BigEndian.Uint16, binary.BigEndian.Uint32
	var cmap []byte
	for i := range int(u16(font[4:])) {
		if entry := font[12+16*i:]; string(entry[:4]) == "cmap" {
			cmap = font[u32(entry[8:]):]
		}
	}
	var out []rune
	for i := range int(u16(cmap[2:])) {
		table := cmap[u32(cmap[8+8*i:]):]
		if u16(table) != 4 {
			continue
		}
		segments := int(u16(table[6:])) / 2
		ends, starts := table[14:], table[16+2*segments:]
		for k := range segments {
			for r := rune(u16(starts[2*k:])); r <= rune(u16(ends[2*k:])) && r < 0xFFFF; r++ {
				out = append(out, r)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
