package view

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// ExperimentScene is an Experiment with what it runs. Objects of others may be among the lists.
type ExperimentScene struct {
	Experiment  *api.Experiment
	ReplicaSets []appsv1.ReplicaSet
	Pods        []corev1.Pod
	Runs        []api.AnalysisRun
	Jobs        []batchv1.Job
	// Now is when the picture is taken. Times of day are shown in its location.
	Now time.Time
}

// scene lends the pictures of a rollout's parts to an experiment.
func (s ExperimentScene) scene() Scene {
	return Scene{
		Rollout: &api.Rollout{ObjectMeta: metav1.ObjectMeta{Name: s.Experiment.Name}}, Pods: s.Pods, Jobs: s.Jobs, Now: s.Now,
		trialSets: s.ReplicaSets, trialRuns: s.Runs,
	}
}

// Experiment is the picture of an experiment: what it has come to, its templates and its analyses.
func Experiment(s ExperimentScene, width int) Page {
	ex, scene := s.Experiment, s.scene()
	m := analysisMark(ex.Status.Phase)
	page := Page{}
	page.field("Name:", Strong, ex.Name)
	page.field("Namespace:", Plain, ex.Namespace)
	page.field("Status:", m.tone, m.String())
	page.paragraph("Message:", Plain, experimentMessage(ex), width)
	if owner := metav1.GetControllerOfNoCopy(ex); owner != nil {
		page.field("For:", Plain, fmt.Sprintf("rollout %s, revision %d", owner.Name, revision(ex)))
	}
	if at := ex.Status.AvailableAt; at != nil {
		page.field("Available:", Plain, scene.clock(at.Time)+", "+scene.ago(*at))
	}
	if ex.Spec.Duration != "" {
		page.field("Duration:", Plain, string(ex.Spec.Duration)+remaining(ex, s.Now))
	}
	page.add()
	rows := []row{{icon: "Σ", name: ex.Name, kind: "Experiment", mark: m, age: scene.age(ex.CreationTimestamp)}}
	return append(page, scene.table(append(rows, scene.trialRows(ex, "")...), width)...)
}

// experimentMessage is what an experiment says: why it does not begin, or what it has come to.
func experimentMessage(ex *api.Experiment) string {
	for _, c := range ex.Status.Conditions {
		if c.Type == api.ExperimentInvalidSpec && c.Status == corev1.ConditionTrue {
			return c.Message
		}
	}
	if ex.Status.Message != "" {
		return ex.Status.Message
	}
	for _, template := range ex.Status.TemplateStatuses {
		if template.Message != "" {
			return "template " + template.Name + ": " + template.Message
		}
	}
	return ""
}

func remaining(ex *api.Experiment, now time.Time) string {
	whole, err := ex.Spec.Duration.Duration()
	if err != nil || ex.Status.AvailableAt == nil || ex.Status.Phase.Completed() {
		return ""
	}
	return ", " + length(ex.Status.AvailableAt.Add(whole).Sub(now)) + " left"
}

// trialRows lists the ReplicaSets of an experiment with their pods, and its analysis runs with their Jobs.
func (s Scene) trialRows(ex *api.Experiment, under string) []row {
	var entries []entry
	for i := range s.trialSets {
		if rs := &s.trialSets[i]; ownedBy(rs, ex.UID) {
			entries = append(entries, entry{s.replicaSetRow(rs), func(under string) []row { return s.podRows(rs, under) }})
		}
	}
	for i := range s.trialRuns {
		if run := &s.trialRuns[i]; ownedBy(run, ex.UID) {
			entries = append(entries, entry{s.runRow(run), func(under string) []row { return s.jobRows(run, under) }})
		}
	}
	return branches(entries, under)
}

// entry is an object in the tree with those below it.
type entry struct {
	row      row
	children func(under string) []row
}

func branches(entries []entry, under string) []row {
	var rows []row
	for i, e := range entries {
		last := i == len(entries)-1
		e.row.branch = branch(under, last)
		rows = append(append(rows, e.row), e.children(trunk(under, last))...)
	}
	return rows
}

func (s Scene) experimentRow(ex *api.Experiment) row {
	return row{icon: "Σ", name: ex.Name, kind: "Experiment", mark: analysisMark(ex.Status.Phase), age: s.age(ex.CreationTimestamp)}
}

// Experiments is a table of experiments.
func Experiments(all []api.Experiment, c Columns) Table {
	t := Table{head: []string{"NAME", "STATUS", "FOR", "TEMPLATES", "ANALYSES", "DURATION", "REMAINING", "AGE"}}
	if c.Wide {
		t.head = slices.Insert(t.head, 7, "MESSAGE")
	}
	for i := range all {
		ex := &all[i]
		m := analysisMark(ex.Status.Phase)
		left := "-"
		if text := remaining(ex, c.Now); text != "" {
			left = text[len(", ") : len(text)-len(" left")]
		}
		owner := "-"
		if by := metav1.GetControllerOfNoCopy(ex); by != nil {
			owner = "rollout " + by.Name
		}
		cells := []Span{
			{ex.Name, Plain}, {m.text, m.tone}, {owner, Plain}, {fmt.Sprint(len(ex.Spec.Templates)), Plain},
			{fmt.Sprint(len(ex.Spec.Analyses)), Plain}, {dash(string(ex.Spec.Duration)), Plain}, {left, Plain},
		}
		if c.Wide {
			cells = append(cells, Span{dash(experimentMessage(ex)), Plain})
		}
		cells = append(cells, Span{c.age(ex.CreationTimestamp.Time), Faint})
		t.rows = append(t.rows, listed{ex.Namespace + "/" + ex.Name, cells, true})
	}
	return t.inNamespaces(c)
}
