package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Scene is a Rollout with everything around it that is worth showing. Objects of others may be among
// the lists; they are left out.
type Scene struct {
	Rollout     *api.Rollout
	ReplicaSets []appsv1.ReplicaSet
	Pods        []corev1.Pod
	Runs        []api.AnalysisRun
	Jobs        []batchv1.Job
	Experiments []api.Experiment
	// Now is when the picture is taken. Times of day are shown in its location.
	Now time.Time
	// Hidden are the kinds that could not be read for want of permission.
	Hidden []string
	// Wide shows more of each object than fits into most windows.
	Wide bool

	trialSets []appsv1.ReplicaSet // of the experiments
	trialRuns []api.AnalysisRun

	dense int // how much is folded for want of lines; see Fitted
}

// own returns the scene without objects of others, the newest first.
func (s Scene) own() Scene {
	uid := s.Rollout.UID
	s.trialSets, s.trialRuns = s.ReplicaSets, s.Runs
	s.Experiments = slices.DeleteFunc(slices.Clone(s.Experiments), func(ex api.Experiment) bool { return !ownedBy(&ex, uid) })
	s.ReplicaSets = slices.DeleteFunc(slices.Clone(s.ReplicaSets), func(rs appsv1.ReplicaSet) bool { return !ownedBy(&rs, uid) })
	s.Runs = slices.DeleteFunc(slices.Clone(s.Runs), func(run api.AnalysisRun) bool { return !ownedBy(&run, uid) })
	slices.SortStableFunc(s.ReplicaSets, func(a, b appsv1.ReplicaSet) int { return cmp.Compare(revision(&b), revision(&a)) })
	slices.SortStableFunc(s.Runs, func(a, b api.AnalysisRun) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return s
}

func ownedBy(object metav1.Object, uid types.UID) bool {
	owner := metav1.GetControllerOfNoCopy(object)
	return owner != nil && owner.UID == uid
}

func revision(object metav1.Object) int {
	n, _ := strconv.Atoi(object.GetAnnotations()[api.AnnotationRevision])
	return n
}

// role is what a ReplicaSet is for: stable, canary or nothing any more.
func (s Scene) role(rs *appsv1.ReplicaSet) string {
	switch rs.Labels[api.LabelPodTemplateHash] {
	case "":
		return ""
	case s.Rollout.Status.StableRS:
		return "stable"
	case s.Rollout.Status.CurrentPodHash:
		return "canary"
	}
	return ""
}

// podsOf are the pods of a ReplicaSet, by name.
func (s Scene) podsOf(rs *appsv1.ReplicaSet) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range s.Pods {
		if ownedBy(&s.Pods[i], rs.UID) {
			pods = append(pods, &s.Pods[i])
		}
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods
}

// jobsOf are the Jobs of a run, the oldest first.
func (s Scene) jobsOf(run *api.AnalysisRun) []*batchv1.Job {
	var jobs []*batchv1.Job
	for i := range s.Jobs {
		if run.UID != "" && s.Jobs[i].Labels[api.LabelAnalysisRunUID] == string(run.UID) {
			jobs = append(jobs, &s.Jobs[i])
		}
	}
	slices.SortFunc(jobs, func(a, b *batchv1.Job) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return jobs
}

// liveRefs name the analysis runs going on for the update: that of the step, then that beside the steps; with
// blue-green that after the switch, else that before it.
func (s Scene) liveRefs() []*api.RolloutAnalysisRunStatus {
	canary, blueGreen := s.Rollout.Status.Canary, s.Rollout.Status.BlueGreen
	refs := []*api.RolloutAnalysisRunStatus{canary.CurrentStepAnalysisRunStatus, canary.CurrentBackgroundAnalysisRunStatus}
	if s.Rollout.Spec.Strategy.BlueGreen != nil && !promoted(s.Rollout) {
		refs = []*api.RolloutAnalysisRunStatus{cmp.Or(blueGreen.PostPromotionAnalysisRunStatus, blueGreen.PrePromotionAnalysisRunStatus)}
	}
	return slices.DeleteFunc(refs, func(ref *api.RolloutAnalysisRunStatus) bool { return ref == nil })
}

// liveRuns are the runs that liveRefs name, as far as they can be read.
func (s Scene) liveRuns() []*api.AnalysisRun {
	var live []*api.AnalysisRun
	for _, ref := range s.liveRefs() {
		if run := s.run(ref.Name); run != nil {
			live = append(live, run)
		}
	}
	return live
}

func (s Scene) run(name string) *api.AnalysisRun {
	for i := range s.Runs {
		if s.Runs[i].Name == name {
			return &s.Runs[i]
		}
	}
	return nil
}

// age is how long ago something was.
func (s Scene) age(t metav1.Time) string {
	if t.IsZero() {
		return ""
	}
	return ageOf(s.Now.Sub(t.Time))
}

// ageOf is the short form kubectl uses, but in its second minute too an age has minutes: 1m54s.
func ageOf(d time.Duration) string {
	if d >= time.Minute && d < 2*time.Minute {
		return length(d.Truncate(time.Second))
	}
	return duration.HumanDuration(max(d, 0))
}

// length is a time to come or that was, in its two largest units: 45s, 2m13s, 1h59m, 3d4h.
func length(d time.Duration) string {
	d = max(d.Round(time.Second), 0)
	units := []struct {
		name string
		long time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.long {
			continue
		}
		text := fmt.Sprintf("%d%s", d/u.long, u.name)
		if i+1 < len(units) {
			if rest := d % u.long / units[i+1].long; rest > 0 {
				text += fmt.Sprintf("%d%s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0s"
}

// clock is a time of day, with the date when it is far away.
func (s Scene) clock(t time.Time) string {
	format := time.TimeOnly
	if s.Now.Sub(t).Abs() > 20*time.Hour {
		format = time.DateTime
	}
	return t.In(s.Now.Location()).Format(format)
}

// delay is when an old ReplicaSet is scaled down, as reference clients show it.
func (s Scene) delay(deadline string) string {
	at, err := time.Parse(time.RFC3339, deadline)
	switch {
	case err != nil:
		return "delay:unreadable"
	case !at.After(s.Now):
		return "delay:passed"
	}
	return "delay:" + length(at.Sub(s.Now))
}
