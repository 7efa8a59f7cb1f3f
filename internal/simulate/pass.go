package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/engine"
)

// Fate decides which faults happen. Each call is one chance.
type Fate interface {
	// Crash says that the controller dies before this write.
	Crash() bool
	// Lose says that this action is lost on its way, without an error.
	Lose(action decide.Action) bool
	// Repeat says that this action arrives twice.
	Repeat() bool
	// Stale is how many versions old the next observation is.
	Stale() int
}

// refuser is a fate that also decides which writes are refused because somebody else was quicker.
type refuser interface{ Conflict() bool }

// Errors of the simulated API server and controller.
var (
	ErrConflict = errors.New("conflict: the object has changed since it was read")
	ErrCrashed  = errors.New("the controller crashed")
)

// snapshot is what an informer cache holds at one moment.
type snapshot struct {
	rollout  *api.Rollout
	sets     map[string]set
	services map[string]service
	router   *router
	runs     map[string]run
	pods     map[string]set // what of the sets' pods is seen
	// deployment is the one the Rollout may refer to, nil when there is none.
	deployment *deployment

	experiments map[string]experiment
}

// snap shares the objects: every change puts a new one in place.
func (w *World) snap() *snapshot {
	s := &snapshot{rollout: w.rollout, router: w.router, sets: map[string]set{}, services: maps.Clone(w.services), runs: map[string]run{}, deployment: w.deployment}
	s.experiments = w.snapExperiments()
	for name, rs := range w.sets {
		seen := *rs
		seen.pods = slices.Clone(rs.pods)
		s.sets[name] = seen
	}
	for name, r := range w.runs {
		s.runs[name] = run{object: r.object, version: r.version, samples: slices.Clone(r.samples), jobs: maps.Clone(r.jobs)}
	}
	return s
}

// maxPast is how many old states a stale read may come from.
const maxPast = 8

// observe is the cache as this pass sees it: of each kind the present, or an earlier state, as each
// kind is watched by itself.
func (w *World) observe() *snapshot {
	now := w.snap()
	w.past = append(w.past, now)
	if len(w.past) > maxPast {
		w.past = w.past[1:]
	}
	now.pods = now.sets
	if w.Fate == nil {
		return now
	}
	seen := func() *snapshot { return w.past[max(len(w.past)-1-w.Fate.Stale(), 0)] }
	at := &snapshot{rollout: seen().rollout, sets: seen().sets, runs: seen().runs, pods: seen().sets}
	at.services = w.watched(at.rollout, seen)
	if at.rollout.Spec.WorkloadRef != nil {
		at.deployment = seen().deployment
	}
	if at.router = now.router; now.router != nil {
		at.router = seen().router
	}
	at.experiments = w.watchedExperiments(seen)
	return at
}

// watched are the Services as the cache has them. A Rollout that names none, and has none to give back, watches
// none: no fault is drawn.
func (w *World) watched(ro *api.Rollout, seen func() *snapshot) map[string]service {
	managed := func(name string) bool { return w.services[name].ManagedBy == ro.Name }
	if len(decide.NamedServices(ro)) == 0 && !slices.ContainsFunc(w.Services(), managed) {
		return nil
	}
	return seen().services
}

func (w *World) write() error {
	if w.Fate != nil && w.Fate.Crash() {
		return ErrCrashed
	}
	if f, ok := w.Fate.(refuser); ok && f.Conflict() {
		return ErrConflict
	}
	w.writes++
	return nil
}

// rolloutWorld is one pass over the Rollout.
type rolloutWorld struct {
	w    *World
	seen *snapshot
	pods []decide.Pod
	done map[string]bool // ReplicaSets this pass has resized
}

func (p *rolloutWorld) Observe(context.Context) (decide.RolloutInput, error) {
	w := p.w
	p.seen, p.done = w.observe(), map[string]bool{}
	in := decide.RolloutInput{Rollout: p.seen.rollout, Now: w.Now}
	if !w.Quick {
		in.Rollout = in.Rollout.DeepCopy() // nobody who decides edits what was observed; tests see to that
	}
	in.Observed.Templates = w.Templates
	for _, name := range slices.Sorted(maps.Keys(p.seen.sets)) {
		in.Observed.ReplicaSets = append(in.Observed.ReplicaSets, p.seen.sets[name].ReplicaSet)
	}
	for _, name := range slices.Sorted(maps.Keys(p.seen.runs)) {
		if run := p.seen.runs[name].object; metav1.IsControlledBy(run, p.seen.rollout) {
			in.Observed.Runs = append(in.Observed.Runs, run)
		}
	}
	in.Observed.Experiments = p.seenExperiments()
	in.Observed.Services, in.Observed.Former = p.seenServices(), p.seenFormer()
	in.Observed.Routing = p.seenRouting()
	p.pods = w.observePods(p.seen.pods)
	in.Observed.Pods = p.pods
	if w.Invalid != nil {
		in.Observed.Invalid = w.Invalid(in.Rollout)
	}
	if w.Unsupported != nil {
		in.Observed.Unsupported = w.Unsupported(in.Rollout)
	}
	p.resolve(&in)
	return in, nil
}

func (p *rolloutWorld) Same(s api.RolloutStatus) bool { return p.w.same(p.seen.rollout.Status, s) }

func (p *rolloutWorld) Save(_ context.Context, s api.RolloutStatus) error {
	if err := p.w.write(); err != nil {
		return err
	}
	if p.seen.rollout.ResourceVersion != p.w.rollout.ResourceVersion {
		return ErrConflict
	}
	if p.w.same(p.w.rollout.Status, s) {
		return nil
	}
	kept := *s.DeepCopy()
	if err := p.w.roundTrip(s, &kept); err != nil {
		return err
	}
	p.w.rollout = p.w.rollout.DeepCopy()
	p.w.rollout.Status = kept
	p.w.rollout.ResourceVersion = fmt.Sprint(p.w.touch())
	return nil
}

func (p *rolloutWorld) Tell(events []decide.Event) { p.w.events = append(p.w.events, events...) }

func (p *rolloutWorld) Act(_ context.Context, action decide.Action) error {
	return p.w.deliver(action, func() error { return p.act(action) })
}

// deliver writes once, or as often as fate wants.
func (w *World) deliver(action decide.Action, act func() error) error {
	if err := w.write(); err != nil {
		return err
	}
	if w.Fate != nil && w.Fate.Lose(action) {
		return nil
	}
	if err := act(); err != nil {
		return err
	}
	if w.Fate != nil && w.Fate.Repeat() {
		_ = act() // the answer to the first was lost; nobody hears the second
	}
	return nil
}

func (p *rolloutWorld) act(action decide.Action) error {
	w := p.w
	switch a := action.(type) {
	case decide.ReplicaSetExists:
		if w.sets[a.Name] == nil {
			w.createSet(a)
		}
		return nil
	case decide.ReplicaSetWants:
		return p.resize(a)
	case decide.ReplicaSetCarries:
		return p.carry(a)
	case decide.ReplicaSetWears:
		return p.dress(a)
	case decide.ReplicaSetGone:
		delete(w.sets, a.Name)
		return nil
	case decide.PodGone:
		return p.evict(a)
	case decide.PodWears:
		return p.dressPod(a)
	}
	return p.actAround(action)
}

// actAround is for what is around the ReplicaSets and their pods.
func (p *rolloutWorld) actAround(action decide.Action) error {
	switch a := action.(type) {
	case decide.ServiceSelects:
		return p.repoint(a)
	case decide.TrafficSplits:
		return p.tell(a)
	case decide.WorkloadWants:
		return p.scaleDeployment(a)
	case decide.RolloutHeld:
		return p.holdRollout(a)
	case decide.RolloutCarries:
		return p.carryRollout(a)
	}
	return p.actOnExperiment(action)
}

// actOnRun is what the API server does with an owner's actions about AnalysisRuns.
func (w *World) actOnRun(action decide.Action, owner metav1.Object) error {
	switch a := action.(type) {
	case decide.RunExists:
		if w.runs[a.Name] == nil {
			w.createRun(a, owner, kindOf(owner))
		}
	case decide.RunStopped:
		if r := w.runs[a.Name]; r != nil {
			r.object = r.object.DeepCopy()
			if r.object.Annotations == nil {
				r.object.Annotations = map[string]string{}
			}
			if !a.ByHand {
				r.object.Annotations[api.AnnotationStoppedBy] = api.StoppedByRollout
			}
			r.object.Spec.Terminate = true
			r.version = w.touch()
		}
	case decide.RunGone:
		delete(w.runs, a.Name)
	default:
		return fmt.Errorf("%s cannot %T", owner.GetName(), action)
	}
	return nil
}

func kindOf(owner metav1.Object) string {
	if _, ok := owner.(*api.Experiment); ok {
		return api.KindExperiment
	}
	return api.KindRollout
}

func (p *rolloutWorld) resize(a decide.ReplicaSetWants) error {
	live := p.w.sets[a.Name]
	if live == nil || live.version != p.seen.sets[a.Name].version {
		return ErrConflict
	}
	if err := p.rely(a.Relies); err != nil {
		return err
	}
	if !p.sees(a.Sees) {
		return ErrConflict
	}
	change := Resize{Name: a.Name, From: live.Wanted, To: a.To, Replicas: a.DesiredReplicas, Unseen: p.unseen()}
	change.WantedBefore, change.ServingBefore = p.w.Totals()
	live.Wanted, live.DesiredReplicas, live.Observed = a.To, a.DesiredReplicas, false
	p.done[a.Name] = true
	live.version = p.w.touch()
	p.w.node()
	change.WantedAfter, change.ServingAfter = p.w.Totals()
	if p.w.Resized != nil {
		p.w.Resized(change)
	}
	return nil
}

// unseen says that some ReplicaSet wants another number of pods than this pass saw, other than by its
// own doing: a new leader's cache may be that old, one that sees its own writes is not.
func (p *rolloutWorld) unseen() bool {
	for name, live := range p.w.sets {
		if seen, ok := p.seen.sets[name]; live.Wanted != seen.Wanted && !p.done[name] || !ok {
			return true
		}
	}
	return false
}

// analysisWorld is one pass over an AnalysisRun.
type analysisWorld struct {
	w    *World
	name string
	seen run
}

func (p *analysisWorld) Observe(context.Context) (decide.AnalysisInput, error) {
	r, ok := p.w.observe().runs[p.name]
	if !ok {
		return decide.AnalysisInput{}, errors.New("the run is not in the cache")
	}
	p.seen = r
	in := decide.AnalysisInput{Run: r.object.DeepCopy(), Samples: r.samples, Jobs: map[string]decide.Job{}, Now: p.w.Now}
	for name, j := range r.jobs {
		in.Jobs[name] = j.seen(p.w.Now)
	}
	return in, nil
}

func (p *analysisWorld) Same(s api.AnalysisRunStatus) bool { return p.w.same(p.seen.object.Status, s) }

func (p *analysisWorld) Save(_ context.Context, s api.AnalysisRunStatus) error {
	if err := p.w.write(); err != nil {
		return err
	}
	live := p.w.runs[p.name]
	if live == nil || live.version != p.seen.version {
		return ErrConflict
	}
	kept := *s.DeepCopy()
	if err := p.w.roundTrip(s, &kept); err != nil {
		return err
	}
	live.object = live.object.DeepCopy()
	live.object.Status = kept
	live.version = p.w.touch()
	due := decide.Reads(live.object)
	live.samples = slices.DeleteFunc(live.samples, func(t decide.Taken) bool {
		return !slices.ContainsFunc(due, func(d decide.Due) bool { return d.Metric == t.Key.Metric && d.N == t.Key.N })
	})
	return nil
}

func (p *analysisWorld) Tell(events []decide.Event) { p.w.events = append(p.w.events, events...) }

func (p *analysisWorld) Act(_ context.Context, action decide.Action) error {
	return p.w.deliver(action, func() error {
		live := p.w.runs[p.name]
		switch a := action.(type) {
		case decide.JobExists:
			if live == nil || live.jobs[a.Name] != nil {
				return nil
			}
			sample, takes := p.w.Work(p.w.question(live, a.Metric, 0, p.w.Now))
			live.jobs[a.Name] = newJob(a.Metric, sample, takes, p.w.Now)
		case decide.LoadStarts:
			if live != nil && live.jobs[a.Job] != nil {
				live.jobs[a.Job] = live.jobs[a.Job].begin(a.At)
			}
		case decide.JobGone:
			if live != nil {
				delete(live.jobs, a.Name)
			}
		default:
			return fmt.Errorf("a run cannot %T", action)
		}
		return nil
	})
}

// Turn lets everybody act once: node, metric servers, every run's pass, the Rollout's pass. It says
// whether anything was written.
func (w *World) Turn() bool {
	before := w.version
	w.node()
	w.wake = time.Time{}
	if w.Now.Before(w.Away) {
		return w.version != before
	}
	w.metrics()
	for _, name := range slices.Sorted(maps.Keys(w.runs)) {
		w.passRun(name)
	}
	w.passExperiments()
	if !w.gone {
		again, _ := engine.Pass(context.Background(), &rolloutWorld{w: w}, w.decideRollout)
		w.alarm(again)
	}
	w.release()
	w.node()
	return w.version != before
}

// passRun is a pass over a run. One that is over, and with which a pass had nothing to do, rings nobody until
// it changes.
func (w *World) passRun(name string) {
	r := w.runs[name]
	if r.restedAt == r.version && r.restedAt != 0 {
		return
	}
	before := w.version
	pass := &analysisWorld{w: w, name: name}
	again, err := engine.Pass(context.Background(), pass, decide.Analysis)
	w.alarm(again)
	over := r.object.Status.Phase.Completed() && r.idle(w.Now) && again.IsZero()
	if over && err == nil && w.version == before && pass.seen.version == r.version {
		r.restedAt = r.version
	}
}

// idle says that none of the run's Jobs will change any more.
func (r *run) idle(now time.Time) bool {
	for _, j := range r.jobs {
		if j.never || now.Before(j.endsAt) {
			return false
		}
	}
	return true
}

func (w *World) decideRollout(in decide.RolloutInput) decide.Plan[api.RolloutStatus] {
	plan := decide.Rollout(in)
	w.reason = plan.Reason
	w.passes++
	return plan
}

// Passes counts the decisions about the Rollout so far.
func (w *World) Passes() int { return w.passes }

// Look is what a pass over the Rollout would see now.
func (w *World) Look() decide.RolloutInput {
	in, _ := (&rolloutWorld{w: w}).Observe(context.Background()) // the invented world can always be seen
	return in
}

// Reason is what the last pass over the Rollout said.
func (w *World) Reason() decide.Reason { return w.reason }

func (w *World) alarm(t time.Time) {
	if !t.IsZero() && t.After(w.Now) && (w.wake.IsZero() || t.Before(w.wake)) {
		w.wake = t
	}
}

// same compares two statuses as the server would.
func (w *World) same(a, b any) bool {
	if w.Quick {
		return equality.Semantic.DeepEqual(a, b)
	}
	return sameJSON(a, b)
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// roundTrip puts what a reader of from would get in place of to, a copy of it.
func (w *World) roundTrip(from, to any) error {
	if w.Quick {
		return nil
	}
	raw, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("writing a status: %w", err)
	}
	reflect.ValueOf(to).Elem().SetZero()
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("reading a status back: %w", err)
	}
	return nil
}
