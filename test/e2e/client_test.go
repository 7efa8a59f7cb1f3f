package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// send sends what another client would send, with nothing but kubectl. A patch of the status goes to
// its subresource.
func (sc *scene) send(kind, body string) {
	sc.Helper()
	args := []string{"patch", "rollout", "rollouts-demo", "--type=" + kind, "-p", body}
	if strings.HasPrefix(body, `{"status"`) {
		args = append(args, "--subresource=status")
	}
	_, err := sc.kubectl(args...)
	sc.must(err)
}

// atPause is the state in which the first pause of the steps below holds the update.
func (sc *scene) atPause() {
	sc.Helper()
	sc.pausesAt(1, 1)
}

// Everything a person can do from another tool is a plain patch. These are the ones of the kubectl
// plugin of Argo Rollouts and of the buttons of Argo CD.
func TestOtherClientsSteerByPlainPatches(t *testing.T) {
	sc := play(t)
	slow := query("cpu", "vector(0.001)", `interval: 60s, count: 5, successCondition: "result[0] <= 0.004"`)
	first := sc.first(sc.rollout(`[{setWeight: 20}, {pause: {}}, {setWeight: 40}, `+analysis+`, {setWeight: 60}, {pause: {}}]`), template(slow))
	seen := sc.record()

	sc.send("json", `[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"2"}]`)
	sc.atPause()
	_, err := sc.kubectl("wait", "rollout/rollouts-demo", "--for=condition=Paused", "--timeout=20s")
	sc.must(err)

	sc.send("merge", `{"status":{"pauseConditions":null}}`) // resume
	sc.stepIs(3)                                            // the analysis, which will take minutes
	sc.send("merge", `{"status":{"pauseConditions":null,"currentStepIndex":4}}`)
	sc.pausesAt(5, 3) // skip-current-step
	sc.stopped()

	sc.send("merge", `{"spec":{"paused":true}}`)
	sc.until("paused by hand", func(ro *api.Rollout) bool { return ro.Status.Message == "manually paused" })
	sc.send("merge", `{"status":{"pauseConditions":null}}`)
	sc.send("merge", `{"spec":{"paused":false}}`) // promote of a Rollout paused by hand
	second := sc.becomes(api.RolloutPhaseHealthy, patience)
	_, err = sc.kubectl("wait", "rollout/rollouts-demo", "--for=condition=Healthy", "--for=condition=Completed", "--timeout=20s")
	sc.must(err)

	sc.send("json", `[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"3"}]`)
	sc.atPause()
	sc.send("merge", `{"status":{"abort":true}}`)
	sc.goesBack(patience)
	sc.send("merge", `{"status":{"abort":null}}`) // retry, as Argo CD says it
	sc.atPause()

	_, err = sc.kubectl("scale", "rollout", "rollouts-demo", "--replicas=10")
	sc.must(err)
	sc.pausesAt(1, 2) // 20 % of ten
	_, err = sc.kubectl("scale", "rollout", "rollouts-demo", "--replicas=5")
	sc.must(err)
	sc.pausesAt(1, 1)

	sc.undoTo(first)
	back := sc.until("the first template starts an update", func(ro *api.Rollout) bool {
		return ro.Status.CurrentPodHash == first.Status.CurrentPodHash && ro.Status.StableRS == second.Status.CurrentPodHash
	})
	sc.atPause()
	sc.send("merge", `{"status":{"promoteFull":true}}`)
	ro := sc.until("the first version is stable again", func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhaseHealthy && ro.Status.StableRS == back.Status.CurrentPodHash
	})
	if ro.Annotations[api.AnnotationRevision] == first.Annotations[api.AnnotationRevision] {
		t.Errorf("going back kept revision %s, want a new number", ro.Annotations[api.AnnotationRevision])
	}
	if n := seen.fewest(); n < 4 {
		t.Errorf("only %d pods served at one time, want 4 or more", n)
	}
	sc.toldInOrder("RolloutUpdated", "RolloutPaused", "RolloutResumed", "RolloutAborted")
}

// stepIs waits for a step to be the current one.
func (sc *scene) stepIs(index int32) {
	sc.Helper()
	sc.until(fmt.Sprintf("step index %d", index), func(ro *api.Rollout) bool {
		return ro.Status.CurrentStepIndex != nil && *ro.Status.CurrentStepIndex == index
	})
}

// stopped waits until no run measures: that of a skipped step must not go on.
func (sc *scene) stopped() {
	sc.Helper()
	sc.must(stage.Await(sc.Context(), patience, func(context.Context) error {
		for _, run := range sc.runs() {
			if !run.Status.Phase.Completed() {
				return fmt.Errorf("AnalysisRun %s still measures: %s", run.Name, run.Status.Phase)
			}
		}
		return nil
	}))
}

// undoTo replaces the template with that of an earlier state, as `undo` of the plugin does.
func (sc *scene) undoTo(earlier *api.Rollout) {
	sc.Helper()
	raw, err := json.Marshal(earlier.Spec.Template)
	sc.must(err)
	sc.send("json", `[{"op":"replace","path":"/spec/template","value":`+string(raw)+`}]`)
}

// toldInOrder checks that these reasons were first told in this order.
func (sc *scene) toldInOrder(reasons ...string) {
	sc.Helper()
	told, err := sc.events(sc.Context())
	sc.must(err)
	slices.SortStableFunc(told, func(a, b corev1.Event) int { return a.FirstTimestamp.Compare(b.FirstTimestamp.Time) })
	var seen []string
	for _, e := range told {
		if slices.Contains(reasons, e.Reason) && !slices.Contains(seen, e.Reason) {
			seen = append(seen, e.Reason)
		}
	}
	if !slices.Equal(seen, reasons) {
		sc.Errorf("events were told as %v, want %v", seen, reasons)
	}
}

// A restart evicts pods within the budget the Rollout has, and asks the PodDisruptionBudget each time.
func TestARestartReplacesThePodsAndRespectsADisruptionBudget(t *testing.T) {
	sc := play(t)
	ro := sc.first(sc.rollout(`[{setWeight: 20}, {pause: {}}]`))
	sc.Cleanup(func() {
		if err := sc.stage.Client.Delete(context.Background(), &policyv1.PodDisruptionBudget{ObjectMeta: named("shop")}); err != nil {
			sc.Errorf("removing the disruption budget: %v", err)
		}
	})
	sc.apply(`{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: shop, namespace: argo-rollouts},
  spec: {minAvailable: 5, selector: {matchLabels: {app: rollouts-demo}}}}`)
	before, err := sc.stage.Pods(sc.Context(), ro.Status.StableRS)
	sc.must(err)
	seen := sc.record()

	sc.send("merge", fmt.Sprintf(`{"spec":{"restartAt":%q}}`, time.Now().UTC().Format(time.RFC3339)))
	sc.until("the restart is under way", func(ro *api.Rollout) bool { return ro.Status.Message == "rollout is restarting" })
	time.Sleep(3 * time.Second) // nothing may happen
	if now, err := sc.stage.Pods(sc.Context(), ro.Status.StableRS); err != nil || replaced(before, now) != 0 {
		t.Fatalf("%d pods were replaced against the budget (%v)", replaced(before, now), err)
	}
	out, err := sc.sluice("get", "rollout", "rollouts-demo")
	sc.must(err)
	sc.says("get rollout", out, "0 of 5 pods replaced", "disruption budget shop")

	_, err = sc.kubectl("patch", "pdb", "shop", "--type=merge", "-p", `{"spec":{"minAvailable":4}}`)
	sc.must(err)
	sc.until("the restart is over", func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhaseHealthy && ro.Spec.RestartAt.Equal(ro.Status.RestartedAt)
	})
	now, err := sc.stage.Pods(sc.Context(), ro.Status.StableRS)
	sc.must(err)
	if replaced(before, now) != 5 {
		t.Errorf("%d of 5 pods were replaced", replaced(before, now))
	}
	if n := seen.fewest(); n < 4 {
		t.Errorf("only %d pods served at one time, want 4 or more", n)
	}
}

// replaced counts the pods of before that are not there any more.
func replaced(before, now []corev1.Pod) (n int) {
	for _, old := range before {
		if !slices.ContainsFunc(now, func(p corev1.Pod) bool { return p.UID == old.UID }) {
			n++
		}
	}
	return n
}
