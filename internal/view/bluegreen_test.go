package view

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestWaitingForABlueGreenSwitch(t *testing.T) {
	const ready = "replicas: 2, availableReplicas: 2"
	strategy := func(more string) string {
		return "metadata: {name: shop, uid: u}\nspec: {strategy: {blueGreen: {activeService: live, previewService: next" + more + "}}}\nstatus: {observedGeneration: '1', currentPodHash: bbb, stableRS: aaa, "
	}
	const paused = "phase: Paused, controllerPause: true, pauseConditions: [{reason: BlueGreenPause, startTime: 2026-01-01T00:00:00Z}], blueGreen: {activeSelector: aaa, previewSelector: bbb}}"
	const timed = "conditions: [{type: Progressing, status: 'True', lastUpdateTime: 2026-01-01T00:00:00Z}], "
	for _, test := range []struct{ name, rollout, pods, want, role string }{
		{"pods of the preview", strategy("") + "phase: Progressing, blueGreen: {activeSelector: aaa, previewSelector: bbb}}", "replicas: 2, availableReplicas: 1",
			"preview pods: 1 of 2 available", "preview"},
		{"the switch", strategy("") + "phase: Progressing, blueGreen: {activeSelector: aaa, previewSelector: bbb}}", ready,
			"Service live to lead to the new version", "preview"},
		{"somebody before the switch", strategy(", autoPromotionEnabled: false, autoPromotionSeconds: 300") + paused, ready,
			"somebody to go on: `sluice promote shop`", "preview"},
		{"a time before the switch", strategy(", autoPromotionSeconds: 300") + paused, ready,
			"the pause of 5m to end: resumes in 4m, at 00:05:00", "preview"},
		{"somebody after an inconclusive analysis, which a plain promote measures again", strategy("") + "phase: Paused, controllerPause: true, pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}], blueGreen: {activeSelector: aaa, previewSelector: bbb, prePromotionAnalysisRunStatus: {name: shop-pre, status: Inconclusive}}}", ready,
			"somebody to decide, as the analysis was inconclusive: `sluice resume shop` measures again, `sluice promote shop --full` goes on without any check, `sluice abort shop` goes back", "preview"},
		{"the way back", strategy("") + "phase: Degraded, abort: true, blueGreen: {activeSelector: bbb, previewSelector: bbb}}", ready,
			"Service live to lead to the stable version again", "active"},
		{"after an abort its pods may stay", strategy("") + "phase: Degraded, abort: true, blueGreen: {activeSelector: aaa, previewSelector: bbb}}", ready,
			"a corrected version, or `sluice retry rollout shop`", "preview"},
		{"the verdict before the switch, which no deadline limits", strategy("") + timed + "phase: Progressing, blueGreen: {activeSelector: aaa, previewSelector: bbb, prePromotionAnalysisRunStatus: {name: shop-pre, status: Running}}}", ready,
			"the verdict of analysis run shop-pre", "preview"},
		{"the verdict after the switch", strategy("") + timed + "phase: Progressing, blueGreen: {activeSelector: bbb, previewSelector: bbb, scaleUpPreviewCheckPoint: true, prePromotionAnalysisRunStatus: {name: shop-pre, status: Successful}, postPromotionAnalysisRunStatus: {name: shop-post, status: Running}}}", ready,
			"the verdict of analysis run shop-post", "active"},
		{"nothing that has a name has no deadline", strategy("") + timed + "phase: Progressing, blueGreen: {activeSelector: bbb, previewSelector: bbb}}", ready,
			"", "active"},
		{"nothing at rest", "metadata: {name: shop, uid: u}\nspec: {strategy: {blueGreen: {activeService: live}}}\nstatus: {observedGeneration: '1', phase: Healthy, currentPodHash: bbb, stableRS: bbb, blueGreen: {activeSelector: bbb}}", ready,
			"", "stable,active"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ro := object[api.Rollout](t, test.rollout)
			rs := object[appsv1.ReplicaSet](t, "metadata: {uid: r, labels: {rollouts-pod-template-hash: bbb}, ownerReferences: [{uid: u, controller: true}]}\nspec: {replicas: 2}\nstatus: {"+test.pods+"}")
			scene := Scene{Rollout: &ro, ReplicaSets: []appsv1.ReplicaSet{rs}, Now: time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)}
			if got := Waiting(scene); got != test.want {
				t.Errorf("it waits for %q, want %q", got, test.want)
			}
			if got := scene.roles(&rs); got != test.role {
				t.Errorf("its role is %q, want %q", got, test.role)
			}
		})
	}
}
