package cli

import (
	"bytes"
	"testing"

	"sluice.dev/sluice/internal/view"
)

func TestFrame(t *testing.T) {
	page := view.Page{{{Text: "one", Tone: view.Good}}, {{Text: "two", Tone: view.Plain}}, {{Text: "three", Tone: view.Plain}}, {{Text: "four", Tone: view.Plain}}}
	tall := terminal{width: 10, height: 4, paint: colour}
	if got, want := tall.frame(page), "\x1b[?2026h\x1b[H\x1b[32mone\x1b[0m\x1b[K\ntwo\x1b[K\nthree\x1b[K\nfour\x1b[K\x1b[J\x1b[?2026l"; got != want {
		t.Errorf("a page over the one before: got %q, want %q", got, want)
	}
	low := terminal{width: 80, height: 3}
	if got, want := low.frame(page), "\x1b[?2026h\x1b[Hone\x1b[K\ntwo\x1b[K\n… the window is too small for the rest\x1b[K\x1b[J\x1b[?2026l"; got != want {
		t.Errorf("a window that is too small: got %q, want %q", got, want)
	}
}

func TestNoColoursWhereNobodySeesThem(t *testing.T) {
	a := &app{Streams: Streams{Out: &bytes.Buffer{}}}
	if got := a.terminal(); got.paint != nil || got.width != 0 {
		t.Errorf("an output that is no terminal is %+v", got)
	}
}
