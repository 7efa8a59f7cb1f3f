package report

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// Progress redraws one line of a terminal while a test runs.
type Progress struct {
	W io.Writer
	// Width is how many columns the terminal has.
	Width func() int
	// Plain leaves colours out.
	Plain  bool
	Bands  []Band
	Length time.Duration

	recent []recent
	bad    int64
	all    int64
	active int64
	line   string
}

// recent is what came in since the draw before; what is shown covers a few of them.
type recent struct {
	set  *stats.Set
	span time.Duration
}

// spare columns are never written to.
const spare = 3

// window is how far back the rate and the latencies of the line look.
const window = 2 * time.Second

// Add takes what was recorded since the last call, which was so long ago.
func (p *Progress) Add(s *stats.Set, since time.Duration) {
	p.recent = append(p.recent, recent{s, since})
	covered := time.Duration(0)
	for i := len(p.recent) - 1; i >= 0; i-- {
		covered += p.recent[i].span
		if covered >= window {
			p.recent = p.recent[i:]
			break
		}
	}
	point := NewPoint(s)
	p.bad += point.Codes[5] + point.Codes[0]
	p.all += s.Counter(series.Requests)
	p.active += s.Counter(series.VUsersCreated) - s.Counter(series.VUsersCompleted) - s.Counter(series.VUsersFailed)
}

// Draw shows the line as it is at a time after the start.
func (p *Progress) Draw(at time.Duration) error {
	return p.put(p.compose(at, p.Width()))
}

// Clear takes the line away, so that something else can be written.
func (p *Progress) Clear() error { return p.put("") }

func (p *Progress) put(line string) error {
	if line == p.line {
		return nil
	}
	text := "\r\x1b[K" + line
	if p.line == "" {
		text = line
	}
	p.line = line
	_, err := io.WriteString(p.W, text)
	return err
}

// part is a piece of the line; pieces are left out in the order of their rank, the highest first.
type part struct {
	text, colour string
	rank         int
}

// Colours of the terminal.
const (
	dim    = "2"
	redder = "31"
)

// compose fits what matters most into the columns there are; the last ones stay free for the ^C that terminals write there.
func (p *Progress) compose(at time.Duration, columns int) string {
	parts := p.parts(at)
	for {
		room := columns - spare - length(parts)
		if bar := p.bar(at, min(room-2, 30)); bar != "" {
			parts = append(parts[:1:1], append([]part{{text: bar}}, parts[1:]...)...)
			return p.join(parts)
		}
		if room >= 0 {
			return p.join(parts)
		}
		worst := 0
		for i, piece := range parts {
			if piece.rank > parts[worst].rank {
				worst = i
			}
		}
		if parts[worst].rank == 0 {
			return "" // no room for anything
		}
		parts = append(parts[:worst:worst], parts[worst+1:]...)
	}
}

func length(parts []part) int {
	n := 0
	for _, piece := range parts {
		n += utf8.RuneCountInString(piece.text) + 2
	}
	return max(0, n-2)
}

func (p *Progress) join(parts []part) string {
	texts := make([]string, len(parts))
	for i, piece := range parts {
		texts[i] = piece.text
		if piece.colour != "" && !p.Plain {
			texts[i] = "\x1b[" + piece.colour + "m" + piece.text + "\x1b[0m"
		}
	}
	return strings.Join(texts, "  ")
}

func (p *Progress) parts(at time.Duration) []part {
	now := stats.NewSet()
	span := time.Duration(0)
	for _, r := range p.recent {
		now.Merge(r.set)
		span += r.span
	}
	clock := timeLabel(at.Truncate(time.Second))
	if p.Length > 0 {
		clock += "/" + timeLabel(p.Length.Round(time.Second))
	}
	parts := []part{{text: clock}}
	if phase := p.phase(at); phase != "" {
		parts = append(parts, part{text: phase, colour: dim, rank: 4})
	}
	rate := 0.0
	if span > 0 {
		rate = float64(now.Counter(series.Requests)) / span.Seconds()
	}
	parts = append(parts, part{text: plainTick(float64(int64(rate+0.5))) + " req/s", rank: 1})
	if h := now.Histogram(series.Duration); h != nil {
		parts = append(parts, part{text: "p50 " + milli(h.Percentile(50)), rank: 5}, part{text: "p95 " + milli(h.Percentile(95)), rank: 3})
	}
	errors := part{text: "errors " + count(p.bad), rank: 2}
	if p.bad > 0 {
		errors.colour = redder
		errors.text += " (" + percent(share(p.bad, p.all)) + ")"
	}
	return append(parts, errors, part{text: "users " + count(max(0, p.active)), rank: 6})
}

// phase names the phase of a time; a test that is longer than its phases waits for its users.
func (p *Progress) phase(at time.Duration) string {
	for _, b := range p.Bands {
		if at >= b.From && at < b.To {
			return oneLine(b.Name, 20)
		}
	}
	if p.Length > 0 && at >= p.Length {
		return "finishing"
	}
	return ""
}

// oneLine keeps a name from moving the cursor.
func oneLine(name string, letters int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "")))
	if len(runes) > letters {
		runes = append(runes[:letters-1:letters-1], '…')
	}
	return string(runes)
}

func (p *Progress) bar(at time.Duration, columns int) string {
	if columns < 5 || p.Length <= 0 {
		return ""
	}
	done := int(float64(columns) * min(1, at.Seconds()/p.Length.Seconds()))
	return strings.Repeat("━", done) + strings.Repeat("─", columns-done)
}
