package simulate

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts")

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// example reads the seed's own manifests, so that what is told here is what users apply.
func example(t testing.TB, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "examples", path))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(raw, into); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
}

// seed is a world with the seed's Rollout and template. Jobs take 30 s and succeed, queries answer
// 0.001, until a story says otherwise.
func seed(t testing.TB) *World {
	t.Helper()
	var ro api.Rollout
	var template api.AnalysisTemplate
	example(t, "seed/rollout.yaml", &ro)
	example(t, "seed/analysis-template.yaml", &template)
	w := New(&ro, epoch)
	w.Templates[decide.TemplateKey{Name: template.Name}] = template.Spec
	w.Answer = func(Question) judge.Sample { return number(0.001) }
	w.Work = func(Question) (judge.Sample, time.Duration) { return exit(0), 30 * time.Second }
	return w
}

func number(v float64) judge.Sample {
	return judge.Sample{Result: []float64{v}, Text: fmt.Sprintf("[%g]", v), Series: []string{`{pod="canary"}`}}
}

func exit(code int) judge.Sample {
	s := judge.Sample{Result: float64(code), Text: fmt.Sprint(code)}
	if code != 0 {
		s.NeverSuccessful = true
		s.Message = fmt.Sprintf("The Job failed: container exited with code %d.", code)
	}
	return s
}

func unauthorized(Question) judge.Sample {
	return judge.Sample{Failure: &judge.Failure{Class: judge.Unauthorized, Message: "the server answered 403: the identity that signed may not query this workspace"}}
}

// deploy brings the first revision up.
func deploy(t *testing.T, w *World, tr *Transcript) {
	t.Helper()
	pass(t, w, tr, 5*time.Second)
}

// pass lets time pass.
func pass(t *testing.T, w *World, tr *Transcript, d time.Duration) {
	t.Helper()
	if !w.Until(w.Now.Add(d), tr.Note) {
		t.Fatalf("the world never came to rest:\n%s", tr)
	}
}

// ship applies a new version.
func ship(w *World, tr *Transcript, version string) {
	tr.Say("kubectl apply: version %s", version)
	w.Apply(func(ro *api.Rollout) { ro.Spec.Template.Spec.Containers[0].Env[0].Value = version })
}

// metricOf changes a metric of the seed's template.
func metricOf(w *World, name string, change func(*api.Metric)) {
	key := decide.TemplateKey{Name: "success-rate-with-job"}
	spec := w.Templates[key]
	for i := range spec.Metrics {
		if spec.Metrics[i].Name == name {
			change(&spec.Metrics[i])
		}
	}
	w.Templates[key] = spec
}

// story is told in a world, the seed's unless it says otherwise. Its name says what must hold.
type story struct {
	name string
	tell func(*testing.T, *World, *Transcript)
	in   func(testing.TB) *World
}

// tell plays stories, compares them with their transcripts, and checks that the world is left alone
// when they are over.
func tell(t *testing.T, stories []story) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			if s.in == nil {
				s.in = seed
			}
			w := s.in(t)
			tr := NewTranscript(w)
			s.tell(t, w, tr)
			golden(t, tr)
			rests(t, w)
		})
	}
}

// golden compares a transcript with the one on file.
func golden(t *testing.T, tr *Transcript) {
	t.Helper()
	_, name, ok := strings.Cut(t.Name(), "/")
	if !ok {
		name = t.Name()
	}
	name = filepath.Join("testdata", strings.NewReplacer("/", "_", ",", "").Replace(name)+".txt")
	got := tr.String()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// is checks where a story ended, so that a rewritten transcript cannot hide a wrong end.
func is(t *testing.T, w *World, phase api.RolloutPhase, message string) {
	t.Helper()
	s := w.Rollout().Status
	if s.Phase != phase || !strings.Contains(s.Message, message) {
		t.Errorf("phase %s %q, want %s with %q", s.Phase, s.Message, phase, message)
	}
}

// serves checks the pods of the current and of the stable revision.
func serves(t *testing.T, w *World, canary, stable int32) {
	t.Helper()
	s := w.Rollout().Status
	_, gotStable := w.Pods(s.StableRS)
	gotCanary := int32(0)
	if s.StableRS != s.CurrentPodHash {
		_, gotCanary = w.Pods(s.CurrentPodHash)
	}
	if gotCanary != canary || gotStable != stable {
		t.Errorf("pods: %d canary and %d stable serve, want %d and %d", gotCanary, gotStable, canary, stable)
	}
}

// patch is what a client writes to the status.
func patch(w *World, tr *Transcript, what string, change func(*api.RolloutStatus)) {
	tr.Say("%s", what)
	w.Apply(func(ro *api.Rollout) { change(&ro.Status) })
}

// background adds an analysis beside the steps, every 5 s, without end or 30 times.
func background(w *World, wait bool) {
	count := intstr.FromInt32(30)
	metric := api.Metric{
		Name: "errors", Interval: "5s", SuccessCondition: "result[0] <= 0.05",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}},
	}
	if wait {
		metric.Count = &count
	}
	w.Templates[decide.TemplateKey{Name: "errors"}] = api.AnalysisTemplateSpec{Metrics: []api.Metric{metric}}
	w.Apply(func(ro *api.Rollout) {
		ro.Spec.Strategy.Canary.Analysis = &api.RolloutAnalysisBackground{RolloutAnalysis: api.RolloutAnalysis{
			Templates: []api.AnalysisTemplateRef{{TemplateName: "errors"}}, WaitForVerdict: wait,
		}}
	})
}

// jobs counts the measurements that Jobs were begun for.
func jobs(w *World) (n int) {
	for _, r := range w.Runs() {
		for _, m := range r.Status.MetricResults {
			for _, measurement := range m.Measurements {
				if measurement.Metadata[api.MetadataJobName] != "" {
					n++
				}
			}
		}
	}
	return n
}

// rests checks that a settled world is left alone.
func rests(t *testing.T, w *World) {
	t.Helper()
	w.Settle()
	before := w.Writes()
	w.Turn()
	if n := w.Writes() - before; n != 0 {
		t.Errorf("%d writes although nothing happened", n)
	}
}
