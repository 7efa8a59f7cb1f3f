package cli

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sluice.dev/sluice/internal/view"
)

// terminal is where a page is shown: how large it is and whether it has colours.
type terminal struct {
	width, height int // 0 = without bounds: the output is a file or a pipe
	paint         func(view.Tone, string) string
}

func (a *app) terminal() terminal {
	width, height, ok := size(a.Out)
	t := terminal{width: width, height: height}
	if ok && !a.noColor && environment("NO_COLOR") == "" && environment("TERM") != "dumb" {
		t.paint = colour
	}
	return t
}

func size(out io.Writer) (width, height int, ok bool) {
	file, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 80, 24, true
	}
	return width, height, true
}

// colours are ANSI codes for tones; a tone without one is printed as it is.
var colours = map[view.Tone]string{
	view.Good:    "32",
	view.Bad:     "31",
	view.Warning: "33",
	view.Busy:    "36",
	view.Paused:  "34",
	view.Faint:   "2",
	view.Strong:  "1",
}

func colour(tone view.Tone, text string) string {
	code, ok := colours[tone]
	if !ok || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// redraw is a page over the one before, without clearing the screen in between: that would flicker.
func (t terminal) redraw(page view.Page) string {
	if t.height > 2 && len(page) >= t.height {
		page = append(page[:t.height-2:t.height-2], view.Line{{Text: "… the window is too small for the rest", Tone: view.Faint}})
	}
	text := page.Text(t.width, t.paint)
	return "\x1b[H" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
}
