package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// ofRollout says that an event is about the Rollout, not about one of its runs.
func ofRollout(e decide.Event) bool {
	return !strings.HasPrefix(e.Reason, "Metric") && !strings.HasPrefix(e.Message, "Analysis ")
}

// eventsOf lists the Rollout's events since the n-th as "reason: message", revisions called A, B, C.
func eventsOf(w *World, since int) (all []string) {
	var names []string
	for i, hash := range w.born {
		names = append(names, hash, string(rune('A'+i)))
	}
	for _, e := range w.Events()[since:] {
		if ofRollout(e) {
			text := strings.NewReplacer(names...).Replace(e.Reason + ": " + e.Message)
			if e.Warning {
				text = "! " + text
			}
			all = append(all, text)
		}
	}
	return all
}

// TestEventsComeInTheOrderOfTheContract tells the events of deploy, update, abort, retry and promote,
// reasons and messages, one after the other.
func TestEventsComeInTheOrderOfTheContract(t *testing.T) {
	w := seed(t)
	w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
	tr := NewTranscript(w)
	acts := []struct {
		name string
		act  func()
		want []string
	}{
		{"deploy", func() {}, []string{
			"RolloutAddedToInformer: Rollout resource added to informer: argo-rollouts/rollouts-demo",
			"RolloutUpdated: Rollout updated to revision 1",
			"NewReplicaSetCreated: Created ReplicaSet rollouts-demo-A (revision 1)",
			"RolloutNotCompleted: Rollout not completed, started update to revision 1 (A)",
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-A (revision 1) from 0 to 5",
			"RolloutCompleted: Rollout completed update to revision 1 (A): Initial deploy",
		}},
		{"update", func() { ship(w, tr, "2") }, []string{
			"RolloutUpdated: Rollout updated to revision 2",
			"NewReplicaSetCreated: Created ReplicaSet rollouts-demo-B (revision 2)",
			"RolloutNotCompleted: Rollout not completed, started update to revision 2 (B)",
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-B (revision 2) from 0 to 1",
			"ScalingReplicaSet: Scaled down ReplicaSet rollouts-demo-A (revision 1) from 5 to 4",
			"RolloutStepCompleted: Rollout step 1/9 completed (setWeight: 20)",
			"RolloutPaused: Rollout is paused (CanaryPauseStep)",
		}},
		{"abort", func() { does(t, w, tr, "abort", abort()) }, []string{
			"! RolloutAborted: Rollout aborted update to revision 2",
			"ScalingReplicaSet: Scaled down ReplicaSet rollouts-demo-B (revision 2) from 1 to 0",
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-A (revision 1) from 4 to 5",
		}},
		{"retry", func() { does(t, w, tr, "retry", retry()) }, []string{
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-B (revision 2) from 0 to 1",
			"ScalingReplicaSet: Scaled down ReplicaSet rollouts-demo-A (revision 1) from 5 to 4",
			"RolloutStepCompleted: Rollout step 1/9 completed (setWeight: 20)",
			"RolloutPaused: Rollout is paused (CanaryPauseStep)",
		}},
		{"promote", func() { does(t, w, tr, "promote", promote(w.Rollout())...) }, []string{
			"RolloutStepCompleted: Rollout step 2/9 completed (pause)",
			"RolloutResumed: Rollout is resumed",
			"AnalysisRunRunning: Step Analysis Run 'rollouts-demo-B-2-2' Status New: 'Running' Previous: ''",
			"AnalysisRunSuccessful: Step Analysis Run 'rollouts-demo-B-2-2' Status New: 'Successful' Previous: 'Running'",
			"RolloutStepCompleted: Rollout step 3/9 completed (analysis)",
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-B (revision 2) from 1 to 2",
			"ScalingReplicaSet: Scaled down ReplicaSet rollouts-demo-A (revision 1) from 4 to 3",
			"RolloutStepCompleted: Rollout step 4/9 completed (setWeight: 40)",
			"RolloutPaused: Rollout is paused (CanaryPauseStep)",
		}},
		{"promote --full", func() { does(t, w, tr, "promote --full", promoteFull()) }, []string{
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-B (revision 2) from 2 to 4",
			"ScalingReplicaSet: Scaled down ReplicaSet rollouts-demo-A (revision 1) from 3 to 2",
			"RolloutResumed: Rollout is resumed",
			"ScalingReplicaSet: Scaled up ReplicaSet rollouts-demo-B (revision 2) from 4 to 5",
			"ScalingReplicaSet: Scaled down ReplicaSet rollouts-demo-A (revision 1) from 2 to 0",
			"RolloutCompleted: Rollout completed update to revision 2 (B): Full promotion requested",
		}},
	}
	for _, a := range acts {
		since := len(w.Events())
		a.act()
		length := 5 * time.Second
		if a.name == "promote" {
			length = 41500 * time.Millisecond // into the pause of the fifth step
		}
		pass(t, w, tr, length)
		if diff := cmp.Diff(a.want, eventsOf(w, since)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", a.name, diff)
		}
		if err := inOrder(eventsOf(w, since)); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
	}
}

// inOrder checks what the contract says about every update: it is announced, its ReplicaSet is created,
// and it has begun, before anything is scaled; what completes it comes after all that was scaled.
func inOrder(events []string) error {
	rank := func(text string) int {
		reason, _, _ := strings.Cut(strings.TrimPrefix(text, "! "), ":")
		return slices.Index([]string{"RolloutAddedToInformer", "RolloutUpdated", "NewReplicaSetCreated", "RolloutNotCompleted", "ScalingReplicaSet"}, reason)
	}
	for i := range events {
		if i > 0 && rank(events[i]) >= 0 && rank(events[i]) < 4 && rank(events[i]) < rank(events[i-1]) {
			return fmt.Errorf("%q after %q", events[i], events[i-1])
		}
	}
	return nil
}

var line = regexp.MustCompile(`^(\S+)\s+Rollout\s+(Normal|Warning)\s+(\S+)\s+(.*)$`)

// recorded reads the events of one Rollout as a running Argo Rollouts sent them.
func recorded(t *testing.T, name string) (all []string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded", "events.txt"))
	if err != nil {
		t.Fatal(err)
	}
	created := regexp.MustCompile(`Created ReplicaSet ` + name + `-(\w+) \(revision (\d)\)`)
	var hashes []string
	for _, found := range created.FindAllStringSubmatch(string(raw), -1) {
		hashes = append(hashes, found[1], map[string]string{"1": "A", "2": "B"}[found[2]])
	}
	for _, text := range strings.Split(strings.NewReplacer(hashes...).Replace(string(raw)), "\n") {
		if found := line.FindStringSubmatch(text); found != nil && found[1] == name {
			event := found[3] + ": " + found[4]
			if found[2] == "Warning" {
				event = "! " + event
			}
			all = append(all, event)
		}
	}
	return all
}

// TestEventsAreThoseOfTheReference plays the recorded Rollouts and compares their events with the
// recorded ones. Within one second those kept no order, and nearly all came within a second.
func TestEventsAreThoseOfTheReference(t *testing.T) {
	for name, act := range map[string]func(*World, *Transcript){
		"stable":    nil,
		"paused":    func(w *World, tr *Transcript) { version(w, "2") },
		"analysing": func(w *World, tr *Transcript) { version(w, "2") },
		"aborted": func(w *World, tr *Transcript) {
			version(w, "2")
			pass(t, w, tr, 10*time.Second)
			does(t, w, tr, "abort", abort())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := recordedWorld(name)
			tr := NewTranscript(w)
			pass(t, w, tr, 10*time.Second)
			if act != nil {
				act(w, tr)
				pass(t, w, tr, 10*time.Second)
			}
			got, want := eventsOf(w, 0), recorded(t, name)
			if err := inOrder(got); err != nil {
				t.Error(err)
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-recorded +ours):\n%s", diff)
			}
		})
	}
}

func version(w *World, version string) {
	w.Apply(func(ro *api.Rollout) { ro.Spec.Template = Template(version) })
}

// recordedWorld has a Rollout as the recorded ones were: four pods, a quarter of them first.
func recordedWorld(name string) *World {
	quarter, half, four := int32(25), int32(50), int32(4)
	ro := &api.Rollout{}
	ro.Namespace, ro.Name = "adopt", name
	ro.Spec.Replicas, ro.Spec.Template = &four, Template("1")
	second := api.CanaryStep{Pause: &api.RolloutPause{}}
	if name == "analysing" {
		second = api.CanaryStep{Analysis: &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "slow-job"}}}}
	}
	ro.Spec.Strategy.Canary = &api.CanaryStrategy{Steps: []api.CanaryStep{{SetWeight: &quarter}, second, {SetWeight: &half}, {Pause: &api.RolloutPause{}}}}
	w := New(ro, epoch)
	w.Templates[decide.TemplateKey{Name: "slow-job"}] = api.AnalysisTemplateSpec{Metrics: []api.Metric{{Name: "job", Provider: api.MetricProvider{Job: &api.JobMetric{}}}}}
	w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), -1 }
	return w
}
