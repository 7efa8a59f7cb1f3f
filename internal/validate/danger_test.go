package validate

import (
	"strings"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
)

// measured makes a canary that is watched, so that the cases below say one thing each.
func watchedCanary(lines string) string {
	return canary("analysis: {templates: [{templateName: t}]}\n" + lines)
}

func routedAndWatched(lines string) string {
	return routed(istio, "analysis: {templates: [{templateName: t}]}\n"+lines)
}

func TestDangers(t *testing.T) {
	const abort = `spec.strategy.canary.abortScaleDownDelaySeconds`
	tests := []struct {
		name   string
		spec   string
		around Around
		want   []string
	}{
		{"a canary that is measured while it grows", watchedCanary("steps: [{setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 60}, {pause: {duration: 5m}}]"), Around{}, nil},
		{"a canary without steps is a rolling update", canary("{}"), Around{}, nil},
		{"a blue-green update with nothing to say about", blueGreen("activeService: a\npreviewService: b\nscaleDownDelaySeconds: 30"), Around{}, nil},
		{"story A21: two Services and nobody who divides requests between them", watchedCanary("canaryService: c\nstableService: s"), Around{}, []string{
			`services-without-router spec.strategy.canary.stableService: selects the stable pods alone, and no trafficRouting moves requests away from it: whoever sends them to this Service sees the stable pods shrink as the canary grows; send requests to a Service that selects both versions, or add trafficRouting`}},
		{"a share that so few pods cannot have", strings.Replace(watchedCanary("steps: [{setWeight: 5}, {setWeight: 33}, {setWeight: 50}]"), "replicas: 5", "replicas: 2", 1), Around{}, []string{
			`coarse-weight spec.strategy.canary.steps[0].setWeight: is 5, and with replicas 2 the nearest share of the pods is 33 %, which is the share of the requests; write a weight that the pods can have, more replicas, or trafficRouting`}},
		{"an autoscaler makes other replicas", strings.Replace(watchedCanary("steps: [{setWeight: 5}]"), "replicas: 5", "replicas: 1", 1), Around{Autoscaled: true}, nil},
		{"few pods for a large share", routedAndWatched("steps: [{setCanaryScale: {replicas: 1}}, {setWeight: 20}, {setWeight: 60}, {setCanaryScale: {matchTrafficWeight: true}}, {setWeight: 80}]"), Around{}, []string{
			`scale-below-weight spec.strategy.canary.steps[2]: asks for weight 60 of 100, which is the share of 3 pods, and setCanaryScale of steps[0] gives the new version 1; let setCanaryScale: {matchTrafficWeight: true} come before the weight, or give it more pods`}},
		{"few pods after a large share", routedAndWatched("steps: [{setWeight: 60}, {setCanaryScale: {weight: 1}}]"), Around{}, []string{
			`scale-below-weight spec.strategy.canary.steps[1]: asks for weight 60 of 100, which is the share of 3 pods, and setCanaryScale of steps[1] gives the new version 1; let setCanaryScale: {matchTrafficWeight: true} come before the weight, or give it more pods`}},
		{"stories E18 and E19: an autoscaler sees one average of two versions", routedAndWatched("dynamicStableScale: true"), Around{Autoscaled: true}, []string{
			`dynamic-stable-autoscaled spec.strategy.canary.dynamicStableScale: is true, and an autoscaler sets the number of pods by an average over both versions: one of them can be overloaded while the average is fine, and an abort has to wait for stable pods; remove it, so that the stable pods stay while the canary grows`}},
		{"a stable side that shrinks, with a fixed number of pods", routedAndWatched("dynamicStableScale: true"), Around{}, nil},
		{"pods that nobody takes away", routedAndWatched("abortScaleDownDelaySeconds: 0"), Around{}, []string{
			`abort-keeps-pods ` + abort + `: is 0, which keeps the new pods after an abort for good; write at least 1 to have them scaled down, or leave it out for 30`}},
		{"times below nothing", routedAndWatched("abortScaleDownDelaySeconds: -1\nscaleDownDelaySeconds: -1"), Around{}, []string{
			`advice ` + abort + `: is -1, and no time is negative; write a number from 1, or 0 to keep the pods`,
			`advice spec.strategy.canary.scaleDownDelaySeconds: is -1, and no time is negative; write a number from 1`}},
		{"old pods that go at once", blueGreen("activeService: a\nscaleDownDelaySeconds: 0\nabortScaleDownDelaySeconds: 0"), Around{}, []string{
			`abort-keeps-pods spec.strategy.blueGreen.abortScaleDownDelaySeconds: is 0, which keeps the new pods after an abort for good; write at least 1 to have them scaled down, or leave it out for 30`,
			`no-scale-down-delay spec.strategy.blueGreen.scaleDownDelaySeconds: is 0: the old pods go at once, while proxies and load balancers that have not heard yet still send them requests; write 30 or more, or leave it out for 30`}},
		{"old pods that stay a day", blueGreen("activeService: a\nscaleDownDelaySeconds: 86400"), Around{}, []string{
			`long-scale-down-delay spec.strategy.blueGreen.scaleDownDelaySeconds: is 86400, longer than progressDeadlineSeconds, which is 600: two versions are paid for all that time, and Argo Rollouts may report the update as late`}},
		{"seconds that are not counted", blueGreen("activeService: a\nautoPromotionEnabled: false\nautoPromotionSeconds: 30"), Around{}, []string{
			`no-effect spec.strategy.blueGreen.autoPromotionSeconds: has no effect while autoPromotionEnabled is false: the update waits until somebody promotes it; remove one of them`}},
		{"a small preview that nobody looks at", blueGreen("activeService: a\npreviewReplicaCount: 1\nautoPromotionSeconds: -3"), Around{}, []string{
			`no-effect spec.strategy.blueGreen.autoPromotionSeconds: is -3, which waits no time; remove it`,
			`unwatched-preview spec.strategy.blueGreen.previewReplicaCount: is 1 of 5, and nothing looks at the preview: it is grown and promoted whatever it does; add prePromotionAnalysis, or write autoPromotionEnabled: false and promote by hand`}},
		{"a small preview that is measured, and one that somebody promotes", blueGreen("activeService: a\npreviewReplicaCount: 1\nprePromotionAnalysis: {templates: [{templateName: t}]}"), Around{}, nil},
		{"an analysis that comes too late", canary("steps: [{setWeight: 20}, {pause: {duration: 1}}, {setWeight: 100}, {analysis: {templates: [{templateName: t}]}}]"), Around{}, []string{
			`late-analysis spec.strategy.canary.steps[3]: is the first to measure, and the new version has all requests already; measure at a smaller weight, or in the background: spec.strategy.canary.analysis`}},
		{"steps taken by the clock", canary("steps: [{setWeight: 20}, {pause: {duration: 1}}, {analysis: {templates: []}}]"), Around{}, []string{
			`never-measured spec.strategy.canary.steps: are taken by the clock alone: nothing is measured and nobody is asked, so only pods that do not become ready stop a bad version; add an analysis step, an analysis in the background, or pause: {}`}},
		{"somebody is asked", canary("steps: [{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {duration: 1}}]"), Around{}, nil},
		{"weights in no order, and a last one that nobody watches", watchedCanary("steps: [{setWeight: 40}, {setWeight: 20}, {setWeight: 100}]"), Around{}, []string{
			`descending-weights spec.strategy.canary.steps[1].setWeight: is 20, less than the 40 before it: requests go back to the old version; order the weights from small to large`,
			`last-weight spec.strategy.canary.steps[2].setWeight: is 100 in the last step: the promotion follows at once, so nothing is watched at this weight; remove the step, which the promotion does anyway, or let a pause or an analysis follow`}},
		{"an experiment that takes what there is not", routedAndWatched("steps: [{setWeight: 60}, {experiment: {templates: [{name: a, specRef: canary, weight: 30}, {name: b, specRef: stable, weight: 30}]}}]"), Around{}, []string{
			`too-much-weight spec.strategy.canary.steps[1].experiment.templates: get 60 together, beside 60 of the canary: that is more than all requests, 100; write smaller weights`}},
		{"a deadline that a good pod misses", strings.Replace(watchedCanary(""), `"shop:1"}`, `"shop:1", readinessProbe: {initialDelaySeconds: 60}, startupProbe: {initialDelaySeconds: 90}}`, 1) + "  minReadySeconds: 30\n  progressDeadlineSeconds: 120\n", Around{}, []string{
			`short-deadline spec.progressDeadlineSeconds: is 120, and a pod is available after 120 s at the earliest: its readiness is asked for after 90 s, and minReadySeconds is 30; write more than 120, with time to start`}},
		{"a threshold of another unit", watchedCanary("replicaProgressThreshold: {type: Percentage, value: -1}"), Around{}, []string{
			`progress-threshold spec.strategy.canary.replicaProgressThreshold.type: is "Percentage", which means Pods; write Percent or Pods`,
			`progress-threshold spec.strategy.canary.replicaProgressThreshold.value: is -1, which means all pods; remove replicaProgressThreshold if that is what you mean`}},
		{"a threshold of nothing", watchedCanary("replicaProgressThreshold: {type: Percent}"), Around{}, []string{
			`progress-threshold spec.strategy.canary.replicaProgressThreshold.value: is 0: a step is complete although no pod of the new version is available; write at least 1`}},
		{"a threshold above all", watchedCanary("replicaProgressThreshold: {type: Percent, value: 101}"), Around{}, []string{
			`progress-threshold spec.strategy.canary.replicaProgressThreshold.value: is 101, more than all of the pods; write 1 to 100`}},
		{"fields that a router makes useless", routedAndWatched("maxSurge: 1\nminPodsPerReplicaSet: 6"), Around{}, []string{
			`no-effect spec.strategy.canary.maxSurge: has no effect with trafficRouting: the canary's pods are always added to the stable ones; remove it`,
			`no-effect spec.strategy.canary.minPodsPerReplicaSet: is 6, and counts as at least 1 and at most replicas, which is 5`}},
		{"nothing to go back to", watchedCanary("") + "  revisionHistoryLimit: 0\n  rollbackWindow: {revisions: 0}\n", Around{}, []string{
			`no-history spec.revisionHistoryLimit: is 0: no earlier revision is kept, so there is nothing that undo or a rollbackWindow could go back to; write at least 1`,
			`no-effect spec.rollbackWindow.revisions: is 0: no rollback skips steps and analysis; write at least 1, or remove rollbackWindow`}},
		{"stories E6 and E7: a Deployment that keeps its pods", "spec:\n  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: a, scaleDown: never}\n  strategy: {canary: {}}\n", Around{}, []string{
			`two-workloads spec.workloadRef: leaves the Deployment its own pods, beside those of the Rollout: twice the capacity, and requests to both where a Service selects both; write scaleDown: onsuccess or progressively, or scale the Deployment to 0`}},
		{"no node for the new pods", watchedCanary("antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}"), Around{Nodes: 3}, []string{
			`required-anti-affinity spec.strategy.canary.antiAffinity.requiredDuringSchedulingIgnoredDuringExecution: keeps new pods off every node with a stable one, and 5 stable pods may be on all 3 nodes: the new pods would stay Pending; write preferredDuringSchedulingIgnoredDuringExecution with a weight`}},
		{"no node for the new pods, perhaps", blueGreen("activeService: a\nantiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}"), Around{}, []string{
			`required-anti-affinity spec.strategy.blueGreen.antiAffinity.requiredDuringSchedulingIgnoredDuringExecution: keeps new pods off every node with a stable one: where the 5 stable pods are on all nodes, the new ones stay Pending; write preferredDuringSchedulingIgnoredDuringExecution with a weight, or make sure that there are more nodes than replicas`}},
		{"nodes enough for both", watchedCanary("antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}"), Around{Nodes: 6}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := Dangers(read[api.Rollout](t, test.spec), test.around)
			var got []string
			for _, f := range found {
				if f.Kind != Warning {
					t.Errorf("a danger is a warning, and this is %s: %s", f.Kind, f)
				}
				got = append(got, string(f.Rule)+" "+f.String())
			}
			equal(t, test.want, got)
		})
	}
}

// The words of validation come without the warnings about dangers: a cluster does not refuse them, and says
// nothing about them.
func TestDangersAreNoMistakes(t *testing.T) {
	ro := read[api.Rollout](t, canary("steps: [{setWeight: 50}, {setWeight: 100}]"))
	expect(t, Rollout(ro))
	if len(Dangers(ro, Around{})) == 0 {
		t.Error("and yet there is nothing to warn of")
	}
}

func TestWithRoutersOnlyWhatNeedsOneIsSupported(t *testing.T) {
	found := Rollout(read[api.Rollout](t, routed("{istio: {virtualService: {name: v}}, plugins: {a/b: {}}, managedRoutes: [{name: r}]}",
		"pingPong: {pingService: a, pongService: b}\nsteps: [{setHeaderRoute: {name: r}}, {setMirrorRoute: {name: r}}, {plugin: {name: a}}, {setWeight: 101}]")))
	expect(t, found.WithRouters(),
		"Unsupported spec.strategy.canary.steps[2].plugin: not supported yet",
		"Invalid spec.strategy.canary.steps[3].setWeight: is 101 and must be 0 to 100")
	if n := len(found.Of(Unsupported)); n != 6 {
		t.Errorf("without a router %d parts are unsupported, want 6", n)
	}
}
