package cluster

import (
	"errors"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// quota lets nobody create objects of a kind until it is removed.
func (s *stage) quota(of string) (lift func()) {
	s.Helper()
	none := corev1.ResourceList{corev1.ResourceName("count/" + of): resource.MustParse("0")}
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "nothing-more"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
	if err := s.live.Create(s.Context(), q); err != nil {
		s.Fatal(err)
	}
	q.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
	if err := s.live.Status().Update(s.Context(), q); err != nil {
		s.Fatal(err)
	}
	return func() {
		if err := s.live.Delete(s.Context(), q); err != nil {
			s.Fatal(err)
		}
	}
}

// refused carries out an action until the quota is noticed: the server's view of quotas lags behind.
func (s *stage) refused(act func() error, gone func()) error {
	s.Helper()
	for range 50 {
		err := act()
		if err != nil {
			return err
		}
		gone()
		time.Sleep(100 * time.Millisecond)
	}
	s.Fatal("the quota is not enforced")
	return nil
}

// accepted carries out an action until the server takes it again.
func (s *stage) accepted(act func() error) {
	s.Helper()
	var err error
	for range 100 {
		if err = act(); err == nil {
			return
		}
		if _, stale := IsStale(err); !stale {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Fatal(err)
}

func TestARunTheServerRefusesIsAnObservationAndAskedForAgain(t *testing.T) {
	s := newStage(t)
	lift := s.quota("analysisruns.argoproj.io")
	exists := decide.RunExists{Name: "run", Spec: oneJob()}
	create := func() error {
		w, _ := s.look()
		return w.Act(t.Context(), exists)
	}
	err := s.refused(create, func() {
		run := &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "run"}}
		if err := s.live.Delete(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		s.cache.catchUp(t, s.namespace)
	})
	if after, stale := IsStale(err); !stale || after > time.Second {
		t.Fatalf("the refusal is told after %s: %v", after, err)
	}
	_, in := s.look()
	if got := in.Observed.RefusedRuns["run"]; !strings.Contains(got, "exceeded quota: nothing-more") {
		t.Errorf("the next pass sees %q", got)
	}
	if len(in.Observed.Taken) > 0 {
		t.Errorf("taken names are %v", in.Observed.Taken)
	}
	if after, stale := IsStale(create()); !stale || after < soonestRetry {
		t.Errorf("asking in vain again and again waits %s", after)
	}
	lift()
	s.accepted(create)
	s.cache.catchUp(t, s.namespace)
	if _, in := s.look(); len(in.Observed.RefusedRuns) > 0 || len(in.Observed.Runs) != 1 {
		t.Errorf("afterwards the refusals are %v, and there are %d runs", in.Observed.RefusedRuns, len(in.Observed.Runs))
	}
}

func TestAJobTheServerRefusesSaysWhyAndIsAskedForAgain(t *testing.T) {
	s := newStage(t)
	run := s.measuring()
	lift := s.quota("jobs.batch")
	create := func() error {
		w, in := s.lookAt(run)
		return w.Act(t.Context(), decide.JobExists{Name: "job", Metric: in.Run.Spec.Metrics[0]})
	}
	err := s.refused(create, func() {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "job"}}
		if err := s.live.Delete(t.Context(), job, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			t.Fatal(err)
		}
		s.cache.catchUp(t, s.namespace)
	})
	if _, stale := IsStale(err); !stale {
		t.Fatalf("a refused Job: %v", err)
	}
	_, in := s.lookAt(run)
	got := in.Jobs["job"]
	if !got.Ours || got.Done || !got.Missing || !got.Ended || !strings.Contains(got.Waiting, "the server refuses the Job: Forbidden") {
		t.Errorf("the next pass sees %+v", got)
	}
	if wait := time.Until(got.Again); wait < 10*time.Second || wait > refusedJobWithin {
		t.Errorf("it looks again in %s", wait)
	}
	lift()
	s.accepted(create)
	s.cache.catchUp(t, s.namespace)
	if _, in := s.lookAt(run); in.Jobs["job"].Missing || !in.Jobs["job"].Ours {
		t.Errorf("afterwards it is %+v", in.Jobs["job"])
	}
}

func TestAJobWhoseSecretIsMissingSaysSo(t *testing.T) {
	s := newStage(t)
	run := s.measuring()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "target"}}
	if err := s.live.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w, in := s.lookAt(run)
	if _, stale := IsStale(w.Act(t.Context(), decide.JobExists{Name: "job", Metric: in.Run.Spec.Metrics[0]})); !stale {
		t.Fatal("the missing secret is not noticed")
	}
	_, in = s.lookAt(run)
	if got := in.Jobs["job"]; !got.Missing || !strings.Contains(got.Waiting, `secret "target" has no key "url"`) {
		t.Errorf("the next pass sees %+v", got)
	}
}

func TestARefusedJobIsGivenUpAfterAWhile(t *testing.T) {
	began := time.Unix(1000, 0)
	for _, c := range []struct {
		name   string
		final  bool
		passed time.Duration
		done   bool
	}{
		{"at first it is waited for", false, 0, false},
		{"just before the end too", false, 15*time.Second - time.Millisecond, false},
		{"then it is a mistake", false, 15 * time.Second, true},
		{"what can never be taken is one at once", true, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := refusedJob(lesson{refused: "quota", final: c.final, since: began}, began.Add(c.passed))
			if got.Done != c.done || !got.Missing || !got.Ours || !got.Ended { // it is never there
				t.Errorf("it is %+v", got)
			}
			if c.done && (got.Sample.Failure.Class != judge.BadConfig || got.Sample.Failure.Message != "quota") {
				t.Errorf("the failure is %+v", got.Sample.Failure)
			}
		})
	}
}

func TestWhatARefusalIs(t *testing.T) {
	runs := api.SchemeGroupVersion.WithResource("analysisruns").GroupResource()
	webhook := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: 400, Message: "admission webhook denied the request"}}
	for _, c := range []struct {
		name    string
		err     error
		refused bool
	}{
		{"success", nil, false},
		{"a quota", apierrors.NewForbidden(runs, "x", errors.New("exceeded quota")), true},
		{"a policy", policy(runs), true},
		{"a webhook without a reason", webhook, true},
		{"a bad request", apierrors.NewBadRequest("bad"), true},
		{"too large", apierrors.NewRequestEntityTooLargeError("too large"), true},
		{"no answer", errors.New("connection refused"), false},
		{"a server in trouble", apierrors.NewInternalError(errors.New("etcd")), false},
		{"a server under load", apierrors.NewTooManyRequests("later", 1), false},
		{"a quota that somebody else is using at the moment", apierrors.NewConflict(runs, "x", errors.New("changed")), false},
		{"a token that has just expired", apierrors.NewUnauthorized("expired"), false},
		{"a view from before", lookAgain("stale"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := refuses(c.err); got != c.refused {
				t.Errorf("refused is %v", got)
			}
		})
	}
}

func TestRefusalsAreAskedAgainLessAndLessOften(t *testing.T) {
	var l lessons
	at := ref{kind: runKind, name: "run"}
	wait := func(why string) time.Duration {
		after, _ := IsStale(l.learnRefusal("uid", at, lesson{refused: why}))
		return after
	}
	if got := wait("used: 1"); got != atOnce {
		t.Errorf("at first it waits %s", got)
	}
	if got := wait("used: 2"); got != soonestRetry {
		t.Errorf("other words for the same make it wait %s", got)
	}
	for _, c := range []struct{ so, want time.Duration }{{4 * time.Second, 4 * time.Second}, {time.Hour, latestRetry}} {
		what := l.about["uid"][at]
		what.since = time.Now().Add(-c.so)
		l.about["uid"][at] = what
		if got := wait("used: 2"); got.Round(time.Second) != c.want {
			t.Errorf("after %s it waits %s", c.so, got)
		}
	}
	l.unlearn("uid", at)
	if got := wait("used: 3"); got != atOnce {
		t.Errorf("a new refusal waits %s", got)
	}
}

func TestJobsOfARunThatHasEndedAreStillSeen(t *testing.T) {
	s := newStage(t)
	key := s.measuring()
	w, in := s.lookAt(key)
	for _, name := range []string{"running", "over"} {
		if err := w.Act(t.Context(), decide.JobExists{Name: name, Metric: in.Run.Spec.Metrics[0]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Save(t.Context(), api.AnalysisRunStatus{Phase: api.AnalysisPhaseSuccessful}); err != nil {
		t.Fatal(err)
	}
	job := func(name string) *batchv1.Job {
		var job batchv1.Job
		if err := s.live.Get(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: name}, &job); err != nil {
			t.Fatal(err)
		}
		return &job
	}
	over := job("over")
	over.Status = batchv1.JobStatus{StartTime: &over.CreationTimestamp, CompletionTime: &over.CreationTimestamp, Conditions: []batchv1.JobCondition{
		{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue},
	}}
	if err := s.live.Status().Update(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	w, in = s.lookAt(key)
	if got := in.Jobs["running"]; !got.Ours || got.Ended {
		t.Errorf("the running one is %+v", got)
	}
	if got := in.Jobs["over"]; !got.Ours || !got.Ended {
		t.Errorf("the one that is over is %+v", got)
	}
	if err := w.Act(t.Context(), decide.JobGone{Name: "running"}); err != nil {
		t.Fatal(err)
	}
	if job("running").DeletionTimestamp.IsZero() {
		t.Error("it goes on running")
	}
	s.cache.catchUp(t, s.namespace)
	if _, in = s.lookAt(key); !in.Jobs["running"].Ended {
		t.Errorf("being deleted without a pod it is %+v", in.Jobs["running"])
	}
}

func TestAJobThatIsBeingDeletedHasEndedWhenItsPodsHave(t *testing.T) {
	c := &Cluster{}
	now := metav1.Now()
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "job", DeletionTimestamp: &now}}
	m := &api.Metric{Name: "load"}
	for phase, ended := range map[corev1.PodPhase]bool{corev1.PodRunning: false, corev1.PodPending: false, corev1.PodFailed: true} {
		pods := []corev1.Pod{{Status: corev1.PodStatus{Phase: phase}}}
		got, err := c.readJob(t.Context(), plainJobs{}, reading{run: &api.AnalysisRun{}, m: m, job: job, pods: pods, now: now.Time})
		if err != nil || got.Ended != ended || got.Done != ended {
			t.Errorf("with a pod that is %s: %+v, %v", phase, got, err)
		}
		if ended && !strings.Contains(got.Sample.Failure.Message, "was deleted before it ended") {
			t.Errorf("the failure is %v", got.Sample.Failure)
		}
	}
}
