// Package simulate is the engine's world on a virtual clock.
package simulate

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// World holds one Rollout with its ReplicaSets, pods, runs and Jobs, as an API server and a node
// would, on a clock that only moves when told.
type World struct {
	Now time.Time
	// Templates the Rollout may refer to.
	Templates map[decide.TemplateKey]api.AnalysisTemplateSpec
	// Boot is how long a new pod of a revision takes to be available; negative is never. For pods of an
	// Experiment it is asked with the name of their ReplicaSet.
	Boot func(hash string) time.Duration
	// Answer is what a metric server says; it is asked once for each due measurement.
	Answer func(Question) judge.Sample
	// Work is what a Job comes to, and after how long; negative is never.
	Work func(Question) (judge.Sample, time.Duration)
	// Invalid and Unsupported are what validation would say of the present spec.
	Invalid, Unsupported func(*api.Rollout) []string
	// InvalidExperiment is what validation would say of an Experiment. TakenNames are names of ReplicaSets and
	// AnalysisRuns that belong to somebody else.
	InvalidExperiment func(*api.Experiment) []string
	TakenNames        map[string]bool
	// Fate decides which faults happen; nil is none.
	Fate Fate
	// Resized is told of every change of a ReplicaSet's size, with what served before and what
	// still serves after it; nil tells nobody.
	Resized func(Resize)
	// Refuse says why a PodDisruptionBudget lets no pod be evicted that serves, or does not; "" or nil
	// let it go. Evicted is told of every pod that was evicted; nil tells nobody.
	Refuse  func(serves bool) string
	Evicted func(Eviction)
	// Repointed is told of every Service that names another revision now by the Rollout's doing; nil tells nobody.
	Repointed func(Repoint)
	// DeploymentBoot is how long a new pod of the Deployment takes; nil is a second, negative is never.
	// Rescaled is told of every change of its size by the controller; nil tells nobody.
	DeploymentBoot func() time.Duration
	Rescaled       func(Rescale)
	// Quick leaves out what a status goes through between a controller and its server: it is not turned into
	// JSON and back. Whoever wants to know that this changes nothing leaves it false.
	Quick bool
	// Clinging says that Services which the Rollout names no more are not given back: the server does not let them.
	Clinging bool
	// Away is until when no controller runs.
	Away time.Time

	deployment *deployment
	gone       bool // the Rollout was deleted

	// Redirected is told of every change of what the router does or was told; nil tells nobody.
	Redirected func(why string)

	routing     Routing
	router      *router
	experiments map[string]*experiment

	rollout  *api.Rollout
	sets     map[string]*set
	services map[string]service
	runs     map[string]*run
	evicted  map[types.UID]bool
	born     []string // hashes in the order in which their ReplicaSets were created
	events   []decide.Event
	version  int
	uid      int
	past     []*snapshot
	reason   decide.Reason
	wake     time.Time
	writes   int
	passes   int
}

// TemplateKey names a template that the Rollout may refer to.
type TemplateKey = decide.TemplateKey

// Question names a measurement: of which metric of which run, the n-th, for which revision.
type Question struct {
	Run, Metric, Revision string
	Spec                  api.Metric // arguments filled in as far as they are known
	N                     int32
	At                    time.Time
}

// Resize is one change of a ReplicaSet's size, in pods of all revisions.
type Resize struct {
	Name string
	// Replicas is what the Rollout wanted when this was decided.
	Replicas int32
	// Unseen says that the pass did not see the present size of every ReplicaSet.
	Unseen                      bool
	From, To                    int32
	ServingBefore, ServingAfter int32
	WantedBefore, WantedAfter   int32
}

// set is a ReplicaSet with its pods.
type set struct {
	decide.ReplicaSet
	version int
	pods    []pod
	boots   string // what Boot is asked with instead of the hash
}

// run is an AnalysisRun with its Jobs and the samples that were taken for it.
type run struct {
	object  *api.AnalysisRun
	version int
	jobs    map[string]*job
	samples []decide.Taken
	// restedAt is the version at which a pass had nothing to do with it any more.
	restedAt int
}

// job is a Job, replaced and never edited: passes may look at an older one.
type job struct {
	sample judge.Sample
	endsAt time.Time
	never  bool
	loadAt time.Time // when a load test of one pod begins; zero for other Jobs
	// Of a load test that several pods share: when all of them are there, when they were told to begin, zero
	// before they were, and how long they then take.
	shared      bool
	assembledAt time.Time
	told        time.Time
	takes       time.Duration
}

// assembles is how long the pods of a load test take until all of them are there.
const assembles = 2 * time.Second

// newJob is a Job that has just been created.
func newJob(m api.Metric, sample judge.Sample, takes time.Duration, now time.Time) *job {
	sample.FinishedAt = now.Add(takes)
	j := &job{sample: sample, endsAt: now.Add(takes), never: takes < 0, takes: takes}
	if m.LoadTests() {
		j.loadAt = now
	}
	if m.Provider.LoadTest.Pods() > 1 {
		j.loadAt, j.shared, j.assembledAt, j.endsAt = time.Time{}, true, now.Add(assembles), now.Add(assembles)
	}
	return j
}

// begin is the same Job whose pods were told when to begin. Those that were told before keep to that.
func (j *job) begin(at time.Time) *job {
	if !j.told.IsZero() {
		return j
	}
	told := *j
	told.told, told.endsAt = at, at.Add(j.takes)
	told.sample.FinishedAt = told.endsAt
	return &told
}

// seen is what an observer sees of the Job. One with a forced verdict, such as one whose image cannot be pulled, may
// still start one day.
func (j *job) seen(now time.Time) decide.Job {
	seen := decide.Job{Ours: true, Sample: j.sample, Waiting: "The Job is running.", LoadFrom: j.told}
	if j.shared && j.told.IsZero() {
		seen.Assembled = !now.Before(j.assembledAt)
		if seen.Assembled {
			seen.Untold = []string{"all"}
		}
		return seen
	}
	seen.Done = !j.never && !now.Before(j.endsAt)
	seen.Ended = seen.Done && j.sample.Forced == ""
	seen.Assembled = j.shared
	if seen.LoadFrom.IsZero() {
		seen.LoadFrom = j.loadAt
	}
	if seen.Done && !seen.LoadFrom.IsZero() {
		seen.LoadTo = j.endsAt
	}
	return seen
}

// New makes a world around a Rollout, at the given time.
func New(ro *api.Rollout, now time.Time) *World {
	w := &World{
		Now: now, Templates: map[decide.TemplateKey]api.AnalysisTemplateSpec{},
		Boot: func(string) time.Duration { return time.Second },
		sets: map[string]*set{}, experiments: map[string]*experiment{}, services: map[string]service{}, runs: map[string]*run{}, evicted: map[types.UID]bool{},
	}
	w.Apply(func(r *api.Rollout) { *r = *ro.DeepCopy() })
	return w
}

// Apply changes the Rollout as a user would; a change of the spec is a new generation.
func (w *World) Apply(change func(*api.Rollout)) {
	next := &api.Rollout{}
	if w.rollout != nil {
		next = w.rollout.DeepCopy()
	}
	before := next.DeepCopy()
	change(next)
	if !sameJSON(before.Spec, next.Spec) {
		next.Generation++
	}
	if next.UID == "" {
		next.UID = "rollout"
	}
	next.ResourceVersion = fmt.Sprint(w.touch())
	w.rollout = next
}

// Rollout is the Rollout as it stands; callers must not change it.
func (w *World) Rollout() *api.Rollout { return w.rollout }

// Runs are the AnalysisRuns by name.
func (w *World) Runs() map[string]*api.AnalysisRun {
	all := map[string]*api.AnalysisRun{}
	for name, r := range w.runs {
		all[name] = r.object
	}
	return all
}

// Events are all events so far.
func (w *World) Events() []decide.Event { return w.events }

// Writes counts the writes to the API server so far.
func (w *World) Writes() int { return w.writes }

// Pods is how many pods a revision wants, has, and has available.
func (w *World) Pods(hash string) (wanted, available int32) {
	for _, s := range w.sets {
		if s.Hash == hash {
			return s.Wanted, s.serving(w.Now)
		}
	}
	return 0, 0
}

// Totals are the pods of all revisions.
func (w *World) Totals() (wanted, available int32) {
	for _, s := range w.sets {
		wanted += s.Wanted
		available += s.serving(w.Now)
	}
	return wanted, available
}

// Break makes n available pods of a revision unready until Mend.
func (w *World) Break(hash string, n int) {
	for _, s := range w.sets {
		for i := range s.pods {
			if s.Hash == hash && n > 0 && !s.pods[i].broken {
				s.pods[i].broken = true
				n--
			}
		}
	}
}

// Mend makes all pods well again.
func (w *World) Mend() {
	for _, s := range w.sets {
		for i := range s.pods {
			s.pods[i].broken = false
		}
	}
}

// node is the ReplicaSet controller and the kubelet: it makes pods for what is wanted, removes those
// that do not serve first, and brings every status up to date.
func (w *World) node() {
	w.nodeOfDeployment()
	w.route()
	w.eachSet(func(s *set) {
		w.notice(s)
		for int32(len(s.pods)) < s.Wanted {
			s.pods = append(s.pods, w.newPod(s))
		}
		if extra := len(s.pods) - int(s.Wanted); extra > 0 {
			slices.SortStableFunc(s.pods, func(a, b pod) int {
				return order(b.available(w.Now), a.available(w.Now))
			})
			s.pods = s.pods[:len(s.pods)-extra]
		}
		serving := s.believed(w.Now)
		if s.Replicas != s.Wanted || s.Available != serving || !s.Observed {
			s.Replicas, s.Ready, s.Available, s.Observed = s.Wanted, serving, serving, true
			s.version = w.touch()
		}
	})
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// touch gives the next resource version. Each object has its own: a Rollout may be as fresh as can be
// in a cache whose ReplicaSets are old.
func (w *World) touch() int {
	w.version++
	return w.version
}

// metrics answers every read that is due and keeps the sample until the run's status has it.
func (w *World) metrics() {
	for _, name := range slices.Sorted(maps.Keys(w.runs)) {
		r := w.runs[name]
		if r.object.Status.Phase.Completed() {
			continue
		}
		for _, due := range decide.Reads(r.object) {
			if w.Now.Before(due.At) || r.has(due.SampleKey) || w.Answer == nil {
				continue
			}
			s := w.Answer(w.question(r, due.Spec, due.N, due.Asked()))
			s.StartedAt, s.FinishedAt = w.Now, w.Now
			r.samples = append(r.samples, decide.Taken{Key: due.SampleKey, Sample: s})
		}
	}
}

func (w *World) question(r *run, metric api.Metric, n int32, at time.Time) Question {
	return Question{
		Run: r.object.Name, Metric: metric.Name, Spec: metric, Revision: r.object.Labels[api.LabelPodTemplateHash], N: n, At: at,
	}
}

func (r *run) has(key decide.SampleKey) bool {
	return slices.ContainsFunc(r.samples, func(t decide.Taken) bool {
		return t.Key.Metric == key.Metric && t.Key.N == key.N && t.Key.At.Equal(key.At)
	})
}

// createRun is what the API server does with a new AnalysisRun.
func (w *World) createRun(a decide.RunExists, owner metav1.Object, kind string) {
	w.uid++
	w.runs[a.Name] = &run{
		object: &api.AnalysisRun{
			ObjectMeta: metav1.ObjectMeta{
				Name: a.Name, Namespace: w.rollout.Namespace, UID: types.UID(fmt.Sprintf("run-%d", w.uid)),
				Labels: a.Labels, Annotations: a.Annotations, CreationTimestamp: metav1.NewTime(w.Now),
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, api.Kind(kind))},
			},
			Spec: *a.Spec.DeepCopy(),
		},
		version: w.touch(), jobs: map[string]*job{},
	}
}

// createSet is what the API server does with a new ReplicaSet.
func (w *World) createSet(a decide.ReplicaSetExists) {
	if !slices.Contains(w.born, a.Hash) {
		w.born = append(w.born, a.Hash)
	}
	w.sets[a.Name] = &set{
		ReplicaSet: decide.ReplicaSet{
			Name: a.Name, Hash: a.Hash, Revision: a.Revision, CreatedAt: w.Now, DesiredReplicas: a.DesiredReplicas,
			MinReadySeconds: a.MinReadySeconds, Template: *a.Template.DeepCopy(), Observed: true,
			Worn: a.Annotations[api.AnnotationEphemeralMetadata], Covered: a.Annotations[api.AnnotationCoveredMetadata],
		},
		version: w.touch(),
	}
}

// Template is a pod template that differs only by its version.
func Template(version string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "shop"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "shop", Image: "shop:" + version,
		}}},
	}
}
