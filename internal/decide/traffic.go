package decide

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	api "sluice.dev/sluice/api/v1alpha1"
)

// A canary may have two entrances, one for each side: Services, or subsets that a router names itself. A
// traffic router divides the requests between them. Both are observed and never assumed: an entrance has the
// revision behind it that was seen there, and the share it has is the larger of what the router was told
// and what it does, because it may change from the one to the other at any moment.
//
// A share never grows on an entrance that leads to another revision than the one that is meant. So an
// entrance is given to another revision in this order, one pass after the other, each only when the one
// before it has been seen to be true:
//
//	weight down → the router has caught up → re-pointed → its pods are ready → weight up
//
// routerAgain is when to look at a router again that has not caught up: it wakes nobody.
const routerAgain = 10 * time.Second

// entrance is one side's way in, and what stands behind it.
type entrance struct {
	service string
	seen    Service
	hash    string // the revision behind it; "" while it leads to all of them, or to nothing
	wants   string // the revision that should be behind it
	next    string // the revision the router should put behind it with its next split
	asked   int32  // the share the router was told last
	most    int32  // the largest share it has or may get before the router has caught up
	stable  bool   // it is the stable side's
	beside  int32  // the share that this pass leads to the same revision by the other entrance
	led     bool   // this pass leads it to the revision it wants
	subset  bool   // the router itself names the revision
	closed  bool   // its Service does not exist or belongs to another Rollout
}

// direct says where requests should go, with the sizes that this pass has decided on.
func (d *draft) direct(f facts, places []place) {
	d.reportWeights(f)
	if f.blueGreen != nil {
		d.preview(f)
		d.lead(f, places)
		return
	}
	stable, canary := d.entrances(f)
	if !d.aborted() && f.renamed(stable, canary) {
		return
	}
	stable = d.point(f, stable, places)
	if canary.wants == stable.wants && stable.hash != stable.wants && (stable.led || stable.next == stable.wants) {
		canary.beside = stable.most
	}
	canary = d.point(f, canary, places)
	d.divide(f, stable, canary, places)
}

// entrances are the two ways in, with the revisions they should lead to. The canary's leads to the stable
// revision until the new one serves, and again after an abort: nobody should come to an empty house.
func (d *draft) entrances(f facts) (stable, canary entrance) {
	stableService, canaryService := d.sideServices(f)
	stable = f.entrance(stableService, func(s Split) Share { return s.Stable })
	canary = f.entrance(canaryService, func(s Split) Share { return s.Canary })
	stable.stable, stable.wants, canary.wants = true, d.status.StableRS, d.status.StableRS
	fresh := f.fresh()
	if fresh != nil && f.find(d.status.StableRS) == nil {
		stable.wants, canary.wants = f.hash, f.hash // nothing else can serve
		return stable, canary
	}
	serves := fresh != nil && fresh.Available > 0
	if !d.aborted() && (serves || canary.hash == f.hash) && d.wantsCanary(f) {
		canary.wants = f.hash
	}
	return stable, canary
}

// wantsCanary says that the new revision should have pods now: a step may ask for none.
func (d *draft) wantsCanary(f facts) bool {
	switch {
	case f.fresh() == nil:
		return false
	case !f.forward:
		return f.fresh().Wanted > 0
	case f.routed():
		return d.canaryCount(f) > 0
	}
	return d.promoted(f) || d.target(f).canary > 0
}

// sideServices are the Services of the two sides; with pingPong they take turns.
func (d *draft) sideServices(f facts) (stable, canary string) {
	turns := f.canary.PingPong
	switch {
	case turns == nil:
		return f.canary.StableService, f.canary.CanaryService
	case d.status.Canary.StablePingPong == api.PPPing:
		return turns.PingService, turns.PongService
	}
	return turns.PongService, turns.PingService
}

// entrance finds what is seen of one: its share by its Service where it has one, because with pingPong the
// roles change and the Services do not, else by its role.
func (f facts) entrance(service string, role func(Split) Share) entrance {
	e := entrance{service: service}
	seen, ok := f.ours(service)
	e.seen, e.hash, e.next, e.closed = seen, seen.Hash, seen.Hash, !ok
	switch {
	case !f.routed():
		return e
	case f.unread() != "":
		e.asked, e.most = f.whole(), f.whole() // it may be anything
		return e
	}
	share := func(s Split) Share {
		for _, one := range []Share{s.Canary, s.Stable} {
			if service != "" && one.Service == service {
				return one
			}
		}
		return role(s)
	}
	asked, serves := share(f.seen.Routing.Asked), share(f.seen.Routing.Serves)
	e.asked, e.most = asked.Weight, max(asked.Weight, serves.Weight)
	if e.subset = f.subsets(); e.subset {
		e.hash = serves.Hash
		e.closed = asked.Hash != serves.Hash // it is changing already
		e.next = asked.Hash
	}
	return e
}

// after is the entrance when this pass has led it where it should lead.
func (e entrance) after() entrance {
	if e.led {
		e.hash = e.wants
	}
	return e
}

// subsets says that the router itself names the revisions; else it sends to Services that do.
func (f facts) subsets() bool {
	r := f.canary.TrafficRouting
	return r != nil && r.Istio != nil && r.Istio.DestinationRule != nil
}

// point gives an entrance to the revision that should be behind it, as soon as that one can take what
// comes in. What follows goes by what is seen, so a re-pointed Service counts from the next pass on.
func (d *draft) point(f facts, e entrance, places []place) entrance {
	there := !e.closed && (e.service != "" || e.subset)
	settled := e.hash == e.wants && (e.seen.ManagedBy == f.ro.Name || e.subset)
	if !there || settled || !d.mayStand(f, e, places) {
		return e
	}
	if e.subset {
		e.next = e.wants
		return e
	}
	to := f.find(e.wants)
	least := servingIn(places, to)
	if e.most == 0 && e.hash != "" {
		least = min(least, 1)
	}
	d.repoint(f, e.seen, e.wants, []Capacity{{ReplicaSet: to.Name, Available: least}})
	e.led = true
	return e
}

// mayStand says whether the revision that an entrance wants can take what comes in there, and nothing would
// reach it too early. A Service that selects all revisions so far is narrowed to one only when that one is
// complete. After that an entrance is given away when it has no share any more; on the way to the stable
// revision also when that one can take what comes in, because then a router that does not catch up cannot keep
// anybody from going back.
func (d *draft) mayStand(f facts, e entrance, places []place) bool {
	to := f.find(e.wants)
	if to == nil {
		return false
	}
	serving, before := servingIn(places, to), servingBehind(f, places, e.hash)
	switch {
	case e.hash == e.wants, f.replicas == 0 && before == 0:
		return true
	case serving == 0:
		return false
	case e.hash == "":
		return serving >= to.Wanted && f.carry(serving) >= f.comes(e)
	case before == 0:
		return true
	}
	return d.mayTakeOver(f, e, serving, before)
}

// mayTakeOver says whether so many pods may answer from now on where others did.
func (d *draft) mayTakeOver(f facts, e entrance, serving, before int32) bool {
	if !f.routed() && e.stable {
		_, unavailable := f.limits()
		return serving >= min(before, f.replicas-unavailable) // nobody knows how many come in here: as many as until now
	}
	if e.most == 0 {
		return true
	}
	back := (d.aborted() || d.promoted(f) || e.stable) && e.wants == d.status.StableRS
	return back && f.carry(serving) >= f.comes(e)
}

// comes is the share that the revision an entrance wants would have with it.
func (f facts) comes(e entrance) int32 {
	return min(f.reach(e.wants)+e.most+e.beside, f.whole())
}

// servingBehind is how many pods of a revision serve, none of one that is gone.
func servingBehind(f facts, places []place, hash string) int32 {
	if rs := f.find(hash); rs != nil {
		return servingIn(places, rs)
	}
	return 0
}

// servingIn is how many pods of a ReplicaSet serve once this pass's sizes have taken effect.
func servingIn(places []place, rs *ReplicaSet) int32 {
	for _, p := range places {
		if p.rs == rs {
			return min(rs.Available, p.rs.Wanted, p.size.wanted)
		}
	}
	return min(rs.Available, rs.Wanted)
}

// divide says how the router should divide the requests, and which managed routes it should have.
func (d *draft) divide(f facts, stable, canary entrance, places []place) {
	if !f.routed() {
		return
	}
	extra := d.experimentShares(f)
	weight := d.nextWeight(f, stable, canary, places, extra)
	want := Split{
		Canary:     Share{Service: canary.service, Hash: canary.next, Weight: weight},
		Stable:     Share{Service: stable.service, Hash: stable.next, Weight: f.whole() - weight - total(extra)},
		Additional: extra,
		Routes:     d.routes(f, canary),
	}
	switch {
	case f.unread() != "":
		// What it does is not known. It is told blindly only to go back, and only where all of that can be taken.
		d.wait(f.now.Add(routerAgain))
		back := d.aborted() || d.promoted(f)
		if !back || d.stableCarries(f, stable, canary, places, extra) < f.whole() {
			return
		}
		want.Canary.Weight, want.Stable.Weight = 0, f.whole()-total(extra)
	case f.sameSplit(f.seen.Routing.Asked, want):
		if !f.sameSplit(f.seen.Routing.Serves, want) {
			d.wait(f.now.Add(routerAgain))
		}
		return
	}
	seen := f.entrancesSeen()
	for _, e := range []entrance{stable, canary} {
		if e.led {
			seen.Services[e.service] = e.wants
		}
	}
	d.act(TrafficSplits{Want: want, Relies: f.footing(want, stable, canary, places), Sees: seen})
}

// footing is what must serve for the shares that grow.
func (f facts) footing(want Split, stable, canary entrance, places []place) (all []Capacity) {
	for _, side := range []struct {
		share Share
		was   int32
	}{{want.Stable, stable.asked}, {want.Canary, canary.asked}} {
		rs := f.find(side.share.Hash)
		if rs == nil || side.share.Weight <= side.was {
			continue
		}
		if n := min(servingIn(places, rs), f.needed(side.share.Weight)); n > 0 {
			all = append(all, Capacity{ReplicaSet: rs.Name, Available: n})
		}
	}
	return all
}

// sameSplit compares what a router has with what it should have. Where it sends to Services, which revision
// is behind them is not its business.
func (f facts) sameSplit(have, want Split) bool {
	same := func(a, b Share) bool {
		return a.Service == b.Service && a.Weight == b.Weight && (a.Hash == b.Hash || (a.Service != "" && !f.subsets()))
	}
	return same(have.Canary, want.Canary) && same(have.Stable, want.Stable) &&
		slices.EqualFunc(have.Additional, want.Additional, same) && sameRoutes(have.Routes, want.Routes)
}

func sameRoutes(have, want []Route) bool {
	return slices.EqualFunc(have, want, func(a, b Route) bool { return equality.Semantic.DeepEqual(a, b) })
}

func total(shares []Share) (n int32) {
	for _, s := range shares {
		n += s.Weight
	}
	return n
}

// reportWeights keeps what the router does, which is not always what it was told.
func (d *draft) reportWeights(f facts) {
	if !f.routed() {
		d.status.Canary.Weights = nil
		return
	}
	if f.unread() != "" {
		return // nothing better is known than what was seen last
	}
	serves, before := f.seen.Routing.Serves, d.status.Canary.Weights
	verified := f.sameSplit(serves, f.seen.Routing.Asked)
	now := &api.TrafficWeights{Canary: f.destination(serves.Canary), Stable: f.destination(serves.Stable), Verified: &verified}
	for _, share := range serves.Additional {
		now.Additional = append(now.Additional, f.destination(share))
	}
	d.status.Canary.Weights = now
	if before != nil && before.Canary.Weight != now.Canary.Weight {
		d.tell(api.EventTrafficWeightUpdated, "Traffic weight updated from %d to %d", before.Canary.Weight, now.Canary.Weight)
	}
}

func (f facts) destination(s Share) api.WeightDestination {
	return api.WeightDestination{Weight: s.Weight, ServiceName: s.Service, PodTemplateHash: f.behind(s)}
}

// awaitWeight says what is still missing until the router does what the present step asks for, "" when
// nothing is.
func (d *draft) awaitWeight(f facts, weight int32) string {
	if !f.routed() {
		return ""
	}
	if why := f.unread(); why != "" {
		return "Waiting for the traffic router: " + why
	}
	_, canary := d.entrances(f)
	serves := f.seen.Routing.Serves
	if !d.wantsCanary(f) {
		weight = 0 // a step has taken its pods away
	}
	switch {
	case canary.hash != f.hash && weight > 0:
		return fmt.Sprintf("Waiting for %s to lead to revision %d.", canary.name(), d.revision)
	case canary.asked != weight || canary.most != weight || serves.Canary.Weight != weight:
		return fmt.Sprintf("Waiting for the traffic router to send %d of %d to the canary; it sends %d.", weight, f.whole(), serves.Canary.Weight)
	}
	return ""
}

func (e entrance) name() string {
	if e.service == "" {
		return "the canary's subset"
	}
	return "Service " + e.service
}
