package cluster

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/test/apiserver"
)

var (
	install   sync.Once
	installed error
)

// content finds nothing wrong.
type content struct{}

func (content) Rollout(*api.Rollout, References) Findings       { return Findings{} }
func (content) Experiment(*api.Experiment, References) Findings { return Findings{} }
func (content) Run(*api.AnalysisRun, References) Findings       { return Findings{} }

// stage is a rollout on a real API server, seen through a cache that catches up on command.
type stage struct {
	*testing.T
	cluster   *Cluster
	cache     *lagging
	live      client.Client
	namespace string
	rollout   types.NamespacedName
	requests  *counter
}

// counter counts requests to the API server.
type counter struct {
	next http.RoundTripper
	mu   sync.Mutex
	log  []string
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.log = append(c.log, r.Method+" "+r.URL.Path)
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}

func (c *counter) since(mark int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.log[mark:]...)
}

func (c *counter) mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.log)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	config := apiserver.Start(t)
	install.Do(func() { installed = crd.Install(context.Background(), config) })
	if installed != nil {
		t.Fatal(installed)
	}
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	requests := &counter{}
	counted := rest.CopyConfig(config)
	counted.QPS = -1
	counted.Wrap(func(next http.RoundTripper) http.RoundTripper {
		requests.next = next
		return requests
	})
	live, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := client.New(counted, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	cache := &lagging{live: live}
	s := &stage{
		T: t, cache: cache, live: live, requests: requests, namespace: apiserver.Namespace(t, config),
		cluster: New(Options{
			Cached: cache, Jobs: cache, Live: ours, Inspect: content{},
			Events:  NewRecorder(ours, logr.Discard()),
			Runners: map[string]metric.Runner{"job": plainJobs{}},
		}),
	}
	s.rollout = types.NamespacedName{Namespace: s.namespace, Name: "shop"}
	text, err := os.ReadFile("testdata/rollout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rollout := &api.Rollout{}
	if err := yaml.UnmarshalStrict(text, rollout); err != nil {
		t.Fatal(err)
	}
	rollout.Namespace = s.namespace
	if err := live.Create(t.Context(), rollout); err != nil {
		t.Fatal(err)
	}
	cache.catchUp(t, s.namespace)
	return s
}

// plainJobs builds a Job that holds what the metric says.
type plainJobs struct{}

func (plainJobs) Object(run *api.AnalysisRun, m api.Metric, name string) (*batchv1.Job, error) {
	job := &batchv1.Job{Spec: m.Provider.Job.Spec}
	job.Namespace, job.Name = run.Namespace, name
	job.Labels = map[string]string{api.LabelAnalysisRunUID: string(run.UID)}
	job.Annotations = map[string]string{api.AnnotationMetricName: m.Name}
	return job, nil
}

func (plainJobs) Poll(metric.Seen) metric.Progress {
	return metric.Progress{}
}

// look observes the rollout in a new pass.
func (s *stage) look() (*RolloutWorld, decide.RolloutInput) {
	s.Helper()
	w := s.cluster.Rollout(s.rollout)
	in, err := w.Observe(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return w, in
}

// stale makes sure that the next pass of the rollout waits until the cache has caught up, without
// asking the server anything.
func (s *stage) stale(after string) {
	s.Helper()
	mark := s.requests.mark()
	_, err := s.cluster.Rollout(s.rollout).Observe(s.Context())
	if _, stale := IsStale(err); !stale {
		s.Errorf("after %s the next pass decides on what was before: %v", after, err)
	}
	if asked := s.requests.since(mark); len(asked) > 0 {
		s.Errorf("after %s, waiting asks %v", after, asked)
	}
	s.cache.catchUp(s.T, s.namespace)
	if _, err := s.cluster.Rollout(s.rollout).Observe(s.Context()); err != nil {
		s.Errorf("after %s and catching up: %v", after, err)
	}
}

func (s *stage) act(w *RolloutWorld, action decide.Action) {
	s.Helper()
	if err := w.Act(s.Context(), action); err != nil {
		s.Fatalf("%T: %v", action, err)
	}
}

// newest is the ReplicaSet the rollout's template asks for.
func (s *stage) newest() decide.ReplicaSetExists {
	s.Helper()
	_, in := s.look()
	hash := decide.PodHash(&in.Rollout.Spec.Template, nil)
	return decide.ReplicaSetExists{
		Name: "shop-" + hash, Hash: hash, Revision: 1, DesiredReplicas: 5, Template: in.Rollout.Spec.Template, MinReadySeconds: 3,
	}
}

func (s *stage) set(name string) *appsv1.ReplicaSet {
	s.Helper()
	rs := &appsv1.ReplicaSet{}
	if err := s.live.Get(s.Context(), types.NamespacedName{Namespace: s.namespace, Name: name}, rs); err != nil {
		s.Fatal(err)
	}
	return rs
}

func TestAPassSeesWhatEarlierPassesWrote(t *testing.T) {
	s := newStage(t)
	exists := s.newest()

	w, in := s.look()
	status := in.Rollout.Status
	status.CurrentPodHash = exists.Hash
	if err := w.Save(t.Context(), status); err != nil {
		t.Fatal(err)
	}
	s.stale("saving a status")

	w, _ = s.look()
	s.act(w, exists)
	s.act(w, decide.ReplicaSetWants{Name: exists.Name, To: 5, DesiredReplicas: 5})
	s.stale("creating a ReplicaSet and scaling it")

	w, _ = s.look()
	s.act(w, decide.ReplicaSetWants{Name: exists.Name, From: 5, To: 4, DesiredReplicas: 5})
	s.stale("scaling a ReplicaSet")

	w, _ = s.look()
	s.act(w, decide.ReplicaSetCarries{Name: exists.Name, Annotations: map[string]string{"a": "b"}})
	s.stale("annotating a ReplicaSet")

	w, _ = s.look()
	s.act(w, decide.RolloutCarries{Annotations: map[string]string{api.AnnotationRevision: "1"}})
	s.stale("annotating the rollout")

	w, _ = s.look()
	s.act(w, decide.RunExists{Name: "run", Labels: map[string]string{"a": "b"}, Spec: oneJob()})
	s.stale("creating a run")

	w, _ = s.look()
	s.act(w, decide.RunStopped{Name: "run"})
	s.stale("stopping a run")

	w, in = s.look()
	if len(in.Observed.Runs) != 1 || !in.Observed.Runs[0].Spec.Terminate || in.Observed.Runs[0].Annotations[api.AnnotationStoppedBy] != api.StoppedByRollout {
		t.Errorf("runs are %+v", in.Observed.Runs)
	}
	s.act(w, decide.RunGone{Name: "run"})
	s.stale("deleting a run")

	w, _ = s.look()
	s.act(w, decide.ReplicaSetGone{Name: exists.Name})
	s.stale("deleting a ReplicaSet")
}

func TestWhatIsWrittenIsConditionalOnWhatWasSeen(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	w, _ := s.look()
	s.act(w, exists)
	s.cache.catchUp(t, s.namespace)

	w, in := s.look()
	other := s.set(exists.Name)
	other.Annotations["by"] = "somebody else"
	if err := s.live.Update(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	err := w.Act(t.Context(), decide.ReplicaSetWants{Name: exists.Name, To: 5})
	if _, stale := IsStale(err); !stale {
		t.Errorf("scaling what somebody else has changed: %v", err)
	}
	if got := *s.set(exists.Name).Spec.Replicas; got != 0 {
		t.Errorf("it was scaled to %d all the same", got)
	}

	rollout := in.Rollout.DeepCopy()
	rollout.Annotations = map[string]string{"by": "somebody else"}
	if err := s.live.Update(t.Context(), rollout); err != nil {
		t.Fatal(err)
	}
	// Nothing to save, and still refused: an unchanged status is saved as a condition for acting.
	if _, stale := IsStale(w.Save(t.Context(), in.Rollout.Status)); !stale {
		t.Error("a save on an old version was taken")
	}
	s.stale("both refusals")
}

func TestCapacityIsLookedAtLiveBeforeItIsLowered(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	w, _ := s.look()
	s.act(w, exists)
	rs, three := s.set(exists.Name), int32(3)
	rs.Spec.Replicas = &three
	if err := s.live.Update(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	rs.Status = appsv1.ReplicaSetStatus{Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3}
	if err := s.live.Status().Update(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	w, _ = s.look()
	rs.Status.AvailableReplicas = 2 // after the pass has looked
	if err := s.live.Status().Update(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	lower := decide.ReplicaSetWants{Name: exists.Name, From: 3, To: 1, Relies: []decide.Capacity{{ReplicaSet: exists.Name, Available: 3}}}
	err := w.Act(t.Context(), lower)
	if _, stale := IsStale(err); !stale || !strings.Contains(err.Error(), "2 available") {
		t.Errorf("lowering on 2 pods instead of 3: %v", err)
	}
	s.stale("a refusal for capacity")
	w, _ = s.look()
	lower.Relies[0].Available = 2
	s.act(w, lower)
	// As many are still there, but all except one are about to go.
	if _, stale := IsStale(w.Act(t.Context(), lower)); !stale {
		t.Error("lowering on pods that are no longer wanted")
	}
}

func TestTheAnswerToAWriteIsALiveLook(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	w, _ := s.look()
	s.act(w, exists)
	rs := s.set(exists.Name)
	rs.Status = appsv1.ReplicaSetStatus{Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3}
	if err := s.live.Status().Update(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	w, _ = s.look()
	s.act(w, decide.ReplicaSetWants{Name: exists.Name, From: 0, To: 5, DesiredReplicas: 5})
	mark := s.requests.mark()
	lower := decide.ReplicaSetWants{Name: exists.Name, From: 5, To: 4, DesiredReplicas: 5, Relies: []decide.Capacity{{ReplicaSet: exists.Name, Available: 3}}}
	s.act(w, lower)
	if asked := s.requests.since(mark); len(asked) != 1 || !strings.HasPrefix(asked[0], "PATCH ") {
		t.Errorf("lowering on what was just written asks %v, want the one write", asked)
	}
	lower.Relies[0].Available = 4
	if _, stale := IsStale(w.Act(t.Context(), lower)); !stale {
		t.Error("the answer said 3 pods are available, and 4 were relied on")
	}
	if got := *s.set(exists.Name).Spec.Replicas; got != 4 {
		t.Errorf("it wants %d pods, want 4", got)
	}
}

func TestWhoseANameIs(t *testing.T) {
	s := newStage(t)
	exists := s.newest()
	_, in := s.look()
	set := func(owners ...metav1.OwnerReference) *appsv1.ReplicaSet {
		rs := replicaSet(in.Rollout, exists)
		rs.OwnerReferences = owners
		if err := s.live.Create(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		return rs
	}
	remove := func(rs *appsv1.ReplicaSet) {
		if err := s.live.Delete(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
	}
	ours := *metav1.NewControllerRef(in.Rollout, rolloutKind)
	theirs := ours
	theirs.UID, theirs.Name = "another", "another"

	s.Run("a ReplicaSet of ours that the cache has not shown is met again", func(*testing.T) {
		rs := set(ours)
		w, _ := s.look()
		if _, stale := IsStale(w.Act(t.Context(), exists)); !stale {
			t.Error("it was not met")
		}
		s.stale("meeting our own")
		remove(rs)
		s.cache.catchUp(t, s.namespace)
	})
	s.Run("an orphan of this revision becomes ours", func(*testing.T) {
		rs := set()
		w, _ := s.look()
		if _, stale := IsStale(w.Act(t.Context(), exists)); !stale {
			t.Error("it was not adopted")
		}
		s.stale("adopting an orphan")
		if _, in := s.look(); len(in.Observed.ReplicaSets) != 1 {
			t.Errorf("it is not among ours: %v", in.Observed.ReplicaSets)
		}
		remove(rs)
		s.cache.catchUp(t, s.namespace)
	})
	s.Run("one that is being deleted is waited for, and no stranger", func(*testing.T) {
		rs := set(ours)
		if err := s.live.Delete(t.Context(), rs, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
			t.Fatal(err)
		}
		w, _ := s.look()
		if after, stale := IsStale(w.Act(t.Context(), exists)); !stale || after != patience {
			t.Errorf("stale %v, after %s", stale, after)
		}
		if _, in := s.look(); in.Observed.Taken[exists.Name] {
			t.Error("it counts as somebody else's")
		}
		rs = s.set(rs.Name)
		rs.Finalizers = nil // nobody collects garbage here
		if err := s.live.Update(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
	})
	s.Run("a stranger's is left alone and known to be one", func(*testing.T) {
		rs := set(theirs)
		w, _ := s.look()
		if _, stale := IsStale(w.Act(t.Context(), exists)); !stale {
			t.Error("it was not noticed")
		}
		if _, in := s.look(); !in.Observed.Taken[exists.Name] {
			t.Errorf("taken names are %v", in.Observed.Taken)
		}
		if owner := metav1.GetControllerOf(s.set(rs.Name)); owner.UID != "another" {
			t.Errorf("its owner is now %v", owner)
		}
		remove(rs)
	})
}

func TestTheServerJudgesEachTemplateOnce(t *testing.T) {
	s := newStage(t)
	_, in := s.look()
	if in.Observed.ServerTemplate == nil || in.Observed.ServerTemplate.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		t.Fatalf("the template after defaulting is %+v", in.Observed.ServerTemplate)
	}
	mark := s.requests.mark()
	s.look()
	if asked := s.requests.since(mark); len(asked) > 0 {
		t.Errorf("the same template was judged again: %v", asked)
	}
	bad := in.Rollout.DeepCopy()
	bad.Spec.Template.Spec.Containers[0].ImagePullPolicy = "Sometimes"
	if err := s.live.Update(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	s.cache.catchUp(t, s.namespace)
	_, in = s.look()
	if !strings.Contains(in.Observed.Refused, "spec.template.spec.containers[0].imagePullPolicy") {
		t.Errorf("refused is %q", in.Observed.Refused)
	}
}
