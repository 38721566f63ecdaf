package view

import (
	"bytes"
	"encoding/json"

	"github.com/exhibithq/exhibit/internal/web/ui"
)

// Token is a piece of JSON text with a class for its colour.
type Token struct {
	Text  string
	Class string // "j-key", "j-str", "j-num" or "" for everything else
	Odd   bool   // a character that hides, shown by its number
}

// Pretty lays JSON out over lines and splits it into coloured pieces. What is no JSON comes back as it is, in one piece.
func Pretty(raw []byte) []Token {
	var buf bytes.Buffer
	if json.Indent(&buf, raw, "", "  ") != nil {
		return show(nil, string(raw), "")
	}
	return colour(buf.Bytes())
}

func colour(text []byte) []Token {
	var out []Token
	for i := 0; i < len(text); {
		start := i
		class := ""
		switch c := text[i]; {
		case c == '"':
			i = stringEnd(text, i)
			class = "j-str"
			if i < len(text) && text[i] == ':' {
				class = "j-key"
			}
		case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
			for i < len(text) && !bytes.ContainsRune([]byte(",]} \n"), rune(text[i])) {
				i++
			}
			class = "j-num"
		default:
			for i < len(text) && !bytes.ContainsRune([]byte(`"-0123456789tfn`), rune(text[i])) {
				i++
			}
		}
		out = show(out, string(text[start:i]), class)
	}
	return out
}

func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// show appends text, with line breaks kept and characters that hide given by their numbers.
func show(out []Token, text, class string) []Token {
	for i, line := range bytes.SplitAfter([]byte(text), []byte("\n")) {
		_ = i
		body, hasBreak := bytes.CutSuffix(line, []byte("\n"))
		for _, p := range ui.Spans(string(body)) {
			out = append(out, Token{Text: p.Text, Class: class, Odd: p.Odd})
		}
		if hasBreak {
			out = append(out, Token{Text: "\n"})
		}
	}
	return out
}
