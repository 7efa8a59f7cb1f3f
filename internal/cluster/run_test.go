package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// oneJob is a run with one metric that a Job measures.
func oneJob() api.AnalysisRunSpec {
	job := &api.JobMetric{}
	job.Spec.Template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "load", Image: "load:1", Args: []string{"-t", "{{args.target}}"}}},
	}
	return api.AnalysisRunSpec{Metrics: []api.Metric{{Name: "load", Provider: api.MetricProvider{Job: job}}}}
}

func none(types.UID) []decide.Taken { return nil }

// measuring creates a run whose target comes from a secret, and returns its name.
func (s *stage) measuring() types.NamespacedName {
	s.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "target"}, StringData: map[string]string{"url": "http://marker-77"}}
	run := &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "run"}, Spec: oneJob()}
	run.Spec.Args = []api.Argument{{Name: "target", ValueFrom: &api.ValueFrom{SecretKeyRef: &api.SecretKeyRef{Name: "target", Key: "url"}}}}
	if err := errors.Join(s.live.Create(s.Context(), secret), s.live.Create(s.Context(), run)); err != nil {
		s.Fatal(err)
	}
	s.cache.catchUp(s.T, s.namespace)
	return types.NamespacedName{Namespace: s.namespace, Name: "run"}
}

func (s *stage) lookAt(run types.NamespacedName) (*AnalysisWorld, decide.AnalysisInput) {
	s.Helper()
	w := s.cluster.Analysis(run, none)
	in, err := w.Observe(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return w, in
}

func (s *stage) staleRun(run types.NamespacedName, after string) {
	s.Helper()
	_, err := s.cluster.Analysis(run, none).Observe(s.Context())
	if _, stale := IsStale(err); !stale {
		s.Errorf("after %s the next pass decides on what was before: %v", after, err)
	}
	s.cache.catchUp(s.T, s.namespace)
}

func TestAnAnalysisPassSeesWhatEarlierPassesWrote(t *testing.T) {
	s := newStage(t)
	run := s.measuring()

	w, _ := s.lookAt(run)
	if err := w.Save(t.Context(), api.AnalysisRunStatus{Phase: api.AnalysisPhaseRunning}); err != nil {
		t.Fatal(err)
	}
	if w.Saved().Status.Phase != api.AnalysisPhaseRunning {
		t.Errorf("saved is %+v", w.Saved().Status)
	}
	s.staleRun(run, "saving a status")

	w, in := s.lookAt(run)
	if in.Run.Status.Phase != api.AnalysisPhaseRunning {
		t.Errorf("the status is %+v", in.Run.Status)
	}
	exists := decide.JobExists{Name: "job", Metric: in.Run.Spec.Metrics[0]}
	if err := w.Act(t.Context(), exists); err != nil {
		t.Fatal(err)
	}
	s.staleRun(run, "creating a Job")

	var job batchv1.Job
	if err := s.live.Get(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: "job"}, &job); err != nil {
		t.Fatal(err)
	}
	if got := job.Spec.Template.Spec.Containers[0].Args[1]; got != "http://marker-77" {
		t.Errorf("the Job is pointed at %q", got)
	}
	w, in = s.lookAt(run)
	if !in.Jobs["job"].Ours {
		t.Errorf("Jobs are %+v", in.Jobs)
	}
	if err := w.Act(t.Context(), decide.JobGone{Name: "job"}); err != nil {
		t.Fatal(err)
	}
	s.staleRun(run, "deleting a Job")
}

func TestARefusedJobIsAnObservationOfTheNextPass(t *testing.T) {
	s := newStage(t)
	run := s.measuring()
	w, in := s.lookAt(run)
	bad := in.Run.Spec.Metrics[0].DeepCopy()
	bad.Provider.Job.Spec.Template.Spec.Containers[0].ImagePullPolicy = "{{args.target}}" // the server repeats it
	err := w.Act(t.Context(), decide.JobExists{Name: "job", Metric: *bad})
	if _, stale := IsStale(err); !stale {
		t.Fatalf("creating a Job the server refuses: %v", err)
	}
	_, in = s.lookAt(run)
	got := in.Jobs["job"]
	if !got.Done || got.Sample.Failure == nil || !strings.Contains(got.Sample.Failure.Message, "spec.template.spec.containers[0].imagePullPolicy") {
		t.Errorf("the next pass sees %+v", got)
	}
	if strings.Contains(fmt.Sprint(got.Sample.Failure), "marker-77") {
		t.Errorf("it shows the secret: %v", got.Sample.Failure)
	}
}

func TestAJobOfSomebodyElseIsKnownToBeOne(t *testing.T) {
	s := newStage(t)
	run := s.measuring()
	w, in := s.lookAt(run)
	spec := oneJob().Metrics[0].Provider.Job.Spec
	theirs := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "job"}, Spec: spec}
	if err := s.live.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	if _, stale := IsStale(w.Act(t.Context(), decide.JobExists{Name: "job", Metric: in.Run.Spec.Metrics[0]})); !stale {
		t.Error("it was not noticed")
	}
	_, in = s.lookAt(run)
	if job, seen := in.Jobs["job"]; !seen || job.Ours {
		t.Errorf("the next pass sees %+v", in.Jobs)
	}
}

func TestASecretStandsInNoError(t *testing.T) {
	secret := "https://marker-77@example"
	given := confided{secrets: []string{secret}}
	refused := apierrors.NewBadRequest("Invalid value: " + secret)
	for _, err := range []error{refused, errors.New("dial " + secret), fmt.Errorf("x: %w", refused)} {
		if text := given.discreet(err).Error(); strings.Contains(text, "marker") {
			t.Errorf("%q", text)
		}
		if (confided{}).discreet(err) != err {
			t.Error("an error without secrets was changed")
		}
	}
}

// A metric may be named by an argument. Its Jobs carry what the name comes to.
func TestAJobFindsItsMetricByTheNameWithArguments(t *testing.T) {
	service := "cart"
	run := &api.AnalysisRun{}
	run.Spec.Args = []api.Argument{{Name: "service", Value: &service}}
	run.Spec.Metrics = []api.Metric{{Name: "smoke"}, {Name: "load-{{args.service}}"}, {Name: "load-{{ args.other }}"}}
	for name, want := range map[string]*api.Metric{
		"smoke": &run.Spec.Metrics[0], "load-cart": &run.Spec.Metrics[1], "load-shop": nil,
	} {
		if got := metricOf(run, name); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}
