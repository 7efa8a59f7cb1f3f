package decide

import (
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Sizes of a canary whose requests a router divides: the shares do not depend on the sizes, so both sides
// have what their shares need. Without dynamicStableScale the stable side keeps all its pods.
//
//	R = 3, w = 10 → 1/3   R = 10, w = 33 → 4/10   R = 7, w = 50 → 4/7, dynamic and moved: 4/4

// canaryCount is how many canary pods the update needs now.
func (d *draft) canaryCount(f facts) int32 {
	if d.status.PromoteFull || d.fastRollback(f) != "" {
		return f.replicas
	}
	return d.countAt(f, d.step(f))
}

// countAt is how many canary pods the step of this index asks for.
func (d *draft) countAt(f facts, index int32) int32 {
	scale, least := f.scaleAt(index), f.leastPods()
	switch {
	case scale != nil && scale.Replicas != nil:
		n := max(*scale.Replicas, 0)
		if n > 0 && f.canary.DynamicStableScale {
			n = max(n, least)
		}
		if f.replicas == 0 {
			return 0
		}
		return n
	case scale != nil && scale.Weight != nil:
		return atLeast(partOf(f.replicas, *scale.Weight, 100), least)
	}
	return atLeast(f.needed(f.weightAt(index)), least)
}

// leastPods is the least size of a side that is not empty.
func (f facts) leastPods() int32 {
	if least := f.canary.MinPodsPerReplicaSet; least != nil {
		return min(*least, f.replicas)
	}
	return min(1, f.replicas)
}

// atLeast keeps nothing as nothing.
func atLeast(n, least int32) int32 {
	if n == 0 {
		return 0
	}
	return max(n, least)
}

// scaleAt is the setCanaryScale in force at a step: the nearest at or before it, unless that gave the size
// back to the weight. When all steps are done none is.
func (f facts) scaleAt(index int32) *api.SetCanaryScale {
	if index >= int32(len(f.canary.Steps)) {
		return nil
	}
	for i := index; i >= 0; i-- {
		if s := f.canary.Steps[i].SetCanaryScale; s != nil {
			if s.MatchTrafficWeight && s.Replicas == nil && s.Weight == nil {
				return nil
			}
			return s
		}
	}
	return nil
}

// stableCount is how many pods the stable side should have. A dynamic one has what its share needs, the
// one it should have as well as the one it has; some routers turn a backend without pods into an error for
// everybody, so there it keeps one.
func (d *draft) stableCount(f facts) int32 {
	if !f.canary.DynamicStableScale || d.promoted(f) || d.draining(f) {
		return f.replicas
	}
	rest := f.whole() - d.weight(f)
	count := max(f.needed(rest), f.needed(f.reach(d.status.StableRS)))
	if f.canary.TrafficRouting.Nginx != nil {
		count = max(count, 1)
	}
	return min(atLeast(count, f.leastPods()), f.replicas)
}

// draining says that a revision that was replaced in mid-update still has a share: the stable side has to
// take it over before the new one gets any.
func (d *draft) draining(f facts) bool {
	_, canary := d.entrances(f)
	return canary.most > 0 && canary.hash != f.hash
}

// enough is how many of so many pods count as ready enough, see replicaProgressThreshold. It is never none of
// some: nobody is sent where nobody serves.
//
//	10 pods, no threshold → 10   Percent 75 → 8   Pods 3 → 3   Percent 0 → 1   2 pods, Pods 3 → 2
func (f facts) enough(count int32) int32 {
	t := f.canary.ReplicaProgressThreshold
	if t == nil || t.Value < 0 || count <= 0 {
		return count
	}
	some := t.Value
	if t.Type == api.ProgressThresholdPercent {
		some = partOf(count, t.Value, 100)
	}
	return min(max(some, 1), count)
}

// spread sizes every ReplicaSet of a routed canary. Nothing waits for anything else here: what requests
// still reach keeps its size in the interlock.
func (d *draft) spread(f facts, now fleet, places []place) fleet {
	next := now.clone()
	sizes := next.sides()
	for i, p := range places {
		switch p.rs.Hash {
		case d.status.StableRS:
			sizes[i].wanted = d.stableSize(f, p.rs)
		case f.hash:
			sizes[i].wanted = d.canarySize(f, p.rs)
		default:
			sizes[i].wanted = d.oldSize(f, p.rs)
		}
	}
	return next
}

// stableSize looks after the stable pods whatever else is wrong.
func (d *draft) stableSize(f facts, rs *ReplicaSet) int32 {
	d.settleDeadline(rs)
	if !f.forward && !d.aborted() {
		return max(rs.Wanted, d.stableCount(f))
	}
	return d.stableCount(f)
}

func (d *draft) canarySize(f facts, rs *ReplicaSet) int32 {
	switch {
	case f.find(d.status.StableRS) == nil:
		d.settleDeadline(rs)
		return f.replicas // nothing else can serve
	case d.aborted():
		return d.abortedSize(f, rs)
	}
	d.settleDeadline(rs)
	if !f.forward {
		return rs.Wanted
	}
	return d.canaryCount(f)
}

// oldSize is what a revision keeps that is neither stable nor current. While an update is under way only one
// whose time is not over yet; after it each gets its time.
func (d *draft) oldSize(f facts, rs *ReplicaSet) int32 {
	if d.aborted() || !d.promoted(f) {
		if rs.ScaleDownAt.IsZero() || f.canary.DynamicStableScale {
			return 0
		}
		return d.sizeUnderDeadline(f, rs, 0)
	}
	delay, _ := delayOf(f.canary.ScaleDownDelaySeconds, false)
	if f.canary.DynamicStableScale || !f.withinLimit(rs, d.status.StableRS, f.canary.ScaleDownDelayRevisionLimit) {
		return 0
	}
	return d.sizeUnderDeadline(f, rs, delay)
}

// withinLimit says whether a revision is among the newest so many old ones that still have pods.
func (f facts) withinLimit(rs *ReplicaSet, stable string, limit *int32) bool {
	if limit == nil {
		return true
	}
	kept := int32(0)
	for _, other := range f.others(stable) {
		if other.Wanted == 0 {
			continue
		}
		if kept++; other == rs {
			return kept <= *limit
		}
	}
	return true
}

const defaultScaleDownDelay = 30 * time.Second

// delayOf reads a delay in seconds. Absent means 30; 0 means at once, or for ever where that is what it
// stands for.
func delayOf(seconds *int32, zeroIsForever bool) (delay time.Duration, forever bool) {
	switch {
	case seconds == nil:
		return defaultScaleDownDelay, false
	case *seconds <= 0:
		return 0, zeroIsForever
	}
	return time.Duration(*seconds) * time.Second, false
}
