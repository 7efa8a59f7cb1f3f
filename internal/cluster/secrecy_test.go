package cluster

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/providers"
)

// markedAddress is a secret every part of which is known again.
const markedAddress = "https://user-marker:pass-marker@host-marker.example:8443/path-marker/ws?query-marker=1"

// echoes are the forms in which a program may repeat it.
func echoes() []string {
	quoted, _ := json.Marshal(markedAddress)
	return []string{
		markedAddress, url.QueryEscape(markedAddress), url.PathEscape(markedAddress), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(markedAddress)), "host-marker.example", "/path-marker/ws", "pass-marker", "host-marker.example:8443",
	}
}

// shows reports whether a text repeats something of the secret.
func shows(text string) bool {
	return strings.Contains(text, "marker") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(markedAddress))[:24])
}

// told is a Job of the measurement and its pod, that say something in all the places they can.
type told struct {
	job *batchv1.Job
	pod corev1.Pod
}

func (s *stage) told(run *api.AnalysisRun) told {
	s.Helper()
	given, err := s.cluster.confide(s.Context(), run, &run.Spec.Metrics[0])
	if err != nil {
		s.Fatal(err)
	}
	job, err := (providers.Job{}).Object(run, run.Spec.Metrics[0], "job")
	if err != nil {
		s.Fatal(err)
	}
	given.mark(job)
	pod := corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "load", Image: "load:1"}}}}
	pod.Status.StartTime = &metav1.Time{Time: time.Unix(1000, 0)}
	return told{job, pod}
}

func (d told) ends(kind batchv1.JobConditionType, message string) told {
	d.job = d.job.DeepCopy()
	d.job.Status.Conditions = []batchv1.JobCondition{{Type: kind, Status: corev1.ConditionTrue, Message: message, LastTransitionTime: metav1.Unix(1000, 0)}}
	return d
}

func (d told) exits(code int32, message string) told {
	d.pod.Status.Phase = corev1.PodSucceeded
	if code != 0 {
		d.pod.Status.Phase = corev1.PodFailed
	}
	d.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "load", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message},
	}}}
	return d
}

func (d told) waits(reason, image, message string) told {
	d.pod.Spec.Containers = []corev1.Container{{Name: "load", Image: image}}
	d.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "load", State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
	}}}
	return d
}

func (d told) podSays(message string) told {
	d.pod.Status.Phase, d.pod.Status.Reason, d.pod.Status.Message = corev1.PodFailed, "Evicted", message
	return d
}

func (d told) homeless(message string) told {
	d.pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: message}}
	return d
}

// places are all the places where a Job can say something.
func (d told) places(echo string) map[string]told {
	text, _ := json.Marshal("connect to " + echo + " failed")
	long := strings.Repeat("x", 280) // so that what follows is cut within
	return map[string]told{
		"a report that is inconclusive":  d.ends(batchv1.JobComplete, "").exits(0, `{"inconclusive":true,"why":`+string(text)+`}`),
		"a text of a report":             d.ends(batchv1.JobComplete, "").exits(0, `{"p99":1,"target":{"url":[`+string(text)+`]}}`),
		"the words of a failed Job":      d.ends(batchv1.JobFailed, "").exits(1, long+echo),
		"the message of the Job":         d.ends(batchv1.JobFailed, long+echo),
		"the message of the pod":         d.ends(batchv1.JobFailed, "").exits(1, "").podSays(long + echo),
		"a container that cannot start":  d.waits("CreateContainerError", "load:1", `exec: "`+echo+`": not found`),
		"a long reason for not starting": d.waits("CreateContainerError", "load:1", long+echo),
		"an image":                       d.waits("ErrImagePull", echo, ""),
		"a pod without a node":           d.homeless(long + echo),
	}
}

func (s *stage) confidant() *api.AnalysisRun {
	s.Helper()
	key := s.measuring()
	var run api.AnalysisRun
	var secret corev1.Secret
	if err := s.live.Get(s.Context(), key, &run); err != nil {
		s.Fatal(err)
	}
	key.Name = "target"
	if err := s.live.Get(s.Context(), key, &secret); err != nil {
		s.Fatal(err)
	}
	secret.Data = map[string][]byte{"url": []byte(markedAddress)}
	if err := s.live.Update(s.Context(), &secret); err != nil {
		s.Fatal(err)
	}
	return &run
}

func (s *stage) read(run *api.AnalysisRun, d told, at int64) metric.Progress {
	s.Helper()
	p, err := s.cluster.discreetly(s.Context(), providers.Job{}, reading{run: run, m: &run.Spec.Metrics[0], job: d.job, pods: []corev1.Pod{d.pod}, now: time.Unix(at, 0)})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func TestWhatAJobSaysHoldsNoSecret(t *testing.T) {
	s := newStage(t)
	run := s.confidant()
	for _, withheldToo := range []bool{true, false} {
		base := s.told(run)
		if !withheldToo {
			delete(base.job.Annotations, "sluice.dev/last-words") // the second line of defence holds by itself
		}
		for _, echo := range echoes() {
			for name, d := range base.places(echo) {
				for _, at := range []int64{1001, 1100} {
					p := s.read(run, d, at)
					if text := fmt.Sprintf("%+v %+v", p, p.Sample.Failure); shows(text) {
						t.Errorf("%s, by which %q is repeated, shows it: %s", name, echo, text)
					}
				}
			}
		}
	}
}

func TestWhatAJobSaysIsOtherwiseKept(t *testing.T) {
	s := newStage(t)
	run := s.confidant()
	d := s.told(run)
	p := s.read(run, d.ends(batchv1.JobComplete, "").exits(0, `{"p99":12.5,"verdict":"pass","url":"`+markedAddress+`"}`), 1001)
	report := p.Sample.Report
	if !p.Done || p.Sample.Failure != nil || report["p99"] != 12.5 || report["verdict"] != "pass" || report["url"] != "*****" {
		t.Errorf("the report became %+v", p)
	}
	p = s.read(run, d.ends(batchv1.JobFailed, "Job has reached the specified backoff limit"), 1100)
	if !strings.Contains(p.Sample.Message, "Job has reached the specified backoff limit") {
		t.Errorf("the message became %q", p.Sample.Message)
	}
	mark := s.requests.mark()
	if p = s.read(run, d, 1001); p.Waiting != "The Job has no pod yet." && p.Waiting != "The Job is running." {
		t.Errorf("waiting is %q", p.Waiting)
	}
	if asked := s.requests.since(mark); len(asked) > 0 {
		t.Errorf("a Job with nothing to say makes us ask %v", asked)
	}
}

func TestAJobWhoseSecretHasChangedSaysNothing(t *testing.T) {
	s := newStage(t)
	run := s.confidant()
	before := s.told(run)
	var secret corev1.Secret
	secret.Namespace, secret.Name = s.namespace, "target"
	change := map[string]func() error{
		"it was rotated": func() error {
			secret.StringData = map[string]string{"url": "http://another"}
			return s.live.Update(t.Context(), &secret)
		},
		"it is gone": func() error { return s.live.Delete(t.Context(), &secret) },
	}
	for _, how := range []string{"it was rotated", "it is gone"} {
		if err := change[how](); err != nil {
			t.Fatal(err)
		}
		for name, d := range before.places(markedAddress) {
			for _, at := range []int64{1001, 1100} {
				if text := fmt.Sprintf("%+v", s.read(run, d, at)); shows(text) {
					t.Errorf("%s: %s shows it: %s", how, name, text)
				}
			}
		}
		p := s.read(run, before.ends(batchv1.JobFailed, "").exits(3, "words"), 1100)
		if p.Sample.Result != 3.0 || !p.Sample.NeverSuccessful || p.Sample.Failure != nil || !strings.Contains(p.Sample.Message, "not shown") {
			t.Errorf("%s: a failed Job is %+v", how, p.Sample)
		}
		p = s.read(run, before.ends(batchv1.JobComplete, "").exits(0, `{"verdict":"pass"}`), 1100)
		if p.Sample.Failure == nil || p.Sample.Report != nil {
			t.Errorf("%s: a report is %+v", how, p.Sample)
		}
	}
}

func TestAJobIsMarkedWithTheSecretsItWasGiven(t *testing.T) {
	s := newStage(t)
	run := s.measuring()
	w, in := s.lookAt(run)
	if err := w.Act(t.Context(), decide.JobExists{Name: "job", Metric: in.Run.Spec.Metrics[0]}); err != nil {
		t.Fatal(err)
	}
	run.Name = "job"
	var job batchv1.Job
	if err := s.live.Get(t.Context(), run, &job); err != nil {
		t.Fatal(err)
	}
	if got := job.Annotations[annotationSecretVersions]; !strings.HasPrefix(got, "target@") {
		t.Errorf("it is marked with %q", got)
	}
}

func TestALogHoldsNoSecret(t *testing.T) {
	s := newStage(t)
	run := s.confidant()
	base := s.told(run)
	delete(base.job.Annotations, "sluice.dev/last-words") // what would keep it out altogether
	base = base.ends(batchv1.JobFailed, "").exits(1, "")
	p, err := s.cluster.discreetly(s.Context(), providers.Job{}, reading{
		run: run, m: &run.Spec.Metrics[0], job: base.job, pods: []corev1.Pod{base.pod}, now: time.Now(),
		log: &metric.Log{Text: "dialling\n" + markedAddress + "\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if log := p.Sample.Metadata["sluice.dev/log"]; !p.Done || !strings.Contains(log, "dialling\n*****") {
		t.Errorf("done %v, with the log %q, want it with the secret masked", p.Done, log)
	}
}
