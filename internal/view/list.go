package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Table is a list of objects, each in a line.
type Table struct {
	head []string
	rows []listed
}

// listed is an object in a table. The last of its cells may be an age.
type listed struct {
	key   string // namespace/name
	cells []Span
	aged  bool
}

// Columns says which columns a table has beside the usual ones.
type Columns struct {
	Namespace, Wide bool
	// Now is what ages are counted to.
	Now time.Time
}

// List is a table of rollouts.
func List(rollouts []api.Rollout, c Columns) Table {
	t := Table{head: []string{"NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"}}
	if c.Wide {
		t.head = append(t.head, "MESSAGE", "IMAGES", "AGE")
	}
	for i := range rollouts {
		ro := &rollouts[i]
		cells := rolloutCells(ro)
		if c.Wide {
			_, message := Phase(ro)
			cells = append(cells, Span{dash(firstSentence(message)), Plain}, Span{dash(imagesOf(ro)), Plain}, Span{c.age(ro.CreationTimestamp.Time), Faint})
		}
		t.rows = append(t.rows, listed{ro.Namespace + "/" + ro.Name, cells, c.Wide})
	}
	return t.inNamespaces(c)
}

// Runs is a table of analysis runs.
func Runs(runs []api.AnalysisRun, c Columns) Table {
	t := Table{head: []string{"NAME", "STATUS", "FOR", "METRICS", "MEASURED", "AGE"}}
	if c.Wide {
		t.head = []string{"NAME", "STATUS", "FOR", "METRICS", "MEASURED", "MESSAGE", "AGE"}
	}
	for i := range runs {
		run := &runs[i]
		m := analysisMark(run.Status.Phase)
		cells := []Span{
			{run.Name, Plain}, {m.text, m.tone}, {dash(ownerOf(run)), Plain},
			{fmt.Sprint(len(run.Spec.Metrics)), Plain}, {dash(counts(run)), Plain},
		}
		if c.Wide {
			cells = append(cells, Span{dash(run.Status.Message), Plain})
		}
		cells = append(cells, Span{c.age(run.CreationTimestamp.Time), Faint})
		t.rows = append(t.rows, listed{run.Namespace + "/" + run.Name, cells, true})
	}
	return t.inNamespaces(c)
}

func (t Table) inNamespaces(c Columns) Table {
	if !c.Namespace {
		return t
	}
	t.head = append([]string{"NAMESPACE"}, t.head...)
	for i := range t.rows {
		namespace, _, _ := strings.Cut(t.rows[i].key, "/")
		t.rows[i].cells = append([]Span{{namespace, Plain}}, t.rows[i].cells...)
	}
	return t
}

func (c Columns) age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return ageOf(c.Now.Sub(t))
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func rolloutCells(ro *api.Rollout) []Span {
	phase, _ := Phase(ro)
	strategy, at, weight := "Canary", "-", fmt.Sprint(setWeight(ro))
	if ro.Spec.Strategy.BlueGreen != nil {
		strategy, weight = "BlueGreen", "-"
	} else if n := len(steps(ro)); n > 0 {
		at = fmt.Sprintf("%d/%d", current(ro), n)
	}
	return []Span{
		{ro.Name, Plain}, {strategy, Plain}, {string(phase), phaseMark(phase).tone}, {at, Plain}, {weight, Plain},
		{fmt.Sprintf("%d/%d", ro.Status.ReadyReplicas, ro.Status.Replicas), Plain}, {fmt.Sprint(wanted(ro)), Plain},
		{fmt.Sprint(ro.Status.UpdatedReplicas), Plain}, {fmt.Sprint(ro.Status.AvailableReplicas), Plain},
	}
}

func imagesOf(ro *api.Rollout) string {
	if ref := ro.Spec.WorkloadRef; ref != nil {
		return "of " + ref.Kind + "/" + ref.Name
	}
	var images []string
	for _, container := range ro.Spec.Template.Spec.Containers {
		images = append(images, container.Image)
	}
	return strings.Join(images, ",")
}

// Len is the number of objects.
func (t Table) Len() int { return len(t.rows) }

// Page is the table with its head.
func (t Table) Page() Page { return t.pageOf(t.rows, t.widths(nil), true) }

// Since is what is new in t: objects that are not in before, or look different there, and those that
// are gone. The head comes first where before has no columns. Ages do not count as different.
func (t Table) Since(before Table) Page {
	earlier := map[string]string{}
	for _, row := range before.rows {
		earlier[row.key] = row.text()
	}
	var news []listed
	for _, row := range t.rows {
		if text, known := earlier[row.key]; !known || text != row.text() {
			news = append(news, row)
		}
		delete(earlier, row.key)
	}
	for _, row := range before.rows {
		if _, gone := earlier[row.key]; gone {
			row.cells = append(slices.Clone(row.cells), Span{"deleted", Faint})
			news = append(news, row)
		}
	}
	return t.pageOf(news, t.widths(before.rows), before.head == nil)
}

// text is a row without its age.
func (l listed) text() string {
	cells := l.cells
	if l.aged {
		cells = cells[:len(cells)-1]
	}
	var b strings.Builder
	for _, cell := range cells {
		b.WriteString(cell.Text + "\x00")
	}
	return b.String()
}

func (t Table) widths(others []listed) []int {
	widths := make([]int, len(t.head))
	for i, text := range t.head {
		widths[i] = columns(text)
	}
	for _, row := range slices.Concat(t.rows, others) {
		for i := range min(len(row.cells), len(widths)) {
			widths[i] = max(widths[i], columns(row.cells[i].Text))
		}
	}
	return widths
}

func (t Table) pageOf(rows []listed, widths []int, head bool) Page {
	page := Page{}
	if head {
		var line Line
		for i, text := range t.head {
			line = append(line, Span{pad(text, widths[i]+2), Faint})
		}
		page = append(page, line)
	}
	for _, row := range rows {
		var line Line
		for i, cell := range row.cells {
			width := 0
			if i < len(widths) {
				width = widths[i] + 2
			}
			line = append(line, Span{pad(cell.Text, width), cell.Tone})
		}
		page = append(page, line)
	}
	return page
}
