package controller_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// The reference's status of a canary without traffic routing, and of a run: what it knows, and no more.
type (
	referenceStatus struct {
		Abort, ControllerPause, PromoteFull                                           bool
		AbortedAt, RestartedAt                                                        *metav1.Time
		PauseConditions                                                               []referencePause
		CurrentPodHash, CurrentStepHash, StableRS, ObservedGeneration, Phase, Message string
		WorkloadObservedGeneration, Selector                                          string
		Replicas, UpdatedReplicas, ReadyReplicas, AvailableReplicas, HPAReplicas      int32
		CurrentStepIndex, CollisionCount                                              *int32
		Conditions                                                                    []referenceCondition
		Canary                                                                        referenceCanary
		BlueGreen                                                                     struct{}
		Duration                                                                      *referenceDuration
	}
	referencePause struct {
		Reason    string
		StartTime metav1.Time
	}
	referenceCondition struct {
		Type, Status, Reason, Message      string
		LastUpdateTime, LastTransitionTime metav1.Time
	}
	referenceCanary struct {
		CurrentStepAnalysisRunStatus, CurrentBackgroundAnalysisRunStatus *struct{ Name, Status, Message string }
	}
	referenceDuration struct {
		RolloutStartedAt, FinishedAt, ManualPauseStartedAt *metav1.Time
		CompletionStatus                                   string
		TotalManualPauseDurationSeconds                    int64
	}
	referenceRun struct {
		Phase, Message            string
		StartedAt, CompletedAt    *metav1.Time
		RunSummary, DryRunSummary *struct{ Count, Successful, Failed, Inconclusive, Error int32 }
		MetricResults             []struct {
			Name, Phase, Message                                                                 string
			Count, Successful, Failed, Inconclusive, Error, ConsecutiveError, ConsecutiveSuccess int32
			DryRun                                                                               bool
			Metadata                                                                             map[string]string
			Measurements                                                                         []struct {
				Phase, Message, Value           string
				StartedAt, FinishedAt, ResumeAt *metav1.Time
				Metadata                        map[string]string
			}
		}
	}
)

// referenceReasons are the reasons it gives for each condition, as clients compare them.
var referenceReasons = map[string][]string{
	"Progressing": {
		"NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "ReplicaSetNotAvailable", "NewReplicaSetAvailable",
		"RolloutPaused", "RolloutResumed", "RolloutRetry", "RolloutAborted", "ProgressDeadlineExceeded", "ReplicaSetCreateError",
	},
	"Available": {"AvailableReason"}, "Healthy": {"RolloutHealthy"}, "Completed": {"RolloutCompleted"}, "Paused": {"RolloutPaused"},
}

// ours are the additions to a Rollout's status, which definitions of the reference drop.
var ours = []string{"decisions", "attempt"}

// givenBack checks that the reference could go on with everything there is.
func (p *place) givenBack() {
	p.Helper()
	for name, object := range p.world() {
		kind, _, _ := strings.Cut(name, " ")
		switch kind {
		case "Rollout":
			p.rolloutGivenBack(object)
		case "AnalysisRun":
			into(p, object["status"], &referenceRun{})
		}
	}
	p.setsGivenBack()
	p.runsGivenBack()
}

// into decodes what a reader would that knows no other fields.
func into[T any](p *place, from any, known *T) *T {
	p.Helper()
	raw, err := json.Marshal(from)
	if err != nil {
		p.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(known); err != nil {
		p.Errorf("the reference cannot read %s: %v", raw, err)
	}
	return known
}

func (p *place) rolloutGivenBack(object map[string]any) {
	p.Helper()
	status := object["status"].(map[string]any)
	for _, field := range ours {
		delete(status, field)
	}
	s := into(p, status, &referenceStatus{})
	check := func(ok bool, what string) {
		p.Helper()
		if !ok {
			p.Errorf("%s: the status is %+v", what, s)
		}
	}
	check(slices.Contains([]string{"Healthy", "Degraded", "Progressing", "Paused"}, s.Phase), "the phase is none of four")
	generation := object["metadata"].(map[string]any)["generation"]
	check(s.ObservedGeneration == fmt.Sprint(generation), "another generation was observed")
	check(s.CurrentPodHash != "" && s.CurrentStepHash != "" && s.StableRS != "" && s.Selector != "" && s.CurrentStepIndex != nil, "a field is missing")
	check(s.Abort == (s.AbortedAt != nil), "an abort has a time")
	check(s.ControllerPause == (len(s.PauseConditions) > 0), "a pause of the controller has a reason")
	for _, pause := range s.PauseConditions {
		check(slices.Contains([]string{"CanaryPauseStep", "InconclusiveAnalysisRun"}, pause.Reason) && !pause.StartTime.IsZero(), "a pause is unknown")
	}
	seen := map[string]bool{}
	for _, c := range s.Conditions {
		check(slices.Contains(referenceReasons[c.Type], c.Reason) && !seen[c.Type], "condition "+c.Type+" is unknown")
		check(slices.Contains([]string{"True", "False", "Unknown"}, c.Status) && !c.LastUpdateTime.IsZero() && !c.LastTransitionTime.IsZero(), "condition "+c.Type+" is incomplete")
		seen[c.Type] = true
	}
	check(seen["Progressing"] && seen["Available"] && seen["Completed"], "a condition is missing")
	check(s.Duration != nil && s.Duration.RolloutStartedAt != nil, "the update has no duration")
	if s.Duration != nil {
		check(slices.Contains([]string{"", "Promoted", "FastPromoted", "Aborted", "Superseded", "RolledBack", "FastRolledBack"}, s.Duration.CompletionStatus), "its end is unknown")
	}
}

var aNumber = regexp.MustCompile(`^[1-9][0-9]*$`)

func (p *place) setsGivenBack() {
	p.Helper()
	var list appsv1.ReplicaSetList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	for _, rs := range list.Items {
		hash, owner := rs.Labels[api.LabelPodTemplateHash], metav1.GetControllerOf(&rs)
		if owner == nil || rs.Name != owner.Name+"-"+hash || rs.Spec.Selector.MatchLabels[api.LabelPodTemplateHash] != hash || rs.Spec.Template.Labels[api.LabelPodTemplateHash] != hash {
			p.Errorf("ReplicaSet %s of %v has hash %q, selects %v", rs.Name, owner, hash, rs.Spec.Selector)
		}
		for _, key := range []string{api.AnnotationRevision, api.AnnotationDesiredReplicas} {
			if !aNumber.MatchString(rs.Annotations[key]) {
				p.Errorf("ReplicaSet %s has annotation %s: %q", rs.Name, key, rs.Annotations[key])
			}
		}
	}
}

func (p *place) runsGivenBack() {
	p.Helper()
	var runs api.AnalysisRunList
	var jobs batchv1.JobList
	for _, list := range []client.ObjectList{&runs, &jobs} {
		if err := p.client.List(p.Context(), list, client.InNamespace(p.namespace)); err != nil {
			p.Fatal(err)
		}
	}
	for _, run := range runs.Items {
		owner, l := metav1.GetControllerOf(&run), run.Labels
		name := fmt.Sprintf("%s-%s-%s-%s", owner.Name, l[api.LabelPodTemplateHash], run.Annotations[api.AnnotationRevision], l[api.LabelStepIndex])
		if base, _, _ := strings.Cut(run.Name, "."); base != name || l[api.LabelRolloutType] != "Step" || l["app"] != owner.Name {
			p.Errorf("run %s has labels %v", run.Name, l)
		}
	}
	for _, job := range jobs.Items {
		uid, metric := job.Labels[api.LabelAnalysisRunUID], job.Annotations[api.AnnotationMetricName]
		if !strings.HasPrefix(job.Name, uid+"."+metric+".") || metav1.GetControllerOf(&job).UID != job.OwnerReferences[0].UID || string(job.OwnerReferences[0].UID) != uid {
			p.Errorf("Job %s has labels %v, annotations %v", job.Name, job.Labels, job.Annotations)
		}
	}
}

// prune makes writes of a Rollout's status lose our additions, as a server with the reference's
// definitions would.
func prune(r *http.Request) error {
	if r.Method != http.MethodPatch || !strings.Contains(r.URL.Path, "/rollouts/") || !strings.HasSuffix(r.URL.Path, "/status") {
		return nil
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var patch map[string]any
	if err := json.Unmarshal(raw, &patch); err != nil {
		return err
	}
	if status, ok := patch["status"].(map[string]any); ok {
		for _, field := range ours {
			delete(status, field)
		}
	}
	if raw, err = json.Marshal(patch); err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return nil
}

// told counts the events of each reason about rollouts, but for sizes and runs on the way, which depend on
// who is quicker.
func (p *place) told() map[string]int {
	p.Helper()
	var list corev1.EventList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	told := map[string]int{}
	for _, e := range list.Items {
		if e.Reason != api.EventScalingReplicaSet && !strings.HasPrefix(e.Reason, api.EventAnalysisRunPrefix) && e.InvolvedObject.Kind == api.KindRollout {
			told[e.Reason]++
		}
	}
	return told
}

// TestNothingNeedsOurAdditions tells one story twice: once with a server that keeps our additions to the status
// and once with one that loses them. What people are told, and how it ends, is the same.
func TestNothingNeedsOurAdditions(t *testing.T) {
	t.Parallel()
	var ends []map[string]any
	for _, lossy := range []bool{false, true} {
		p := newPlace(t)
		p.load("analysing")
		p.record()
		if lossy {
			p.takeOver(over(wire{seen: prune}))
		} else {
			p.takeOver()
		}
		p.finish(p.job(adoptedRun), batchv1.JobFailureTarget, batchv1.JobFailed)
		p.reaches("analysing", "Degraded RolloutAborted", 0)
		p.haveSizes(map[string]int32{analysingStable: 4, analysingCanary: 0})
		p.patch("analysing", retry, true)
		p.run(adoptedRun+".1", api.AnalysisPhaseRunning)
		p.patch("analysing", `{"status":{"abort":true}}`, true)
		p.reaches("analysing", "Degraded RolloutAborted", 0)
		p.haveSizes(map[string]int32{analysingStable: 4, analysingCanary: 0})
		p.patch("analysing", retry, true)
		p.run(adoptedRun+".2", api.AnalysisPhaseRunning)
		p.patch("analysing", `{"status":{"promoteFull":true}}`, true)
		r := p.reaches("analysing", "Healthy", 4)
		p.eventually("people are told", func() string {
			if p.told()[api.EventRolloutCompleted] == 0 {
				return "they are not"
			}
			return ""
		})
		p.haveSizes(map[string]int32{analysingStable: 0, analysingCanary: 4})
		if lossy != (len(r.Status.Decisions) == 0) {
			t.Errorf("with losses %v there are %d decisions", lossy, len(r.Status.Decisions))
		}
		p.givenBack()
		ends = append(ends, map[string]any{"stable": r.Status.StableRS, "runs": p.runs(), "events": p.told()})
	}
	if diff := cmp.Diff(ends[0], ends[1]); diff != "" {
		t.Errorf("with our additions and without (-with +without):\n%s", diff)
	}
}
