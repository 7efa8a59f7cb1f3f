package decide

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Chain orders actions: a failure ends its own chain only. Safety runs first.
type Chain int

// The chains in the order they are carried out.
const (
	Safety Chain = iota
	Measure
	Housekeeping
)

// Action is a fact to make true. Repeating or losing one is harmless: the next pass states it again.
// The set is closed: every kind is in this file.
type Action interface {
	Chain() Chain
}

// ReplicaSetExists: the ReplicaSet of this revision exists, with no pods wanted yet.
type ReplicaSetExists struct {
	Name            string
	Hash            string
	Revision        int64
	DesiredReplicas int32
	Template        corev1.PodTemplateSpec // with the hash label, and what the revision's pods wear
	Annotations     map[string]string      // beside those of the owner
	MinReadySeconds int32
	// Selector is that of an Experiment's template, without the hash; nil means the Rollout's.
	Selector *metav1.LabelSelector
}

// ReplicaSetWants: the ReplicaSet wants this many pods.
type ReplicaSetWants struct {
	Name            string
	From, To        int32
	DesiredReplicas int32 // of the Rollout; kept as an annotation
	// Relies is what the decision stands on, when it lowers capacity: it is read live before the
	// write, and when less is available than stated the pass ends and looks again.
	Relies []Capacity
	// Sees is what was seen of the ways in, when capacity is lowered: what is read live must say the same,
	// or somebody may come to a revision that has just been emptied.
	Sees Entrances
}

// Entrances are the ways to the revisions as a decision saw them.
type Entrances struct {
	Services map[string]string // the hash that each Service names
	Routing  *Routing
}

// Capacity states that a ReplicaSet has at least this many available pods.
type Capacity struct {
	ReplicaSet string
	Available  int32
}

// ServiceSelects: the Service's selector names this revision, and the Service says that this Rollout does
// that. An empty Hash gives the Service back: neither is there any more.
type ServiceSelects struct {
	Service  string
	From, To string // hashes; From is what was observed
	// Relies is what must serve for requests to go there; see ReplicaSetWants.
	Relies []Capacity
	// Sees is what was seen of the router: it must still be so, or requests would follow the Service that were
	// not counted.
	Sees Entrances
}

// TrafficSplits: the router divides requests like this, and has these managed routes and no others.
type TrafficSplits struct {
	Want Split
	// Relies is what must serve for the shares that grow; see ReplicaSetWants.
	Relies []Capacity
	// Sees is what was seen of the ways in: what they lead to must still be that.
	Sees Entrances
}

// WorkloadWants: the Deployment that the Rollout takes its template from wants this many pods of its own, and
// says how many it had before any were taken; 0 = none are taken any more, and it says nothing.
type WorkloadWants struct {
	Name     string
	From, To int32
	Before   int32
	// Relies is what serves instead of the pods that go; see ReplicaSetWants.
	Relies []Capacity
}

// RolloutHeld: a deleted Rollout stays until its workload has its pods back, or need not. It is let go only if
// the workload is as it was observed.
type RolloutHeld struct{ Held bool }

// PodGone: the pod is evicted, as far as PodDisruptionBudgets allow; where they do not, that is an
// observation of the next pass. Its ReplicaSet makes another one.
type PodGone struct {
	Name string
	UID  types.UID
	// Relies is what serves now, when the pod does; see ReplicaSetWants. A pod that is not ready relies
	// on nothing, and is evicted only if it has not changed since.
	Relies []Capacity
}

// ReplicaSetCarries: the ReplicaSet carries these annotations and this minReadySeconds.
type ReplicaSetCarries struct {
	Name            string
	Annotations     map[string]string // nil value never used; empty string removes
	MinReadySeconds *int32
}

// ReplicaSetWears: the ReplicaSet's template has these labels, annotations and this affinity, and the ReplicaSet
// carries these notes about it. None of it makes another revision.
type ReplicaSetWears struct {
	Name                string
	Labels, Annotations map[string]string // all there are
	Affinity            *corev1.Affinity
	Notes               map[string]string // annotations; an empty string removes
}

// PodWears: the pod has these labels and annotations, or does not.
type PodWears struct {
	Name                string
	UID                 types.UID
	Labels, Annotations map[string]*string // beside others; nil removes
}

// ReplicaSetGone: an old, empty ReplicaSet is deleted.
type ReplicaSetGone struct{ Name string }

// RolloutCarries: the Rollout carries these annotations; Replicas, when set, fills an absent spec.replicas.
type RolloutCarries struct {
	Annotations map[string]string
	Replicas    *int32
}

// RunExists: an AnalysisRun of ours exists.
type RunExists struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	Spec        api.AnalysisRunSpec
}

// RunStopped: the AnalysisRun is told to terminate.
type RunStopped struct {
	Name string
	// ByHand says that a person ended the Experiment it measures for: they want an end, not a verdict.
	ByHand bool
}

// RunGone: a finished AnalysisRun nobody needs is deleted.
type RunGone struct{ Name string }

// JobExists: the Job of one measurement exists. The provider block still has placeholders for
// secret arguments; the world fills them in when it writes.
type JobExists struct {
	Name   string
	Metric api.Metric
}

// LoadStarts: these pods of a load test are told to begin at this moment, all of them at the same.
type LoadStarts struct {
	Job  string
	Pods []string
	At   time.Time
}

// JobGone: the Job is deleted with its pods.
type JobGone struct{ Name string }

// ExperimentExists: an Experiment of ours exists.
type ExperimentExists struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	Spec        api.ExperimentSpec
}

// ExperimentStopped: the Experiment is told to terminate.
type ExperimentStopped struct{ Name string }

// ExperimentGone: an Experiment that has ended, and has no pods any more, is deleted.
type ExperimentGone struct{ Name string }

// ServiceExists: a Service of ours exists that selects the pods of one template of an Experiment.
type ServiceExists struct {
	Name     string
	Hash     string
	Selector *metav1.LabelSelector // without the hash
	Ports    []corev1.ServicePort
}

// ServiceGone: a Service of ours is deleted.
type ServiceGone struct{ Name string }

// Chain implements Action.
func (ReplicaSetExists) Chain() Chain { return Safety }

// Chain implements Action.
func (ReplicaSetWants) Chain() Chain { return Safety }

// Chain implements Action.
func (ServiceSelects) Chain() Chain { return Safety }

// Chain implements Action.
func (TrafficSplits) Chain() Chain { return Safety }

// Chain implements Action.
func (PodGone) Chain() Chain { return Safety }

// Chain implements Action.
func (WorkloadWants) Chain() Chain { return Safety }

// Chain implements Action. Letting go waits for nobody: whatever the server thinks of the workload, a deletion
// comes to an end.
func (a RolloutHeld) Chain() Chain {
	if a.Held {
		return Safety
	}
	return Housekeeping
}

// Chain implements Action.
func (RunExists) Chain() Chain { return Measure }

// Chain implements Action.
func (RunStopped) Chain() Chain { return Measure }

// Chain implements Action.
func (JobExists) Chain() Chain { return Measure }

// Chain implements Action.
func (LoadStarts) Chain() Chain { return Measure }

// Chain implements Action.
func (JobGone) Chain() Chain { return Measure }

// Chain implements Action.
func (ExperimentExists) Chain() Chain { return Measure }

// Chain implements Action.
func (ExperimentStopped) Chain() Chain { return Measure }

// Chain implements Action.
func (ServiceExists) Chain() Chain { return Measure }

// Chain implements Action.
func (ReplicaSetCarries) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (ReplicaSetWears) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (PodWears) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (ReplicaSetGone) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (RolloutCarries) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (RunGone) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (ExperimentGone) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (ServiceGone) Chain() Chain { return Housekeeping }
