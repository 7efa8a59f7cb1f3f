package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// A load test that waits for a place is woken when one ends, and looks by itself every so often.
const (
	queueLook  = 10 * time.Second
	queueAgain = 50 * time.Millisecond
)

// loads keeps the load tests of a cluster within their number. What it must not forget are live Jobs; what it
// remembers is only what the cache does not show yet.
type loads struct {
	mu sync.Mutex
	// looked: the Jobs that an earlier leader made are among placed, or in the cache.
	looked bool
	// placed are Jobs that were created, or may have been, since when.
	placed map[types.NamespacedName]time.Time
	// waiting are the runs whose load tests wait for a place.
	waiting map[types.NamespacedName]bool
}

// created notes how the creation of a Job went. One that may have been created keeps its place until that is known.
func (l *loads) created(job *batchv1.Job, err error) {
	if err == nil || job.Labels[api.LabelLoadTest] == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if refuses(err) {
		delete(l.placed, client.ObjectKeyFromObject(job))
	}
}

// LoadsWaiting are the runs that want to know, once, when a load test ends.
func (c *Cluster) LoadsWaiting() []types.NamespacedName {
	c.loads.mu.Lock()
	defer c.loads.mu.Unlock()
	runs := slices.Collect(maps.Keys(c.loads.waiting))
	clear(c.loads.waiting)
	return runs
}

// line is who waits for a place, and how many places there are.
type line struct {
	free    int
	waiting []waiter // first come, first served
}

type waiter struct {
	job types.NamespacedName
	run types.NamespacedName
	at  time.Time
}

// ahead is how many came before this Job.
func (l line) ahead(job types.NamespacedName) int {
	return max(slices.IndexFunc(l.waiting, func(w waiter) bool { return w.job == job }), 0)
}

// line looks who waits. mine are the Jobs that the run at hand wants: the cache may not show them yet. The lock must
// be held.
func (c *Cluster) line(ctx context.Context, run *api.AnalysisRun, mine map[string]time.Time) (line, error) {
	var jobs batchv1.JobList
	if err := c.Jobs.List(ctx, &jobs, client.HasLabels{api.LabelLoadTest}); err != nil {
		return line{}, fmt.Errorf("listing the load tests: %w", err)
	}
	if err := c.lookOnce(ctx, run.Namespace); err != nil {
		return line{}, err
	}
	known, running := map[types.NamespacedName]bool{}, 0
	for i := range jobs.Items {
		job := &jobs.Items[i]
		if !isLoad(job) {
			continue
		}
		name := client.ObjectKeyFromObject(job)
		known[name] = true
		delete(c.loads.placed, name)
		if suspended := job.Spec.Suspend != nil && *job.Spec.Suspend; !suspended && !finished(job) {
			running++
		}
	}
	if err := c.forgetUnmade(ctx); err != nil {
		return line{}, err
	}
	for name := range c.loads.placed {
		known[name] = true
	}
	out := line{free: c.MaxLoadTests - running - len(c.loads.placed), waiting: c.waitersOf(run, mine, known)}
	err := c.queue(ctx, run, &out, known)
	return out, err
}

// queue adds those who wait in other runs, and puts all in the order in which they came.
func (c *Cluster) queue(ctx context.Context, run *api.AnalysisRun, out *line, known map[types.NamespacedName]bool) error {
	var runs api.AnalysisRunList
	if err := c.Cached.List(ctx, &runs); err != nil {
		return fmt.Errorf("listing the analysis runs that wait for a load test: %w", err)
	}
	for i := range runs.Items {
		if other := &runs.Items[i]; other.UID != run.UID {
			out.waiting = append(out.waiting, c.waitersOf(other, decide.LoadsWanted(other), known)...)
		}
	}
	slices.SortFunc(out.waiting, func(a, b waiter) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.job.String(), b.job.String()))
	})
	return nil
}

// isLoad reports whether a Job with the label of load tests is one: that of a run, as a controller made it. Anybody may
// set a label, and nobody's Job is to keep those of others waiting.
func isLoad(job metav1.Object) bool {
	owner := metav1.GetControllerOfNoCopy(job)
	return owner != nil && owner.Kind == "AnalysisRun" && owner.APIVersion == api.SchemeGroupVersion.String() &&
		owner.UID != "" && string(owner.UID) == job.GetLabels()[api.LabelAnalysisRunUID]
}

// waitersOf are the Jobs of a run that wait. One that the server refuses keeps nobody waiting.
func (c *Cluster) waitersOf(run *api.AnalysisRun, wanted map[string]time.Time, known map[types.NamespacedName]bool) []waiter {
	if len(wanted) == 0 {
		return nil
	}
	refused := c.lessons.refusals(run.UID, jobKind)
	var all []waiter
	for name, at := range wanted {
		job := types.NamespacedName{Namespace: run.Namespace, Name: name}
		if _, no := refused[name]; !no && !known[job] {
			all = append(all, waiter{job, client.ObjectKeyFromObject(run), at})
		}
	}
	return all
}

// lookOnce finds the Jobs that an earlier leader made just before this one took over: a cache need not show them yet.
func (c *Cluster) lookOnce(ctx context.Context, namespace string) error {
	if c.loads.looked {
		return nil
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(jobKind.GroupVersion().WithKind("JobList"))
	options := []client.ListOption{client.HasLabels{api.LabelLoadTest}}
	if c.OneNamespace {
		options = append(options, client.InNamespace(namespace))
	}
	if err := c.Live.List(ctx, list, options...); err != nil {
		return fmt.Errorf("listing the load tests: %w", err)
	}
	c.loads.placed, c.loads.looked = map[types.NamespacedName]time.Time{}, true
	for i := range list.Items {
		if job := &list.Items[i]; isLoad(job) {
			c.loads.placed[client.ObjectKeyFromObject(job)] = time.Now()
		}
	}
	return nil
}

// forgetUnmade asks the server about Jobs that the cache does not show for long: they may never have been made, or
// are gone already.
func (c *Cluster) forgetUnmade(ctx context.Context) error {
	for name, since := range c.loads.placed {
		if time.Since(since) < patience {
			continue
		}
		_, err := c.liveMetadata(ctx, ref{kind: jobKind, namespace: name.Namespace, name: name.Name})
		switch {
		case apierrors.IsNotFound(err):
			delete(c.loads.placed, name)
		case err != nil:
			return err
		}
	}
	return nil
}

// admitLoad gives a load test its place, when there is one and nobody came before. Others wait; that is no error,
// but the pass ends and the next one sees that the Job is queued.
func (c *Cluster) admitLoad(ctx context.Context, run *api.AnalysisRun, job *batchv1.Job) error {
	if c.MaxLoadTests <= 0 || job.Labels[api.LabelLoadTest] == "" {
		return nil
	}
	c.loads.mu.Lock()
	defer c.loads.mu.Unlock()
	name := client.ObjectKeyFromObject(job)
	if _, placed := c.loads.placed[name]; placed {
		return nil
	}
	begun := decide.LoadsWanted(run)
	if begun[job.Name].IsZero() { // the status of this pass, which the run at hand does not have yet
		begun = maps.Clone(begun)
		if begun == nil {
			begun = map[string]time.Time{}
		}
		begun[job.Name] = time.Now().Truncate(time.Second)
	}
	l, err := c.line(ctx, run, begun)
	if err != nil {
		return err
	}
	if l.ahead(name) >= l.free {
		c.wait(client.ObjectKeyFromObject(run))
		return &Stale{What: fmt.Sprintf("load test %s waits for a place", name), After: queueAgain}
	}
	c.loads.placed[name] = time.Now()
	return nil
}

func (c *Cluster) wait(run types.NamespacedName) {
	if c.loads.waiting == nil {
		c.loads.waiting = map[types.NamespacedName]bool{}
	}
	c.loads.waiting[run] = true
}

// observeQueue says which load tests of the run have to wait for a place.
func (w *AnalysisWorld) observeQueue(ctx context.Context, seen map[string]decide.Job, jobs []batchv1.Job, now time.Time) error {
	c := w.cluster
	if c.MaxLoadTests <= 0 {
		return nil
	}
	wanted := decide.LoadsWanted(w.run)
	for i := range jobs {
		delete(wanted, jobs[i].Name)
	}
	for name := range seen { // there is more to say about it than that it waits
		delete(wanted, name)
	}
	c.loads.mu.Lock()
	defer c.loads.mu.Unlock()
	delete(c.loads.waiting, w.key)
	if len(wanted) == 0 {
		return nil
	}
	l, err := c.line(ctx, w.run, wanted)
	if err != nil {
		return err
	}
	for name := range wanted {
		job := types.NamespacedName{Namespace: w.key.Namespace, Name: name}
		ahead := l.ahead(job)
		if ahead < l.free {
			continue
		}
		c.wait(w.key)
		seen[name] = decide.Job{Ours: true, Missing: true, Ended: true, Queued: true, Again: now.Add(queueLook), Waiting: queued(c.MaxLoadTests, ahead)}
	}
	return nil
}

// queued says what a load test waits for.
func queued(most, ahead int) string {
	text := fmt.Sprintf("The load test waits for a place: %d may run at once", most)
	if most == 1 {
		text = "The load test waits for a place: one may run at once"
	}
	switch ahead {
	case 0:
		return text + ", and it is the next."
	case 1:
		return text + ", and one came before it."
	}
	return fmt.Sprintf("%s, and %d came before it.", text, ahead)
}
