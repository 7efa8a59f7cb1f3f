package decide

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
)

// restartNow is when the restarts of these tests were asked for; now is ten seconds later.
var restartNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fleetOf is a Rollout in which replicas pods of the revision "stable" serve, made a minute before a
// restart was asked for, and so many may be missing.
func fleetOf(replicas, missing int32) RolloutInput {
	unavailable := intstr.FromInt32(missing)
	at := metav1.NewTime(restartNow)
	ro := &api.Rollout{}
	ro.Name, ro.Generation = "ro", 1
	ro.Spec = api.RolloutSpec{
		Replicas: &replicas, Template: template("app:1"), RestartAt: &at,
		Strategy: api.RolloutStrategy{Canary: &api.CanaryStrategy{MaxUnavailable: &unavailable}},
	}
	hash := PodHash(&ro.Spec.Template, nil)
	ro.Status = api.RolloutStatus{CurrentPodHash: hash, StableRS: hash, CurrentStepHash: StepHash(nil)}
	in := RolloutInput{Rollout: ro, Now: restartNow.Add(10 * time.Second)}
	in.Observed.ReplicaSets = []ReplicaSet{{
		Name: "stable", Hash: hash, Revision: 1, Wanted: replicas, Replicas: replicas, Ready: replicas, Available: replicas,
		Observed: true, DesiredReplicas: replicas,
	}}
	for i := range replicas {
		made := restartNow.Add(time.Duration(i)*time.Second - time.Minute)
		in.Observed.Pods = append(in.Observed.Pods, Pod{
			Name: fmt.Sprintf("pod-%d", i), UID: types.UID(fmt.Sprintf("uid-%d", i)), Hash: hash, CreatedAt: made, ReadyAt: made.Add(time.Second),
		})
	}
	return in
}

// canaryOf adds a revision in mid-update: so many of the pods are its own.
func canaryOf(in RolloutInput, pods int) RolloutInput {
	weight, index := int32(20), int32(0)
	in.Rollout.Spec.Strategy.Canary.Steps = []api.CanaryStep{{SetWeight: &weight}, {Pause: &api.RolloutPause{}}}
	in.Rollout.Spec.Template = template("app:2")
	stable := &in.Observed.ReplicaSets[0]
	canary := *stable
	canary.Name, canary.Hash, canary.Revision = "canary", PodHash(&in.Rollout.Spec.Template, nil), 2
	n := int32(pods)
	canary.Wanted, canary.Replicas, canary.Ready, canary.Available = n, n, n, n
	stable.Wanted, stable.Replicas, stable.Ready, stable.Available = stable.Wanted-n, stable.Replicas-n, stable.Ready-n, stable.Available-n
	for i := range pods {
		in.Observed.Pods[i].Hash = canary.Hash
	}
	in.Observed.ReplicaSets = append(in.Observed.ReplicaSets, canary)
	in.Rollout.Status.CurrentPodHash = canary.Hash
	in.Rollout.Status.CurrentStepHash = StepHash(in.Rollout.Spec.Strategy.Canary.Steps)
	in.Rollout.Status.CurrentStepIndex = &index
	return in
}

// goes writes the evictions of a plan as "pod" or, where it relies on pods that serve, "pod relies on n+m".
func goes(plan Plan[api.RolloutStatus]) (all []string) {
	for _, action := range plan.Actions {
		gone, ok := action.(PodGone)
		if !ok {
			continue
		}
		var on []string
		for _, c := range gone.Relies {
			on = append(on, fmt.Sprint(c.Available))
		}
		text := gone.Name
		if len(on) > 0 {
			text += " relies on " + strings.Join(on, "+")
		}
		all = append(all, text)
	}
	return all
}

func TestWhichPodsARestartTakes(t *testing.T) {
	cases := []struct {
		name string
		in   func() RolloutInput
		want []string
	}{
		{"one of five may be missing: the oldest goes", func() RolloutInput { return fleetOf(5, 1) }, []string{"pod-0 relies on 5"}},
		{"two may: the second relies on what the first leaves", func() RolloutInput { return fleetOf(5, 2) },
			[]string{"pod-0 relies on 5", "pod-1 relies on 4"}},
		{"none may: one goes all the same", func() RolloutInput { return fleetOf(5, 0) }, []string{"pod-0 relies on 5"}},
		{"the only one, too", func() RolloutInput { return fleetOf(1, 0) }, []string{"pod-0 relies on 1"}},
		{"one is missing already", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Observed.ReplicaSets[0].Available = 4
			in.Observed.Pods[4].ReadyAt, in.Observed.Pods[4].CreatedAt = time.Time{}, restartNow.Add(time.Second)
			return in
		}, nil},
		{"one is on its way out, although the ReplicaSet still counts it", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Observed.Pods[2].Deleting = true
			return in
		}, nil},
		{"those that are not ready go first, together and for nothing", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Observed.ReplicaSets[0].Available = 3
			in.Observed.Pods[1].ReadyAt, in.Observed.Pods[3].ReadyAt = time.Time{}, time.Time{}
			return in
		}, []string{"pod-1", "pod-3"}},
		{"pods made since, also in the same second, are new", func() RolloutInput {
			in := fleetOf(5, 1)
			half := metav1.NewTime(restartNow.Add(time.Second / 2))
			in.Rollout.Spec.RestartAt = &half
			in.Observed.Pods[0].CreatedAt, in.Observed.Pods[1].CreatedAt = restartNow, restartNow.Add(time.Second)
			return in
		}, []string{"pod-2 relies on 5"}},
		{"pods of other owners are none of ours", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Observed.Pods[0].Hash = "of another rollout"
			in.Observed.ReplicaSets[0].Wanted, in.Observed.ReplicaSets[0].Available = 4, 4
			*in.Rollout.Spec.Replicas = 4
			return in
		}, []string{"pod-1 relies on 4"}},
		{"the stable revision before the new one", func() RolloutInput { return canaryOf(fleetOf(5, 1), 1) }, []string{"pod-1 relies on 4+1"}},
		{"a size that this pass lowers is not there any more", func() RolloutInput {
			in := canaryOf(fleetOf(5, 1), 1)
			in.Rollout.Status.Abort = true // the canary goes, which leaves four
			return in
		}, nil},
		{"where no pods are wanted they go by themselves", func() RolloutInput {
			in := fleetOf(5, 1)
			*in.Rollout.Spec.Replicas = 0
			return in
		}, nil},
		{"while the spec is invalid", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Observed.Invalid = []string{"spec.strategy.canary.steps[0].setWeight: is 200"}
			return in
		}, []string{"pod-0 relies on 5"}},
		{"while it is paused by hand", func() RolloutInput {
			in := canaryOf(fleetOf(5, 1), 2)
			in.Rollout.Spec.Paused = true
			return in
		}, []string{"pod-2 relies on 3+2"}},
		{"nothing before its time", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Now = restartNow.Add(-time.Second)
			return in
		}, nil},
		{"nothing when it was carried out, also where status has whole seconds only", func() RolloutInput {
			in := fleetOf(5, 1)
			half, done := metav1.NewTime(restartNow.Add(time.Second/2)), metav1.NewTime(restartNow)
			in.Rollout.Spec.RestartAt, in.Rollout.Status.RestartedAt = &half, &done
			return in
		}, nil},
		{"nothing while the pods were not looked at", func() RolloutInput {
			in := fleetOf(5, 1)
			in.Observed.Pods = nil
			return in
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, goes(Rollout(c.in()))); diff != "" {
				t.Errorf("evictions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyPodsThatServeNobodyGoInSeveralPasses(t *testing.T) {
	in := fleetOf(120, 1)
	for i := range in.Observed.Pods {
		in.Observed.Pods[i].ReadyAt = time.Time{}
	}
	if n := len(goes(Rollout(in))); n != evictionsEach {
		t.Errorf("%d evictions in one pass, want %d", n, evictionsEach)
	}
}

func TestAfterARefusalTheServerIsAskedLessAndLess(t *testing.T) {
	const why = "The disruption budget b needs 5 healthy pods and has 5 currently"
	now := restartNow.Add(10 * time.Second)
	cases := []struct {
		name        string
		since, last time.Duration // before now
		ready       time.Duration // before now, of the youngest pod
		asks        bool
		again       time.Duration // from now
	}{
		{"refused for the first time just now", 0, 0, time.Minute, false, time.Second},
		{"a second has passed", time.Second, time.Second, time.Minute, true, time.Second},
		{"refused for four seconds", 6 * time.Second, 2 * time.Second, time.Minute, false, 2 * time.Second},
		{"a pod has become ready since the first refusal", 9 * time.Second, 2 * time.Second, 4 * time.Second, true, time.Second},
		{"a pod has become ready since the last one", 9 * time.Second, 8 * time.Second, time.Second, true, time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := fleetOf(5, 1)
			in.Now = now
			in.Observed.Pods[3].Refused = why
			in.Observed.Pods[3].RefusedSince, in.Observed.Pods[3].RefusedAt = now.Add(-c.since), now.Add(-c.last)
			in.Observed.Pods[4].ReadyAt = now.Add(-c.ready)
			plan := Rollout(in)
			if asks := len(goes(plan)) > 0; asks != c.asks {
				t.Errorf("evictions %v, want %v", goes(plan), c.asks)
			}
			if again := plan.Again.Sub(now); again != c.again {
				t.Errorf("looks again after %s, want %s", again, c.again)
			}
		})
	}
	t.Run("for ever, but at least every half minute", func(t *testing.T) {
		in := fleetOf(5, 1)
		in.Now = restartNow.Add(time.Hour)
		for i := range in.Observed.Pods {
			in.Observed.Pods[i].Refused, in.Observed.Pods[i].RefusedSince = why, restartNow
			in.Observed.Pods[i].RefusedAt = in.Now.Add(-time.Duration(20+i) * time.Second)
		}
		plan := Rollout(in)
		if len(goes(plan)) > 0 || plan.Again.Sub(in.Now) != 10*time.Second || !strings.Contains(plan.Reason.Message, why) {
			t.Errorf("evictions %v, again in %s, because %q", goes(plan), plan.Again.Sub(in.Now), plan.Reason.Message)
		}
		in.Now = in.Now.Add(10 * time.Second)
		if got := goes(Rollout(in)); len(got) != 1 || got[0] != "pod-4 relies on 5" {
			t.Errorf("evictions %v, want the one that was refused the longest ago", got)
		}
	})
	t.Run("and told again once it has lasted, after something had moved", func(t *testing.T) {
		in := fleetOf(5, 1)
		in.Observed.Pods[0].Refused, in.Observed.Pods[0].RefusedSince, in.Observed.Pods[0].RefusedAt = why, restartNow.Add(time.Second), restartNow.Add(2*time.Second)
		status := Rollout(in).Status // told for the first time
		in.Rollout.Status = Rollout(RolloutInput{Rollout: withStatus(in.Rollout, status), Observed: in.Observed, Now: in.Now}).Status
		if n := strings.Count(fmt.Sprint(reasons(in.Rollout.Status)), "EvictionRefused"); n != 1 {
			t.Fatalf("told %d times: %q", n, reasons(in.Rollout.Status))
		}
		in.Observed.Pods[4].ReadyAt = restartNow.Add(20 * time.Second)
		in.Observed.Pods[0].RefusedAt, in.Observed.Pods[0].CreatedAt = time.Time{}, restartNow.Add(19*time.Second) // it was replaced
		in.Observed.Pods[1].Refused, in.Observed.Pods[1].RefusedSince = why, restartNow.Add(21*time.Second)
		for _, refused := range []time.Duration{25 * time.Second, 50 * time.Second, 52 * time.Second, 90 * time.Second} {
			in.Observed.Pods[1].RefusedAt = restartNow.Add(refused)
			in.Now = restartNow.Add(refused + time.Second)
			in.Rollout.Status = Rollout(in).Status
			want := 1
			if refused > 51*time.Second {
				want = 2
			}
			if n := strings.Count(fmt.Sprint(reasons(in.Rollout.Status)), "EvictionRefused"); n != want {
				t.Errorf("after %s told %d times, want %d: %q", refused, n, want, reasons(in.Rollout.Status))
			}
		}
	})
	t.Run("what refused an earlier restart says nothing", func(t *testing.T) {
		in := fleetOf(5, 1)
		in.Observed.Pods[0].Refused, in.Observed.Pods[0].RefusedSince, in.Observed.Pods[0].RefusedAt = why, restartNow.Add(-time.Hour), restartNow.Add(-time.Second)
		plan := Rollout(in)
		if len(goes(plan)) != 1 || strings.Contains(fmt.Sprint(plan.Reason, plan.Status.Decisions), why) {
			t.Errorf("evictions %v, because %q, decisions %+v", goes(plan), plan.Reason.Message, plan.Status.Decisions)
		}
	})
}

func withStatus(ro *api.Rollout, status api.RolloutStatus) *api.Rollout {
	next := ro.DeepCopy()
	next.Status = status
	return next
}

// reasons are those of the decisions about restarts.
func reasons(s api.RolloutStatus) (all []string) {
	for _, d := range s.Decisions {
		all = append(all, d.Reason+": "+d.Message)
	}
	return all
}

func TestARestartIsToldOnce(t *testing.T) {
	in := fleetOf(3, 1)
	told := []string{"RestartStarted: A restart was asked for: 3 pods created before 2026-03-01T12:00:00Z (spec.restartAt) are to be replaced, at most 1 at a time."}
	for range 2 {
		plan := Rollout(in)
		if diff := cmp.Diff(told, reasons(plan.Status)); diff != "" {
			t.Errorf("decisions (-want +got):\n%s", diff)
		}
		if plan.Status.Phase != api.RolloutPhaseProgressing || plan.Status.Message != "rollout is restarting" || plan.Status.RestartedAt != nil {
			t.Errorf("phase %s %q, restarted at %v", plan.Status.Phase, plan.Status.Message, plan.Status.RestartedAt)
		}
		in.Rollout.Status = plan.Status
		in.Now = in.Now.Add(time.Second)
	}
	for i := range in.Observed.Pods {
		in.Observed.Pods[i].CreatedAt = in.Now
	}
	in.Observed.Pods[2].Deleting = true
	unsettled := Rollout(in)
	if diff := cmp.Diff(told, reasons(unsettled.Status)); diff != "" || unsettled.Again.Sub(in.Now) != time.Second {
		t.Errorf("while a ReplicaSet counts a pod that is gone, again in %s, decisions (-want +got):\n%s", unsettled.Again.Sub(in.Now), diff)
	}
	in.Observed.ReplicaSets[0].Available, in.Observed.ReplicaSets[0].Replicas = 2, 2
	plan := Rollout(in)
	told = append(told, "RestartEnded: The restart is complete: no pod is left that was created before 2026-03-01T12:00:00Z.")
	if diff := cmp.Diff(told, reasons(plan.Status)); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	if plan.Status.RestartedAt == nil || !plan.Status.RestartedAt.Equal(in.Rollout.Spec.RestartAt) {
		t.Errorf("restarted at %v", plan.Status.RestartedAt)
	}
	in.Rollout.Status = plan.Status
	if !CountsPods(in.Rollout, in.Now.Add(restartEcho-time.Second)) || CountsPods(in.Rollout, in.Now.Add(restartEcho)) {
		t.Error("pods are counted for a moment after a restart, and no longer")
	}
}

func TestARestartOfNewPodsIsOverAtOnce(t *testing.T) {
	in := fleetOf(2, 1)
	for i := range in.Observed.Pods {
		in.Observed.Pods[i].CreatedAt = restartNow
	}
	plan := Rollout(in)
	want := []string{"RestartEnded: There was nothing to restart: no pod was created before 2026-03-01T12:00:00Z (spec.restartAt)."}
	if diff := cmp.Diff(want, reasons(plan.Status)); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	if len(goes(plan)) > 0 || plan.Status.RestartedAt == nil {
		t.Errorf("evictions %v, restarted at %v", goes(plan), plan.Status.RestartedAt)
	}
}

func TestAFullPromotionIsToldOnceBesideARestart(t *testing.T) {
	in := canaryOf(fleetOf(5, 1), 1)
	in.Rollout.Status.PromoteFull = true
	for range 3 {
		in.Rollout.Status = Rollout(in).Status
	}
	told := fmt.Sprint(reasons(in.Rollout.Status))
	if strings.Count(told, DecidedFull) != 1 || strings.Count(told, DecidedRestart) != 1 {
		t.Errorf("decisions are %s", told)
	}
}
