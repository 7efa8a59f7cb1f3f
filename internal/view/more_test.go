package view

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// A picture that is too tall for its window is folded before anything of it is cut off.
func TestFittedFoldsWhatMattersLeast(t *testing.T) {
	s := scene(t, "failed.yaml", "2026-11-23T10:03:20Z")
	heights := []int{0, 60, 24, 20, 5}
	var got []int
	for _, height := range heights {
		page := Fitted(s, 80, height)
		got = append(got, len(page))
		text := page.Text(80, nil)
		for _, always := range []string{"✖ Degraded", "success-rate 0.0123 > 0.004 (308 %)", "…7bf84f9696"} {
			if !strings.Contains(text, always) && !strings.Contains(text, strings.Replace(always, "…", "rollouts-demo-", 1)) {
				t.Errorf("in %d lines it lacks %q:\n%s", height, always, text)
			}
		}
	}
	full := len(Rollout(s, 80))
	if got[0] != full || got[1] != full || got[2] > 24 || got[3] > 24 || got[4] != got[3] {
		t.Errorf("in %v lines the picture has %v lines", heights, got)
	}
	folded := Fitted(s, 80, 5).Text(80, nil)
	for _, want := range []string{"Desired 5 · Current 5", "0/9 · SetWeight 0 · ActualWeight 0", "□ 5 pods"} {
		if !strings.Contains(folded, want) {
			t.Errorf("the folded picture lacks %q:\n%s", want, folded)
		}
	}
}

func TestRestartIsShown(t *testing.T) {
	const rollout = "metadata: {name: shop, uid: u}\nspec: {replicas: 3, restartAt: 2026-01-01T00:10:00Z}\nstatus: {observedGeneration: '1', phase: Progressing, message: rollout is restarting, currentPodHash: aaa, stableRS: %s%s}"
	const set = "kind: ReplicaSet\nmetadata: {name: shop-aaa, uid: r, labels: {rollouts-pod-template-hash: aaa}, ownerReferences: [{uid: u, controller: true}]}"
	pod := func(name, created string) string {
		return "kind: Pod\nmetadata: {name: " + name + ", creationTimestamp: " + created + ", ownerReferences: [{uid: r, controller: true}]}"
	}
	refused := func(at string) string {
		return ", decisions: [{reason: EvictionRefused, at: 2026-01-01T" + at + ", message: 'Pod a may not be evicted now: the budget b.'}]"
	}
	tests := []struct{ name, stable, more, now, want string }{
		{"under way", "aaa", "", "00:11:00", "Waiting for:     the restart: 1 of 3 pods replaced"},
		{"beside an update", "bbb", "", "00:11:00", "Waiting for:     the restart: 1 of 3 pods replaced; canary pods: 0 of 1"},
		{"beside an update that is paused", "bbb", ", pauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}]", "00:11:00", "Restart:         1 of 3 pods replaced"},
		{"still to come", "aaa", "", "00:05:00", "Restart:         at 00:10:00, in 5m"},
		{"refused", "aaa", refused("00:10:40Z"), "00:11:00", "the restart: 1 of 3 pods replaced. Pod a may not be evicted"},
		{"refused a while ago", "aaa", refused("00:10:20Z"), "00:11:00", "Waiting for:     the restart: 1 of 3 pods replaced\n"},
		{"done", "aaa", ", restartedAt: 2026-01-01T00:10:00Z", "00:11:00", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now, err := time.Parse(time.DateTime, "2026-01-01 "+test.now)
			if err != nil {
				t.Fatal(err)
			}
			s := Scene{Now: now}
			text := strings.Replace(strings.Replace(rollout, "%s", test.stable, 1), "%s", test.more, 1)
			for _, document := range []string{"kind: Rollout\n" + text, set, pod("a", "2026-01-01T00:00:00Z"), pod("b", "2026-01-01T00:00:00Z"), pod("c", "2026-01-01T00:10:30Z")} {
				s.take(t, document)
			}
			picture := Rollout(s, 80).Text(80, nil)
			if !strings.Contains(picture, test.want) || test.want == "" && strings.Contains(strings.ToLower(picture), "restart:") {
				t.Errorf("it lacks %q:\n%s", test.want, picture)
			}
		})
	}
}

func TestRunPictures(t *testing.T) {
	for file, now := range map[string]string{"measuring": "2026-11-23T10:02:41Z", "failed": "2026-11-23T10:03:20Z", "loaded": "2026-11-23T10:03:20Z"} {
		s := scene(t, file+".yaml", now)
		run := RunScene{Run: &s.Runs[0], Jobs: s.Jobs, Now: s.Now}
		golden(t, "run-"+file, Run(run, 80).Text(80, nil))
		golden(t, "why-run-"+file, WhyRun(run, 80).Text(80, nil))
		for _, width := range []int{1, 10, 40} {
			for _, line := range strings.Split(Run(run, width).Text(width, nil), "\n") {
				if columns(line) > width {
					t.Errorf("%s: a line of %d columns in %d: %q", file, columns(line), width, line)
				}
			}
		}
	}
}

func TestTableTellsWhatIsNew(t *testing.T) {
	rollout := func(name, phase string) api.Rollout {
		return object[api.Rollout](t, "metadata: {name: "+name+", namespace: n, creationTimestamp: 2026-01-01T00:00:00Z}\nstatus: {observedGeneration: '1', phase: "+phase+"}")
	}
	at := func(minutes int) Columns {
		return Columns{Wide: true, Now: time.Date(2026, 1, 1, 0, minutes, 0, 0, time.UTC)}
	}
	first := List([]api.Rollout{rollout("one", "Paused"), rollout("two", "Healthy"), rollout("three", "Healthy")}, at(1))
	second := List([]api.Rollout{rollout("one", "Healthy"), rollout("two", "Healthy"), rollout("four", "Healthy")}, at(2))
	names := func(page Page) (all []string) {
		for _, line := range page {
			text := strings.Fields(Page{line}.Text(0, nil))
			all = append(all, text[0]+" "+text[len(text)-1])
		}
		return all
	}
	if diff := cmp.Diff([]string{"NAME AGE", "one 1m", "two 1m", "three 1m"}, names(first.Since(Table{}))); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one 2m", "four 2m", "three deleted"}, names(second.Since(first))); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
	if page := second.Since(second); len(page) > 0 {
		t.Errorf("nothing is new, and it tells %q", page.Text(0, nil))
	}
}

func TestAbortedInOneLine(t *testing.T) {
	const steps = "metadata: {name: shop}\nspec: {strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}}\nstatus: {abort: true, decisions: [%]}"
	now := time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)
	tests := []struct{ name, decision, want string }{
		{"with the number that decided", "{at: 2026-01-01T00:00:00Z, reason: Aborted, step: 1, message: long, evidence: [{metric: errors, phase: Failed, threshold: 0.02 > 0.01}]}", "errors 0.02 > 0.01 (200 %) · step 2 of 2 · 1m ago"},
		{"with an error instead of a number", "{at: 2026-01-01T00:00:00Z, reason: Aborted, step: 0, evidence: [{metric: errors, phase: Error, message: the server answered 403}]}", "errors the server answered 403 · step 1 of 2 · 1m ago"},
		{"by hand", "{at: 2026-01-01T00:00:00Z, reason: Aborted, message: The update was aborted by hand.}", "The update was aborted by hand · 1m ago"},
		{"without a record", "{at: 2026-01-01T00:00:00Z, reason: UpdateStarted}", ""},
	}
	for _, test := range tests {
		ro := object[api.Rollout](t, strings.Replace(steps, "%", test.decision, 1))
		if got := (Scene{Rollout: &ro, Now: now}).aborted(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestStepsAroundThePresentOne(t *testing.T) {
	steps := strings.Repeat("{setWeight: 1}, {pause: {duration: 1}}, ", 20)
	ro := object[api.Rollout](t, "spec: {strategy: {canary: {steps: ["+steps+"]}}}\nstatus: {currentStepIndex: 20}")
	text := strings.Join(strings.Fields((Scene{Rollout: &ro}).steps(0).Text(0, nil)), " ")
	if !strings.HasPrefix(text, "Steps: ✔ 13 done ✔ pause 1s ✔ setWeight 1") || !strings.Contains(text, "✔ pause 1s ▸ setWeight 1 • pause 1s") || !strings.HasSuffix(text, "• 12 more") {
		t.Errorf("the steps are %q", text)
	}
}

func TestStepsThatWereSkipped(t *testing.T) {
	const rollout = "spec: {strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {}}, {setWeight: 80}]}}}\nstatus: {currentPodHash: b, currentStepIndex: %, decisions: ["
	const begun, skipped = "{reason: UpdateStarted, revision: b, step: 0}", "{reason: StepSkipped, revision: b, step: 1, nextStep: 3}"
	tests := []struct{ name, at, decisions, want string }{
		{"nothing was skipped", "3", begun, "✔ setWeight 20 ✔ pause ✔ setWeight 60 ▸ pause • setWeight 80"},
		{"two steps were skipped", "3", begun + "," + skipped, "✔ setWeight 20 » pause » setWeight 60 ▸ pause • setWeight 80"},
		{"the range has no end", "3", begun + ",{reason: StepSkipped, revision: b, step: 2}", "✔ setWeight 20 ✔ pause » setWeight 60 ▸ pause • setWeight 80"},
		{"those of an earlier revision do not count", "3", "{reason: StepSkipped, revision: a, step: 1, nextStep: 3}," + begun, "✔ setWeight 20 ✔ pause ✔ setWeight 60 ▸ pause • setWeight 80"},
		{"an earlier attempt does not count", "3", skipped + ",{reason: Retried, revision: b, step: 0}", "✔ setWeight 20 ✔ pause ✔ setWeight 60 ▸ pause • setWeight 80"},
		{"one was taken after all", "4", begun + "," + skipped + ",{reason: SentBack, revision: b, step: 3, nextStep: 2},{reason: StepCompleted, revision: b, step: 2}", "✔ setWeight 20 » pause ✔ setWeight 60 ✔ pause ▸ setWeight 80"},
		{"what was skipped is still to come", "1", begun + "," + skipped + ",{reason: SentBack, revision: b, step: 3, nextStep: 1}", "✔ setWeight 20 ▸ pause • setWeight 60 • pause • setWeight 80"},
		{"the numbers are those of nobody", "5", begun + ",{reason: StepSkipped, revision: b, step: -7, nextStep: 2000000000}", "✔ setWeight 20 ✔ pause ✔ setWeight 60 ✔ pause ✔ setWeight 80"},
	}
	for _, test := range tests {
		ro := object[api.Rollout](t, strings.Replace(rollout, "%", test.at, 1)+test.decisions+"]}")
		if got := strings.Join(strings.Fields((Scene{Rollout: &ro}).steps(0).Text(0, nil)), " "); got != "Steps: "+test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

func TestAgesHaveOneForm(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 60 * time.Second: "1m", 114 * time.Second: "1m54s", 2 * time.Minute: "2m",
		150 * time.Second: "2m30s", 62 * time.Minute: "62m", 50 * time.Hour: "2d2h",
	} {
		at := now.Add(-age)
		if got := (Scene{Now: now}).age(metav1.NewTime(at)); got != want {
			t.Errorf("%s ago: %s, want %s", age, got, want)
		}
		if got := (Columns{Now: now}).age(at); got != want {
			t.Errorf("%s ago, in a list: %s, want %s", age, got, want)
		}
	}
}

func TestAJobsVerdictHasItsUnit(t *testing.T) {
	const job = "{name: load, provider: {job: {spec: {template: {spec: {containers: [{name: c, image: i}]}}}}}}"
	ro := object[api.Rollout](t, "metadata: {name: shop, uid: u}\nspec: {strategy: {canary: {steps: [{setWeight: 20}]}}}\nstatus: {observedGeneration: '1', abort: true, phase: Degraded, decisions: [{at: 2026-01-01T00:00:00Z, reason: Aborted, step: 0, message: m, evidence: [{metric: load, phase: Failed, value: '2', run: r}]}]}")
	run := object[api.AnalysisRun](t, "metadata: {name: r, ownerReferences: [{uid: u, controller: true, apiVersion: a, kind: Rollout, name: shop}]}\nspec: {metrics: ["+job+"]}")
	s := Scene{Rollout: &ro, Runs: []api.AnalysisRun{run}, Now: time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)}
	if picture := Rollout(s, 0).Text(0, nil); !strings.Contains(picture, "load exit code 2 · step 1 of 1") {
		t.Errorf("the picture:\n%s", picture)
	}
	if why := Why(s, 0).Text(0, nil); !strings.Contains(why, "✖ load  exit code 2") {
		t.Errorf("the reasons:\n%s", why)
	}
	s.Runs = nil
	if why := Why(s, 0).Text(0, nil); !strings.Contains(why, "✖ load  2") {
		t.Errorf("without the run:\n%s", why)
	}
}

func TestARunThatIsOverWaitsForNothing(t *testing.T) {
	const refused = "metadata: {name: r}\nspec: {metrics: [{name: errors, provider: {prometheus: {query: q}}}]}\nstatus: {phase: Error, message: the spec is wrong}"
	run := object[api.AnalysisRun](t, refused)
	s := RunScene{Run: &run, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for what, text := range map[string]string{"the picture": Run(s, 0).Text(0, nil), "the reasons": WhyRun(s, 0).Text(0, nil)} {
		if !strings.Contains(text, "• errors  not measured") {
			t.Errorf("%s:\n%s", what, text)
		}
	}
}
