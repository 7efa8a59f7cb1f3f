package providers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

var loadRun = &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-2-1", UID: "uid"}}

// loadMetric is a metric with this loadTest block, in YAML.
func loadMetric(t *testing.T, block string) api.Metric {
	t.Helper()
	m := api.Metric{Name: "load"}
	m.Provider.LoadTest = &api.LoadTestMetric{}
	if err := yaml.UnmarshalStrict([]byte(block), m.Provider.LoadTest); err != nil {
		t.Fatal(err)
	}
	return m
}

const shortScript = "config: {target: http://x, phases: [{duration: 60, arrivalRate: 5}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"

func inline(text string) string {
	return "script:\n  inline: |\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

func TestTheJobOfALoadTest(t *testing.T) {
	got, err := LoadTest{Image: "sluice-load:1"}.Object(loadRun, loadMetric(t, inline(shortScript)+"target: http://canary"), "uid.load.1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	want := `
apiVersion: batch/v1
kind: Job
metadata:
  annotations:
    analysisrun.argoproj.io/metric-name: load
    analysisrun.argoproj.io/name: shop-2-1
    analysisrun.argoproj.io/namespace: shop
  labels:
    analysisrun.argoproj.io/uid: uid
    sluice.dev/load-test: "true"
  name: uid.load.1
  namespace: shop
  ownerReferences:
  - apiVersion: argoproj.io/v1alpha1
    blockOwnerDeletion: true
    controller: true
    kind: AnalysisRun
    name: shop-2-1
    uid: uid
spec:
  activeDeadlineSeconds: 660
  backoffLimit: 0
  completions: 1
  parallelism: 1
  template:
    metadata:
      annotations:
        proxy.istio.io/config: '{"holdApplicationUntilProxyStarts": true}'
        sluice.dev/load-script: |
          config: {target: http://x, phases: [{duration: 60, arrivalRate: 5}]}
          scenarios: [{flow: [{get: {url: /}}]}]
      labels:
        analysisrun.argoproj.io/uid: uid
        sluice.dev/load-test: "true"
    spec:
      automountServiceAccountToken: false
      containers:
      - args: [run, --enforce, --json-lines, --target, http://canary, --tag, metric=load, --tag, run=shop-2-1, /sluice/script/script.yaml]
        command: [sluice-load]
        env:
        - name: RESULT_BUDGET
          value: "4096"
        image: sluice-load:1
        name: load
        resources:
          limits:
            memory: 512Mi
          requests:
            cpu: 500m
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop: [ALL]
          readOnlyRootFilesystem: true
        terminationMessagePolicy: FallbackToLogsOnError
        volumeMounts:
        - mountPath: /sluice/script
          name: script
          readOnly: true
      enableServiceLinks: false
      restartPolicy: Never
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      terminationGracePeriodSeconds: 10
      volumes:
      - downwardAPI:
          items:
          - fieldRef:
              apiVersion: v1
              fieldPath: metadata.annotations['sluice.dev/load-script']
            path: script.yaml
        name: script
status: {}
`
	if diff := cmp.Diff(document(t, want), document(t, string(text))); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
}

func document(t *testing.T, text string) (out any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatALoadTestBlockAsksForIsInItsJob(t *testing.T) {
	object := func(t *testing.T, block string) *batchv1.Job {
		t.Helper()
		job, err := LoadTest{Image: "default:1"}.Object(loadRun, loadMetric(t, block), "j")
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	const fromMap = "script: {configMap: {name: scripts, key: checkout.yml}}\n"
	args := func(j *batchv1.Job) string { return strings.Join(j.Spec.Template.Spec.Containers[0].Args, " ") }
	budget := func(j *batchv1.Job) string {
		env := j.Spec.Template.Spec.Containers[0].Env
		return env[len(env)-1].Value
	}
	for _, c := range []struct {
		name, block string
		of          func(j *batchv1.Job) any
		want        any
	}{
		{"a script in a ConfigMap comes with all its files", fromMap, func(j *batchv1.Job) any {
			return j.Spec.Template.Spec.Volumes[0].ConfigMap.Name + " " + j.Spec.Template.Spec.Containers[0].Args[7]
		}, "scripts /sluice/script/checkout.yml"},
		{"everything that is a flag", fromMap + `
target: http://canary
compareTarget: http://stable
environment: prod
variables: {user: "a b", price: "$(HOME)"}
abortOn: ["errors.rate > 0.5", http.response_time.p99 > 2000]
defaultGates: None
tags: {team: shop}`, func(j *batchv1.Job) any { return args(j) },
			`run --enforce --json-lines --target http://canary --compare-target http://stable -e prod ` +
				`-v {"price":"$$(HOME)","user":"a b"} --abort-on errors.rate > 0.5 --abort-on http.response_time.p99 > 2000 ` +
				`--no-default-gates --tag team=shop /sluice/script/checkout.yml`},
		{"the deadline that is said", fromMap + "deadline: 90s", func(j *batchv1.Job) any { return *j.Spec.ActiveDeadlineSeconds }, int64(90)},
		{"the deadline of a script with a secret", strings.Replace(inline(shortScript), "script:", "env: [{name: T, valueFrom: {secretKeyRef: {name: s, key: k}}}]\nscript:", 1),
			func(j *batchv1.Job) any { return *j.Spec.ActiveDeadlineSeconds }, int64(660)},
		{"the deadline of a script whose length only the pod knows", strings.Replace(inline(strings.Replace(shortScript, "60", "'{{ $env.D }}'", 1)), "script:", "env: [{name: D, valueFrom: {configMapKeyRef: {name: s, key: k}}}]\nscript:", 1),
			func(j *batchv1.Job) any { return *j.Spec.ActiveDeadlineSeconds }, int64(1800)},
		{"the deadline of a script nobody has read", fromMap, func(j *batchv1.Job) any { return *j.Spec.ActiveDeadlineSeconds }, int64(1800)},
		{"an image of its own", fromMap + "image: mirror/load:2", func(j *batchv1.Job) any { return j.Spec.Template.Spec.Containers[0].Image }, "mirror/load:2"},
		{"resources of its own, and nothing besides", fromMap + "resources: {requests: {cpu: 2}}", func(j *batchv1.Job) any {
			r := j.Spec.Template.Spec.Containers[0].Resources
			return fmt.Sprint(r.Requests.Cpu(), len(r.Requests), len(r.Limits))
		}, "2 1 0"},
		{"its environment, with secrets, before ours", fromMap + "env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}]", func(j *batchv1.Job) any {
			return j.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name + " " + j.Annotations["sluice.dev/last-words"]
		}, "s withheld"},
		{"its environment from a ConfigMap is no secret", fromMap + "env: [{name: A, valueFrom: {configMapKeyRef: {name: s, key: k}}}]", func(j *batchv1.Job) any {
			return j.Annotations["sluice.dev/last-words"]
		}, ""},
		{"a mesh leaves less room for the result", fromMap + `podMetadata: {labels: {sidecar.istio.io/inject: "true"}}`, func(j *batchv1.Job) any { return budget(j) }, "2048"},
		{"the room that is said", fromMap + `podMetadata: {annotations: {linkerd.io/inject: enabled, sluice.dev/result-budget: "3000"}}`, func(j *batchv1.Job) any { return budget(j) }, "3000"},
		{"where and as whom it runs", fromMap + `
serviceAccountName: load
imagePullSecrets: [{name: registry}]
nodeSelector: {pool: load}
tolerations: [{key: load, operator: Exists}]
podMetadata: {labels: {team: shop}, annotations: {note: hi}}`, func(j *batchv1.Job) any {
			p := j.Spec.Template
			return fmt.Sprint(p.Spec.ServiceAccountName, p.Spec.ImagePullSecrets, p.Spec.NodeSelector, p.Spec.Tolerations[0].Key,
				p.Labels["team"], p.Annotations["note"], j.Labels["team"], j.Annotations["note"], *p.Spec.AutomountServiceAccountToken)
		}, "load[{registry}] map[pool:load]loadshophishophifalse"},
		{"one pod is no Indexed Job, and waits for nobody", fromMap, func(j *batchv1.Job) any {
			return fmt.Sprint(j.Spec.CompletionMode, len(j.Spec.Template.Spec.Volumes), strings.Contains(args(j), "--shares"))
		}, "<nil> 1 false"},
		{"three pods share it", fromMap + "parallelism: 3", func(j *batchv1.Job) any {
			s := j.Spec
			return fmt.Sprint(*s.CompletionMode, *s.Completions, *s.Parallelism, *s.BackoffLimitPerIndex, *s.BackoffLimit,
				s.Template.Spec.Volumes[1].DownwardAPI.Items[0].FieldRef.FieldPath, s.Template.Spec.TopologySpreadConstraints[0].WhenUnsatisfiable,
				s.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels, " ", args(j))
		}, "Indexed3 3 0 3metadata.annotations['sluice.dev/load-start']ScheduleAnywaymap[batch.kubernetes.io/job-name:j] " +
			"run --enforce --json-lines --tag metric=load --tag run=shop-2-1 --shares 3 --ready-file /sluice/ready/ready --start-file /sluice/pod/start --start-within 6m0s /sluice/script/checkout.yml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.of(object(t, c.block))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestALoadTestWithoutAnImageSaysWhatIsMissing(t *testing.T) {
	_, err := LoadTest{}.Object(loadRun, loadMetric(t, inline(shortScript)), "j")
	if err == nil || !strings.Contains(err.Error(), "--load-image") {
		t.Errorf("error = %v", err)
	}
}

// A script with every character a text can hold must arrive as it was written.
func TestAScriptSurvivesByteForByte(t *testing.T) {
	script := "# \t\u2028 é 😀 \"'\\ {{ $randomNumber(1,9) }} {{ name }}\r\n%$(X) $$\n\n" + shortScript + "  \n"
	m := loadMetric(t, "target: http://x\nscript: {}")
	m.Provider.LoadTest.Script.Inline = script
	job, err := LoadTest{Image: "i"}.Object(loadRun, m, "j")
	if err != nil {
		t.Fatal(err)
	}
	if got := job.Spec.Template.Annotations[api.AnnotationLoadScript]; got != script {
		t.Errorf("the annotation holds %q", got)
	}
}

// A result as a pod leaves it.
const (
	passed    = `{"v":1,"verdict":"pass","t0":1785499200.5,"dur":20,"arr":10,"skip":0,"req":30,"er":0,"lat":{"p50":1,"p90":2,"p95":3,"p99":4,"p999":5,"max":6},"rate":{"offered":1,"achieved":1}}`
	broken    = `{"v":1,"verdict":"fail","why":"http.codes.5xx share is 12 %","t0":1785499200,"dur":20,"req":30,"er":0.12,"rate":{}}`
	starved   = `{"v":1,"verdict":"inconclusive","why":"the generator was throttled","t0":1785499200,"dur":20,"req":30,"rate":{}}`
	aborted   = `{"v":1,"verdict":"fail","why":"errors.rate > 0.5 at 3 s","stop":"abort","t0":1785499200,"dur":3,"req":30,"er":0.7,"rate":{}}`
	startText = "2026-07-31T12:00:20.5Z"
)

// loadPod is the pod of a part: its container's state, and what the controller told it.
func loadPod(index int, phase corev1.PodPhase, state corev1.ContainerState, told string) corev1.Pod {
	p := pod(fmt.Sprintf("load-%d", index), phase, corev1.ContainerStatus{Name: "load", State: state, Ready: state.Running != nil})
	p.Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: fmt.Sprint(index)}
	if told != "" {
		p.Annotations[api.AnnotationLoadStart] = told
	}
	return p
}

func running(second int) corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(second)}}
}

func left(code int32, message string) corev1.ContainerState {
	return exited("load", code, 90, "Completed", message).State
}

// shared makes one test of pods: what each left is a share, with the counts that a gate on errors needs.
func shared(pods []corev1.Pod) []corev1.Pod {
	if len(pods) == 1 {
		return pods
	}
	for i := range pods {
		for j := range pods[i].Status.ContainerStatuses {
			ended := pods[i].Status.ContainerStatuses[j].State.Terminated
			if ended == nil {
				continue
			}
			codes := `{"200":30}`
			if strings.Contains(ended.Message, `"er":0.12`) {
				codes = `{"200":26,"503":4}`
			}
			ended.Message = strings.Replace(ended.Message, `{"v":1,`, fmt.Sprintf(`{"v":1,"sh":[%d,%d],"codes":%s,"gates":[{"x":"errors.rate <= 0.05"}],`+
				`"part":{"off":10,"ach":10,"plan":20,"took":20,"c":{"http.responses":30,"vusers.completed":10,"vusers.failed":0}},`, i, len(pods), codes), 1)
		}
	}
	return pods
}

func loadJob() *batchv1.Job {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "j", CreationTimestamp: at(0)}}
}

func TestALoadTestThatEnded(t *testing.T) {
	began := time.Date(2026, 7, 31, 12, 0, 0, 500e6, time.UTC)
	killed := exited("load", 137, 90, "OOMKilled", "").State
	evicted := evictedPod(1)
	for _, c := range []struct {
		name string
		pods []corev1.Pod
		job  *batchv1.Job
		want judge.Sample
	}{
		{"it passed", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, passed), "")}, loadJob(),
			judge.Sample{Result: 0.0, Text: "0"}},
		{"it failed", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, broken), "")}, loadJob(),
			judge.Sample{Result: 1.0, Text: "1", NeverSuccessful: true, Message: "The load test failed: http.codes.5xx share is 12 %."}},
		{"nothing can be concluded", []corev1.Pod{loadPod(0, corev1.PodFailed, left(3, starved), "")}, loadJob(),
			judge.Sample{Result: 3.0, Text: "3", Forced: api.AnalysisPhaseInconclusive, Message: "The load test is inconclusive: the generator was throttled."}},
		{"the result counts before a sidecar has ended", []corev1.Pod{loadPod(0, corev1.PodRunning, left(0, passed), "")}, loadJob(),
			judge.Sample{Result: 0.0, Text: "0"}},
		{"exit code 0 without a result is no success", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, ""), "")}, loadJob(),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "the load test left no result that can be read: it ended with exit code 0"}}},
		{"killed for its memory", []corev1.Pod{loadPod(0, corev1.PodFailed, killed, "")}, loadJob(),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "the load test left no result that can be read: it ended with exit code 137 (OOMKilled)"}}},
		{"a script that is wrong says so by its log", []corev1.Pod{loadPod(0, corev1.PodFailed, left(2, "script.yaml:3:1: unknown key\nflw"), "")}, loadJob(),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer,
				Message: "the load test left no result that can be read: it ended with exit code 2: script.yaml:3:1: unknown key flw"}}},
		{"a result that was cut off cannot be read", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, broken[:40]), "")}, loadJob(),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer,
				Message: `the load test left no result that can be read: it ended with exit code 1: {"v":1,"verdict":"fail","why":"http.code`}}},
		{"its pod was deleted, and the Job failed for it", nil, ended(batchv1.JobFailed, "BackoffLimitExceeded", ""),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "the load test left no result that can be read: its pod is gone"}}},
		{"out of time", nil, ended(batchv1.JobFailed, "DeadlineExceeded", ""),
			judge.Sample{Forced: api.AnalysisPhaseInconclusive, Message: "The load test did not end within its deadline, which it may be given more of: deadline.",
				Metadata: map[string]string{"sluice.dev/reason": "DeadlineExceeded"}}},
		{"both parts passed", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, passed), startText), loadPod(1, corev1.PodSucceeded, left(0, passed), startText)}, loadJob(),
			judge.Sample{Result: 0.0, Text: "0"}},
		{"a part has failed", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, passed), startText), loadPod(1, corev1.PodFailed, left(1, broken), startText)}, loadJob(),
			judge.Sample{Result: 1.0, Text: "1", NeverSuccessful: true, Message: "The load test failed: errors.rate <= 0.05: errors.rate = 0.067."}},
		{"a part was lost", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, passed), startText), evicted}, loadJob(),
			judge.Sample{Result: 3.0, Text: "3", Forced: api.AnalysisPhaseInconclusive,
				Message: "The load test is inconclusive: share 1 of 2 left no result; pod 2 of 2: its pod was taken away (Evicted)."}},
		{"all parts were lost", []corev1.Pod{loadPod(0, corev1.PodFailed, left(2, "boom"), startText), evicted}, loadJob(),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "the load test left no result that can be read: " +
				"pod 1 of 2: it ended with exit code 2: boom; pod 2 of 2: its pod was taken away (Evicted)"}}},
		{"a part saw enough and ended the test: the other one does not count", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, aborted), startText), loadPod(1, corev1.PodRunning, running(9), startText)}, loadJob(),
			judge.Sample{Result: 1.0, Text: "1", NeverSuccessful: true, Message: "The load test failed: errors.rate > 0.5 at 3 s."}},
		{"a part saw enough, and the deadline took the other one", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, aborted), startText), loadPod(1, corev1.PodFailed, left(143, ""), startText)}, ended(batchv1.JobFailed, "DeadlineExceeded", ""),
			judge.Sample{Result: 1.0, Text: "1", NeverSuccessful: true, Message: "The load test failed: errors.rate > 0.5 at 3 s."}},
		{"parts that do not fit together", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, strings.Replace(passed, `"req":30`, `"sha":"a1","req":30`, 1)), startText),
			loadPod(1, corev1.PodSucceeded, left(0, strings.Replace(passed, `"req":30`, `"sha":"b2","req":30`, 1)), startText)}, loadJob(),
			judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "the results of the load test's pods do not fit together: merging the shares of a load test: share 0 ran the script a1 and share 1 the script b2"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := loadMetric(t, inline(shortScript)+fmt.Sprintf("parallelism: %d", max(1, len(c.pods))))
			got := LoadTest{}.Poll(metric.Seen{Metric: m, Job: c.job, Pods: shared(c.pods), Log: &metric.Log{}, Now: at(110).Time})
			if (got.Sample.Report != nil) != (got.Sample.Failure == nil && c.want.Result != nil) {
				t.Errorf("report = %v", got.Sample.Report)
			}
			if got.Sample.Result == 0.0 && (!got.LoadFrom.Equal(began) || !got.LoadTo.Equal(began.Add(20*time.Second))) {
				t.Errorf("the load lasted from %s to %s", got.LoadFrom, got.LoadTo)
			}
			got.Sample.Report, got.LoadFrom, got.LoadTo = nil, time.Time{}, time.Time{}
			if c.want.Metadata == nil {
				c.want.Metadata = map[string]string{}
			}
			c.want.Metadata["job-name"], c.want.Metadata["job-namespace"] = "j", "shop"
			if diff := cmp.Diff(metric.Progress{Done: true, Sample: c.want}, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALoadTestIsJudgedByItsOwnVerdictFirst(t *testing.T) {
	const good, bad = "report.requests > 1", "report.requests > 1000"
	for _, c := range []struct {
		result, success, failure string
		want                     api.AnalysisPhase
	}{
		{passed, "", "", api.AnalysisPhaseSuccessful},
		{passed, good, "", api.AnalysisPhaseSuccessful},
		{passed, bad, "", api.AnalysisPhaseFailed},
		{passed, bad, "report.requests > 5000", api.AnalysisPhaseInconclusive},
		{broken, "", "", api.AnalysisPhaseFailed},
		{broken, good, "", api.AnalysisPhaseFailed},
		{broken, "", bad, api.AnalysisPhaseFailed},
		{starved, "", "", api.AnalysisPhaseInconclusive},
		{starved, good, "", api.AnalysisPhaseInconclusive},
		{starved, bad, "", api.AnalysisPhaseInconclusive},
	} {
		m := loadMetric(t, inline(shortScript))
		got := LoadTest{}.Poll(metric.Seen{Metric: m, Job: loadJob(), Pods: []corev1.Pod{loadPod(0, corev1.PodRunning, left(0, c.result), "")}, Log: &metric.Log{}, Now: at(91).Time})
		verdict := judge.Judge(judge.Criteria{SuccessCondition: c.success, FailureCondition: c.failure}, got.Sample, at(91).Time)
		if verdict.Phase != c.want {
			t.Errorf("%.30s… with success %q, failure %q: %s, want %s (%s)", c.result, c.success, c.failure, verdict.Phase, c.want, verdict.Message)
		}
	}
}

func TestALoadTestThatHasNotEnded(t *testing.T) {
	homeless := loadPod(1, corev1.PodPending, corev1.ContainerState{}, "")
	homeless.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes have the CPU"}}
	started := at(20).Add(500 * time.Millisecond)
	for _, c := range []struct {
		name   string
		pods   []corev1.Pod
		of     int
		second int
		want   metric.Progress
	}{
		{"it has no pod", nil, 1, 5, metric.Progress{Waiting: "The Job has no pod yet.", Again: at(10).Time}},
		{"its pod cannot be made", nil, 1, 10, metric.Progress{
			Waiting: "The load test waits: no pod of it exists; kubectl describe job j -n shop says why, for example a quota.", Again: at(300).Time}},
		{"one of two pods cannot be made", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), "")}, 2, 10, metric.Progress{
			Waiting: "The load test waits: 1 of its 2 pods do not exist; kubectl describe job j -n shop says why, for example a quota.", Again: at(300).Time}},
		{"its pod cannot be made for five minutes", nil, 1, 300,
			notReady("The load test could not begin within five minutes: no pod of it exists; kubectl get events -n shop --field-selector involvedObject.name=j says why, for example a quota.", "NotPlaced")},
		{"its pod is about to run", []corev1.Pod{loadPod(0, corev1.PodPending, corev1.ContainerState{}, "")}, 1, 10, metric.Progress{
			Waiting: "The pod of the load test is about to run.", Again: at(300).Time}},
		{"its pod has no node", []corev1.Pod{homeless}, 1, 10, metric.Progress{Waiting: "The Job's pod has no node yet (Unschedulable): 0/3 nodes have the CPU", Again: at(300).Time}},
		{"one pod runs, and its load has begun", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), "")}, 1, 10,
			metric.Progress{Waiting: "The load test is running.", LoadFrom: at(8).Time}},
		{"one of two pods runs", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), ""), loadPod(1, corev1.PodPending, corev1.ContainerState{}, "")}, 2, 10,
			metric.Progress{Waiting: "1 of the 2 pods of the load test run; it begins when all are ready.", Again: at(300).Time}},
		{"all run and want to be told when to begin", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), ""), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 10,
			metric.Progress{Waiting: "The load test is running.", Assembled: true, Untold: []string{"load-0", "load-1"}}},
		{"all run, and one is still in its before flow", []corev1.Pod{unready(0), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 10,
			metric.Progress{Waiting: "1 of the 2 pods of the load test are ready to begin; it begins when all are.", Again: at(300).Time}},
		{"the only pod needs not be ready", []corev1.Pod{unready(0)}, 1, 10,
			metric.Progress{Waiting: "The load test is running.", LoadFrom: at(8).Time}},
		{"a pod that is not ready for five minutes ends it", []corev1.Pod{unready(0), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 300,
			notReady("The load test could not begin within five minutes: 1 of its 2 pods are ready to begin; the others read their script and its files, or are in its before flow.", "NotPlaced")},
		{"a pod that ended before the start ends it", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, "oops"), ""), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 30,
			notReady("The load test could not begin: pod 1 of 2: it ended with exit code 1: oops.", "LostBeforeStart")},
		{"a pod that gave up before the start ends it, and says why", []corev1.Pod{loadPod(0, corev1.PodFailed, left(3, neverBegan), ""), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 30,
			notReady("The load test could not begin: pod 1 of 2: the before flow failed.", "LostBeforeStart")},
		{"a pod that was evicted before the start ends it", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), ""), evictedPod(1)}, 2, 30,
			notReady("The load test could not begin: pod 2 of 2: its pod was taken away (Evicted).", "LostBeforeStart")},
		{"one was told and is dead: the other one hears the same moment", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, "oops"), startText), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 30,
			metric.Progress{Waiting: "The load test is running.", Assembled: true, Untold: []string{"load-1"}, LoadFrom: started}},
		{"one was told", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), startText), loadPod(1, corev1.PodRunning, running(9), "")}, 2, 10,
			metric.Progress{Waiting: "The load test is running.", Assembled: true, Untold: []string{"load-1"}, LoadFrom: started}},
		{"all were told", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), startText), loadPod(1, corev1.PodRunning, running(9), startText)}, 2, 10,
			metric.Progress{Waiting: "The load test is running.", Assembled: true, LoadFrom: started}},
		{"one has ended, the other goes on", []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, passed), startText), loadPod(1, corev1.PodRunning, running(9), startText)}, 2, 400,
			metric.Progress{Waiting: "The load test is running.", Assembled: true, LoadFrom: started}},
		{"one was stopped early: the other gets a moment", []corev1.Pod{loadPod(0, corev1.PodFailed, left(1, strings.Replace(broken, `"t0"`, `"stop":"abort","t0"`, 1)), startText), loadPod(1, corev1.PodRunning, running(9), startText)}, 2, 91,
			metric.Progress{Waiting: "The load test has ended early; waiting for what its other pods measured.", Again: at(92).Time, LoadFrom: started}},
		{"a pod without a node for five minutes ends it", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), ""), homeless}, 2, 300,
			metric.Progress{Done: true, Sample: judge.Sample{Forced: api.AnalysisPhaseInconclusive,
				Message:  "The load test could not begin within five minutes: the Job's pod has no node yet (Unschedulable): 0/3 nodes have the CPU.",
				Metadata: map[string]string{"sluice.dev/reason": "NotPlaced", "job-name": "j", "job-namespace": "shop"}}}},
		{"a pod that does not get to run for five minutes ends it", []corev1.Pod{loadPod(0, corev1.PodRunning, running(8), ""), loadPod(1, corev1.PodPending, corev1.ContainerState{}, "")}, 2, 300,
			metric.Progress{Done: true, Sample: judge.Sample{Forced: api.AnalysisPhaseInconclusive,
				Message:  "The load test could not begin within five minutes: 1 of its 2 pods run.",
				Metadata: map[string]string{"sluice.dev/reason": "NotPlaced", "job-name": "j", "job-namespace": "shop"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := loadMetric(t, inline(shortScript)+fmt.Sprintf("parallelism: %d", c.of))
			got := LoadTest{}.Poll(metric.Seen{Metric: m, Job: loadJob(), Pods: shared(c.pods), Now: at(c.second).Time})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

// The proxy of a mesh has to be there before the first request; whoever configures it otherwise knows why.
func TestAMeshStartsBeforeTheLoad(t *testing.T) {
	const key = "proxy.istio.io/config"
	for block, want := range map[string]string{
		"": meshFirst[key],
		"podMetadata: {annotations: {proxy.istio.io/config: '{\"concurrency\": 2}'}}": `{"concurrency": 2}`,
	} {
		job, err := LoadTest{Image: "sluice-load:1"}.Object(loadRun, loadMetric(t, inline(shortScript)+block), "uid.load.1")
		if err != nil {
			t.Fatal(err)
		}
		if got := job.Spec.Template.Annotations[key]; got != want {
			t.Errorf("%q: %s, want %s", block, got, want)
		}
	}
	if len(meshFirst) != 1 {
		t.Errorf("building a Job changed what is common to all: %v", meshFirst)
	}
}
