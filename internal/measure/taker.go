// Package measure takes due measurements: once, on time, within each backend's limits.
package measure

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const (
	// defaultAtOnce bounds all measurements that are being taken.
	defaultAtOnce = 512
	// defaultPerBackend bounds those of one backend, so that a slow one delays only its own. It is more than a
	// client sends at once: equal questions that wait together are asked once.
	defaultPerBackend = 32
)

// Config is what a Taker works with.
type Config struct {
	Readers map[string]metric.Reader
	// Secrets reads one key of a Secret, live; found is false when the Secret or the key does not exist.
	Secrets func(ctx context.Context, namespace, name, key string) (value string, found bool, err error)
	// Notify is called when a sample of the run can be fetched. It must not block.
	Notify func(run types.NamespacedName)
	// Clock is nil for the real one.
	Clock clock.Clock
	// AtOnce bounds the measurements being taken, PerBackend those of one backend; 0 = 512 and 32.
	AtOnce, PerBackend int
}

// Taker takes measurements outside the passes that decide about them. It keeps what it has taken in memory until a
// status that holds it was saved. At rest it is one goroutine and one timer, however many runs there are.
type Taker struct {
	config Config
	ctx    context.Context // ends with Stop
	stop   context.CancelFunc
	wake   chan struct{}
	busy   sync.WaitGroup

	mu      sync.Mutex
	runs    map[types.UID]*run
	ahead   agenda
	lanes   map[string]*lane
	running int
}

// run is what is wanted and known of one AnalysisRun.
type run struct {
	name  types.NamespacedName
	args  []api.Argument
	tasks map[key]*task
	saved map[string]int32 // by metric: the last measurement that is in the saved status
}

// key is a decide.SampleKey that can be compared: statuses keep times in seconds and lose their zone.
type key struct {
	metric string
	n      int32
	second int64
}

func keyOf(k decide.SampleKey) key { return key{k.Metric, k.N, k.At.Unix()} }

// New starts a Taker; Stop ends it.
func New(c Config) *Taker {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.AtOnce <= 0 {
		c.AtOnce = defaultAtOnce
	}
	if c.PerBackend <= 0 {
		c.PerBackend = defaultPerBackend
	}
	ctx, stop := context.WithCancel(context.Background())
	t := &Taker{
		config: c, ctx: ctx, stop: stop, wake: make(chan struct{}, 1),
		runs: map[types.UID]*run{}, lanes: map[string]*lane{},
	}
	t.busy.Add(1)
	go t.watchClock()
	return t
}

// Want says which measurements of the run are due, now or later, and replaces what was wanted of it before. What is no
// longer wanted is cancelled, also while it is under way; what has been taken stays until Saved, or until another
// measurement takes its place. Calling it again with the same changes nothing.
func (t *Taker) Want(of *api.AnalysisRun, due []decide.Due) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		return
	}
	r := t.runs[of.UID]
	if r == nil {
		if len(due) == 0 {
			return
		}
		r = &run{tasks: map[key]*task{}, saved: map[string]int32{}}
		t.runs[of.UID] = r
	}
	r.name, r.args = types.NamespacedName{Namespace: of.Namespace, Name: of.Name}, of.Spec.Args
	t.dropUnwanted(r, due)
	for _, d := range due {
		t.want(r, d)
	}
	t.dispatch()
	t.wakeUp()
}

func (t *Taker) dropUnwanted(r *run, due []decide.Due) {
	wanted, metrics := map[key]bool{}, map[string]bool{}
	for _, d := range due {
		wanted[keyOf(d.SampleKey)], metrics[d.Metric] = true, true
	}
	for k, task := range r.tasks {
		if !wanted[k] && (task.state != taken || metrics[k.metric]) {
			t.drop(r, k)
		}
	}
}

func (t *Taker) want(r *run, d decide.Due) {
	k := keyOf(d.SampleKey)
	if r.tasks[k] != nil || d.N <= r.saved[d.Metric] {
		return
	}
	task := &task{run: r, key: k, due: d}
	r.tasks[k] = task
	heap.Push(&t.ahead, task)
}

// Samples are the samples of the run that no saved status holds yet, by metric and number.
func (t *Taker) Samples(uid types.UID) []decide.Taken {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.runs[uid]
	if r == nil {
		return nil
	}
	var all []decide.Taken
	for _, task := range r.tasks {
		if task.state == taken {
			all = append(all, decide.Taken{Key: task.due.SampleKey, Sample: task.sample})
		}
	}
	slices.SortFunc(all, func(a, b decide.Taken) int {
		return cmp.Or(cmp.Compare(a.Key.Metric, b.Key.Metric), cmp.Compare(a.Key.N, b.Key.N))
	})
	return all
}

// Saved says that this status of the run is on the server: samples that are in it are dropped, and never taken again.
func (t *Taker) Saved(of *api.AnalysisRun) {
	if of.Status.Phase.Completed() {
		t.Forget(of.UID)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.runs[of.UID]
	if r == nil {
		return
	}
	completed := map[string]bool{}
	for _, result := range of.Status.MetricResults {
		r.saved[result.Name] = max(r.saved[result.Name], result.Count+result.Error)
		completed[result.Name] = result.Phase.Completed()
	}
	for k := range r.tasks {
		if completed[k.metric] || k.n <= r.saved[k.metric] {
			t.drop(r, k)
		}
	}
}

// Forget drops everything about a run that ended or is gone.
func (t *Taker) Forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.runs[uid]; r != nil {
		for k := range r.tasks {
			t.drop(r, k)
		}
		delete(t.runs, uid)
	}
}

// Stop cancels what is under way and waits for it to end, or for ctx. Nothing is taken afterwards.
func (t *Taker) Stop(ctx context.Context) error {
	// Under the lock, so that no measurement starts after the wait began.
	t.mu.Lock()
	t.stop()
	t.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		t.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle keeps the sample of a task, unless it was dropped meanwhile, and lets the next one start.
func (t *Taker) settle(task *task, sample judge.Sample) {
	t.mu.Lock()
	t.leave(task)
	wanted := task.state == underWay && t.ctx.Err() == nil
	if wanted {
		task.state, task.sample = taken, sample
	}
	t.dispatch()
	name := task.run.name
	t.mu.Unlock()
	if wanted && t.config.Notify != nil {
		t.config.Notify(name)
	}
}
