package decide

import (
	"maps"
	"slices"
)

// The capacity interlock: the last look at where pods would go, before the status is composed. There are two
// rules, and both only ever remove or reduce.
//
// The first is about all revisions together.
//
// A Service that selects every revision sets no share by itself: every ready pod gets its part of
// the traffic. The law there is that availability never falls below floor = R − maxUnavailable by
// our doing; and where it is below already (a node died), nothing we do lowers it further.
//
// Worked examples, R = 5, maxUnavailable 1, floor 4, written canary/stable as wanted(available):
//
//	0(0)/5(5) → 1/4   serving 0+4 = 4 ≥ 4: allowed
//	1(0)/5(5) → 1/3   serving 0+3 = 3 < 4: stable is held at 4
//	2(2)/3(1) → 2/2   serving 2+1 = 3, as before: allowed, it removes pods that do not serve
//	2(2)/3(1) → 1/3   serving 1+1 = 2 < 3: the canary is held at 2
//
// The second is about what requests reach: see leastOf below.
//
// The ReplicaSet controller removes pods that are not ready first, which is why lowering a side to
// no less than what serves costs nothing.
func interlock(now, next fleet, floor int32) fleet {
	held := next.clone()
	least := min(floor, now.available())
	before := now.sides()
	for i, side := range held.sides() {
		missing := least - serve(before, held.sides())
		if missing <= 0 {
			return held
		}
		was := before[i]
		if side.wanted >= was.wanted {
			continue
		}
		side.wanted = min(was.wanted, min(side.wanted, was.serving())+missing)
	}
	return held
}

// serve counts what would still serve: nobody gains availability by being asked for more.
func serve(before, after []*sizes) (n int32) {
	for i := range after {
		n += min(before[i].serving(), after[i].wanted)
	}
	return n
}

// sides lists stable, canary and older in one fixed order.
func (f fleet) sides() (all []*sizes) {
	f.each(func(s *sizes) { all = append(all, s) })
	return all
}

// leastOf is how many pods each place must keep because requests reach it, at most as many as it has:
//
//   - the pods that its share of the traffic needs, by what the router was told and by what it does, whichever
//     is more: R = 10, told 0, does 25 → 3 of the canary's pods stay until the router has caught up;
//   - one, when a Service names this very revision or a managed route leads to it. Without a router nobody
//     knows how many requests come that way; that nobody finds the house empty is what can be promised;
//   - as many as have to serve, when a Service that is not given back yet names it: whatever it was, the one
//     that took all requests for instance, the strategy knows of it no more.
//
// A Rollout that wants no pods at all keeps none.
func (f facts) leastOf(places []place) []int32 {
	least := make([]int32, len(places))
	for i, p := range places {
		least[i] = f.keptOf(p.rs)
	}
	return least
}

func (f facts) keptOf(rs *ReplicaSet) int32 {
	if f.replicas == 0 {
		return 0
	}
	n := f.needed(f.reach(rs.Hash))
	if n == 0 && f.entered(rs.Hash) {
		n = 1
	}
	if f.left(rs.Hash) {
		n = max(n, f.fewest())
	}
	return min(n, rs.Wanted)
}

// keep raises what would shrink below what is kept.
func keep(now, next fleet, least []int32) fleet {
	held := next.clone()
	before := now.sides()
	for i, side := range held.sides() {
		if side.wanted < before[i].wanted {
			side.wanted = max(side.wanted, least[i])
		}
	}
	return held
}

// most is 1 when something is kept that a rolling update has to make room for.
func most(kept []int32) (n int32) {
	for _, k := range kept {
		n = max(n, min(k, 1))
	}
	return n
}

// entrancesSeen is what the decision to lower capacity stands on beside the pods.
func (f facts) entrancesSeen() Entrances {
	seen := Entrances{Routing: f.seen.Routing}
	for _, s := range append(slices.Collect(maps.Values(f.seen.Services)), f.seen.Former...) {
		if seen.Services == nil {
			seen.Services = map[string]string{}
		}
		seen.Services[s.Name] = s.Hash
	}
	return seen
}
