package simulate

import (
	"maps"
	"slices"

	"sluice.dev/sluice/internal/decide"
)

// service is a Service as the API server has it. Like every object it is replaced, not edited.
type service struct {
	decide.Service
	version int
}

// Repoint is one change of the revision a Service names, with what serves at that moment.
type Repoint struct {
	Service, From, To string // hashes
	// Replicas is what the Rollout wanted when this was decided.
	Replicas int32
	// Unseen says that the pass did not see how many pods of every ReplicaSet are available now.
	Unseen bool
	// Before and After are the available pods of the revision it named and of the one it names now; of all
	// revisions where it names none.
	Before, After int32
}

// CreateService makes a Service, as a user would: its selector names no revision and nobody manages it.
func (w *World) CreateService(name string) {
	if _, there := w.services[name]; !there {
		w.services[name] = service{Service: decide.Service{Name: name}, version: w.touch()}
	}
}

// EditService changes a Service as a user would, if there is one of this name.
func (w *World) EditService(name string, change func(*decide.Service)) {
	s, there := w.services[name]
	if !there {
		return
	}
	before := s.Service
	change(&s.Service)
	s.Name = name
	if s.Service != before {
		s.version = w.touch()
		w.services[name] = s
	}
}

// DeleteService takes a Service away, as a user would.
func (w *World) DeleteService(name string) {
	if _, there := w.services[name]; there {
		delete(w.services, name)
		w.touch()
	}
}

// Service is the Service of this name; false when there is none.
func (w *World) Service(name string) (decide.Service, bool) {
	s, there := w.services[name]
	return s.Service, there
}

// Services are the names of all Services, sorted.
func (w *World) Services() []string { return slices.Sorted(maps.Keys(w.services)) }

// Serving is how many available pods answer for a Service: those of the revision its selector names, all
// when it names none.
func (w *World) Serving(name string) int32 {
	s, there := w.services[name]
	if !there {
		return 0
	}
	return w.answering(s.Hash)
}

func (w *World) answering(hash string) (available int32) {
	if hash == "" {
		return w.everything()
	}
	for _, s := range w.sets {
		if s.Hash == hash {
			available += s.serving(w.Now)
		}
	}
	return available
}

// seenServices are the Services the Rollout names, as this pass sees them.
func (p *rolloutWorld) seenServices() map[string]decide.Service {
	all := map[string]decide.Service{}
	for _, name := range decide.NamedServices(p.seen.rollout) {
		if s, there := p.seen.services[name]; there {
			all[name] = s.Service
		}
	}
	return all
}

// seenFormer are the Services the Rollout is said to manage and names no more, as this pass sees them.
func (p *rolloutWorld) seenFormer() (all []decide.Service) {
	named := decide.NamedServices(p.seen.rollout)
	for _, name := range slices.Sorted(maps.Keys(p.seen.services)) {
		if s := p.seen.services[name]; s.ManagedBy == p.seen.rollout.Name && !slices.Contains(named, name) {
			all = append(all, s.Service)
		}
	}
	return all
}

// release gives the Services back that the Rollout names no more, as the controller does beside its passes over
// Rollouts.
func (w *World) release() {
	named := decide.NamedServices(w.rollout)
	for _, name := range w.Services() {
		s := w.services[name]
		if w.Clinging || s.ManagedBy != w.rollout.Name || (slices.Contains(named, name) && !w.gone) {
			continue
		}
		s.Hash, s.ManagedBy, s.version = "", "", w.touch()
		w.services[name] = s
	}
}

// repoint is what the API server does with a patch of a Service's selector.
func (p *rolloutWorld) repoint(a decide.ServiceSelects) error {
	w := p.w
	live, there := w.services[a.Service]
	if !there || live.version != p.seen.services[a.Service].version {
		return ErrConflict
	}
	if err := p.rely(a.Relies); err != nil {
		return err
	}
	if !p.sees(a.Sees) {
		return ErrConflict
	}
	change := Repoint{Service: a.Service, From: live.Hash, To: a.To, Replicas: 1, Before: w.answering(live.Hash), After: w.answering(a.To)}
	if wanted := p.seen.rollout.Spec.Replicas; wanted != nil {
		change.Replicas = *wanted
	}
	change.Unseen = p.unseenPods()
	live.Hash, live.ManagedBy = a.To, w.rollout.Name
	if a.To == "" {
		live.ManagedBy = ""
	}
	live.version = w.touch()
	w.services[a.Service] = live
	if w.Repointed != nil && change.From != change.To {
		w.Repointed(change)
	}
	return nil
}

// unseenPods says that some ReplicaSet has another number of available pods than this pass saw.
func (p *rolloutWorld) unseenPods() bool {
	for name, live := range p.w.sets {
		if seen, ok := p.seen.sets[name]; !ok || live.Available != seen.Available {
			return true
		}
	}
	return false
}

// sees says whether the ways in are still as a decision saw them.
func (p *rolloutWorld) sees(e decide.Entrances) bool {
	for name, hash := range e.Services {
		if p.w.services[name].Hash != hash {
			return false
		}
	}
	if e.Routing == nil || p.w.router == nil {
		return true
	}
	return p.seen.router.version == p.w.router.version
}
