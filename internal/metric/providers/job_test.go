package providers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

var jobStart = time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC)

func at(seconds int) metav1.Time {
	return metav1.NewTime(jobStart.Add(time.Duration(seconds) * time.Second))
}

func jobMetric() api.Metric {
	return api.Metric{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{
		Metadata: metav1.ObjectMeta{Labels: map[string]string{"team": "a"}, Annotations: map[string]string{"note": "b"}, Name: "ignored"},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(1)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "load"}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers:    []corev1.Container{{Name: "main", Image: "load:1"}},
				},
			},
		},
	}}}
}

func TestAJobIsTheUsersWithOurNamesOnIt(t *testing.T) {
	run := &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "r", UID: "uid"}}
	m := jobMetric()
	got, err := Job{}.Object(run, m, "uid.load.1")
	if err != nil {
		t.Fatal(err)
	}
	spec := m.Provider.Job.Spec.DeepCopy()
	spec.Template.Labels[api.LabelAnalysisRunUID] = "uid"
	want := &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "uid.load.1",
			Labels: map[string]string{"team": "a", "analysisrun.argoproj.io/uid": "uid"},
			Annotations: map[string]string{
				"note":                                "b",
				"analysisrun.argoproj.io/name":        "r",
				"analysisrun.argoproj.io/namespace":   "shop",
				"analysisrun.argoproj.io/metric-name": "load",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "argoproj.io/v1alpha1", Kind: "AnalysisRun", Name: "r", UID: "uid",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: *spec,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(jobMetric(), m); diff != "" {
		t.Errorf("the metric that was given has changed:\n%s", diff)
	}
}

// ended is a Job with this condition, since second 100.
func ended(kind batchv1.JobConditionType, reason, message string) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "j"},
		Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{
			{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: at(100)},
		}},
	}
}

func pod(name string, phase corev1.PodPhase, statuses ...corev1.ContainerStatus) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: at(0)},
		Status:     corev1.PodStatus{Phase: phase, ContainerStatuses: statuses},
	}
	for _, status := range statuses {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: status.Name, Image: status.Image})
	}
	return p
}

func exited(name string, code int32, second int, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, Message: message, FinishedAt: at(second),
	}}}
}

func waiting(name, image, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, Image: image, State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
	}}
}

func jobNotes(reason string) map[string]string {
	m := map[string]string{"job-name": "j", "job-namespace": "shop"}
	if reason != "" {
		m["sluice.dev/reason"] = reason
	}
	return m
}

func TestAJobThatEnded(t *testing.T) {
	backoff := ended(batchv1.JobFailed, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
	withheld := backoff.DeepCopy()
	withheld.Annotations = map[string]string{"sluice.dev/last-words": "withheld"}
	sidecar := ended(batchv1.JobComplete, "", "")
	sidecar.Spec.Template.Annotations = map[string]string{"sluice.dev/result-container": "probe"}
	evicted := pod("p", corev1.PodFailed, exited("main", 137, 90, "Error", ""))
	evicted.Status.Reason, evicted.Status.Message = "Evicted", "The node was low on resource: memory."
	preempted := pod("p", corev1.PodFailed, exited("main", 143, 90, "Error", ""))
	preempted.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "PreemptionByScheduler"}}
	cases := []struct {
		name string
		job  *batchv1.Job
		pods []corev1.Pod
		want judge.Sample
	}{
		{
			"complete without a report", ended(batchv1.JobComplete, "", ""), []corev1.Pod{pod("p", corev1.PodSucceeded, exited("main", 0, 99, "Completed", "done"))},
			judge.Sample{Result: 0.0, Text: "0", Metadata: jobNotes("")},
		},
		{
			"complete with a report", ended(batchv1.JobComplete, "", ""), []corev1.Pod{pod("p", corev1.PodSucceeded, exited("main", 0, 99, "Completed", `{"latency":{"p99":12.5}}`))},
			judge.Sample{Result: 0.0, Text: "0", Report: map[string]any{"latency": map[string]any{"p99": 12.5}}, Metadata: jobNotes("")},
		},
		{
			"the container named by the annotation reports", sidecar,
			[]corev1.Pod{pod("p", corev1.PodSucceeded, exited("main", 0, 99, "Completed", `{"a":1}`), exited("probe", 0, 99, "Completed", `{"a":2}`))},
			judge.Sample{Result: 0.0, Text: "0", Report: map[string]any{"a": 2.0}, Metadata: jobNotes("")},
		},
		{
			"a retry that did well counts, not the attempt before", ended(batchv1.JobComplete, "", ""),
			[]corev1.Pod{pod("a", corev1.PodFailed, exited("main", 1, 50, "Error", `{"a":1}`)), pod("b", corev1.PodSucceeded, exited("main", 0, 99, "Completed", `{"a":2}`))},
			judge.Sample{Result: 0.0, Text: "0", Report: map[string]any{"a": 2.0}, Metadata: jobNotes("")},
		},
		{
			"a report that is inconclusive wins over success", ended(batchv1.JobComplete, "", ""),
			[]corev1.Pod{pod("p", corev1.PodSucceeded, exited("main", 0, 99, "Completed", `{"verdict":"inconclusive","why":"no CPU"}`))},
			judge.Sample{
				Result: 0.0, Text: "0", Report: map[string]any{"verdict": "inconclusive", "why": "no CPU"},
				Forced: api.AnalysisPhaseInconclusive, Message: "The Job's report is inconclusive: no CPU", Metadata: jobNotes(""),
			},
		},
		{
			"failed with an exit code and last words", backoff,
			[]corev1.Pod{pod("a", corev1.PodFailed, exited("main", 2, 50, "Error", "first")), pod("b", corev1.PodFailed, exited("main", 3, 99, "Error", "dial\ntcp"))},
			judge.Sample{
				Result: 3.0, Text: "3", NeverSuccessful: true, Metadata: jobNotes("BackoffLimitExceeded"),
				Message: `The Job failed (BackoffLimitExceeded): container "main" ended with exit code 3: dial tcp.`,
			},
		},
		{
			"last words of a run with secret arguments are withheld", withheld,
			[]corev1.Pod{pod("b", corev1.PodFailed, exited("main", 3, 99, "Error", "token hidden"))},
			judge.Sample{
				Result: 3.0, Text: "3", NeverSuccessful: true, Metadata: jobNotes("BackoffLimitExceeded"),
				Message: `The Job failed (BackoffLimitExceeded): container "main" ended with exit code 3.`,
			},
		},
		{
			"failed with a report that says why", backoff,
			[]corev1.Pod{pod("b", corev1.PodFailed, exited("main", 1, 99, "Error", `{"verdict":"fail","why":"p95 < 2000: p95 = 3000"}`))},
			judge.Sample{
				Result: 1.0, Text: "1", NeverSuccessful: true, Metadata: jobNotes("BackoffLimitExceeded"),
				Report:  map[string]any{"verdict": "fail", "why": "p95 < 2000: p95 = 3000"},
				Message: `The Job failed (BackoffLimitExceeded): container "main" ended with exit code 1: p95 < 2000: p95 = 3000.`,
			},
		},
		{
			"killed for its memory", backoff, []corev1.Pod{pod("p", corev1.PodFailed, exited("main", 137, 99, "OOMKilled", ""))},
			judge.Sample{
				Result: 137.0, Text: "137", NeverSuccessful: true, Metadata: jobNotes("OOMKilled"),
				Message: `The Job failed (BackoffLimitExceeded): container "main" ended with exit code 137 (OOMKilled).`,
			},
		},
		{
			"evicted by its node", backoff, []corev1.Pod{evicted},
			judge.Sample{
				Result: 137.0, Text: "137", NeverSuccessful: true, Metadata: jobNotes("Evicted"),
				Message: `The Job failed (BackoffLimitExceeded): container "main" ended with exit code 137; its pod ended with Evicted: The node was low on resource: memory.`,
			},
		},
		{
			"taken away by the scheduler", backoff, []corev1.Pod{preempted},
			judge.Sample{
				Result: 143.0, Text: "143", NeverSuccessful: true, Metadata: jobNotes("PreemptionByScheduler"),
				Message: `The Job failed (BackoffLimitExceeded): container "main" ended with exit code 143; its pod was taken away (PreemptionByScheduler).`,
			},
		},
		{
			"another container is what failed", backoff,
			[]corev1.Pod{pod("p", corev1.PodFailed, exited("main", 0, 99, "Completed", `{"a":1}`), exited("side", 4, 99, "Error", ""))},
			judge.Sample{
				Result: 4.0, Text: "4", NeverSuccessful: true, Report: map[string]any{"a": 1.0}, Metadata: jobNotes("BackoffLimitExceeded"),
				Message: `The Job failed (BackoffLimitExceeded): container "side" ended with exit code 4.`,
			},
		},
		{
			"out of time, its pods are gone", ended(batchv1.JobFailed, "DeadlineExceeded", "Job was active longer than specified deadline"), nil,
			judge.Sample{
				NeverSuccessful: true, Forced: api.AnalysisPhaseFailed, Metadata: jobNotes("DeadlineExceeded"),
				Message: "The Job failed (DeadlineExceeded): Job was active longer than specified deadline.",
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := poll(c.job, c.pods, at(110).Time)
			if diff := cmp.Diff(metric.Progress{Done: true, Sample: c.want}, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALoadTestsResultHasItsLongNames(t *testing.T) {
	message := `{"v":1,"verdict":"pass","lat":{"p50":1,"p90":2,"p95":3,"p99":4,"p999":5,"max":6},"codes":{"200":9},"rate":{}}`
	got := poll(ended(batchv1.JobComplete, "", ""), []corev1.Pod{pod("p", corev1.PodSucceeded, exited("main", 0, 99, "Completed", message))}, at(110).Time)
	latency, _ := got.Sample.Report["latency"].(map[string]any)
	if latency["p99"] != 4.0 {
		t.Errorf("report.latency.p99 is %v, want 4; report %v", latency["p99"], got.Sample.Report)
	}
}

func TestPodsMayTrailBehindTheirJob(t *testing.T) {
	job := ended(batchv1.JobComplete, "", "")
	late := pod("p", corev1.PodRunning)
	want := metric.Progress{Again: at(102).Time, Waiting: "The Job has ended; waiting to read what its pod left."}
	if diff := cmp.Diff(want, poll(job, []corev1.Pod{late}, at(101).Time)); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	if got := poll(job, nil, at(102).Time); !got.Done || got.Sample.Result != 0.0 {
		t.Errorf("afterwards: %+v, want done with 0", got)
	}
}

func TestAJobThatHasNotEnded(t *testing.T) {
	suspended := &batchv1.Job{Spec: batchv1.JobSpec{Suspend: new(true)}}
	deleted := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: new(at(5))}}
	homeless := pod("p", corev1.PodPending)
	homeless.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu.",
	}}
	cases := []struct {
		name string
		job  *batchv1.Job
		pods []corev1.Pod
		want string
	}{
		{"no pod", &batchv1.Job{}, nil, "The Job has no pod yet."},
		{"suspended", suspended, nil, "The Job is suspended."},
		{"being deleted", deleted, nil, "The Job is being deleted."},
		{"running", &batchv1.Job{}, []corev1.Pod{pod("p", corev1.PodRunning)}, "The Job is running."},
		{"no node", &batchv1.Job{}, []corev1.Pod{homeless}, "The Job's pod has no node yet (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu."},
		{"between restarts", &batchv1.Job{}, []corev1.Pod{pod("p", corev1.PodRunning, waiting("main", "x", "CrashLoopBackOff", ""))}, `Container "main" of the Job ended and will be started again.`},
		{"only an old attempt", &batchv1.Job{}, []corev1.Pod{pod("p", corev1.PodFailed, exited("main", 1, 5, "Error", ""))}, "The Job has no pod yet."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := poll(c.job, c.pods, at(3600).Time)
			if diff := cmp.Diff(metric.Progress{Waiting: c.want}, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAContainerThatCannotStartIsGivenUpAfterFifteenSeconds(t *testing.T) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "j"}}
	stuck := func(reason, message string) corev1.Pod {
		p := pod("p", corev1.PodPending, waiting("main", "registry/load:9", reason, message))
		p.Status.StartTime = new(at(2))
		p.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: at(2)},
			{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, LastTransitionTime: at(30)},
		}
		return p
	}
	cases := []struct{ reason, message, want string }{
		{"ErrImagePull", "hidden", `Container "main" of the Job cannot start (ErrImagePull): image "registry/load:9" cannot be pulled.`},
		{"ImagePullBackOff", "", `Container "main" of the Job cannot start (ImagePullBackOff): image "registry/load:9" cannot be pulled.`},
		{"InvalidImageName", "", `Container "main" of the Job cannot start (InvalidImageName): image "registry/load:9" cannot be pulled.`},
		{"CreateContainerConfigError", `secret "x" not found`, `Container "main" of the Job cannot start (CreateContainerConfigError): secret "x" not found.`},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			early := poll(job, []corev1.Pod{stuck(c.reason, c.message)}, at(44).Time)
			if diff := cmp.Diff(metric.Progress{Again: at(45).Time, Waiting: c.want}, early); diff != "" {
				t.Errorf("after 14 s (-want +got):\n%s", diff)
			}
			late := poll(job, []corev1.Pod{stuck(c.reason, c.message)}, at(45).Time)
			want := metric.Progress{Done: true, Sample: judge.Sample{
				Forced: api.AnalysisPhaseInconclusive, Message: c.want, Metadata: jobNotes(c.reason),
			}}
			if diff := cmp.Diff(want, late); diff != "" {
				t.Errorf("after 15 s (-want +got):\n%s", diff)
			}
		})
	}
}

// poll looks at a Job until it needs no log, with logs that hold nothing.
func poll(job *batchv1.Job, pods []corev1.Pod, now time.Time) metric.Progress {
	p := Job{}.Poll(metric.Seen{Job: job, Pods: pods, Now: now})
	if p.Log != nil {
		p = Job{}.Poll(metric.Seen{Job: job, Pods: pods, Now: now, Log: &metric.Log{}})
	}
	return p
}

func FuzzReadReport(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"a":`, `[1]`, `{"v":1,"verdict":"pass"}`, `{"v":2,"verdict":"x"}`, `{"inconclusive":true}`, "log line"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		why, says := inconclusive(readReport(message))
		if says != (why != "") {
			t.Errorf("%q: inconclusive %v because %q", message, says, why)
		}
	})
}
