package decide

// sizes is a side's pods: what is wanted and what serves.
type sizes struct{ wanted, available int32 }

// serving is what still serves once the wanted size has taken effect; status may lag behind spec.
func (s sizes) serving() int32 { return min(s.wanted, s.available) }

// fleet is every ReplicaSet of a Rollout in the order that matters for moving pods.
type fleet struct {
	canary, stable *sizes  // nil when there is none; the same revision appears as stable only
	older          []sizes // newest revision first
}

// bounds are the limits a basic canary moves within: at most ceiling pods wanted in all, at least
// floor of them available.
type bounds struct{ ceiling, floor int32 }

// move says how far this pass may go towards the target: what there is room for grows, then what
// availability can spare shrinks, older revisions before anything else. Pods that are not available
// yet stop it until they are. It never edits its input.
//
// Worked example: 10 stable, target 3/7, surge 3, unavailable 0 → first 3 canary beside 10 stable;
// once 3 canary pods are available, stable goes down to 7.
func move(now fleet, target pair, limit bounds) fleet {
	next := now.clone()
	grow(next, target, limit)
	for {
		before := next.clone()
		if next.olderWanted() > 0 {
			shrinkOlder(next, limit)
		} else {
			shrink(next, target, limit)
		}
		if next.equal(before) {
			return next
		}
	}
}

// grow raises stable first, then the canary, within the ceiling.
func grow(f fleet, target pair, limit bounds) {
	for _, side := range []struct {
		s    *sizes
		want int32
	}{{f.stable, target.stable}, {f.canary, target.canary}} {
		if side.s == nil || side.s.wanted >= side.want {
			continue
		}
		room := max(limit.ceiling-f.total(), 0)
		side.s.wanted = min(side.want, side.s.wanted+room)
	}
}

// shrink lowers the side that has too many pods as far as availability allows. While the canary
// grows, stable pods are counted as wanted, so that unhealthy old pods are replaced rather than
// waited for; while it shrinks, the same holds for the canary.
func shrink(f fleet, target pair, limit bounds) {
	growing := f.canary == nil || target.canary >= f.canary.wanted
	falling, want, other := f.canary, target.canary, f.stable
	if growing {
		falling, want, other = f.stable, target.stable, f.canary
	}
	if falling == nil || falling.wanted <= want {
		return
	}
	counted := falling.wanted
	if other != nil {
		counted += other.serving()
	}
	spare := counted - limit.floor
	if spare <= 0 {
		return
	}
	falling.lower(min(spare, falling.wanted-want))
}

// shrinkOlder empties revisions that are neither stable nor current: pods that do not serve first,
// then newest revision first as far as availability allows.
func shrinkOlder(f fleet, limit bounds) {
	for i := range f.older {
		o := &f.older[i]
		o.wanted = o.serving()
	}
	spare := f.available() - limit.floor
	for i := range f.older {
		if spare <= 0 {
			return
		}
		o := &f.older[i]
		drop := min(spare, o.wanted)
		o.lower(drop)
		spare -= drop
	}
}

func (s *sizes) lower(by int32) {
	s.wanted -= by
	s.available = s.serving()
}

// each visits stable, then the canary, then older revisions, newest first.
func (f fleet) each(do func(*sizes)) {
	if f.stable != nil {
		do(f.stable)
	}
	if f.canary != nil {
		do(f.canary)
	}
	for i := range f.older {
		do(&f.older[i])
	}
}

func (f fleet) total() (n int32) {
	f.each(func(s *sizes) { n += s.wanted })
	return n
}

func (f fleet) available() (n int32) {
	f.each(func(s *sizes) { n += s.serving() })
	return n
}

func (f fleet) olderWanted() (n int32) {
	for _, o := range f.older {
		n += o.wanted
	}
	return n
}

func (f fleet) clone() fleet {
	c := fleet{older: append([]sizes(nil), f.older...)}
	if f.canary != nil {
		s := *f.canary
		c.canary = &s
	}
	if f.stable != nil {
		s := *f.stable
		c.stable = &s
	}
	return c
}

func (f fleet) equal(g fleet) bool {
	same := func(a, b *sizes) bool { return (a == nil) == (b == nil) && (a == nil || a.wanted == b.wanted) }
	if !same(f.canary, g.canary) || !same(f.stable, g.stable) {
		return false
	}
	for i := range f.older {
		if f.older[i].wanted != g.older[i].wanted {
			return false
		}
	}
	return true
}
