package controller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/controller"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/providers"
)

// loading lets a controller run load tests, so many at once.
func loading(most int) func(*controller.Options) {
	return func(o *controller.Options) {
		o.MaxLoadTests = most
		o.Providers = metric.Registry{Runners: map[string]metric.Runner{
			"job": providers.Job{}, "loadTest": providers.LoadTest{Image: "local/sluice-load:1"},
		}}
	}
}

const loadBlock = `{target: "http://canary", script: {inline: "config: {phases: [{duration: 60, arrivalRate: 5}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"}%s}`

func loadMetrics(more string) string {
	return "[{name: load, provider: {loadTest: " + fmt.Sprintf(loadBlock, more) + "}}]"
}

func loadRun(name, more string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: " + name + "}\nspec:\n  metrics: " + loadMetrics(more)
}

// loads lists the Jobs of load tests, oldest first.
func (p *place) loads() []batchv1.Job {
	p.Helper()
	var list batchv1.JobList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace), client.HasLabels{api.LabelLoadTest}); err != nil {
		p.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b batchv1.Job) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return list.Items
}

// loadPod plays the Job controller and a kubelet: the pod of a part runs.
func (p *place) loadPod(job *batchv1.Job, index int) *corev1.Pod {
	p.Helper()
	pod := p.newLoadPod(job, index)
	p.setPod(pod, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}})
	return pod
}

func (p *place) newLoadPod(job *batchv1.Job, index int) *corev1.Pod {
	p.Helper()
	template := job.Spec.Template.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.namespace, GenerateName: "load-", Labels: template.Labels, Annotations: template.Annotations,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}, Spec: template.Spec}
	pod.Annotations[batchv1.JobCompletionIndexAnnotation] = fmt.Sprint(index)
	if err := p.client.Create(p.Context(), pod); err != nil {
		p.Fatal(err)
	}
	return pod
}

func (p *place) setPod(pod *corev1.Pod, phase corev1.PodPhase, state corev1.ContainerState) {
	p.Helper()
	p.setStatus(pod, func() {
		pod.Status.Phase = phase
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "load", State: state, Ready: state.Running != nil}}
	})
}

// leave ends the container of a pod with a result.
func (p *place) leave(pod *corev1.Pod, code int32, message string) {
	p.Helper()
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	p.setPod(pod, phase, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Message: message, StartedAt: metav1.Now(), FinishedAt: metav1.Now(),
	}})
}

func (p *place) completeJob(job *batchv1.Job) {
	p.Helper()
	now := job.CreationTimestamp
	p.setStatus(job, func() {
		job.Status = batchv1.JobStatus{StartTime: &now, CompletionTime: &now, Succeeded: 1, Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue},
		}}
	})
}

const (
	loadPassed = `{"v":1,"verdict":"pass","t0":1785499200.5,"dur":60,"arr":300,"skip":0,"req":300,"er":0,"lat":{"p50":1,"p90":2,"p95":3,"p99":4,"p999":5,"max":6},"rate":{"offered":5,"achieved":5}}`
	loadFailed = `{"v":1,"verdict":"fail","why":"errors.rate <= 0.01: errors.rate = 1","t0":1785499200.5,"dur":60,"arr":300,"skip":0,"req":300,"er":1,"rate":{"offered":5,"achieved":5}}`
)

// TestTheVerdictOfALoadTestIsThereAtOnce: two seconds after the pod has ended, long before its Job says so.
func TestTheVerdictOfALoadTestIsThereAtOnce(t *testing.T) {
	for _, c := range []struct {
		name, message string
		code          int32
		want          api.AnalysisPhase
		says          string
	}{
		{"passed", loadPassed, 0, api.AnalysisPhaseSuccessful, ""},
		{"failed", loadFailed, 1, api.AnalysisPhaseFailed, "The load test failed: errors.rate <= 0.01: errors.rate = 1 (300 requests at 5/s, 100 % errors)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.start(loading(10))
			p.create(loadRun("load", ""))
			job := p.job("load")
			if got, want := job.Spec.Template.Annotations[api.AnnotationLoadScript], "config: {phases: [{duration: 60, arrivalRate: 5}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"; got != want {
				t.Errorf("the server has the script %q", got)
			}
			pod := p.loadPod(job, 0)
			var run api.AnalysisRun
			p.eventually("the run knows when its load began", func() string {
				if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "load"}, &run); err != nil {
					return err.Error()
				}
				if m := run.Status.MetricResults[0].Measurements[0]; m.Metadata[api.EvidenceLoadStartedAt] == "" || m.Message != "The load test is running." {
					return fmt.Sprintf("%+v", m)
				}
				return ""
			})
			p.leave(pod, c.code, c.message)
			ended := time.Now()
			run = *p.run("load", c.want)
			if took := time.Since(ended); took > 2*time.Second {
				t.Errorf("the verdict took %s", took)
			}
			m := run.Status.MetricResults[0].Measurements[0]
			if m.Message != c.says || m.Metadata[api.EvidenceLoadStartedAt] == "" || !strings.Contains(m.Metadata[api.EvidenceReport], `"requests":300`) {
				t.Errorf("the measurement: %+v", m)
			}
			time.Sleep(300 * time.Millisecond)
			if got := p.loads(); len(got) != 1 || got[0].DeletionTimestamp != nil {
				t.Errorf("the Job whose verdict counts has not stayed: %d", len(got))
			}
		})
	}
}

func TestAnAbortDeletesTheLoadTest(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(loading(10))
	p.create(limit(loadMetrics(""), "[]"), shop(analysed))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	job := p.job("of the step")
	p.loadPod(job, 0)
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.eventually("the Job is being deleted, and its pods with it", func() string {
		err := p.client.Get(t.Context(), client.ObjectKeyFromObject(job), job)
		switch {
		case apierrors.IsNotFound(err):
			return ""
		case err != nil:
			return err.Error()
		case job.DeletionTimestamp == nil || !slices.Contains(job.Finalizers, metav1.FinalizerDeleteDependents):
			return fmt.Sprintf("deleted %v, finalizers %v", job.DeletionTimestamp, job.Finalizers)
		}
		return ""
	})
}

// TestOnlySoManyLoadTestsRunAtOnce: however many want to, and however many workers look at them.
func TestOnlySoManyLoadTestsRunAtOnce(t *testing.T) {
	p := newPlace(t)
	p.start(loading(2))
	const all = 7
	for i := range all {
		p.create(loadRun(fmt.Sprintf("load-%d", i), ""))
	}
	most := 0
	p.eventually("all have run", func() string {
		running := []batchv1.Job{}
		for _, job := range p.loads() {
			if len(job.Status.Conditions) == 0 {
				running = append(running, job)
			}
		}
		most = max(most, len(running))
		var runs api.AnalysisRunList
		if err := p.client.List(t.Context(), &runs, client.InNamespace(p.namespace)); err != nil {
			return err.Error()
		}
		good, waiting := 0, 0
		for _, run := range runs.Items {
			if run.Status.Phase == api.AnalysisPhaseSuccessful {
				good++
			} else if strings.Contains(fmt.Sprint(run.Status.MetricResults), "The load test waits for a place: 2 may run at once") {
				waiting++
			}
		}
		if good == all {
			return ""
		}
		if len(running) == 2 && good+waiting+2 == all { // nobody is asked to wait without being told
			p.leave(p.loadPod(&running[0], 0), 0, loadPassed)
			p.completeJob(&running[0])
		}
		if len(running) > 0 && waiting == 0 && good >= all-2 {
			p.leave(p.loadPod(&running[0], 0), 0, loadPassed)
			p.completeJob(&running[0])
		}
		return fmt.Sprintf("%d are good, %d wait, %d run", good, waiting, len(running))
	})
	if most > 2 {
		t.Errorf("%d ran at once", most)
	}
}

// TestTheQueueOutlivesTheController: who waits, and who came first, is known to whoever takes over.
func TestTheQueueOutlivesTheController(t *testing.T) {
	p := newPlace(t)
	first := p.start(loading(1))
	var order []string
	next := func(want string) {
		t.Helper()
		var job batchv1.Job
		p.eventually(want+" has the place", func() string {
			for _, job = range p.loads() {
				if len(job.Status.Conditions) == 0 {
					order = append(order, job.Annotations[api.AnnotationAnalysisRunName])
					return ""
				}
			}
			return "nobody has"
		})
		p.leave(p.loadPod(&job, 0), 0, loadPassed)
		p.completeJob(&job)
	}
	p.create(loadRun("four", ""))
	p.job("four")
	for _, name := range []string{"three", "two", "one"} {
		p.create(loadRun(name, ""))
		p.eventually(name+" waits", func() string {
			var run api.AnalysisRun
			if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, &run); err != nil {
				return err.Error()
			}
			if text := fmt.Sprint(run.Status.MetricResults); !strings.Contains(text, "waits for a place") {
				return text
			}
			return ""
		})
		time.Sleep(1100 * time.Millisecond) // a status knows seconds
	}
	first.stop()
	p.start(loading(1))
	time.Sleep(500 * time.Millisecond)
	if n := len(p.loads()); n != 1 {
		t.Errorf("%d load tests run after the change of leaders", n)
	}
	for _, name := range []string{"four", "three", "two", "one"} {
		next(name)
	}
	for _, name := range []string{"four", "three", "two", "one"} {
		p.run(name, api.AnalysisPhaseSuccessful)
	}
	if diff := cmp.Diff([]string{"four", "three", "two", "one"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestPodsThatShareALoadAreToldTheSameMoment, whichever write the controller dies after.
func TestPodsThatShareALoadAreToldTheSameMoment(t *testing.T) {
	for n := range int64(6) {
		t.Run(fmt.Sprintf("dies after write %d", n+1), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			death := make(chan struct{})
			first := p.start(dyingAfter(n+1, death), loading(10))
			alive := true
			look := func(check func() string) func() string {
				return func() string {
					select {
					case <-death:
						if alive {
							alive = false
							first.stop()
							p.start(loading(10))
						}
					default:
					}
					return check()
				}
			}
			p.create(loadRun("load", ", parallelism: 2"))
			p.eventually("there is a Job", look(func() string {
				if len(p.loads()) == 0 {
					return "there is none"
				}
				return ""
			}))
			job := p.loads()[0]
			pods := []*corev1.Pod{p.loadPod(&job, 0), p.loadPod(&job, 1)}
			var run api.AnalysisRun
			p.eventually("both were told what the run says", look(func() string {
				if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "load"}, &run); err != nil {
					return err.Error()
				}
				said := ""
				if len(run.Status.MetricResults) > 0 && len(run.Status.MetricResults[0].Measurements) > 0 {
					said = run.Status.MetricResults[0].Measurements[0].Metadata[api.EvidenceLoadStartedAt]
				}
				for _, pod := range pods {
					if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
						return err.Error()
					}
					if told := pod.Annotations[api.AnnotationLoadStart]; told == "" || told != said {
						return fmt.Sprintf("told %q, said %q", told, said)
					}
				}
				return ""
			}))
			if n := len(p.loads()); n != 1 {
				t.Errorf("there are %d Jobs", n)
			}
		})
	}
}

// TestOnePodThatIsNotReadyKeepsAllFromBeginning: it may be in its before flow.
func TestOnePodThatIsNotReadyKeepsAllFromBeginning(t *testing.T) {
	p := newPlace(t)
	p.start(loading(10))
	p.create(loadRun("slow", ", parallelism: 2"))
	slow := p.jobOf("slow")
	pods := []*corev1.Pod{p.preparing(slow, 0), p.loadPod(slow, 1)}
	p.eventually("it is said what is waited for", func() string {
		var run api.AnalysisRun
		if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "slow"}, &run); err != nil {
			return err.Error()
		}
		if got := run.Status.MetricResults[0].Measurements[0].Message; got != "1 of the 2 pods of the load test are ready to begin; it begins when all are." {
			return got
		}
		return ""
	})
	if p.untold(pods[:1]) == "" || p.untold(pods[1:]) == "" {
		t.Error("a pod was told to begin before all were ready")
	}
	p.setPod(pods[0], corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}})
	p.eventually("both are told", func() string { return p.untold(pods) })
}

// TestAPodThatDiesBeforeTheStartEndsTheTestAtOnce: the others are not told to begin without it.
func TestAPodThatDiesBeforeTheStartEndsTheTestAtOnce(t *testing.T) {
	p := newPlace(t)
	p.start(loading(10))
	p.create(loadRun("load", ", parallelism: 2"))
	job := p.job("load")
	alive := p.preparing(job, 0)
	p.leave(p.preparing(job, 1), 1, "no memory")
	run := p.run("load", api.AnalysisPhaseInconclusive)
	if got := run.Status.MetricResults[0].Measurements[0].Message; got != "The load test could not begin: pod 2 of 2: it ended with exit code 1: no memory." {
		t.Error(got)
	}
	if p.untold([]*corev1.Pod{alive}) == "" {
		t.Error("the other one was told to begin")
	}
}

// TestNobodysJobTakesThePlaceOfALoadTest: a label is free to all.
func TestNobodysJobTakesThePlaceOfALoadTest(t *testing.T) {
	p := newPlace(t)
	squatter := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "squatter",
		Labels: map[string]string{api.LabelLoadTest: "true", api.LabelAnalysisRunUID: "abc"}}}
	squatter.Spec.Template.Spec = corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "i"}}}
	if err := p.client.Create(t.Context(), squatter); err != nil {
		t.Fatal(err)
	}
	p.start(loading(1))
	p.create(loadRun("load", ""))
	p.eventually("the load test has its place", func() string {
		for _, job := range p.loads() {
			if job.Annotations[api.AnnotationAnalysisRunName] == "load" {
				return ""
			}
		}
		return "it has not"
	})
}

// preparing is a pod that runs and is not ready to begin.
func (p *place) preparing(job *batchv1.Job, index int) *corev1.Pod {
	p.Helper()
	pod := p.newLoadPod(job, index)
	p.setStatus(pod, func() {
		pod.Status.Phase = corev1.PodRunning
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "load", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}}
	})
	return pod
}

// untold names the first pod that was not told when to begin.
func (p *place) untold(pods []*corev1.Pod) string {
	p.Helper()
	for _, pod := range pods {
		if err := p.client.Get(p.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err.Error()
		}
		if pod.Annotations[api.AnnotationLoadStart] == "" {
			return pod.Name + " was not told"
		}
	}
	return ""
}

// jobOf is the Job of a run.
func (p *place) jobOf(run string) *batchv1.Job {
	p.Helper()
	var found batchv1.Job
	p.eventually("there is a Job of "+run, func() string {
		for _, found = range p.loads() {
			if found.Annotations[api.AnnotationAnalysisRunName] == run {
				return ""
			}
		}
		return "there is none"
	})
	return &found
}
