package vu

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// Bounds on what a run prints.
const (
	maxLines     = 5000
	maxLineBytes = 2 << 10
)

// printer writes lines of many users, each in one piece, and not too many.
type printer struct {
	mu    sync.Mutex
	w     io.Writer
	lines int
}

// print writes a text of one or more lines.
func (p *printer) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || p.lines > maxLines {
		return
	}
	if p.lines += 1 + strings.Count(text, "\n"); p.lines > maxLines {
		text = fmt.Sprintf("(%d lines are printed; the rest is left out)", maxLines)
	}
	if len(text) > maxLineBytes {
		text = strings.ToValidUTF8(text[:maxLineBytes], "") + "…"
	}
	if _, err := io.WriteString(p.w, text+"\n"); err != nil {
		p.w = nil // a reader who went away must not end the test
	}
}
