package view

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/simulate"
)

// simulationWidth is for text that is not shown on a terminal, such as that of a file.
const simulationWidth = 120

// Simulation tells what came of a scenario: the timeline, what it means, and what would come of an abort.
// Warnings are what there is to say about the manifests.
func Simulation(r simulate.Result, warnings []string, width int) Page {
	if width <= 0 {
		width = simulationWidth
	}
	page := Page{}
	page.heading(r)
	page.assumptions(r, width)
	page.add()
	page.timeline(r, width)
	if tried(r) {
		page.item("·", Faint, "Pods of an experiment are not counted in WEIGHT, nor as pods that can serve: a Service that selects them sends them requests as well.", width)
	}
	page.add()
	page.summary(r, width)
	page.aborts(r)
	if len(warnings) > 0 {
		page.add()
		page.add(Span{"Warnings", Strong})
		for _, text := range warnings {
			page.item("!", Warning, text, width)
		}
	}
	page.add()
	page.expectations(r, width)
	return page
}

func (p *Page) heading(r simulate.Result) {
	strategy := fmt.Sprintf("a canary of %s", counted(r.Steps, "step"))
	if r.Strategy != "canary" {
		strategy = "blue-green"
	}
	if r.Router {
		strategy += " behind a simulated traffic router"
	}
	scenario := ""
	if r.Scenario != "" {
		scenario = ", scenario " + r.Scenario
	}
	p.add(Span{"Rollout " + r.Rollout, Strong}, Span{fmt.Sprintf(": %s, %s%s", strategy, counted(int(r.Replicas), "pod"), scenario), Plain})
}

func (p *Page) assumptions(r simulate.Result, width int) {
	for _, s := range r.Startup {
		switch {
		case s.Never:
			p.item("·", Faint, fmt.Sprintf("Pods of %s never become available.", s.Version), width)
		case s.Said:
			p.item("·", Faint, fmt.Sprintf("Pods of %s need %s to be available.", s.Version, s.Needs), width)
		}
	}
	if s := r.Startup; len(s) == 2 && !s[0].Said && !s[1].Said {
		because := "as no readiness probe asks for a delay"
		if s[0].Probed {
			because = "by their readiness probes"
		}
		p.item("?", Warning, fmt.Sprintf("Assumed: pods need %s to be available, %s.", s[0].Needs, because), width)
	}
	for _, a := range r.Assumed {
		if a.Metric == "" {
			p.item("?", Warning, "Assumed: "+a.Message+".", width)
			continue
		}
		text := fmt.Sprintf("Assumed: metric %s is Successful, as %s.", a.Metric, a.Message)
		if a.Job {
			text = fmt.Sprintf("Assumed: metric %s is Successful, and %s.", a.Metric, a.Message)
		}
		p.item("?", Warning, text, width)
	}
}

// item is a text behind a mark.
func (p *Page) item(mark string, tone Tone, text string, width int) {
	for i, line := range wrap(text, width-4) {
		if i > 0 {
			mark = " "
		}
		p.add(Span{"  " + mark + " ", tone}, Span{line, Plain})
	}
}

// versions are those that had pods at any time.
func versions(r simulate.Result) (names []string) {
	for _, row := range r.Timeline {
		for _, side := range row.Pods[min(len(names), len(row.Pods)):] {
			names = append(names, side.Version)
		}
	}
	return names
}

// timelineColumns are the heads of the columns before the text.
func timelineColumns(r simulate.Result) []string {
	head := []string{"TIME"}
	if r.Strategy == "canary" {
		head = append(head, "STEP", "WEIGHT")
	} else {
		head = append(head, "ACTIVE", "PREVIEW")
	}
	for _, name := range versions(r) {
		head = append(head, strings.ToUpper(name))
	}
	if tried(r) {
		head = append(head, "EXPERIMENT")
	}
	return head
}

func (p *Page) timeline(r simulate.Result, width int) {
	head := timelineColumns(r)
	var rows [][]string
	for _, row := range r.Timeline {
		rows = append(rows, cells(r, row, len(head)))
	}
	widths := make([]int, len(head))
	for i := range head {
		widths[i] = columns(head[i]) + 2
		for _, row := range rows {
			widths[i] = max(widths[i], columns(row[i])+2)
		}
	}
	indent := 0
	line := Line{}
	for i, text := range head {
		line = append(line, Span{pad(text, widths[i]), Faint})
		indent += widths[i]
	}
	p.add(append(line, Span{"WHAT HAPPENS", Faint})...)
	room := max(width-indent-2, 30)
	for n, row := range r.Timeline {
		mark, tone := rowMark(row)
		again := n > 0 && strings.Join(rows[n], "\x00") == strings.Join(rows[n-1], "\x00")
		for i, text := range wrap(row.Text, room) {
			line := Line{}
			for c, cell := range rows[n] {
				if again || i > 0 {
					cell = ""
				}
				line = append(line, Span{pad(cell, widths[c]), Plain})
			}
			if i > 0 {
				mark = " "
			}
			p.add(append(line, Span{mark + " ", tone}, Span{text, textTone(row)})...)
		}
	}
}

// tried says that there were pods of experiments.
func tried(r simulate.Result) bool {
	return slices.ContainsFunc(r.Timeline, func(row simulate.Row) bool { return row.Experiment != nil })
}

// cells are the columns of a row before its text.
func cells(r simulate.Result, row simulate.Row, n int) []string {
	all := []string{row.At.String()}
	if r.Strategy == "canary" {
		step := "-"
		if row.Step != nil && r.Steps > 0 {
			step = fmt.Sprintf("%d/%d", min(int(*row.Step)+1, r.Steps), r.Steps)
		}
		all = append(all, step, portion(row.Weight))
	} else {
		all = append(all, orDash(row.Active), orDash(row.Preview))
	}
	for _, side := range row.Pods {
		all = append(all, fmt.Sprintf("%d/%d", side.Available, side.Wanted))
	}
	experiments := tried(r)
	last := n
	if experiments {
		last--
	}
	for len(all) < last {
		all = append(all, "-")
	}
	all = all[:last]
	switch {
	case experiments && row.Experiment != nil:
		all = append(all, fmt.Sprintf("%d/%d", row.Experiment.Available, row.Experiment.Wanted))
	case experiments:
		all = append(all, "-")
	}
	return all
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func portion(percent float64) string { return fmt.Sprintf("%g %%", math.Round(percent*10)/10) }

func rowMark(row simulate.Row) (string, Tone) {
	switch row.Kind {
	case simulate.RowHappens:
		return "▸", Strong
	case simulate.RowUnserved:
		if row.Unserved > 0 {
			return "✖", Bad
		}
		return "✔", Good
	case simulate.RowMeasures:
		return "α", Busy
	case simulate.RowWaits:
		return "…", Faint
	case simulate.RowMoves:
		return "□", Faint
	case simulate.RowDecides:
	}
	return "•", Plain
}

func textTone(row simulate.Row) Tone {
	switch row.Kind {
	case simulate.RowUnserved:
		_, tone := rowMark(row)
		return tone
	case simulate.RowHappens:
		return Strong
	case simulate.RowWaits, simulate.RowMoves:
		return Faint
	case simulate.RowMeasures, simulate.RowDecides:
	}
	return Plain
}

// summary is what the timeline comes to.
func (p *Page) summary(r simulate.Result, width int) {
	tone := Good
	if len(r.Unserved) > 0 || r.Ends == simulate.EndsUnfinished {
		tone = Bad
	}
	p.paragraph("Verdict:", tone, r.Verdict, width)
	if r.Ends != simulate.EndsPromoted {
		p.paragraph("Reason:", Plain, r.Reason, width)
	}
	promoted := "it does not come to that"
	if r.FullAt != nil {
		promoted = r.FullAt.String()
	} else if r.PromotedAt != nil {
		promoted = r.PromotedAt.String() + ", and the rollout is not healthy by the end"
	}
	p.paragraph("Full promotion:", Plain, promoted, width)
	if m := r.Worst; m != nil {
		p.paragraph("Capacity:", Plain, capacity(*m, r.MayMiss), width)
	}
	for i, text := range r.Missed {
		label := ""
		if i == 0 {
			label = "Missed:"
		}
		p.paragraph(label, Warning, text+".", width)
	}
	for i, g := range r.Unserved {
		label := ""
		if i == 0 {
			label = "Unserved:"
		}
		p.paragraph(label, Bad, outage(g), width)
	}
}

// outage is a time in which requests had nobody, in words.
func outage(g simulate.Gap) string {
	if g.Open {
		return fmt.Sprintf("from %s on, and has not ended at %s: %s", g.From, g.To, g.Why)
	}
	return fmt.Sprintf("%s to %s: %s", g.From, g.To, g.Why)
}

// capacity is the worst moment in words.
func capacity(m simulate.Margin, mayMiss int32) string {
	f := m.Flow
	whose, what := "", "all requests, which need"
	if f.To != "" {
		whose = " of version " + f.To
	}
	if f.Percent < 100 {
		what = fmt.Sprintf("its %s of the requests, which need", portion(f.Percent))
	}
	text := fmt.Sprintf("at worst %s%s available for %s %d (at %s)", counted(int(f.Available), "pod"), whose, what, f.Needs, m.At)
	if short := f.Needs - f.Available; short > 0 && f.Available > 0 && short <= mayMiss {
		text += fmt.Sprintf("; maxUnavailable lets %d be missing", mayMiss)
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// aborts is the table of what an abort would do.
func (p *Page) aborts(r simulate.Result) {
	if len(r.Aborts) == 0 {
		return
	}
	p.add()
	where, head := "An abort at the end of each step", []string{"STEP", ""}
	if r.Strategy != "canary" {
		where, head = "An abort in each stage", []string{"WHILE IT WAITS FOR"}
	}
	p.add(Span{where, Strong}, Span{", when nothing else goes wrong", Plain})
	t := Table{head: append(head, "WEIGHT", "NOTHING TO NEW", "ALL OLD PODS", "FEWEST PODS", "UNSERVED")}
	for _, a := range r.Aborts {
		at, unserved, tone := Line{{a.At, Plain}}, "-", Plain
		if r.Strategy == "canary" {
			at = Line{{fmt.Sprintf("%d/%d", a.Step, r.Steps), Plain}, {a.At, Plain}}
		}
		if a.Unserved > 0 {
			unserved, tone = a.Unserved.String(), Bad
		}
		t.rows = append(t.rows, listed{cells: append(at,
			Span{portion(a.Weight), Plain}, escapeTime(a.SafeAfter), escapeTime(a.FullAfter),
			Span{fmt.Sprint(a.Fewest), Plain}, Span{unserved, tone},
		)})
	}
	*p = append(*p, t.Page()...)
}

func escapeTime(after *simulate.Duration) Span {
	switch {
	case after == nil:
		return Span{"not in an hour", Bad}
	case *after == 0:
		return Span{"at once", Plain}
	}
	return Span{"after " + after.String(), Plain}
}

func (p *Page) expectations(r simulate.Result, width int) {
	for _, e := range r.Expected {
		if e.Met {
			p.item("✔", Good, "As expected: "+e.Text+".", width)
			continue
		}
		p.item("✖", Bad, "Not as expected: "+e.Text+", but "+strings.TrimSuffix(lowerCase(e.But), ".")+".", width)
	}
}

func lowerCase(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}
