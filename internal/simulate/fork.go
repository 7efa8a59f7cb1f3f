package simulate

import (
	"maps"
	"slices"
)

// Fork is the same world at the same time, with a future of its own. Whatever the first one tells is told
// to nobody here.
func (w *World) Fork() *World {
	f := *w
	f.Resized, f.Evicted, f.Repointed, f.Rescaled, f.Redirected = nil, nil, nil, nil, nil
	f.Templates = maps.Clone(w.Templates)
	f.sets = forkSets(w.sets)
	f.experiments = map[string]*experiment{}
	for name, e := range w.experiments {
		own := *e
		own.sets, own.services = forkSets(e.sets), maps.Clone(e.services)
		f.experiments[name] = &own
	}
	f.services = maps.Clone(w.services)
	f.runs = map[string]*run{}
	for name, r := range w.runs {
		own := *r
		own.jobs, own.samples = maps.Clone(r.jobs), slices.Clone(r.samples)
		f.runs[name] = &own
	}
	f.evicted = maps.Clone(w.evicted)
	f.born, f.events, f.past = slices.Clone(w.born), slices.Clone(w.events), slices.Clone(w.past)
	return &f
}

func forkSets(all map[string]*set) map[string]*set {
	forked := map[string]*set{}
	for name, s := range all {
		own := *s
		own.pods = slices.Clone(s.pods)
		forked[name] = &own
	}
	return forked
}
