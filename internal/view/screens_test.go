package view_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/simulate"
	"sluice.dev/sluice/internal/view"
)

// The screens of the documentation are what the program prints about a simulated update: nothing in
// them is written by hand. `go test ./internal/view -run TestScreens -update` writes them anew, in
// docs/screens and in the page that shows them.
func TestScreens(t *testing.T) {
	const wide = 100
	screens := []struct {
		name  string
		story func(*film)
		draw  func(view.Scene) view.Page
	}{
		{"pause", func(f *film) { f.ship("1.5.0"); f.roll(2*time.Minute + 55*time.Second) }, nil},
		{"analysis", func(f *film) { f.ship("1.5.0"); f.roll(5*time.Minute + 53*time.Second) }, nil},
		{"aborted", func(f *film) { f.goesBad(); f.ship("1.5.0"); f.roll(6*time.Minute + 30*time.Second) }, nil},
		{"healthy", func(f *film) { f.ship("1.5.0"); f.roll(20 * time.Minute) }, nil},
		{"waiting", func(f *film) { f.noImage(); f.ship("1.5.0-typo"); f.roll(48 * time.Second) }, nil},
		{"why", func(f *film) { f.goesBad(); f.ship("1.5.0"); f.roll(6*time.Minute + 30*time.Second) },
			func(s view.Scene) view.Page { return view.Why(s, wide) }},
	}
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			f := newFilm(t)
			f.roll(time.Hour)
			screen.story(f)
			if screen.draw == nil {
				screen.draw = func(s view.Scene) view.Page { return view.Fitted(s, wide, 0) }
			}
			keep(t, screen.name, screen.draw(f.scene()).Text(wide, nil))
		})
	}
}

var rewrite = flag.Lookup("update") // the flag of the tests inside the package

// keep compares a screen with the one of the documentation.
func keep(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "screens", name+".txt")
	if rewrite.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		quote(t, name, got)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// quote brings the page that shows a screen up to date; a test of the documentation compares them.
func quote(t *testing.T, name, text string) {
	t.Helper()
	page := filepath.Join("..", "..", "docs", "cli.md")
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	fence := "```text file=docs/screens/" + name + ".txt\n"
	before, after, shown := strings.Cut(string(raw), fence)
	_, after, closed := strings.Cut(after, "```\n")
	if !shown || !closed {
		t.Errorf("%s does not show %s", page, name)
		return
	}
	if err := os.WriteFile(page, []byte(before+fence+text+"```\n"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// film is a simulated rollout of which pictures are taken. The simulation knows how many pods there
// are; their names and ages, and those of ReplicaSets and Jobs, are made up here.
type film struct {
	t         *testing.T
	world     *simulate.World
	revisions []*revisionSeen
	stuck     string // why new pods of the canary do not run
}

type revisionSeen struct {
	hash     string
	template corev1.PodTemplateSpec
	since    time.Time
	pods     []time.Time // when each was first seen
}

const manifests = `
metadata: {name: shop, namespace: store, uid: rollout}
spec:
  replicas: 5
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: "registry.example/shop:1.4.2"}]}}
  strategy:
    canary:
      steps:
      - setWeight: 20
      - pause: {duration: 5m}
      - analysis: {templates: [{templateName: good-enough}]}
      - setWeight: 60
      - pause: {duration: 10m}
---
metrics:
- name: load-test
  provider: {job: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: load, image: "sluice-load:1"}]}}}}}
- name: error-rate
  interval: 20s
  count: 5
  successCondition: result[0] <= 0.004
  provider: {prometheus: {address: "http://prometheus", query: errors / requests}}
- name: latency-p99
  interval: 30s
  count: 3
  failureLimit: 1
  successCondition: result[0] < 0.25
  provider: {prometheus: {address: "http://prometheus", query: p99}}
`

func newFilm(t *testing.T) *film {
	t.Helper()
	var (
		ro       api.Rollout
		template api.AnalysisTemplateSpec
	)
	rollout, analysis, _ := strings.Cut(manifests, "---\n")
	for text, into := range map[string]any{rollout: &ro, analysis: &template} {
		if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ro.CreationTimestamp = metav1.NewTime(at)
	f := &film{t: t, world: simulate.New(&ro, at)}
	f.world.Templates[decide.TemplateKey{Name: "good-enough"}] = template
	f.world.Boot = func(string) time.Duration { return 8 * time.Second }
	f.world.Work = func(simulate.Question) (judge.Sample, time.Duration) {
		return judge.Sample{Result: 0.0, Text: "0"}, 90 * time.Second
	}
	f.answers(func(int32) float64 { return 0.0021 })
	return f
}

// answers says which part of the requests fails; the other metric is always well.
func (f *film) answers(errors func(n int32) float64) {
	f.world.Answer = func(q simulate.Question) judge.Sample {
		value := 0.118
		if q.Metric == "error-rate" {
			value = errors(q.N)
		}
		return judge.Sample{Result: []float64{value}, Text: fmt.Sprintf("[%g]", value), Series: []string{`{service="shop"}`}}
	}
}

func (f *film) goesBad() {
	f.answers(func(n int32) float64 {
		if n < 3 {
			return 0.0021
		}
		return 0.0123
	})
}

func (f *film) noImage() {
	f.stuck = "ImagePullBackOff"
	f.world.Boot = func(string) time.Duration { return -1 }
}

func (f *film) ship(version string) {
	f.world.Apply(func(ro *api.Rollout) {
		ro.Spec.Template.Spec.Containers[0].Image = "registry.example/shop:" + version
	})
}

func (f *film) roll(d time.Duration) {
	f.t.Helper()
	if !f.world.Until(f.world.Now.Add(d), f.see) {
		f.t.Fatal("the world never came to rest")
	}
}

// see notes what is new: revisions and pods.
func (f *film) see() {
	ro := f.world.Rollout()
	hash := ro.Status.CurrentPodHash
	if hash != "" && !slices.ContainsFunc(f.revisions, func(r *revisionSeen) bool { return r.hash == hash }) {
		f.revisions = append(f.revisions, &revisionSeen{hash: hash, template: *ro.Spec.Template.DeepCopy(), since: f.world.Now})
	}
	for _, r := range f.revisions {
		wanted, _ := f.world.Pods(r.hash)
		r.pods = r.pods[:min(len(r.pods), int(wanted))]
		for len(r.pods) < int(wanted) {
			r.pods = append(r.pods, f.world.Now)
		}
	}
}

// scene is what a client would read.
func (f *film) scene() view.Scene {
	ro := f.world.Rollout().DeepCopy()
	s := view.Scene{Rollout: ro, Now: f.world.Now}
	for i, r := range f.revisions {
		wanted, available := f.world.Pods(r.hash)
		rs := f.replicaSet(ro, i+1, r, wanted, available)
		s.ReplicaSets = append(s.ReplicaSets, rs)
		for n, since := range r.pods {
			s.Pods = append(s.Pods, f.pod(&rs, n, since, n < int(available)))
		}
	}
	n := 0
	for _, run := range f.world.Runs() {
		n++
		f.run(&s, run.DeepCopy(), n)
	}
	return s
}

func owned(name, kind string, uid types.UID, at time.Time) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{
		Name: name, Namespace: "store", CreationTimestamp: metav1.NewTime(at),
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: "shop", UID: uid, Controller: &yes}},
	}
}

func (f *film) replicaSet(ro *api.Rollout, number int, r *revisionSeen, wanted, available int32) appsv1.ReplicaSet {
	rs := appsv1.ReplicaSet{ObjectMeta: owned(ro.Name+"-"+r.hash, "Rollout", ro.UID, r.since)}
	rs.UID = types.UID("set-" + r.hash)
	rs.Labels = map[string]string{api.LabelPodTemplateHash: r.hash}
	rs.Annotations = map[string]string{api.AnnotationRevision: fmt.Sprint(number)}
	rs.Spec.Replicas, rs.Spec.Template = &wanted, r.template
	rs.Status = appsv1.ReplicaSetStatus{Replicas: wanted, ReadyReplicas: available, AvailableReplicas: available}
	return rs
}

func (f *film) pod(rs *appsv1.ReplicaSet, n int, since time.Time, ready bool) corev1.Pod {
	letters := []string{"4wv7k", "6rtvz", "d9wkc", "m4s7p", "xk2p9", "2jq8x", "f5829", "hr9pq", "rgjtw", "vp7bl"}
	if rs.Annotations[api.AnnotationRevision] == "2" {
		n += len(letters) / 2
	}
	pod := corev1.Pod{ObjectMeta: owned(rs.Name+"-"+letters[n], "ReplicaSet", rs.UID, since)}
	pod.Spec.Containers = rs.Spec.Template.Spec.Containers
	status := corev1.ContainerStatus{Ready: ready, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	pod.Status.Phase = corev1.PodRunning
	condition := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}
	if !ready {
		condition.Status = corev1.ConditionFalse
	}
	if !ready && f.stuck != "" {
		pod.Status.Phase = corev1.PodPending
		status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: f.stuck}}
	}
	pod.Status.Conditions = []corev1.PodCondition{condition}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{status}
	return pod
}

// run adds a run with its Jobs to the scene, under a UID like those of an API server.
func (f *film) run(s *view.Scene, run *api.AnalysisRun, n int) {
	simulated := string(run.UID)
	run.UID = types.UID(fmt.Sprintf("%08d-2222-4333-8444-555555555555", n))
	run.OwnerReferences = owned("", "Rollout", s.Rollout.UID, run.CreationTimestamp.Time).OwnerReferences
	for _, result := range run.Status.MetricResults {
		for i := range result.Measurements {
			m := &result.Measurements[i]
			name := m.Metadata[api.MetadataJobName]
			if name == "" {
				continue
			}
			name = strings.Replace(name, simulated, string(run.UID), 1)
			m.Metadata[api.MetadataJobName] = name
			s.Jobs = append(s.Jobs, job(run, name, result.Name, m))
		}
	}
	s.Runs = append(s.Runs, *run)
}

func job(run *api.AnalysisRun, name, metric string, m *api.Measurement) batchv1.Job {
	j := batchv1.Job{ObjectMeta: owned(name, "AnalysisRun", run.UID, m.StartedAt.Time)}
	j.Labels = map[string]string{api.LabelAnalysisRunUID: string(run.UID)}
	j.Annotations = map[string]string{api.AnnotationMetricName: metric}
	switch {
	case m.FinishedAt == nil:
	case m.Phase == api.AnalysisPhaseSuccessful:
		j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	default:
		j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue}} // stopped with its run
	}
	return j
}
