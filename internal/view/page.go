// Package view is the tree, the timeline and the "why" of a rollout, as text.
package view

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Tone is what a piece of text means; whoever shows it chooses a colour for it, or none.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Good
	Bad
	Warning
	Busy
	Paused
	Faint
	Strong
)

// Span is a piece of text in one tone.
type Span struct {
	Text string
	Tone Tone
}

// Line is one line of text.
type Line []Span

// Page is what is shown, line by line.
type Page []Line

func (p *Page) add(spans ...Span) { *p = append(*p, spans) }

// Text is the page in lines of at most width columns; 0 means any. paint colours a piece of text and
// may be nil.
func (p Page) Text(width int, paint func(Tone, string) string) string {
	var b strings.Builder
	for _, line := range p {
		line.write(&b, width, paint)
		b.WriteByte('\n')
	}
	return b.String()
}

func (l Line) write(b *strings.Builder, width int, paint func(Tone, string) string) {
	room := width
	l = l.trimmed()
	for i, span := range l {
		text := span.Text
		if width > 0 {
			text = cut(text, room, i < len(l)-1)
			room -= columns(text)
		}
		if paint != nil && text != "" {
			text = paint(span.Tone, text)
		}
		b.WriteString(text)
		if width > 0 && room <= 0 {
			return
		}
	}
}

// trimmed is the line without the blanks at its end.
func (l Line) trimmed() Line {
	for n := len(l); n > 0; n-- {
		if text := strings.TrimRight(l[n-1].Text, " "); text != "" {
			return append(l[:n-1:n-1], Span{text, l[n-1].Tone})
		}
	}
	return nil
}

// cut shortens a text to the columns there are, with a mark that something is missing. more tells
// that other text follows, so that a text that just fits must be marked too.
func cut(text string, room int, more bool) string {
	n := columns(text)
	if n < room || n == room && !more {
		return text
	}
	if room <= 1 {
		return strings.Repeat("…", max(room, 0))
	}
	runes := []rune(text)
	return string(runes[:room-1]) + "…"
}

// columns is the width of a text on a terminal; all characters used here are one column wide.
func columns(text string) int { return utf8.RuneCountInString(text) }

func pad(text string, width int) string {
	if missing := width - columns(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}

// wrap breaks a text at spaces into lines of at most width columns, and longer words anywhere.
func wrap(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && columns(line)+1+columns(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		runes := []rune(word)
		for len(runes) > width {
			lines = append(lines, string(runes[:width]))
			runes = runes[width:]
		}
		line = string(runes)
	}
	return append(lines, line)
}

// flow puts parts beside each other behind a head, and goes on in the next line, below the first part,
// where they would not fit. A head that leaves too little room has the parts below itself.
func flow(head Line, parts []Span, between string, width int) Page {
	const least = 24
	indent := 0
	for _, span := range head {
		indent += columns(span.Text)
	}
	page := Page{}
	line, room := slices.Clone(head), width-indent
	if width > 0 && room < least {
		page, indent = append(page, line), min(6, width/4)
		line, room = Line{{strings.Repeat(" ", indent), Plain}}, width-indent
	}
	first := true
	for _, part := range parts {
		need := columns(part.Text)
		if !first {
			need += columns(between)
		}
		switch {
		case first:
		case width > 0 && need > room:
			page = append(page, line)
			line, room = Line{{strings.Repeat(" ", indent), Plain}}, width-indent
			need = columns(part.Text)
		default:
			line = append(line, Span{between, Faint})
		}
		line, room, first = append(line, part), room-need, false
	}
	return append(page, line)
}
