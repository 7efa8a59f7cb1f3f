package validate

import (
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestTheWorkloadARolloutRefersTo(t *testing.T) {
	const rest = "strategy: {canary: {}}}"
	tests := []struct {
		name, spec     string
		there, partial bool
		want           []string
	}{
		{name: "one that exists", spec: "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, " + rest, there: true},
		{name: "one that does not is named", spec: "spec: {workloadRef: {apiVersion: apps/v1, kind: ReplicaSet, name: web}, " + rest, want: []string{
			"Invalid spec.workloadRef: ReplicaSet web does not exist; create it, in the namespace of the Rollout: until then its pods stay as they are",
		}},
		{name: "one that may be elsewhere", spec: "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, " + rest, partial: true, want: []string{
			"Warning spec.workloadRef: Deployment web was not found",
		}},
		{name: "a kind that cannot be read is not looked for", spec: "spec: {workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}, " + rest},
		{name: "a PodTemplate brings no selector", spec: "spec: {workloadRef: {apiVersion: v1, kind: PodTemplate, name: web}, " + rest, there: true, want: []string{
			"Invalid spec.selector: is missing, and a PodTemplate has none; write matchLabels with labels that the pod template has",
		}},
		{name: "a PodTemplate beside a selector", spec: "spec: {workloadRef: {apiVersion: v1, kind: PodTemplate, name: web}, selector: {matchLabels: {a: b}}, " + rest, there: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refs := Refs{Partial: test.partial, Workload: func(api.ObjectRef) bool { return test.there }}
			expect(t, References(read[api.Rollout](t, test.spec), refs), test.want...)
		})
	}
}

func TestAWorkloadRef(t *testing.T) {
	tests := []struct {
		name, spec string
		want       []string
	}{
		{"a Deployment", "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: progressively}, strategy: {canary: {}}}", nil},
		{"a template beside it", "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, template: {metadata: {labels: {a: b}}}, strategy: {canary: {}}}", []string{
			"Invalid spec.template: must be empty with workloadRef, which says whose pod template is used; remove template, its labels and annotations too, or remove workloadRef",
		}},
		{"a kind without pods", "spec: {workloadRef: {apiVersion: v1, kind: Service, name: web}, strategy: {canary: {}}}", []string{
			`Invalid spec.workloadRef.kind: is "Service", whose pod template cannot be used; write Deployment, ReplicaSet or PodTemplate`,
		}},
		{"a version that is not the kind's", "spec: {workloadRef: {apiVersion: apps/v1, kind: PodTemplate, name: web}, strategy: {canary: {}}}", []string{
			`Invalid spec.workloadRef.apiVersion: is "apps/v1", and a PodTemplate is of v1; write v1`,
		}},
		{"a mode that does not exist", "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: onSuccess}, strategy: {canary: {}}}", []string{
			`Warning spec.workloadRef.scaleDown: is "onSuccess", which means never; write never, onsuccess or progressively`,
		}},
		{"a mode without a meaning", "spec: {workloadRef: {apiVersion: apps/v1, kind: ReplicaSet, name: web, scaleDown: onsuccess}, strategy: {canary: {}}}", []string{
			"Warning spec.workloadRef.scaleDown: has no effect on a ReplicaSet: only the pods of a Deployment are given up; remove it",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, Rollout(read[api.Rollout](t, test.spec)), test.want...)
		})
	}
}
