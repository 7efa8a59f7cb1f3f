package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"sluice.dev/sluice/internal/view"
)

// terminal is where a page is shown: how large it is and whether it has colours.
type terminal struct {
	width, height int // 0 = without bounds: the output is a file or a pipe
	paint         func(view.Tone, string) string
	redraws       bool // what was written can be written over
}

func (a *app) terminal() terminal {
	width, height, ok := size(a.Out)
	t := terminal{width: width, height: height}
	if dumb := environment("TERM") == "dumb"; ok && !dumb {
		t.redraws = true
		if !a.noColor && environment("NO_COLOR") == "" {
			t.paint = colour
		}
	}
	return t
}

func size(out io.Writer) (width, height int, ok bool) {
	file, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 || height <= 0 {
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
	view.Paused:  "94",
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

// print writes a page once.
func (a *app) print(page func(terminal) view.Page) error {
	t := a.terminal()
	_, err := io.WriteString(a.Out, page(t).Text(t.width, t.paint))
	return err
}

// Control sequences of a terminal. Where one is not known it is skipped.
const (
	enter  = "\x1b[?1049h\x1b[?25l\x1b[?7l" // a screen of its own, without cursor, long lines cut
	leave  = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	begin  = "\x1b[?2026h\x1b[H" // hold the display until the frame is complete; go to the corner
	finish = "\x1b[J\x1b[?2026l"
	clean  = "\x1b[K" // what an older, longer line left
)

// screen shows a picture that changes. On a terminal it is drawn over the one before, on a screen of
// its own, so that what stood there comes back in the end. Elsewhere each different picture is printed
// below the one before.
type screen struct {
	app   *app
	page  func(terminal, time.Time) view.Page
	now   outlook
	first time.Time // when the first picture was printed below nothing
	begun bool      // the terminal was told to change screens
	shown string    // what was written last
	said  bool      // somebody was told of the trouble there is
}

// show brings the picture up to date.
func (s *screen) show(page func(terminal, time.Time) view.Page, now outlook) error {
	s.page, s.now = page, now
	t := s.app.terminal()
	if !t.redraws {
		return s.append(t)
	}
	text := ""
	if !s.begun {
		s.begun, text = true, enter
	}
	frame := t.frame(s.lines(t))
	if frame == s.shown {
		return nil
	}
	s.shown = frame
	_, err := io.WriteString(s.app.Out, text+frame)
	return err
}

func (s *screen) lines(t terminal) view.Page {
	page := s.page(t, time.Now())
	if s.now.trouble == nil {
		return page
	}
	note := fmt.Sprintf("⚠ no answer from the API server since %s; trying again: %v", s.now.at.Format(time.TimeOnly), s.now.trouble)
	return append(view.Page{{{Text: note, Tone: view.Warning}}, nil}, page...)
}

// append prints the picture where nothing can be written over, when it tells something new.
func (s *screen) append(t terminal) error {
	if s.now.trouble != nil && !s.said {
		s.said = true
		printLines(s.app.Err, fmt.Sprintf("no answer from the API server: %v; trying again", s.now.trouble))
	}
	if !s.now.fresh {
		return nil
	}
	s.said = false
	if s.first.IsZero() {
		s.first = s.now.at
	}
	// That time has passed is nothing new, so pictures are compared as of one time.
	same := s.page(t, s.first).Text(t.width, t.paint)
	if same == s.shown {
		return nil
	}
	s.shown = same
	printLines(s.app.Out, s.page(t, s.now.at).Text(t.width, t.paint))
	return nil
}

// close gives the terminal back as it was, and leaves the last picture on it.
func (s *screen) close() error {
	if !s.begun {
		return nil
	}
	t := s.app.terminal()
	t.height = 0
	_, err := io.WriteString(s.app.Out, leave+s.lines(t).Text(t.width, t.paint))
	return err
}

// frame is a page over the one before, without clearing the screen in between: that would flicker.
func (t terminal) frame(page view.Page) string {
	if t.height > 1 && len(page) > t.height {
		page = append(page[:t.height-1:t.height-1], view.Line{{Text: "… the window is too small for the rest", Tone: view.Faint}})
	}
	text := strings.TrimSuffix(page.Text(t.width, t.paint), "\n")
	return begin + strings.ReplaceAll(text, "\n", clean+"\n") + clean + finish
}
