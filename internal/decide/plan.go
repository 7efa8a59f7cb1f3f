// Package decide says what a rollout, a run, an experiment should do next.
package decide

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// Plan is everything one turn decided: the whole next status, facts to make true, and why.
type Plan[S any] struct {
	Status  S
	Actions []Action
	Again   time.Time // when to look again; zero = only when something changes
	Reason  Reason
	Events  []Event // sent after the save that decided them
}

// Reason is why things stand as they do: a constant for machines, a sentence for people. It is the
// same from pass to pass while nothing changes.
type Reason struct {
	Code    string
	Message string
}

// Event is what Kubernetes events tell people.
type Event struct {
	Warning bool
	Reason  string
	Message string
}

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
	Template        corev1.PodTemplateSpec // with the hash label
	MinReadySeconds int32
}

// ReplicaSetWants: the ReplicaSet wants this many pods.
type ReplicaSetWants struct {
	Name            string
	From, To        int32
	DesiredReplicas int32 // of the Rollout; kept as an annotation
	// Relies is what the decision stands on, when it lowers capacity: it is read live before the
	// write, and when less is available than stated the pass ends and looks again.
	Relies []Capacity
}

// Capacity states that a ReplicaSet has at least this many available pods.
type Capacity struct {
	ReplicaSet string
	Available  int32
}

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
type RunStopped struct{ Name string }

// RunGone: a finished AnalysisRun nobody needs is deleted.
type RunGone struct{ Name string }

// JobExists: the Job of one measurement exists. The provider block still has placeholders for
// secret arguments; the world fills them in when it writes.
type JobExists struct {
	Name   string
	Metric api.Metric
}

// JobGone: the Job is deleted with its pods.
type JobGone struct{ Name string }

// Chain implements Action.
func (ReplicaSetExists) Chain() Chain { return Safety }

// Chain implements Action.
func (ReplicaSetWants) Chain() Chain { return Safety }

// Chain implements Action.
func (PodGone) Chain() Chain { return Safety }

// Chain implements Action.
func (RunExists) Chain() Chain { return Measure }

// Chain implements Action.
func (RunStopped) Chain() Chain { return Measure }

// Chain implements Action.
func (JobExists) Chain() Chain { return Measure }

// Chain implements Action.
func (JobGone) Chain() Chain { return Measure }

// Chain implements Action.
func (ReplicaSetCarries) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (ReplicaSetGone) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (RolloutCarries) Chain() Chain { return Housekeeping }

// Chain implements Action.
func (RunGone) Chain() Chain { return Housekeeping }

// ReplicaSet is a revision as observed.
type ReplicaSet struct {
	Name            string
	Hash            string // label rollouts-pod-template-hash
	Revision        int64
	History         string // annotation revision-history
	CreatedAt       time.Time
	Wanted          int32 // spec.replicas
	Replicas        int32 // status.replicas
	Ready           int32
	Available       int32
	Observed        bool  // status reflects the spec
	DesiredReplicas int32 // annotation; −1 when absent
	MinReadySeconds int32
	Template        corev1.PodTemplateSpec
	// Failure is the message of the ReplicaFailure condition, "" when there is none.
	Failure string
}

// Observed is the world around a Rollout.
type Observed struct {
	ReplicaSets []ReplicaSet
	// Pods are those of the ReplicaSets, when NeedsPods says so; nil = not looked at.
	Pods []Pod
	// Trouble is what keeps the pods of the current revision from being ready, asked when Overdue says so.
	Trouble string
	// Runs are the AnalysisRuns the Rollout owns; decide never edits them.
	Runs []*api.AnalysisRun
	// Taken holds names of ReplicaSets and AnalysisRuns that exist and are not ours.
	Taken map[string]bool
	// Templates holds the analysis templates the spec refers to, nested ones included,
	// by TemplateKey. A missing one is absent.
	Templates map[TemplateKey]api.AnalysisTemplateSpec
	// Unsupported names the parts of the spec this version cannot carry out: the Rollout is left
	// exactly as it is. Invalid are the user's mistakes, in words: forward movement stops.
	Unsupported []string
	Invalid     []string
	// Dropped are fields of the applied manifest that the API does not have.
	Dropped []string
	// Refused says why the server will not take the pod template, "" when it does.
	Refused string
	// RefusedRuns says, by name, why the server will not take an AnalysisRun.
	RefusedRuns map[string]string
	// ServerTemplate is the pod template after the server's defaulting, nil when not known. Unjudged
	// says why it is not, when the server was asked and could not tell.
	ServerTemplate *corev1.PodTemplateSpec
	Unjudged       string
}

// TemplateKey names an AnalysisTemplate or, when Cluster, a ClusterAnalysisTemplate.
type TemplateKey struct {
	Name    string
	Cluster bool
}

// RolloutInput is what decide.Rollout looks at.
type RolloutInput struct {
	Rollout  *api.Rollout
	Observed Observed
	Now      time.Time
}

// SampleKey is the identity of a measurement: which metric, the n-th (from 1), scheduled when.
type SampleKey struct {
	Metric string
	N      int32
	At     time.Time
}

// Due is a measurement that should be taken now or at At.
type Due struct {
	SampleKey
	Spec api.Metric // value arguments resolved, secret ones still as placeholders
	// Within bounds it: min(timeout, interval).
	Within time.Duration
}

// AnalysisInput is what decide.Analysis looks at.
type AnalysisInput struct {
	Run     *api.AnalysisRun
	Samples []Taken
	Jobs    map[string]Job // by name; an absent Job does not exist
	Invalid []string       // mistakes in the spec, in words
	Now     time.Time
}

// Taken is a sample with the identity it was taken for.
type Taken struct {
	Key    SampleKey
	Sample judge.Sample
}

// Job is a Job of one measurement, as its runner reads it. A Job that does not exist is absent, unless
// there is something to say about why.
type Job struct {
	Ours    bool         // its label names this run's UID
	Done    bool         // its measurement has come to something
	Ended   bool         // the Job itself is over: nothing of it runs, or will ever run
	Missing bool         // it is not there; unless Done it is still to be created, and Waiting says why not yet
	Sample  judge.Sample // when Done
	Again   time.Time    // when to look again although nothing changes; zero = never
	Waiting string       // what is awaited while not Done
}
