package decide

import (
	"fmt"
	"slices"
)

// Shares are integers out of a whole, which is 100 unless the router's block says otherwise. A share w needs
// ceil(R·w/whole) pods, and A pods of R carry floor(whole·A/R):
//
//	R = 3,  w = 10  → 1 pod;  1 of 3 pods carries 33
//	R = 10, w = 33  → 4 pods; 4 of 10 pods carry 40
//	R = 10, 8 of 10 stable pods serve, maxUnavailable 2 → everything: so many may always be missing
//	R = 10, 7 of 10 stable pods serve, maxUnavailable 2 → 70

// routed says that a traffic router divides the requests.
func (f facts) routed() bool { return f.canary.TrafficRouting != nil }

// whole is the weight that means all requests.
func (f facts) whole() int32 {
	if all := f.divided(); all > 0 && !f.forward {
		return all
	}
	if r := f.canary.TrafficRouting; r != nil && r.MaxTrafficWeight != nil && *r.MaxTrafficWeight > 0 {
		return *r.MaxTrafficWeight
	}
	return maxWeight
}

// unread says why nothing is known of the router, "" when something is.
func (f facts) unread() string {
	switch r := f.seen.Routing; {
	case r == nil:
		return "it has not been read yet."
	case r.Unknown != "":
		return fmt.Sprintf("it cannot be read: %s.", r.Unknown)
	}
	return ""
}

// needed is how many pods a share needs.
func (f facts) needed(share int32) int32 {
	return partOf(f.replicas, share, f.whole())
}

// partOf is ceil(total·share/whole); the numbers may be large.
func partOf(total, share, whole int32) int32 {
	if share <= 0 || total <= 0 {
		return 0
	}
	return int32((int64(total)*int64(share) + int64(whole) - 1) / int64(whole))
}

// carry is the share that so many pods can take when each of R takes its part. As many as maxUnavailable
// may be missing without any loss.
func (f facts) carry(serving int32) int32 {
	switch {
	case f.replicas == 0:
		return f.whole() // no pods are wanted: there is nobody to serve
	case serving <= 0:
		return 0
	}
	if _, unavailable := f.limits(); serving >= f.replicas-unavailable {
		return f.whole()
	}
	return int32(int64(f.whole()) * int64(serving) / int64(f.replicas))
}

// behind is the revision that a share of a split leads to.
func (f facts) behind(s Share) string {
	if s.Hash != "" {
		return s.Hash
	}
	return f.seen.Services[s.Service].Hash
}

// reach is the largest share that a revision has, or may get before the router has caught up. While the
// router cannot be read that may be everything.
func (f facts) reach(hash string) int32 {
	if !f.routed() {
		return 0
	}
	if f.unread() != "" {
		return f.whole()
	}
	of := func(s Split) (n int32) {
		for _, share := range append([]Share{s.Canary, s.Stable}, s.Additional...) {
			if f.behind(share) == hash {
				n += share.Weight
			}
		}
		return n
	}
	return min(max(of(f.seen.Routing.Asked), of(f.seen.Routing.Serves)), f.whole())
}

// entered says that something leads to a revision whatever its share is: a Service that names it, or a
// managed route.
func (f facts) entered(hash string) bool {
	for _, service := range f.seen.Services {
		if service.Hash == hash {
			return true
		}
	}
	if f.left(hash) {
		return true
	}
	if !f.routed() || f.unread() != "" {
		return false
	}
	for _, s := range []Split{f.seen.Routing.Asked, f.seen.Routing.Serves} {
		if len(s.Routes) > 0 && f.behind(s.Canary) == hash {
			return true
		}
	}
	return false
}

// left says that a Service that the Rollout names no more still names a revision.
func (f facts) left(hash string) bool {
	return slices.ContainsFunc(f.seen.Former, func(s Service) bool { return s.Hash == hash })
}

// nextWeight is the canary's share from now on: what the step asks for, as far as pods can carry it.
// It rises only when everything the step asks for is there, in one go. It falls as far as the stable
// side can take it; where neither side can, it stays. Where nothing serves behind the canary's entrance it
// has no share at all.
//
// Worked examples, R = 10, asked so far 50, written stable/canary as available:
//
//	10/5, step says 80           → 50: first there must be 8 canary pods
//	10/8, step says 80           → 80
//	10/4, step says 50           → 40: a canary pod is gone
//	 5/5, aborted                → 50: the stable pods have to come back first
//	 7/5, aborted                → 30: they carry 70
//	 8/0, aborted                → 0
func (d *draft) nextWeight(f facts, stable, canary entrance, places []place, extra []Share) int32 {
	canary, stable = canary.after(), stable.after()
	serving := servingBehind(f, places, canary.hash)
	next := min(d.wantedWeight(f, canary, places), f.whole()-total(extra))
	if next > 0 && canary.hash == f.hash {
		next = min(next, d.canaryCarries(f, next, serving))
	}
	if canary.hash == stable.hash {
		return max(next, 0) // whatever the shares are, the same pods answer
	}
	if spare := f.whole() - total(extra) - d.stableCarries(f, stable, canary, places, extra); serving > 0 {
		next = max(next, min(spare, canary.asked))
	}
	return max(next, 0)
}

// wantedWeight is the share that the canary should have if there were pods enough.
func (d *draft) wantedWeight(f facts, canary entrance, places []place) int32 {
	fresh := f.fresh()
	switch {
	case fresh != nil && f.find(d.status.StableRS) == nil:
		return f.whole() // nothing else can serve
	case d.aborted(), d.promoted(f), fresh == nil:
		return 0
	case canary.hash != f.hash:
		return 0 // another revision is still behind the entrance: it is emptied first
	}
	if !f.forward {
		return canary.asked
	}
	want := d.weight(f)
	if canary.led {
		want = min(want, canary.asked) // it rises when the entrance has been seen to lead there
	}
	ready := servingIn(places, fresh) >= f.enough(d.target(f).canary)
	if want > canary.asked && (!ready || f.ro.Spec.Paused) {
		return canary.asked
	}
	return want
}

// canaryCarries is how much of a share the canary's pods can take. A size that the steps set by hand is
// taken at its word; while the next step's pods are coming, those of the step before are enough.
func (d *draft) canaryCarries(f facts, share, serving int32) int32 {
	index := d.step(f)
	need := f.needed(share)
	if !f.forward {
		need, index = min(need, f.staying()), -1
	}
	for _, at := range []int32{index, index - 1} {
		if at >= 0 && share <= f.weightAt(at) {
			need = min(need, max(d.countAt(f, at), 1))
		}
	}
	if serving >= f.enough(need) {
		return share
	}
	return int32(int64(share) * int64(serving) / int64(need))
}

// stableCarries is the most that the stable side may get. Where its entrance leads to another revision, or to
// nobody because its Service is missing, it gets no more than it has.
func (d *draft) stableCarries(f facts, stable, canary entrance, places []place, extra []Share) int32 {
	astray := stable.hash != "" && stable.hash != d.status.StableRS
	if astray || (stable.closed && stable.service != "") {
		return max(f.whole()-total(extra)-canary.asked, 0)
	}
	rs := f.find(d.status.StableRS)
	if rs == nil {
		return 0
	}
	return f.carry(servingIn(places, rs))
}
