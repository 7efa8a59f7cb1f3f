package report

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Geometry of a chart, in the units of its view box.
const (
	chartWidth, chartHeight         = 560.0, 232.0
	plotLeft, plotRight             = 54.0, 548.0
	plotTop, plotBottom             = 30.0, 206.0
	bandTop                         = 12.0
	maxColumns                      = 240
	maxClasses                      = 6
	shortestName                    = 26.0
	letterWidth                     = 5.6
	plotWidth, plotHeight   float64 = plotRight - plotLeft, plotBottom - plotTop
)

// chart is a drawing with its words.
type chart struct {
	Title, Note, Label string
	Bands              []bandShape
	Across, Along      []tick
	Areas              []shape
	Lines              []shape
	// Hovers are invisible columns that name what is under the pointer.
	Hovers []hover
	Empty  string
}

// shape is a line or an area; Fill and Stroke are what it looks like without the page's styles.
type shape struct{ Name, Class, Colour, Path, Dash string }

type bandShape struct {
	X, Width      string
	Odd, ShowName bool
	Name          string
	TextX         string
}

type tick struct{ X, Y, Label string }

type hover struct{ X, Width, Text string }

// line is one quantity of a chart; a point without it is a gap.
type line struct {
	name, class, colour, dash string
	value                     func(Point) (float64, bool)
}

// Colours for viewers without the page's styles; they can be told apart on light and dark, and by people who see fewer colours.
const (
	blue, orange, purple = "#3b7dd8", "#d97706", "#9d5bd2"
	green, grey, red     = "#2e9e6b", "#8a94a3", "#d43d51"
	brown, teal          = "#a0612b", "#1f9aa8"
)

// charts draws all that there are points for; the sides stand side by side on one scale.
func charts(p Page) []chart {
	var out []chart
	sides := make([]Side, len(p.Sides))
	for i, s := range p.Sides {
		s.Points = condense(s.Points, maxColumns)
		sides[i] = s
	}
	for _, draw := range []func(frame, Side) (drawn, bool){latencyChart, arrivalChart, answerChart, errorChart, activeChart} {
		f := frame{bands: p.Bands, end: end(sides)}
		// The first round finds the scale that all sides share.
		for _, s := range sides {
			if c, ok := draw(f, s); ok {
				f.top = max(f.top, c.top)
			}
		}
		for _, s := range sides {
			if c, ok := draw(f, s); ok {
				out = append(out, c.chart)
			}
		}
	}
	return out
}

// frame is what all charts of a kind share.
type frame struct {
	bands []Band
	end   time.Duration
	top   float64
}

func end(sides []Side) (last time.Duration) {
	for _, s := range sides {
		if n := len(s.Points); n > 0 {
			last = max(last, s.Points[n-1].To)
		}
	}
	return last
}

// condense joins neighbours until there are at most n points: counts add up, of
// times and of users in flight the worst is kept.
func condense(points []Point, n int) []Point {
	for len(points) > n {
		joined := make([]Point, 0, (len(points)+1)/2)
		for i := 0; i < len(points); i += 2 {
			if i+1 == len(points) {
				joined = append(joined, points[i])
				break
			}
			joined = append(joined, join(points[i], points[i+1]))
		}
		points = joined
	}
	return points
}

func join(a, b Point) Point {
	out := Point{
		From: a.From, To: b.To, Planned: a.Planned + b.Planned, Arrivals: a.Arrivals + b.Arrivals,
		Requests: a.Requests + b.Requests, Active: max(a.Active, b.Active), Q: a.Q,
	}
	if a.Planned < 0 || b.Planned < 0 {
		out.Planned = -1
	}
	for i := range out.Codes {
		out.Codes[i] = a.Codes[i] + b.Codes[i]
	}
	out.Errors = map[string]int64{}
	for _, errs := range []map[string]int64{a.Errors, b.Errors} {
		for class, n := range errs {
			out.Errors[class] += n
		}
	}
	if out.Q == nil {
		out.Q = b.Q
	} else if b.Q != nil {
		out.Q = &Quick{max(a.Q.P50, b.Q.P50), max(a.Q.P95, b.Q.P95), max(a.Q.P99, b.Q.P99)}
	}
	return out
}

// drawn is a chart with the top of its scale.
type drawn struct {
	chart
	top float64
}

func perSecondOf(count func(Point) int64) func(Point) (float64, bool) {
	return func(p Point) (float64, bool) {
		n, span := count(p), (p.To - p.From).Seconds()
		if n < 0 || span <= 0 {
			return 0, false
		}
		// A report's last period may be cut short; less than a second is not told as a rate of its own.
		return float64(n) / max(span, 1), true
	}
}

func latencyChart(f frame, s Side) (drawn, bool) {
	quick := func(of func(Quick) float64) func(Point) (float64, bool) {
		return func(p Point) (float64, bool) {
			if p.Q == nil || !finite(of(*p.Q)) {
				return 0, false
			}
			return of(*p.Q), true
		}
	}
	lines := []line{
		{"p50", "c-blue", blue, "", quick(func(q Quick) float64 { return q.P50 })},
		{"p95", "c-orange", orange, "", quick(func(q Quick) float64 { return q.P95 })},
		{"p99", "c-purple", purple, "5 3", quick(func(q Quick) float64 { return q.P99 })},
	}
	return f.draw(chart{Title: titled("Latency", s), Note: s.Timed}, s.Points, lines, milli)
}

func arrivalChart(f frame, s Side) (drawn, bool) {
	lines := []line{
		{"started", "c-blue", blue, "", perSecondOf(func(p Point) int64 { return p.Arrivals })},
		{"planned", "c-grey", grey, "5 3", perSecondOf(func(p Point) int64 { return p.Planned })},
	}
	return f.draw(chart{Title: titled("Arrivals per second", s), Note: "Users that started, beside what the script plans."}, s.Points, lines, plainTick)
}

func answerChart(f frame, s Side) (drawn, bool) {
	code := func(i int) func(Point) int64 { return func(p Point) int64 { return p.Codes[i] } }
	layers := []line{
		{"2xx and 3xx", "c-green", green, "", perSecondOf(func(p Point) int64 { return p.Codes[1] + p.Codes[2] + p.Codes[3] })},
		{"4xx", "c-orange", orange, "", perSecondOf(code(4))},
		{"5xx", "c-red", red, "", perSecondOf(code(5))},
		{"no answer", "c-purple", purple, "", perSecondOf(code(0))},
	}
	return f.stack(chart{Title: titled("Answers per second", s), Note: "By their status code."}, s.Points, layers)
}

func errorChart(f frame, s Side) (drawn, bool) {
	total := map[string]int64{}
	for _, p := range s.Points {
		for class, n := range p.Errors {
			total[class] += n
		}
	}
	classes := sorted(total)
	sort.SliceStable(classes, func(i, j int) bool { return total[classes[i]] > total[classes[j]] })
	shown := map[string]bool{}
	var layers []line
	looks := [][2]string{{"c-red", red}, {"c-orange", orange}, {"c-purple", purple}, {"c-brown", brown}, {"c-teal", teal}, {"c-blue", blue}}
	for i, class := range classes[:min(len(classes), maxClasses)] {
		shown[class] = true
		layers = append(layers, line{short(class), looks[i][0], looks[i][1], "", perSecondOf(func(p Point) int64 { return p.Errors[class] })})
	}
	if len(classes) > maxClasses {
		layers = append(layers, line{"others", "c-grey", grey, "", perSecondOf(func(p Point) (n int64) {
			for class, m := range p.Errors {
				if !shown[class] {
					n += m
				}
			}
			return n
		})})
	}
	return f.stack(chart{Title: titled("Errors per second", s), Note: "Requests that went wrong, by what was wrong."}, s.Points, layers)
}

func activeChart(f frame, s Side) (drawn, bool) {
	lines := []line{{"users", "c-teal", teal, "", func(p Point) (float64, bool) { return float64(p.Active), p.Active >= 0 }}}
	return f.draw(chart{Title: titled("Users in flight", s), Note: "Users that have started and not yet finished."}, s.Points, lines, plainTick)
}

func titled(title string, s Side) string {
	if s.Name == "" {
		return title
	}
	return title + ", " + s.Name
}

// draw makes a chart of lines; it is left out when there is nothing to show.
func (f frame) draw(c chart, points []Point, lines []line, show func(float64) string) (drawn, bool) {
	highest, any := 0.0, false
	for _, l := range lines {
		for _, p := range points {
			if v, ok := l.value(p); ok {
				highest, any = max(highest, v), true
			}
		}
	}
	if !any || len(points) < 2 || f.end <= 0 {
		return drawn{}, false
	}
	a := f.axes(&c, highest, show)
	for _, l := range lines {
		if path := a.line(points, l.value); path != "" {
			c.Lines = append(c.Lines, shape{l.name, l.class, l.colour, path, l.dash})
		}
	}
	a.words(&c, points, lines, show)
	return drawn{c, highest}, true
}

// stack makes a chart of areas on top of each other, without those that are always 0.
func (f frame) stack(c chart, points []Point, layers []line) (drawn, bool) {
	sums := make([]float64, len(points))
	highest := 0.0
	var kept []line
	for _, l := range layers {
		any := false
		for i, p := range points {
			v, _ := l.value(p)
			sums[i] += v
			any = any || v > 0
			highest = max(highest, sums[i])
		}
		if any {
			kept = append(kept, l)
		}
	}
	if len(kept) == 0 || len(points) < 2 || f.end <= 0 {
		return drawn{}, false
	}
	a := f.axes(&c, highest, plainTick)
	below := make([]float64, len(points))
	for _, l := range kept {
		c.Areas = append(c.Areas, shape{l.name, l.class, l.colour, a.area(points, below, l.value), ""})
	}
	a.words(&c, points, kept, plainTick)
	return drawn{c, highest}, true
}

// axes maps time and value to the plot.
type axes struct {
	end time.Duration
	top float64
}

func (f frame) axes(c *chart, highest float64, show func(float64) string) axes {
	step := niceStep(max(highest, f.top))
	a := axes{end: f.end, top: step * math.Max(1, math.Ceil(max(highest, f.top)/step))}
	for v := 0.0; v <= a.top*1.001; v += step {
		c.Across = append(c.Across, tick{coordinate(plotLeft - 6), coordinate(a.y(v)), strings.Replace(show(v), ".0 ", " ", 1)})
	}
	for _, t := range timeTicks(f.end) {
		c.Along = append(c.Along, tick{coordinate(a.x(t)), coordinate(plotBottom + 16), timeLabel(t)})
	}
	for i, b := range f.bands {
		from, to := a.x(min(b.From, f.end)), a.x(min(b.To, f.end))
		if to <= from {
			continue
		}
		name := fitting(b.Name, to-from-6)
		c.Bands = append(c.Bands, bandShape{
			X: coordinate(from), Width: coordinate(to - from), Odd: i%2 == 1, Name: short(b.Name) + ", " + timeLabel(b.From) + " to " + timeLabel(b.To),
			ShowName: name != "", TextX: coordinate(from + 4),
		})
		if name != "" {
			c.Bands[len(c.Bands)-1].Name = name
		}
	}
	return a
}

// fitting is as much of a phase's name as there is room for, or nothing.
func fitting(name string, width float64) string {
	letters := int(width / letterWidth)
	runes := []rune(short(name))
	switch {
	case len(runes) <= letters:
		return string(runes)
	case width < shortestName:
		return ""
	}
	return string(runes[:letters-1]) + "…"
}

func (a axes) x(t time.Duration) float64 {
	return plotLeft + plotWidth*min(max(t.Seconds()/a.end.Seconds(), 0), 1)
}

func (a axes) y(v float64) float64 {
	return plotBottom - plotHeight*min(max(v/a.top, 0), 1)
}

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func middle(p Point) time.Duration { return p.From + (p.To-p.From)/2 }

// line is a path through all points that have a value, with gaps where one has none.
func (a axes) line(points []Point, value func(Point) (float64, bool)) string {
	var b strings.Builder
	pen := "M"
	for i, p := range points {
		v, ok := value(p)
		if !ok {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%s %s", pen, coordinate(a.x(middle(p))), coordinate(a.y(v)))
		if alone := pen == "M" && !hasNext(points, i, value); alone {
			b.WriteString("h0.1") // a point between two gaps would not be seen
		}
		pen = "L"
	}
	return b.String()
}

func hasNext(points []Point, i int, value func(Point) (float64, bool)) bool {
	if i+1 == len(points) {
		return false
	}
	_, ok := value(points[i+1])
	return ok
}

// area is what lies between a layer and those below it, to which it is added.
func (a axes) area(points []Point, below []float64, value func(Point) (float64, bool)) string {
	var up, down strings.Builder
	for i, p := range points {
		v, _ := value(p)
		if i == 0 {
			up.WriteString("M")
		} else {
			up.WriteString("L")
		}
		fmt.Fprintf(&up, "%s %s", coordinate(a.x(middle(p))), coordinate(a.y(below[i]+v)))
	}
	for i := len(points) - 1; i >= 0; i-- {
		fmt.Fprintf(&down, "L%s %s", coordinate(a.x(middle(points[i]))), coordinate(a.y(below[i])))
		v, _ := value(points[i])
		below[i] += v
	}
	return up.String() + down.String() + "Z"
}

// words gives a column for the pointer to each point, and the chart a description.
func (a axes) words(c *chart, points []Point, lines []line, show func(float64) string) {
	highest := map[string]float64{}
	for _, p := range points {
		text := timeLabel(p.From) + " to " + timeLabel(p.To)
		for _, l := range lines {
			if v, ok := l.value(p); ok {
				text += "\n" + l.name + " " + show(v)
				highest[l.name] = max(highest[l.name], v)
			}
		}
		from, to := a.x(p.From), a.x(p.To)
		c.Hovers = append(c.Hovers, hover{coordinate(from), coordinate(max(to-from, 0.5)), text})
	}
	var parts []string
	for _, l := range lines {
		parts = append(parts, l.name+" at most "+show(highest[l.name]))
	}
	c.Label = c.Title + ": " + strings.Join(parts, ", ")
}

// niceStep divides a scale into three to six steps of 1, 2 or 5 times a power of ten.
func niceStep(highest float64) float64 {
	if highest <= 0 || !finite(highest) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(highest)))
	for _, factor := range []float64{0.2, 0.5, 1, 2} {
		if highest/(power*factor) <= 5 {
			return power * factor
		}
	}
	return power * 5
}

// timeTicks are round times, six or fewer between start and end.
func timeTicks(end time.Duration) []time.Duration {
	steps := []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
		20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if end/s <= 6 {
			step = s
			break
		}
	}
	step = max(step, (end / 6).Truncate(24*time.Hour))
	var out []time.Duration
	for t := time.Duration(0); t <= end && len(out) < 12; t += step {
		out = append(out, t)
	}
	return out
}

// timeLabel is 0, 30s, 1:30, 2:00:00.
func timeLabel(t time.Duration) string {
	t = t.Round(100 * time.Millisecond)
	whole := int64(t / time.Second)
	switch {
	case t < time.Minute:
		return strconv.FormatFloat(t.Seconds(), 'f', -1, 64) + "s"
	case t < time.Hour:
		return fmt.Sprintf("%d:%02d", whole/60, whole%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
}

// plainTick shows a number without a unit.
func plainTick(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 10_000:
		return strconv.FormatFloat(v/1000, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}
