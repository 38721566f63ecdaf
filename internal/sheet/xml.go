package sheet

import (
	"strconv"
	"strings"
)

// What the parts of a workbook are called and hold (ECMA-376, part 1: SpreadsheetML, and part 2: packages).
const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	nsMain    = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	nsPackage = `http://schemas.openxmlformats.org/package/2006/`
	nsOffice  = `http://schemas.openxmlformats.org/officeDocument/2006/`
	typeMain  = `application/vnd.openxmlformats-officedocument.spreadsheetml.`
)

// Numbers of the cell formats in stylesXML.
const (
	_          = iota // that of a cell that names none
	styleHead         // dark and bold on grey, with a line below
	styleText         // wrapped
	styleTime         // not wrapped
	styleWhole        // a whole number, to the right
	styleStrong
)

// stylesXML are the cell formats. Text is of number format 49, "@", so that it stays text when somebody edits it; 1 is "0".
// The first two fills are what every spreadsheet takes them for.
const stylesXML = xmlHead + `<styleSheet xmlns="` + nsMain + `">` +
	`<fonts count="3">` +
	`<font><sz val="11"/><color rgb="FF000000"/><name val="Calibri"/><family val="2"/></font>` +
	`<font><b/><sz val="11"/><color rgb="FF1B2130"/><name val="Calibri"/><family val="2"/></font>` +
	`<font><b/><sz val="11"/><color rgb="FF000000"/><name val="Calibri"/><family val="2"/></font></fonts>` +
	`<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>` +
	`<fill><patternFill patternType="solid"><fgColor rgb="FFE8ECF5"/><bgColor indexed="64"/></patternFill></fill></fills>` +
	`<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>` +
	`<border><left/><right/><top/><bottom style="thin"><color rgb="FF566078"/></bottom><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
	`<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="49" fontId="1" fillId="2" borderId="1" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1"><alignment vertical="center" wrapText="1"/></xf>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top"/></xf>` +
	`<xf numFmtId="1" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment horizontal="right" vertical="top"/></xf>` +
	`<xf numFmtId="49" fontId="2" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment vertical="top"/></xf></cellXfs>` +
	`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

const packageXML = xmlHead + `<Relationships xmlns="` + nsPackage + `relationships">` +
	`<Relationship Id="rId1" Type="` + nsOffice + `relationships/officeDocument" Target="xl/workbook.xml"/>` +
	`<Relationship Id="rId2" Type="` + nsPackage + `relationships/metadata/core-properties" Target="docProps/core.xml"/>` +
	`<Relationship Id="rId3" Type="` + nsOffice + `relationships/extended-properties" Target="docProps/app.xml"/></Relationships>`

const appXML = xmlHead + `<Properties xmlns="` + nsOffice + `extended-properties"><Application>Exhibit</Application></Properties>`

// coreXML names the document. It holds no date and no person: those would differ from one writing to the next.
func coreXML(title string) string {
	title, _ = fit(title)
	return xmlHead + `<cp:coreProperties xmlns:cp="` + nsPackage + `metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>` +
		string(appendEscaped(nil, title)) + `</dc:title><dc:creator>Exhibit</dc:creator></cp:coreProperties>`
}

// worksheetPart is the name of a worksheet's part, counted from 1, within the folder xl.
func worksheetPart(n int) string { return "worksheets/sheet" + strconv.Itoa(n) + ".xml" }

// contentTypesXML says of each part what it is.
func contentTypesXML(worksheets int) string {
	var b strings.Builder
	part := func(name, kind string) {
		b.WriteString(`<Override PartName="/` + name + `" ContentType="` + kind + `"/>`)
	}
	b.WriteString(xmlHead + `<Types xmlns="` + nsPackage + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>`)
	part("docProps/app.xml", "application/vnd.openxmlformats-officedocument.extended-properties+xml")
	part("docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml")
	part("xl/styles.xml", typeMain+"styles+xml")
	part("xl/workbook.xml", typeMain+"sheet.main+xml")
	for n := range worksheets {
		part("xl/"+worksheetPart(n+1), typeMain+"worksheet+xml")
	}
	b.WriteString(`</Types>`)
	return b.String()
}

// workbookXML lists the worksheets in the order in which they are shown; relationsXML says where each is.
func workbookXML(names []string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<workbook xmlns="` + nsMain + `" xmlns:r="` + nsOffice + `relationships"><bookViews><workbookView xWindow="0" yWindow="0" windowWidth="14805" windowHeight="8010"/></bookViews><sheets>`)
	for i, name := range names {
		n := strconv.Itoa(i + 1)
		b.WriteString(`<sheet name="`)
		b.Write(appendEscaped(nil, name))
		b.WriteString(`" sheetId="` + n + `" r:id="rId` + n + `"/>`)
	}
	b.WriteString(`</sheets></workbook>`)
	return b.String()
}

func relationsXML(worksheets int) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<Relationships xmlns="` + nsPackage + `relationships">`)
	relation := func(n int, kind, target string) {
		b.WriteString(`<Relationship Id="rId` + strconv.Itoa(n) + `" Type="` + nsOffice + `relationships/` + kind + `" Target="` + target + `"/>`)
	}
	for n := 1; n <= worksheets; n++ {
		relation(n, "worksheet", worksheetPart(n))
	}
	relation(worksheets+1, "styles", "styles.xml")
	b.WriteString(`</Relationships>`)
	return b.String()
}

// worksheetXML is what stands before the rows of a worksheet: a heading that stays in sight, and the widths of the columns.
func worksheetXML(columns []Column, first bool) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<worksheet xmlns="` + nsMain + `"><sheetViews><sheetView`)
	if first {
		b.WriteString(` tabSelected="1"`)
	}
	b.WriteString(` workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/></sheetView></sheetViews>` +
		`<sheetFormatPr defaultRowHeight="15"/><cols>`)
	for i, c := range columns {
		n := strconv.Itoa(i + 1)
		b.WriteString(`<col min="` + n + `" max="` + n + `" width="` + strconv.FormatFloat(c.width(), 'f', -1, 64) + `" customWidth="1"/>`)
	}
	b.WriteString(`</cols><sheetData>`)
	return b.String()
}

const worksheetEnd = `</sheetData></worksheet>`

// letters is the name of a column, counted from 0: A to Z, AA and so on.
func letters(column int) string {
	var b []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		b = append([]byte{byte('A' + (n-1)%26)}, b...)
	}
	return string(b)
}
