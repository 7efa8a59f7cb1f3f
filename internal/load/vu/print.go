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
	// maxVerdicts is how many lines tell of answers that are as expected, and how many of others: at any
	// rate worth testing they would hide all else.
	maxVerdicts = 200
)

// printer writes lines of many users, each in one piece, and not too many.
type printer struct {
	mu      sync.Mutex
	w       io.Writer
	lines   int
	dropped int64
	// met and unmet are about what came of expectations.
	met, unmet told
}

// told is how many lines tell of a kind of request, and how many requests nothing is told of.
type told struct {
	lines int
	over  int64
}

// print writes a text of one or more lines.
func (p *printer) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(text)
}

// put writes a text unless there were too many lines before it.
func (p *printer) put(text string) {
	lines := 1 + strings.Count(text, "\n")
	if p.lines > maxLines {
		p.dropped += int64(lines)
		return
	}
	if p.lines += lines; p.lines > maxLines {
		p.dropped += int64(lines)
		text = fmt.Sprintf("(%d lines are printed; the rest is left out)", maxLines)
	}
	p.write(text)
}

func (p *printer) write(text string) {
	if p.w == nil {
		return
	}
	if len(text) > maxLineBytes {
		text = strings.ToValidUTF8(text[:maxLineBytes], "") + "…"
	}
	if _, err := io.WriteString(p.w, text+"\n"); err != nil {
		p.w = nil // a reader who went away must not end the test
	}
}

// verdict writes what came of a request's expectations, of the first requests that met theirs and of the
// first that did not.
func (p *printer) verdict(text string, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	about, what := &p.met, "met"
	if failed {
		about, what = &p.unmet, "not met"
	}
	if about.lines >= maxVerdicts {
		if about.over == 0 {
			p.put("(further requests whose expectations were " + what + " are not shown)")
		}
		about.over++
		return
	}
	about.lines += 1 + strings.Count(text, "\n")
	p.put(text)
}

// close says how much was not printed.
func (p *printer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.met.over+p.unmet.over > 0 {
		p.write(fmt.Sprintf("(not shown: expectations of %d requests that were met, and of %d that were not)", p.met.over, p.unmet.over))
	}
	if p.dropped > 0 {
		p.write(fmt.Sprintf("(%d more lines were left out)", p.dropped))
	}
}
