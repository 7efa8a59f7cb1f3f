package decide

import (
	"strconv"

	api "sluice.dev/sluice/api/v1alpha1"
)

// target is how many pods each side should have at the current weight; without a stable ReplicaSet
// to go back to, the current revision carries everything.
func (d *draft) target(f facts) pair {
	if f.find(d.status.StableRS) == nil {
		return pair{canary: f.replicas}
	}
	if f.routed() {
		return pair{canary: d.canaryCount(f), stable: d.stableCount(f)}
	}
	surge, _ := f.limits()
	return split(f.replicas, d.weight(f), maxWeight, surge)
}

// place is a ReplicaSet with the size it has in a fleet.
type place struct {
	rs   *ReplicaSet
	size *sizes
}

// scale moves pods towards the target, through the interlock. It returns where they will be.
func (d *draft) scale(f facts) []place {
	now, places := d.fleet(f)
	if f.ro.Spec.Paused && !d.aborted() && f.blueGreen == nil {
		return sized(places, now)
	}
	if !f.forward && d.status.StableRS == "" {
		return sized(places, now) // nothing tells the roles of the ReplicaSets there are
	}
	places = sized(places, d.interlocked(f, now, places))
	up := func(p place) bool { return p.size.wanted > p.rs.Wanted }
	down := func(p place) bool { return p.size.wanted < p.rs.Wanted }
	if d.aborted() && !f.routed() && f.blueGreen == nil {
		// What is bad goes first; what it loses was spared by pods that serve already.
		d.resize(f, places, down)
		d.resize(f, places, up)
	} else {
		d.resize(f, places, up)
		d.resize(f, places, down)
	}
	d.annotate(f, places)
	return places
}

// interlocked is where pods would go, after the interlock has had its look.
func (d *draft) interlocked(f facts, now fleet, places []place) fleet {
	if f.blueGreen != nil {
		return d.staged(f, now, places)
	}
	surge, unavailable := f.limits()
	floor := f.replicas - unavailable
	kept := f.leastOf(places)
	var next fleet
	if f.routed() {
		next = d.spread(f, now, places)
	} else {
		next = move(now, d.goal(f, now), bounds{ceiling: f.replicas + max(surge, most(kept)), floor: floor})
	}
	return keep(now, interlock(now, next, floor), kept)
}

// sized gives each place its size in a fleet.
func sized(places []place, in fleet) []place {
	for i, size := range in.sides() {
		places[i].size = size
	}
	return places
}

// goal is the target where the update may move; while the spec is invalid the canary stays as it is
// and only the stable side gets what it lacks.
func (d *draft) goal(f facts, now fleet) pair {
	if f.forward || d.aborted() || now.canary == nil {
		if now.canary == nil {
			return pair{stable: f.replicas}
		}
		return d.target(f)
	}
	return pair{canary: now.canary.wanted, stable: max(now.stable.wanted, f.replicas-now.canary.wanted)}
}

// fleet sorts the ReplicaSets into roles. Where the current revision is the stable one, or none is
// stable, there is no canary.
func (d *draft) fleet(f facts) (fleet, []place) {
	var fl fleet
	var places []place
	size := func(rs *ReplicaSet) *sizes {
		places = append(places, place{rs: rs})
		return &sizes{wanted: rs.Wanted, available: rs.Available}
	}
	fresh, stable := f.fresh(), f.find(d.status.StableRS)
	if stable == nil {
		stable, fresh = fresh, nil
	}
	if stable == fresh {
		fresh = nil
	}
	if stable != nil {
		fl.stable = size(stable)
	}
	if fresh != nil {
		fl.canary = size(fresh)
	}
	for _, rs := range f.others(d.status.StableRS) {
		fl.older = append(fl.older, *size(rs))
	}
	return fl, places
}

// resize states the new sizes of the places that match, in the order of the places. What a smaller
// size relies on is the availability of the others.
func (d *draft) resize(f facts, places []place, match func(place) bool) {
	for _, p := range places {
		if !match(p) || d.awaitsRule(f, p) {
			continue
		}
		action := ReplicaSetWants{Name: p.rs.Name, From: p.rs.Wanted, To: p.size.wanted, DesiredReplicas: f.replicas}
		verb := "up"
		if action.To < action.From {
			verb = "down"
			action.Relies = reliance(places, p.rs.Name)
			action.Sees = f.entrancesSeen()
		}
		d.act(action)
		d.tell(api.EventScalingReplicaSet, "Scaled %s ReplicaSet %s (revision %d) from %d to %d",
			verb, p.rs.Name, d.numberOf(f, p.rs), action.From, action.To)
	}
}

func (d *draft) numberOf(f facts, rs *ReplicaSet) int64 {
	if rs.Hash == f.hash {
		return d.revision
	}
	return rs.Revision
}

// reliance is what must still serve for one place to shrink: all that serves now elsewhere, but for what
// the same plan takes away.
func reliance(places []place, except string) (all []Capacity) {
	for _, p := range places {
		serving := min(p.rs.Wanted, p.rs.Available, p.size.wanted)
		if p.rs.Name != except && serving > 0 {
			all = append(all, Capacity{ReplicaSet: p.rs.Name, Available: serving})
		}
	}
	return all
}

// annotate keeps the wanted total on the ReplicaSets in use, where scaling has not written it.
func (d *draft) annotate(f facts, places []place) {
	for _, p := range places {
		inUse := p.rs.Hash == f.hash || p.rs.Hash == d.status.StableRS
		if inUse && p.rs.DesiredReplicas != f.replicas && p.size.wanted == p.rs.Wanted {
			d.act(ReplicaSetCarries{Name: p.rs.Name, Annotations: map[string]string{
				api.AnnotationDesiredReplicas: strconv.Itoa(int(f.replicas)),
			}})
		}
	}
}

// keepDeadline looks whether the update has made progress in time. It is armed only while progress
// is due: not in a pause, not while an analysis measures, not after an abort.
func (d *draft) keepDeadline(f facts) {
	if !f.forward {
		return
	}
	end := overdue(f.ro, &d.status)
	if end.IsZero() {
		return
	}
	if f.now.Before(end) {
		d.wait(end)
		return
	}
	// Nobody may have looked for a while: what has come since the last status is progress.
	if d.count(f); moved(f.ro.Status, d.status) {
		d.wait(f.now.Add(deadline(f.ro)))
		return
	}
	message := timedOut(f)
	if f.ro.Spec.ProgressDeadlineAbort && d.updating(f) {
		d.abort(f, message, "The update made no progress in time (progressDeadlineSeconds): "+message)
		return
	}
	d.conditionTimedOut(f, message)
}
