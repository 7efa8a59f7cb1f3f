package view

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestPhase(t *testing.T) {
	tests := []struct {
		name, rollout, want string
	}{
		{"what the controller says", "metadata: {generation: 2}\nstatus: {observedGeneration: '2', phase: Paused, message: CanaryPauseStep}", "Paused CanaryPauseStep"},
		{"a status older than the spec says nothing", "metadata: {generation: 3}\nstatus: {observedGeneration: '2', phase: Healthy}", "Progressing waiting for rollout spec update to be observed"},
		{"an observed generation that is a hash counts as observed", "metadata: {generation: 3}\nstatus: {observedGeneration: 5d8f7c, phase: Healthy}", "Healthy "},
		{"no status at all", "metadata: {generation: 1}", "Progressing waiting for rollout spec update to be observed"},
		{"a pause that somebody ended", "status: {observedGeneration: '1', phase: Paused, controllerPause: true}", "Progressing waiting for rollout to unpause"},
		{"a workload that changed", "metadata: {annotations: {rollout.argoproj.io/workload-generation: '2'}}\nspec: {workloadRef: {name: a}}\nstatus: {observedGeneration: '1', phase: Healthy, workloadObservedGeneration: '1'}", "Progressing waiting for rollout spec update to be observed for the reference workload"},
	}
	const noPhase = "status: {observedGeneration: '1', currentPodHash: b, "
	tests = append(tests, []struct{ name, rollout, want string }{
		{"no phase: an invalid spec", noPhase + "conditions: [{type: InvalidSpec, status: 'True', message: it is wrong, reason: InvalidSpec, lastUpdateTime: null, lastTransitionTime: null}]}", "Degraded InvalidSpec: it is wrong"},
		{"no phase: aborted", noPhase + "conditions: [{type: Progressing, status: 'False', message: it failed, reason: RolloutAborted, lastUpdateTime: null, lastTransitionTime: null}]}", "Degraded RolloutAborted: it failed"},
		{"no phase: paused by hand", "spec: {paused: true}\n" + noPhase + "}", "Paused manually paused"},
		{"no phase: paused by a step", noPhase + "pauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}]}", "Paused CanaryPauseStep"},
		{"no phase: restarting", "spec: {restartAt: 2026-01-01T00:00:00Z}\n" + noPhase + "}", "Progressing rollout is restarting"},
		{"no phase: pods to update", noPhase + "}", "Progressing more replicas need to be updated"},
		{"no phase: pods to come", noPhase + "updatedReplicas: 1}", "Progressing updated replicas are still becoming available"},
		{"no phase: pods to go", noPhase + "updatedReplicas: 1, availableReplicas: 1, replicas: 2}", "Progressing old replicas are pending termination"},
		{"no phase: steps to do", noPhase + "stableRS: a, updatedReplicas: 1, availableReplicas: 1, replicas: 1}", "Progressing waiting for all steps to complete"},
		{"no phase: done", noPhase + "stableRS: b, updatedReplicas: 1, availableReplicas: 1, replicas: 1}", "Healthy "},
		{"no phase: a switch to do", "spec: {strategy: {blueGreen: {activeService: a}}}\n" + noPhase + "updatedReplicas: 1, availableReplicas: 1}", "Progressing active service cutover pending"},
		{"no phase: a switch to judge", "spec: {strategy: {blueGreen: {activeService: a}}}\n" + noPhase + "stableRS: a, blueGreen: {activeSelector: b}, updatedReplicas: 1, availableReplicas: 1}", "Progressing waiting for analysis to complete"},
		{"no phase: switched", "spec: {strategy: {blueGreen: {activeService: a}}}\n" + noPhase + "stableRS: b, blueGreen: {activeSelector: b}, updatedReplicas: 1, availableReplicas: 1}", "Healthy "},
	}...)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ro := object[api.Rollout](t, test.rollout)
			phase, message := Phase(&ro)
			if got := string(phase) + " " + message; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWaiting(t *testing.T) {
	const update = "metadata: {name: shop, uid: u}\nspec: {strategy: {canary: {steps: [{setWeight: 20}, {pause: {duration: 300}}, {pause: {duration: 2h}}, {setWeight: 50}]}}}\n"
	status := func(fields string) string {
		return update + "status: {observedGeneration: '1', currentPodHash: bbb, stableRS: aaa, " + fields + "}"
	}
	tests := []struct{ name, rollout, want string }{
		{"nothing at rest", "status: {observedGeneration: '1', phase: Healthy}", ""},
		{"a pause in seconds", status("phase: Paused, currentStepIndex: 1, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}]"),
			"the pause of 300s to end: resumes in 4m, at 00:05:00"},
		{"a pause with a unit", status("phase: Paused, currentStepIndex: 2, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}]"),
			"the pause of 2h to end: resumes in 1h59m, at 02:00:00"},
		{"a pause that is over", status("phase: Paused, currentStepIndex: 1, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep, startTime: 2025-12-31T00:00:00Z}]"),
			"the controller to end the pause of 300s, which is over"},
		{"an inconclusive analysis", status("phase: Paused, currentStepIndex: 0, controllerPause: true, pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}]"),
			"somebody to decide, as the analysis was inconclusive: `sluice resume shop` measures again, `sluice promote shop` goes on without the check, `sluice abort shop` goes back"},
		{"an inconclusive experiment", status("phase: Paused, currentStepIndex: 0, controllerPause: true, pauseConditions: [{reason: InconclusiveExperiment, startTime: 2026-01-01T00:00:00Z}]"),
			"somebody to decide, as the experiment was inconclusive: `sluice resume shop` runs another one, `sluice promote shop` goes on without the check, `sluice abort shop` goes back"},
		{"an inconclusive background analysis, whatever the step waits for", status("phase: Paused, currentStepIndex: 1, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}, {reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}], canary: {currentBackgroundAnalysisRunStatus: {name: r, status: Inconclusive}}"),
			"somebody to decide, as the background analysis was inconclusive: `sluice resume shop` measures again, `sluice promote shop --full` goes on without any check, `sluice abort shop` goes back"},
		{"a pause that somebody ended", status("phase: Paused, currentStepIndex: 1, controllerPause: true"), "the controller to act on the end of the pause"},
		{"pods of the canary", status("phase: Progressing, currentStepIndex: 0"), "canary pods: 1 of 2 available"},
		{"an abort with nothing to go back to", status("phase: Degraded, abort: true, currentStepIndex: 0, message: \"RolloutAborted: There is no stable ReplicaSet to go back to: revision 2 goes on serving.\""),
			"a corrected version: there is no stable ReplicaSet to go back to, so the aborted version serves"},
		{"the canary after an abort", status("phase: Degraded, abort: true, currentStepIndex: 0"), "the last 2 pods of the aborted version to end"},
		{"a pause by hand", strings.Replace(status("phase: Paused, currentStepIndex: 0"), "spec: {", "spec: {paused: true, ", 1), "somebody to end the pause by hand: `sluice resume shop`"},
		{"the controller", update, "the controller to see the latest change"},
		{"the server, which cannot tell what the latest change is", update + "status: {message: 'Waiting for the API server to say so.'}", "the API server to say so."},
	}
	canary := object[appsv1.ReplicaSet](t, "metadata: {uid: r, labels: {rollouts-pod-template-hash: bbb}, ownerReferences: [{uid: u, controller: true}]}\nspec: {replicas: 2}\nstatus: {replicas: 2, availableReplicas: 1}")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ro := object[api.Rollout](t, test.rollout)
			got := Waiting(Scene{Rollout: &ro, ReplicaSets: []appsv1.ReplicaSet{canary}, Now: time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)})
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestPodsInTheWordsOfKubectl(t *testing.T) {
	tests := []struct{ name, pod, want string }{
		{"running and ready", "status: {phase: Running, conditions: [{type: Ready, status: 'True'}], containerStatuses: [{ready: true, state: {running: {}}}]}", "✔ Running"},
		{"running and not ready", "status: {phase: Running, conditions: [{type: Ready, status: 'False'}], containerStatuses: [{state: {running: {}}}]}", "◌ Running"},
		{"crashing", "status: {phase: Running, containerStatuses: [{state: {waiting: {reason: CrashLoopBackOff}}}]}", "✖ CrashLoopBackOff"},
		{"out of memory", "status: {phase: Failed, containerStatuses: [{state: {terminated: {reason: OOMKilled, exitCode: 137}}}]}", "✖ OOMKilled"},
		{"an exit code without a reason", "status: {phase: Failed, containerStatuses: [{state: {terminated: {exitCode: 3}}}]}", "✖ ExitCode:3"},
		{"killed by a signal", "status: {phase: Failed, containerStatuses: [{state: {terminated: {signal: 9}}}]}", "✖ Signal:9"},
		{"evicted", "status: {phase: Failed, reason: Evicted}", "✖ Evicted"},
		{"being deleted", "metadata: {deletionTimestamp: 2026-01-01T00:00:00Z}\nstatus: {phase: Running}", "◌ Terminating"},
		{"its node is lost", "metadata: {deletionTimestamp: 2026-01-01T00:00:00Z}\nstatus: {phase: Running, reason: NodeLost}", "✖ Unknown"},
		{"initialising", "spec: {initContainers: [{}, {}]}\nstatus: {phase: Pending, initContainerStatuses: [{state: {terminated: {exitCode: 0}}}, {state: {running: {}}}]}", "◌ Init:1/2"},
		{"an init container that crashes", "spec: {initContainers: [{}]}\nstatus: {phase: Pending, initContainerStatuses: [{state: {waiting: {reason: CrashLoopBackOff}}}]}", "✖ Init:CrashLoopBackOff"},
		{"a sidecar that runs is no init container to wait for", "spec: {initContainers: [{restartPolicy: Always}]}\nstatus: {phase: Running, initContainerStatuses: [{started: true, state: {running: {}}}], containerStatuses: [{ready: true, state: {running: {}}}]}", "✔ Running"},
		{"one of two containers has ended", "status: {phase: Running, containerStatuses: [{state: {terminated: {reason: Completed}}}, {state: {running: {}}}]}", "✔ Running"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pod := object[corev1.Pod](t, test.pod)
			if got := podMark(&pod).String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestProgressAgainstLimits(t *testing.T) {
	last := func(threshold string, phase api.AnalysisPhase) string {
		return ", measurements: [{phase: " + string(phase) + ", finishedAt: 2026-01-01T00:00:00Z, value: v, metadata: {sluice.dev/threshold: '" + threshold + "', sluice.dev/condition: 'result[0] <= 0.004'}}]}"
	}
	tests := []struct{ name, metric, result, want string }{
		{"nothing yet", "{}", "{}", "0 of 1 measured"},
		{"without end", "{interval: 1s}", "{count: 7, successful: 7}", "7 measured · failed 0, limit 0"},
		{"nothing yet, without end", "{interval: 1s}", "{}", "nothing measured yet"},
		{"a good value beside its limit", "{count: 3, interval: 1s}", "{count: 2, successful: 2" + last("0.0021 < 0.004", "Successful"),
			"2 of 3 measured · last 0.0021 ≤ 0.004 (52 %) · failed 0, limit 0"},
		{"a bad value beside its limit", "{count: 3, interval: 1s}", "{phase: Failed, count: 1, failed: 1" + last("0.0123 > 0.004", "Failed"),
			"1 of 3 measured · last 0.0123 > 0.004 (308 %) · failed 1, limit 0"},
		{"near a limit", "{count: 5, interval: 1s, failureLimit: 1, inconclusiveLimit: 2}", "{count: 3, successful: 1, failed: 1, inconclusive: 1}",
			"3 of 5 measured · failed 1, limit 1 · inconclusive 1, limit 2"},
		{"a limit switched off", "{count: 5, interval: 1s, failureLimit: -1, consecutiveSuccessLimit: 2}", "{count: 2, successful: 1, consecutiveSuccess: 1, failed: 1}",
			"2 of 5 measured · 1 of 2 in a row good · failed 1, no limit"},
		{"errors in a row", "{count: 5, interval: 1s}", "{error: 3, consecutiveError: 2}", "0 of 5 measured · errors in a row 2, limit 4"},
		{"errors that are over", "{count: 5, interval: 1s}", "{count: 1, error: 3}", "1 of 5 measured · failed 0, limit 0 · errors 3"},
		{"a metric that has ended well", "{count: 3, interval: 1s}", "{phase: Successful, count: 3, successful: 3}", "3 of 3 measured"},
		{"a metric without a say", "{}", "{phase: Successful, count: 1, dryRun: true}", "1 of 1 measured · dry run: no say in the verdict"},
		{"the exit code of a Job", "{provider: {job: {}}}", "{phase: Failed, count: 1, failed: 1, measurements: [{phase: Failed, finishedAt: 2026-01-01T00:00:00Z, value: '3'}]}",
			"1 of 1 measured · last exit code 3 · failed 1, limit 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			metric, result := object[api.Metric](t, test.metric), object[api.MetricResult](t, test.result)
			var texts []string
			for _, part := range (measuring{run: &api.AnalysisRun{}}).parts(&metric, &result) {
				texts = append(texts, part.Text)
			}
			if got := strings.Join(texts, " · "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestComparison(t *testing.T) {
	tests := []struct {
		threshold, condition string
		phase                api.AnalysisPhase
		want                 string
	}{
		{"0.0021 < 0.004", "result[0] <= 0.004", "Successful", "0.0021 ≤ 0.004 (52 %)"},
		{"0.004 == 0.004", "result[0] <= 0.004", "Successful", "0.004 ≤ 0.004 (100 %)"},
		{"0.004 == 0.004", "result[0] < 0.004", "Failed", "0.004 = 0.004"},
		{"0.99 > 0.95", "result >= 0.95", "Successful", "0.99 ≥ 0.95 (104 %)"},
		{"0.0020833333333333333 < 0.004", "result[0] < 0.004", "Successful", "0.00208333 < 0.004 (52 %)"},
		{"0 < 0.004", "result[0] < 0.004", "Successful", "0 < 0.004 (0 %)"},
		{"0.00001 < 0.004", "result[0] < 0.004", "Successful", "0.00001 < 0.004 (< 1 %)"},
		{"5 > 0.004", "result[0] < 0.004", "Failed", "5 > 0.004"},
		{"-1 < 0", "result < 0", "Successful", "-1 < 0"},
		{"1 != 0", "result == 0", "Failed", "1 ≠ 0"},
		{"a text != another", "result == 'another'", "Failed", "a text != another"},
	}
	for _, test := range tests {
		if got := comparison(test.threshold, test.condition, test.phase); got != test.want {
			t.Errorf("%s with %s: got %q, want %q", test.threshold, test.condition, got, test.want)
		}
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 400 * time.Millisecond: "0s", 45 * time.Second: "45s", 133 * time.Second: "2m13s", 5 * time.Minute: "5m",
		119*time.Minute + 30*time.Second: "1h59m", 2 * time.Hour: "2h", 76 * time.Hour: "3d4h",
	} {
		if got := length(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestFlow(t *testing.T) {
	parts := []Span{{"one", Plain}, {"two", Plain}, {"three", Plain}}
	tests := []struct {
		name  string
		parts []Span
		width int
		want  string
	}{
		{"everything beside the head", parts, 60, "head: one, two, three\n"},
		{"without bounds", parts, 0, "head: one, two, three\n"},
		{"what does not fit goes below the first part", append([]Span{{"a part that is long", Plain}}, parts...), 34, "head: a part that is long, one\n      two, three\n"},
		{"a narrow window has the parts below the head", parts, 18, "head:\n    one, two\n    three\n"},
	}
	for _, test := range tests {
		if got := flow(Line{{"head: ", Faint}}, test.parts, ", ", test.width).Text(test.width, nil); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTextFitsItsWidth(t *testing.T) {
	page := Page{{{"ab", Good}, {"cdef", Bad}, {"  ", Plain}}, {{"   ", Plain}}, nil}
	tests := []struct {
		width int
		want  string
	}{{0, "abcdef\n\n\n"}, {6, "abcdef\n\n\n"}, {5, "abcd…\n\n\n"}, {2, "a…\n\n\n"}, {1, "…\n\n\n"}}
	for _, test := range tests {
		if got := page.Text(test.width, nil); got != test.want {
			t.Errorf("in %d columns: got %q, want %q", test.width, got, test.want)
		}
	}
	painted := page.Text(0, func(tone Tone, text string) string {
		return map[Tone]string{Good: "<", Bad: "["}[tone] + text
	})
	if want := "<ab[cdef\n\n\n"; painted != want {
		t.Errorf("painted: got %q, want %q", painted, want)
	}
}

func TestWrap(t *testing.T) {
	if diff := cmp.Diff([]string{"a bc", "defg", "hij", "k"}, wrap("a bc  defghij k", 4)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDoubtIsWhatTheAnalysisSaid(t *testing.T) {
	const paused = "status: {observedGeneration: '1', phase: Paused, controllerPause: true, pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}], "
	const decided = "{at: 2026-01-01T00:00:00Z, reason: Inconclusive, message: 'AnalysisRun r was inconclusive: late.'}"
	tests := []struct{ name, rollout, want string }{
		{"the decision to pause, where no run is named", paused + "decisions: [{at: 2026-01-01T00:00:00Z, reason: Inconclusive, message: an earlier one}, " + decided + "]}", "AnalysisRun r was inconclusive: late."},
		{"not a decision about another revision", paused + "currentPodHash: bbb, decisions: [" + decided + "]}", "An analysis was inconclusive"},
		{"an experiment of which no decision is kept", strings.Replace(paused, "AnalysisRun", "Experiment", 1) + "canary: {currentExperiment: trial}}", "Experiment trial was inconclusive"},
		{"the run", paused + "canary: {currentStepAnalysisRunStatus: {name: r, status: Inconclusive, message: late}}}", "AnalysisRun r was inconclusive: late"},
		{"the run that is in doubt, not one that passed", paused + "canary: {currentStepAnalysisRunStatus: {name: s, status: Successful}, currentBackgroundAnalysisRunStatus: {name: b, status: Inconclusive}}}", "AnalysisRun b was inconclusive"},
		{"a run before a switch", "spec: {strategy: {blueGreen: {activeService: live}}}\n" + paused + "blueGreen: {prePromotionAnalysisRunStatus: {name: p, status: Inconclusive}}}", "AnalysisRun p was inconclusive"},
		{"nothing while no pause is in doubt", "status: {observedGeneration: '1', phase: Healthy, decisions: [" + decided + "]}", ""},
		{"nothing once somebody has ended the pause", "status: {observedGeneration: '1', phase: Paused, controllerPause: true, decisions: [" + decided + "]}", ""},
		{"nothing when the spec has changed since", "metadata: {generation: 2}\n" + paused + "decisions: [" + decided + "]}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ro := object[api.Rollout](t, test.rollout)
			if got := Doubt(&ro); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
