package e2e

import (
	"fmt"
	"testing"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// hands are the ways in which people steer an update.
type hands struct {
	abort, retry, promote, full func(sc *scene) error
}

func bySluice(args ...string) func(*scene) error {
	return func(sc *scene) error {
		_, err := sc.sluice(args...)
		return err
	}
}

func byPatch(patch string) func(*scene) error {
	return func(sc *scene) error {
		_, err := sc.kubectl("patch", "rollout", "rollouts-demo", "--subresource=status", "--type=merge", "-p", patch)
		return err
	}
}

func TestPeopleSteerAnUpdate(t *testing.T) {
	sc := play(t)
	// The last analysis would fail: promote --full is to skip it.
	bad := query("cpu", "vector(1)", `interval: 1s, count: 1, successCondition: "result[0] <= 0.004"`)
	sc.first(sc.rollout(`[{setWeight: 20}, {pause: {}}, {setWeight: 40}, {pause: {}}, `+analysis+`]`), template(bad))
	for version, story := range []struct {
		title string
		hands hands
	}{
		{"by the sluice command", hands{
			abort:   bySluice("abort", "rollouts-demo"),
			retry:   bySluice("retry", "rollout", "rollouts-demo"),
			promote: bySluice("promote", "rollouts-demo"),
			full:    bySluice("promote", "rollouts-demo", "--full"),
		}},
		{"by merge patches as other clients send them", hands{
			abort:   byPatch(`{"status":{"abort":true}}`),
			retry:   byPatch(`{"status":{"abort":false}}`),
			promote: byPatch(`{"status":{"pauseConditions":null}}`),
			full:    byPatch(`{"status":{"promoteFull":true}}`),
		}},
	} {
		t.Run(story.title, func(t *testing.T) { story.hands.steer(sc.of(t), fmt.Sprint(version+2)) })
	}
}

// steer takes an update back, starts it again, lets it go on by a step and then to the end.
func (h hands) steer(sc *scene, version string) {
	seen := sc.record()
	sc.ship(stage.Version{Name: version})
	sc.pausesAt(1, 1)
	sc.must(h.abort(sc))
	ro := sc.goesBack(patience)
	hash := ro.Status.CurrentPodHash
	sc.must(h.retry(sc))
	sc.pausesAt(1, 1)
	sc.must(h.promote(sc))
	sc.pausesAt(3, 2)
	sc.must(h.full(sc))
	ro = sc.becomes(api.RolloutPhaseHealthy, patience)

	if ro.Status.StableRS != hash {
		sc.Errorf("the stable revision is %s, want %s", ro.Status.StableRS, hash)
	}
	if runs := sc.runs(); len(runs) > 0 {
		sc.Errorf("promote --full did not skip the analysis: %s", runs[0].Name)
	}
	if n := seen.fewest(); n < 4 {
		sc.Errorf("only %d pods served at one time, want 4 or more", n)
	}
	sc.Logf("sizes of the canary: %v", seen.of(hash))
}

// pausesAt waits until the update pauses at a step, with so many canary pods serving.
func (sc *scene) pausesAt(step, canary int32) {
	sc.Helper()
	sc.until(fmt.Sprintf("a pause at step %d with %d canary pods", step, canary), func(ro *api.Rollout) bool {
		s := ro.Status
		return s.Phase == api.RolloutPhasePaused && s.CurrentStepIndex != nil && *s.CurrentStepIndex == step && s.UpdatedReplicas == canary
	})
}

func TestAnAbortedUpdateIsRetriedAfterAFix(t *testing.T) {
	sc := play(t)
	bad := query("cpu", "vector(1)", `interval: 1s, count: 1, successCondition: "result[0] <= 0.004"`)
	sc.first(sc.rollout(judged), template(bad))
	sc.ship(stage.Version{Name: "2"})
	aborted := sc.goesBack(patience)
	sc.apply(template(good))
	if _, err := sc.sluice("retry", "rollout", "rollouts-demo"); err != nil {
		t.Fatal(err)
	}
	ro := sc.becomes(api.RolloutPhaseHealthy, patience)
	if ro.Status.StableRS != aborted.Status.CurrentPodHash {
		t.Errorf("the stable revision is %s, want the retried %s", ro.Status.StableRS, aborted.Status.CurrentPodHash)
	}
	var got []api.AnalysisPhase
	for _, run := range sc.runs() {
		got = append(got, run.Status.Phase)
	}
	if fmt.Sprint(got) != fmt.Sprint([]api.AnalysisPhase{api.AnalysisPhaseFailed, api.AnalysisPhaseSuccessful}) {
		t.Errorf("the runs are %v, want a failed one and a successful one", got)
	}
}
