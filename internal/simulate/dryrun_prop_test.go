package simulate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// deed is something a person does, or lets happen, at one moment of a story.
type deed struct {
	what string
	do   func(*World)
	then time.Duration
}

// drawDeeds is a life of the seed's Rollout: versions, aborts, promotions, and metric servers that
// answer well or badly.
func drawDeeds(t *rapid.T) []deed {
	status := func(change func(*api.RolloutStatus)) func(*World) {
		return func(w *World) { w.Apply(func(ro *api.Rollout) { change(&ro.Status) }) }
	}
	answer := func(v float64) func(*World) {
		return func(w *World) { w.Answer = func(q Question) judge.Sample { return tried(q, v) } }
	}
	kinds := []deed{
		{what: "ship"}, {what: "ship"},
		{what: "good answers", do: answer(0.001)}, {what: "bad answers", do: answer(0.2)},
		{what: "abort", do: status(func(s *api.RolloutStatus) { s.Abort = true })},
		{what: "retry", do: status(func(s *api.RolloutStatus) { s.Abort = false })},
		{what: "promote", do: status(func(s *api.RolloutStatus) { s.PauseConditions = nil })},
		{what: "promote --full", do: status(func(s *api.RolloutStatus) { s.PromoteFull = true })},
	}
	var deeds []deed
	for i := range rapid.IntRange(1, 4).Draw(t, "deeds") {
		d := rapid.SampledFrom(kinds).Draw(t, "deed")
		if d.what == "ship" {
			d.do = func(w *World) {
				w.Apply(func(ro *api.Rollout) { ro.Spec.Template.Spec.Containers[0].Env[0].Value = fmt.Sprint("v", i) })
			}
		}
		d.then = time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second
		deeds = append(deeds, d)
	}
	return deeds
}

// tried answers metrics that count with v, and the one that is tried with anything.
func tried(q Question, v float64) judge.Sample {
	if q.Metric != "tried" {
		return number(v)
	}
	return []judge.Sample{number(0.001), number(0.2), unauthorized(q), {Result: []float64{}, Text: "[]"}}[int(q.N)*7%4]
}

// live plays deeds and tells what the Rollout did, without what is said about the metric that is tried.
func live(t *rapid.T, w *World, deeds []deed) (story []string, status api.RolloutStatus) {
	w.Answer = func(q Question) judge.Sample { return tried(q, 0.001) }
	tr := NewTranscript(w)
	wait := func(d time.Duration) {
		if !w.Until(w.Now.Add(d), tr.Note) {
			t.Fatalf("the world never came to rest:\n%s", tr)
		}
	}
	wait(5 * time.Second)
	for _, d := range deeds {
		tr.Say("%s", d.what)
		d.do(w)
		wait(d.then)
	}
	wait(2 * time.Minute)
	story = slices.DeleteFunc(strings.Split(tr.String(), "\n"), func(line string) bool { return strings.Contains(line, "'tried'") })
	status = *w.Rollout().Status.DeepCopy()
	status.Decisions = slices.DeleteFunc(status.Decisions, func(d api.Decision) bool { return d.Reason == decide.DecidedDryRun })
	return story, status
}

// TestADryRunChangesNothing plays every life twice: with a metric beside those of the background that
// is tried and answers anything, and without it.
func TestADryRunChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		deeds := drawDeeds(rt)
		m := api.Metric{Name: "tried", Interval: "3s", SuccessCondition: "result[0] <= 0.05"}
		if count := rapid.IntRange(0, 5).Draw(rt, "count"); count > 0 {
			m.Count = new(intstr.FromInt(count))
		}
		verdict := rapid.Bool().Draw(rt, "waitForVerdict")
		without := seed(t)
		background(without, verdict)
		with := seed(t)
		background(with, verdict)
		beside(with, m)

		wantStory, want := live(rt, without, deeds)
		gotStory, got := live(rt, with, deeds)
		if diff := cmp.Diff(wantStory, gotStory); diff != "" {
			rt.Fatalf("the dry run changed the story (-without +with):\n%s", diff)
		}
		last := len(want.Decisions) - min(len(want.Decisions), 4) // the oldest may have made room for what is told of the dry run
		want.Decisions, got.Decisions = want.Decisions[last:], got.Decisions[len(got.Decisions)-min(len(got.Decisions), len(want.Decisions)-last):]
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("the dry run changed the status (-without +with):\n%s", diff)
		}
	})
}
