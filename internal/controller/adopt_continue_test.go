package controller_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/controller"
)

// resume and retry are the patches of the reference's kubectl plugin.
const (
	resume = `{"status":{"pauseConditions":null}}`
	retry  = `{"status":{"abort":false}}`
)

// adopted is a recording that our controller has taken over, in a cluster that makes pods available.
func adopted(t *testing.T, recording string) *place {
	t.Helper()
	p := newPlace(t)
	p.load(recording)
	p.record()
	p.takeOver()
	return p
}

// reaches waits for a rollout to be in a phase at a step.
func (p *place) reaches(name, want string, step int32) *api.Rollout {
	p.Helper()
	var r *api.Rollout
	p.eventually(fmt.Sprintf("rollout %s becomes %s at step %d", name, want, step), func() string {
		r = p.rollout(name)
		if got, index := phase(r), r.Status.CurrentStepIndex; !strings.HasPrefix(got, want) || index == nil || *index != step {
			return fmt.Sprintf("it is %q, step %v, sizes %v", got, index, p.sizes())
		}
		return ""
	})
	return r
}

func (p *place) haveSizes(want map[string]int32) {
	p.Helper()
	p.eventually("sizes settle", func() string { return cmp.Diff(want, p.sizes()) })
}

func (p *place) replicaSet(name string) *appsv1.ReplicaSet {
	p.Helper()
	var rs appsv1.ReplicaSet
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: name}, &rs); err != nil {
		p.Fatal(err)
	}
	return &rs
}

// undo replaces the template by that of an old ReplicaSet, as the plugin does: with all the server's
// defaults in it.
func (p *place) undo(rollout, replicaSet string) {
	p.Helper()
	template := p.replicaSet(replicaSet).Spec.Template
	delete(template.Labels, api.LabelPodTemplateHash)
	patch, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/spec/template", "value": template}})
	if err != nil {
		p.Fatal(err)
	}
	if err := p.client.Patch(p.Context(), p.named(rollout), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		p.Fatal(err)
	}
}

const (
	pausedStable, pausedCanary       = "5785b6b8db", "79d5c9499"
	analysingStable, analysingCanary = "855f966888", "5cd4956cd9"
	abortedStable, abortedCanary     = "7dcc4ffd49", "7f967dc5f6"
)

func TestAnAdoptedPauseIsPromotedAndUndone(t *testing.T) {
	t.Parallel()
	p := adopted(t, "paused")
	p.patch("paused", resume, true)
	p.reaches("paused", "Paused CanaryPauseStep", 3)
	p.haveSizes(map[string]int32{pausedStable: 2, pausedCanary: 2})
	p.patch("paused", resume, true)
	if r := p.reaches("paused", "Healthy", 4); r.Status.StableRS != pausedCanary {
		t.Errorf("stable is %q", r.Status.StableRS)
	}
	p.haveSizes(map[string]int32{pausedStable: 0, pausedCanary: 4})

	p.undo("paused", "paused-"+pausedStable)
	r := p.reaches("paused", "Paused CanaryPauseStep", 1)
	if r.Status.CurrentPodHash != pausedStable || r.Annotations[api.AnnotationRevision] != "3" {
		t.Errorf("the old template is revision %s of hash %s", r.Annotations[api.AnnotationRevision], r.Status.CurrentPodHash)
	}
	p.haveSizes(map[string]int32{pausedStable: 1, pausedCanary: 3})
	old := p.replicaSet("paused-" + pausedStable)
	if old.Annotations[api.AnnotationRevision] != "3" || old.Annotations[api.AnnotationRevisionHistory] != "1" {
		t.Errorf("the old ReplicaSet says %v", old.Annotations)
	}
	p.givenBack()
}

func TestAnAdoptedUpdateIsUndoneToStable(t *testing.T) {
	t.Parallel()
	p := adopted(t, "paused")
	p.undo("paused", "paused-"+pausedStable)
	if r := p.reaches("paused", "Healthy", 4); r.Status.StableRS != pausedStable || r.Status.CurrentPodHash != pausedStable {
		t.Errorf("stable is %q, newest is %q", r.Status.StableRS, r.Status.CurrentPodHash)
	}
	p.haveSizes(map[string]int32{pausedStable: 4, pausedCanary: 0})
	p.givenBack()
}

// finish plays the Job controller: the Job of the adopted run ends.
func (p *place) finish(job *batchv1.Job, ends ...batchv1.JobConditionType) {
	p.Helper()
	now := metav1.Now()
	p.setStatus(job, func() {
		job.Status = batchv1.JobStatus{StartTime: job.Status.StartTime, UncountedTerminatedPods: job.Status.UncountedTerminatedPods}
		for _, end := range ends {
			job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: end, Status: corev1.ConditionTrue})
		}
		if slices.Contains(ends, batchv1.JobComplete) {
			job.Status.CompletionTime, job.Status.Succeeded = &now, 1
		} else {
			job.Status.Failed = 1
		}
	})
}

const adoptedRun = "analysing-" + analysingCanary + "-2-1"

func TestAnAdoptedJobThatSucceedsCompletesTheStep(t *testing.T) {
	t.Parallel()
	p := adopted(t, "analysing")
	p.finish(p.job(adoptedRun), batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	p.run(adoptedRun, api.AnalysisPhaseSuccessful)
	p.reaches("analysing", "Paused CanaryPauseStep", 3)
	p.haveSizes(map[string]int32{analysingStable: 2, analysingCanary: 2})
	p.runsAre(adoptedRun)
	p.givenBack()
}

func TestAnAdoptedJobThatFailsAborts(t *testing.T) {
	t.Parallel()
	p := adopted(t, "analysing")
	p.finish(p.job(adoptedRun), batchv1.JobFailureTarget, batchv1.JobFailed)
	p.run(adoptedRun, api.AnalysisPhaseFailed)
	p.reaches("analysing", "Degraded RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed", 0)
	p.haveSizes(map[string]int32{analysingStable: 4, analysingCanary: 0})
	p.patch("analysing", retry, true)
	p.eventually("a run of the new attempt", func() string { return cmp.Diff([]string{adoptedRun, adoptedRun + ".1"}, p.runs()) })
	p.givenBack()
}

// runs are the names of all AnalysisRuns.
func (p *place) runs() []string {
	p.Helper()
	var list api.AnalysisRunList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	names := map[string]bool{}
	for _, run := range list.Items {
		names[run.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (p *place) runsAre(want ...string) {
	p.Helper()
	if diff := cmp.Diff(want, p.runs()); diff != "" {
		p.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestAnAdoptedAbortIsRetried(t *testing.T) {
	t.Parallel()
	p := adopted(t, "aborted")
	p.patch("aborted", retry, true)
	r := p.reaches("aborted", "Paused CanaryPauseStep", 1)
	if r.Status.AbortedAt != nil || r.Status.CurrentPodHash != abortedCanary {
		t.Errorf("the status is %+v", r.Status)
	}
	p.haveSizes(map[string]int32{abortedStable: 3, abortedCanary: 1})
	p.givenBack()
}

func TestAnAdoptedRolloutIsUpdated(t *testing.T) {
	t.Parallel()
	p := adopted(t, "stable")
	const stable = "86645b4d5f"
	p.patch("stable", `{"spec":{"template":{"metadata":{"annotations":{"release":"2"}}}}}`, false)
	r := p.reaches("stable", "Paused CanaryPauseStep", 1)
	if r.Status.StableRS != stable || r.Annotations[api.AnnotationRevision] != "2" {
		t.Errorf("stable is %q, this is revision %s", r.Status.StableRS, r.Annotations[api.AnnotationRevision])
	}
	p.haveSizes(map[string]int32{stable: 3, r.Status.CurrentPodHash: 1})
	p.givenBack()
}

// TestARolloutIsMovedByItsInstanceID: one at a time, while the other controller keeps the rest.
func TestARolloutIsMovedByItsInstanceID(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.load("stable")
	p.load("paused")
	p.patch("paused", `{"metadata":{"labels":{"`+api.LabelInstanceID+`":"sluice"}}}`, false)
	p.record()
	before := p.world()
	p.start(measuredBy(&gauge{}), func(o *controller.Options) { o.Scope.InstanceID = "sluice" })
	p.patch("paused", resume, true)
	p.patch("stable", `{"spec":{"template":{"metadata":{"annotations":{"release":"2"}}}}}`, false)
	p.reaches("paused", "Paused CanaryPauseStep", 3)
	p.haveSizes(map[string]int32{pausedStable: 2, pausedCanary: 2, "86645b4d5f": 4})
	for _, change := range changes(before, p.world()) {
		name, path, _ := strings.Cut(change, ": ")
		asked := strings.HasPrefix(path, "metadata.") || strings.HasPrefix(path, "spec.template.metadata.annotations")
		if strings.Contains(name, " stable") && !asked {
			t.Errorf("the other controller's rollout: %s", change)
		}
	}
}
