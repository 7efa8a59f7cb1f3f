package decide

// The capacity interlock: the last look at where pods would go, before the status is composed.
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
