package view

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestWaitingForTheExperimentOfAStep(t *testing.T) {
	const rollout = "metadata: {name: shop, uid: u}\nspec: {strategy: {canary: {steps: [{experiment: {}}]}}}\nstatus: {observedGeneration: '1', phase: Progressing, currentPodHash: bbb, stableRS: aaa, currentStepIndex: 0, canary: {"
	const experiment = "metadata: {name: trial, ownerReferences: [{uid: u, controller: true}]}\nspec: {duration: 5m, templates: [{name: one, replicas: 2}, {name: two}], analyses: [{name: a}, {name: b}]}\nstatus: "
	for _, test := range []struct{ name, named, status, want string }{
		{"one that is not there", "", "{}", "the experiment of this step to begin"},
		{"one that nobody has begun", "currentExperiment: trial", "{}", "experiment trial to begin"},
		{"its pods", "currentExperiment: trial", "{phase: Pending, templateStatuses: [{name: one, availableReplicas: 1}]}", "experiment trial: 1 of 3 pods available"},
		{"its analyses and its time", "currentExperiment: trial", "{phase: Running, availableAt: 2026-01-01T00:00:00Z, analysisRuns: [{name: a, phase: Successful}, {name: b, phase: Running}]}",
			"experiment trial: 1 of 2 analyses successful; 4m left"},
		{"one that has ended", "currentExperiment: trial", "{phase: Successful}", "experiment trial, which came to Successful, to be taken over"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ro, ex := object[api.Rollout](t, rollout+test.named+"}}"), object[api.Experiment](t, experiment+test.status)
			scene := Scene{Rollout: &ro, Experiments: []api.Experiment{ex}, Now: time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)}
			if got := Waiting(scene); got != test.want {
				t.Errorf("it waits for %q, want %q", got, test.want)
			}
		})
	}
}
