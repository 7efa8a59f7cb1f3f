package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// A Rollout may take its template from a Deployment (spec.workloadRef), and with scaleDown takes over from it:
// the Deployment's own pods go as those of the Rollout serve. B pods is what the Deployment wanted before any
// were taken, R is spec.replicas, S is what serves of the Rollout. Then
//
//	onsuccess      0 once the first revision, or any later one, is stable and S ≥ R
//	progressively  the same, and on the way there, in the first revision, no more than max(R, B) − S,
//	               no fewer than B − S
//
//	B = 5, R = 5: S 0 → 5, S 1 → 4, S 3 → 2, S 5 → 0      together there are always 5
//	the same, S 3 → 1 as two pods crash: 2 → 4             a first revision that fails gives the pods back
//	B = 3, R = 5: S 2 → 3, S 4 → 1, S 5 → 0                never fewer than R, where there were that many
//	B = 8, R = 5: S 2 → 6, S 4 → 4, S 5 → 0                the last ones go when all of the Rollout's serve
//
// What has once come to 0 stays there, whatever R becomes. Its template is that of the newest revision, so pods
// that somebody else gives it later would serve a version that has passed no step: they go again, as soon as
// the Rollout can do without.
//
// While pods are taken a finalizer is on the Rollout, so that a Rollout that is deleted gives them back before
// its own are gone. No pod is taken before the finalizer was seen there.

// Workload is the object spec.workloadRef names, as observed.
type Workload struct {
	Kind, Name string
	// Missing says that it does not exist, or is being deleted. Then nothing else is known of it.
	Missing    bool
	Generation int64
	// Scales says that it has pods of its own to give up, which is true of Deployments.
	Scales            bool
	Wanted, Available int32
	Observed          bool // Available is about the present Wanted
	// Before is what it wanted before pods were taken, 0 when none are. Set is what we have left it.
	Before, Set int32
}

func (w *Workload) String() string { return w.Kind + " " + w.Name }

// meddled says that somebody else has scaled it since we took pods from it.
func (w *Workload) meddled() bool { return w.Before > 0 && w.Wanted != w.Set }

// observedWorkload says that the status was written in the knowledge of the present template.
func (f facts) observedWorkload() bool {
	w := f.seen.Workload
	return w == nil || w.Missing || f.ro.Status.WorkloadObservedGeneration == strconv.FormatInt(w.Generation, 10)
}

// kept says that the Rollout stays, when it is deleted, until its workload was taken care of.
func (f facts) kept() bool { return slices.Contains(f.ro.Finalizers, api.FinalizerRestoreWorkload) }

// followWorkload says which generation of the workload was seen: on the Rollout what it runs, in the status
// what is known about. One that is missing leaves both as they are.
func (d *draft) followWorkload(f facts) {
	generation := ""
	if w := f.seen.Workload; w != nil {
		if w.Missing {
			return
		}
		generation = strconv.FormatInt(w.Generation, 10)
	}
	if f.ro.Annotations[api.AnnotationWorkloadGeneration] != generation {
		d.act(RolloutCarries{Annotations: map[string]string{api.AnnotationWorkloadGeneration: generation}})
	}
	if f.unsure == "" {
		d.status.WorkloadObservedGeneration = generation
	}
}

// takeOver takes pods from the workload as far as those of the Rollout, where they will be, serve instead.
func (d *draft) takeOver(f facts, places []place) {
	w := f.seen.Workload
	if w == nil || !w.Missing && !w.Scales {
		d.hold(f, false)
		return
	}
	if w.Missing {
		return // it may come back; a deletion does not wait for it
	}
	to := d.workloadTarget(f, w, places)
	if to < w.Wanted && w.meddled() && !d.withstand(f, w) {
		to = w.Wanted
	}
	d.hold(f, w.Before > 0 || to < w.Wanted)
	switch {
	case to < w.Wanted && f.kept(): // and nothing is taken before the finalizer is seen there
		d.recordTakeOver(f, w, to)
		d.resizeWorkload(w, to, max(w.Before, w.Wanted), reliance(places, ""))
	case to >= w.Wanted:
		d.returnPods(f, w, to)
	}
}

// returnPods gives the workload pods back that it needs again, and forgets what it had when it has them all.
func (d *draft) returnPods(f facts, w *Workload, to int32) {
	before := w.Before
	if to >= before {
		before = 0
	}
	// Where nothing is to be taken, whoever scaled the workload up has had the last word.
	if to > w.Wanted || w.Before > 0 && before == 0 && !f.scalesDown() {
		d.resizeWorkload(w, to, before, nil)
	}
}

func (d *draft) hold(f facts, held bool) {
	if f.kept() != held {
		d.act(RolloutHeld{Held: held})
	}
}

func (d *draft) resizeWorkload(w *Workload, to, before int32, relies []Capacity) {
	d.act(WorkloadWants{Name: w.Name, From: w.Wanted, To: to, Before: before, Relies: relies})
	switch {
	case to < w.Wanted:
		d.tell(api.EventScalingWorkload, "Scaled down %s from %d to %d", w, w.Wanted, to)
	case to > w.Wanted:
		d.tell(api.EventScalingWorkload, "Scaled up %s from %d to %d", w, w.Wanted, to)
	}
}

// scalesDown says that the workload is to give up its pods.
func (f facts) scalesDown() bool {
	mode := f.ro.Spec.WorkloadRef.ScaleDown
	return mode == api.ScaleDownOnSuccess || mode == api.ScaleDownProgressively
}

// workloadTarget is how many pods of its own the workload should have. Where the Rollout wants none itself
// nothing is taken: nobody would serve.
func (d *draft) workloadTarget(f facts, w *Workload, places []place) int32 {
	if w.Wanted == 0 || !f.scalesDown() || d.standsStill(f) {
		return w.Wanted
	}
	serving := d.carrying(f, places)
	first := d.revision == 1
	switch {
	case d.promoted(f) && d.carriesAll(f) && serving >= f.replicas:
		return 0
	case w.Before > 0 && !first && serving >= f.spared():
		return 0
	case first && f.ro.Spec.WorkloadRef.ScaleDown == api.ScaleDownProgressively:
		return w.beside(f.replicas, serving)
	}
	return w.Wanted
}

// beside is how many pods a workload should have on the way to a Rollout of so many, of which some serve.
func (w *Workload) beside(replicas, serving int32) int32 {
	before := max(w.Before, w.Wanted)
	most := min(max(max(replicas, before)-serving, 0), before)
	least := max(before-serving, 0)
	if w.meddled() {
		least = 0 // whoever wanted fewer meant it
	}
	return max(min(w.Wanted, most), least)
}

// standsStill says that pods stay where they are: nothing moves, there is nobody to take over, or pods of the
// Rollout are being evicted out of the same budget.
func (d *draft) standsStill(f facts) bool {
	return !f.forward || f.ro.Spec.Paused || f.replicas == 0 || d.status.StableRS == "" || d.restarting(f)
}

// restarting says that pods of the Rollout are being evicted, out of the same budget.
func (d *draft) restarting(f facts) bool {
	at := f.ro.Spec.RestartAt
	return pending(at, d.status.RestartedAt) && !f.now.Before(at.Time)
}

// spared is how many pods must serve in the middle of an update.
func (f facts) spared() int32 {
	if f.blueGreen != nil {
		return f.replicas
	}
	_, unavailable := f.limits()
	return max(f.replicas-unavailable, 1)
}

// carrying is how many pods of the Rollout serve where the workload's pods do: of all revisions where all
// ready pods share the requests, of the stable one where a router or a Service names the revision.
func (d *draft) carrying(f facts, places []place) (n int32) {
	named := f.blueGreen != nil || f.canary.TrafficRouting != nil
	for _, p := range places {
		if !named || p.rs.Hash == d.status.StableRS {
			n += min(p.rs.Wanted, p.rs.Available, p.size.wanted)
		}
	}
	return n
}

// carriesAll says that the Services through which requests come reach the stable revision. One that names no
// revision reaches all of them.
func (d *draft) carriesAll(f facts) bool {
	names := []string{f.canary.StableService}
	if f.blueGreen != nil {
		names = []string{f.blueGreen.ActiveService}
	}
	for _, name := range names {
		if s, ok := f.seen.Services[name]; ok && s.Hash != "" && s.Hash != d.status.StableRS {
			return false
		}
	}
	return true
}

// recordTakeOver says once why pods of the workload go.
func (d *draft) recordTakeOver(f facts, w *Workload, to int32) {
	message := fmt.Sprintf("The pods of this Rollout serve: %s gives up its own (scaleDown: %s).", w, f.ro.Spec.WorkloadRef.ScaleDown)
	if to > 0 {
		message = fmt.Sprintf("%s gives up its own pods as those of this Rollout become available (scaleDown: progressively).", w)
	}
	told := func(made api.Decision) bool { return made.Reason == DecidedTakeOver && made.Message == message }
	if !slices.ContainsFunc(d.status.Decisions, told) && !w.meddled() {
		d.record(f, DecidedTakeOver, message)
	}
}

const (
	// meddlingFor is how long it is remembered that somebody scaled the workload; meddlingPause is the wait
	// after the second time, and doubles with each that follows, up to meddlingLongest: whoever disagrees with
	// us for good costs a few pods every few minutes, not one after another without end.
	meddlingFor, meddlingPause, meddlingLongest = 10 * time.Minute, 10 * time.Second, 5 * time.Minute
)

// withstand says whether the workload may be scaled down again that somebody else has scaled up, and tells
// people that somebody did.
func (d *draft) withstand(f facts, w *Workload) bool {
	if !f.observedWorkload() {
		times := len(d.meddlings(f)) + 1
		message := fmt.Sprintf("%s was scaled to %d by somebody else, although its pods are taken over (scaleDown: %s): "+
			"it is scaled down again. Let its manifest and its autoscaler leave spec.replicas alone.", w, w.Wanted, f.ro.Spec.WorkloadRef.ScaleDown)
		if times > 1 {
			message += fmt.Sprintf(" This is number %d in a row.", times)
		}
		d.warn(api.EventRolloutReconciliationError, "%s", message)
		d.record(f, DecidedRescaled, message)
	}
	known := d.meddlings(f)
	if len(known) < 2 {
		return true
	}
	pause := min(meddlingPause<<min(len(known)-2, 10), meddlingLongest)
	until := known[len(known)-1].Add(pause)
	if f.now.Before(until) {
		d.wait(until)
		return false
	}
	return true
}

// meddlings are the times at which somebody else scaled the workload lately, in order.
func (d *draft) meddlings(f facts) (times []time.Time) {
	for _, made := range d.status.Decisions {
		if made.Reason == DecidedRescaled && f.now.Sub(made.At.Time) < meddlingFor {
			times = append(times, made.At.Time)
		}
	}
	return times
}

// restoreWithin is how long a Rollout that is deleted stays for the pods of its workload, at most: a deletion
// must come to an end. It is counted from the first pass that saw the deletion.
const restoreWithin = 10 * time.Minute

// leaving gives the workload its pods back before a Rollout that is being deleted, and all its pods with it,
// is gone. Nothing else happens to it any more.
func leaving(f facts, d *draft) Plan[api.RolloutStatus] {
	w := f.seen.Workload
	orphans := slices.Contains(f.ro.Finalizers, metav1.FinalizerOrphanDependents)
	if w == nil || w.Missing || !w.Scales || w.Before == 0 || orphans {
		d.hold(f, false) // there is nothing to give back, or the Rollout's own pods stay
		return d.plan()
	}
	d.revision = f.revision()
	back := max(w.Before, f.replicas)
	began := d.gaveBack(f, w, back)
	limit := began.Add(min(restoreWithin, cmp.Or(max(deadline(f.ro), 0), restoreWithin)))
	late := !f.now.Before(limit)
	d.status.Phase = api.RolloutPhaseProgressing
	d.status.Message = fmt.Sprintf("waiting for %s to have its %d pods back before this Rollout goes", w, back)
	d.waiting = Reason{Code: DecidedGiveBack, Message: d.status.Message}
	restored := w.Wanted >= back && w.Observed && w.Available >= back
	opened := d.openServices(f, restored)
	switch {
	case w.Wanted < back:
		d.resizeWorkload(w, back, w.Before, nil)
	case restored && opened:
		d.resizeWorkload(w, w.Wanted, 0, nil) // the next pass finds nothing left to give back
	}
	if late {
		d.warn(api.EventRolloutReconciliationError, "%s does not have its %d pods back in time: the Rollout goes all the same.", w, back)
		d.hold(f, false)
		return d.plan()
	}
	d.wait(limit)
	return d.plan()
}

// openServices lets Services select the pods of the workload again: all of them when it has its pods back, and
// until then those whose revision does not serve any more. It says whether all of them do.
func (d *draft) openServices(f facts, restored bool) bool {
	all := true
	for _, name := range slices.Sorted(maps.Keys(f.seen.Services)) {
		s := f.seen.Services[name]
		if s.Hash == "" || s.ManagedBy != f.ro.Name {
			continue
		}
		all = false
		if rs := f.find(s.Hash); restored || rs == nil || rs.Available == 0 {
			d.act(ServiceSelects{Service: name, From: s.Hash})
		}
	}
	return all
}

// gaveBack is when it was decided to give the pods back, which is now if it was not before.
func (d *draft) gaveBack(f facts, w *Workload, back int32) time.Time {
	deleted := f.ro.DeletionTimestamp.Time
	for _, made := range d.status.Decisions {
		if made.Reason == DecidedGiveBack && !made.At.Time.Before(deleted) {
			return made.At.Time
		}
	}
	d.record(f, DecidedGiveBack, fmt.Sprintf("This Rollout is deleted: %s gets %d pods of its own before those of the Rollout go.", w, back))
	return f.now
}
