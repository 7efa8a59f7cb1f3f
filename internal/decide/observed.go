package decide

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

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
	// ScaleDownAt is the annotation scale-down-deadline; zero when absent or unreadable.
	ScaleDownAt time.Time
	Template    corev1.PodTemplateSpec
	// Worn and Covered are the annotations that tell what was added to the template for the revision's role,
	// and what the template had there itself.
	Worn, Covered string
	// Failure is the message of the ReplicaFailure condition, "" when there is none.
	Failure string
}

// Observed is the world around a Rollout.
type Observed struct {
	ReplicaSets []ReplicaSet
	// Pods are those of the ReplicaSets; nil = not looked at.
	Pods []Pod
	// Trouble is what keeps the pods of the current revision from being ready, asked when Overdue says so.
	Trouble string
	// Runs are the AnalysisRuns the Rollout owns; decide never edits them.
	Runs []*api.AnalysisRun
	// Experiments are those the Rollout owns; decide never edits them.
	Experiments []*api.Experiment
	// Services are those the Rollout names, by name. One that does not exist, or that this Rollout cannot
	// point at a revision, is absent: Invalid says why.
	Services map[string]Service
	// Former are the Services that this Rollout is said to manage, and names no more. They are given back as soon
	// as that is seen; until then requests may come through them.
	Former []Service
	// Workload is the object that spec.workloadRef names; nil when it names none. The Rollout's template, and
	// its selector where it has none, are that object's when it exists.
	Workload *Workload
	// Routing is how the traffic router divides requests; nil when the Rollout names no router.
	Routing *Routing
	// Taken holds names of ReplicaSets, AnalysisRuns and Experiments that exist and are not ours.
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
	// RefusedExperiments says, by name, why the server will not take an Experiment.
	RefusedExperiments map[string]string
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

// Service is a Service as observed.
type Service struct {
	Name string
	// Hash is the revision its selector names, "" when it names none: then it selects all revisions.
	Hash string
	// ManagedBy is the Rollout that says it names the revision, "" when none does.
	ManagedBy string
	// Refused says why the server does not let the Service be pointed elsewhere, "" when it does.
	Refused string
}

// Routing is a traffic router as observed.
type Routing struct {
	// Asked is what the router was told last, Serves is what it does. They differ while it has not caught up.
	Asked, Serves Split
	// Unknown says why the router could not be read, "" when it could. Then Asked and Serves are empty.
	Unknown string
}

// Split is who gets which part of the requests. The weights sum up to the largest one, which is 100 unless
// the Rollout says otherwise.
type Split struct {
	Canary, Stable Share
	Additional     []Share // those of experiments
	Routes         []Route // managed routes, the first wins
}

// Share is a part of the requests.
type Share struct {
	Service string
	// Hash is the revision that answers. Where the router sends to a Service, an observed share has none:
	// the Service's selector says it.
	Hash   string
	Weight int32
}

// Route is a managed route: requests that match go to the canary, or are copied to it.
type Route struct {
	Name   string
	Header []api.HeaderRoutingMatch // all of them must match
	Mirror []api.RouteMatch
	// Percentage of the matching requests that is copied.
	Percentage int32
}
