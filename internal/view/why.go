package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Why is why a rollout stands where it does: its decisions, the newest first, each with what was
// measured.
func Why(scene Scene, width int) Page {
	s := scene.own()
	ro := s.Rollout
	phase, message := Phase(ro)
	m := phaseMark(phase)
	page := Page{{{m.icon + " ", m.tone}, {ro.Name, Strong}, {" is ", Plain}, {m.text, m.tone}}}
	if aborted := s.aborted(); aborted != "" {
		page.indented(aborted, "  ", width, Bad) // the whole message stands in the decision below
	} else {
		page.indented(message, "  ", width, Plain)
	}
	if text := s.waiting(); text != "" {
		page.indented("waiting for: "+text, "  ", width, Plain)
	}
	if text := s.restart(); text != "" {
		page.indented("restart: "+text, "  ", width, Plain)
	}
	if len(ro.Status.Decisions) == 0 {
		return append(page, s.unrecorded(width)...)
	}
	for _, decision := range slices.Backward(ro.Status.Decisions) {
		page.add()
		page = append(page, s.decision(&decision, width)...)
	}
	return page
}

func (p *Page) indented(text, indent string, width int, tone Tone) {
	if strings.TrimSpace(text) == "" {
		return
	}
	for _, line := range wrap(text, max(width-columns(indent), 0)) {
		p.add(Span{indent, Plain}, Span{line, tone})
	}
}

func (s Scene) decision(d *api.Decision, width int) Page {
	var where []string
	n := d.RevisionNumber
	if n == 0 {
		n = int64(s.number(d.Revision))
	}
	if n > 0 {
		where = append(where, fmt.Sprintf("revision %d", n))
	} else if d.Revision != "" {
		where = append(where, d.Revision)
	}
	if n := len(steps(s.Rollout)); d.Step != nil && int(*d.Step) < n {
		where = append(where, fmt.Sprintf("step %d of %d", *d.Step+1, n))
	}
	if d.Weight != nil {
		where = append(where, fmt.Sprintf("weight %d", *d.Weight))
	}
	page := Page{{{s.clock(d.At.Time), Strong}, {"  " + s.ago(d.At) + "  ", Faint}, {d.Reason, decisionTone(d)}, {"  " + strings.Join(where, ", "), Faint}}}
	page.indented(d.Message, "  ", width, Plain)
	for i := range d.Evidence {
		page = append(page, quoted(&d.Evidence[i], s.measured(&d.Evidence[i]), d.Message, width)...)
		page.log(s.logOf(&d.Evidence[i]), "      ")
	}
	return page
}

// decisionTone goes by what was measured; decisions without evidence are plain.
func decisionTone(d *api.Decision) Tone {
	tone := Strong
	for _, e := range d.Evidence {
		if m := analysisMark(e.Phase); m.tone == Bad || tone == Strong && e.Phase != "" {
			tone = m.tone
		}
	}
	return tone
}

func (s Scene) ago(t metav1.Time) string { return s.age(t) + " ago" }

// number is the revision number behind a hash, 0 when it is gone.
func (s Scene) number(hash string) int {
	for i := range s.ReplicaSets {
		if hash != "" && s.ReplicaSets[i].Labels[api.LabelPodTemplateHash] == hash {
			return revision(&s.ReplicaSets[i])
		}
	}
	return 0
}

// quoted is one measurement: the metric, the value beside its limit, the condition, and the limit
// that broke. What was said above it is not said again.
func quoted(e *api.Evidence, value, above string, width int) Page {
	m := analysisMark(e.Phase)
	head := Line{{"    " + m.icon + " ", m.tone}, {e.Metric, Strong}}
	if value != "" {
		head = append(head, Span{"  " + value, m.tone})
	}
	if e.Condition != "" {
		head = append(head, Span{"  " + e.Condition, Faint})
	}
	page := Page{head}
	said := above
	for _, text := range []string{e.Limit, e.Message} {
		if text != "" && !strings.Contains(said, text) {
			page.indented(text, "      ", width, Plain)
		}
		said += "\n" + text
	}
	if e.Run != "" {
		page.indented("run "+e.Run, "      ", width, Faint)
	}
	return page
}

// unrecorded is what can be told of a rollout whose controller records no decisions: its conditions,
// and the analysis runs that did not succeed.
func (s Scene) unrecorded(width int) Page {
	page := Page{}
	for _, entry := range s.Timeline() {
		page.add()
		page.add(Span{s.clock(entry.At), Strong}, Span{"  " + s.ago(metav1.NewTime(entry.At)) + "  ", Faint}, Span{entry.What, Plain})
		page = append(page, entry.Details...)
	}
	if len(page) == 0 {
		page.indented("nothing was decided yet", "  ", width, Faint)
	}
	return page
}

// Entry is something that happened to a rollout.
type Entry struct {
	At      time.Time
	What    string
	Details Page
}

// Timeline is what can be read off the objects of a rollout, the newest first.
func (s Scene) Timeline() []Entry {
	own := s.own()
	var entries []Entry
	for i := range own.ReplicaSets {
		rs := &own.ReplicaSets[i]
		entries = append(entries, Entry{At: rs.CreationTimestamp.Time, What: fmt.Sprintf("ReplicaSet %s of revision %d was created", rs.Name, revision(rs))})
	}
	for i := range own.Runs {
		entries = append(entries, own.runEntries(&own.Runs[i])...)
	}
	for _, condition := range own.Rollout.Status.Conditions {
		if condition.Type == api.RolloutProgressing || condition.Status == "True" && (condition.Type == api.RolloutPaused || condition.Type == api.RolloutInvalidSpec) {
			entries = append(entries, Entry{At: condition.LastTransitionTime.Time, What: condition.Reason + ": " + condition.Message})
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return b.At.Compare(a.At) })
	return entries
}

func (s Scene) runEntries(run *api.AnalysisRun) []Entry {
	entries := []Entry{{At: run.CreationTimestamp.Time, What: "AnalysisRun " + run.Name + " was created"}}
	if !run.Status.Phase.Completed() || run.Status.CompletedAt == nil {
		return entries
	}
	end := Entry{At: run.Status.CompletedAt.Time, What: fmt.Sprintf("AnalysisRun %s ended %s", run.Name, run.Status.Phase)}
	for _, result := range run.Status.MetricResults {
		if result.Phase == api.AnalysisPhaseSuccessful || !result.Phase.Completed() {
			continue
		}
		var last api.Measurement
		if n := len(result.Measurements); n > 0 {
			last = result.Measurements[n-1]
		}
		e := api.Evidence{
			Run:    run.Name,
			Metric: result.Name, Phase: result.Phase, Value: last.Value, Limit: result.Message, Message: last.Message,
			Condition: last.Metadata[api.EvidenceCondition], Threshold: last.Metadata[api.EvidenceThreshold],
		}
		value, log := s.measured(&e), s.logOf(&e)
		e.Run = "" // it stands above
		end.Details = append(end.Details, quoted(&e, value, "", 0)...)
		end.Details.log(log, "      ")
	}
	return append(entries, end)
}
