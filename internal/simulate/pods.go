package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sluice.dev/sluice/internal/decide"
)

// pod is a pod: since when it is there, when it is available, and whether something keeps it from that.
type pod struct {
	name                 string
	uid                  types.UID
	createdAt, readyAt   time.Time
	never, broken        bool
	evicted              bool
	unnoticed            int // turns until the ReplicaSet controller notices that it was evicted
	refused              string
	refusedSince, lastNo time.Time
	labels, annotations  map[string]string // replaced, never edited: caches share them
	version              int
}

// Eviction is a pod that was evicted, and what served before and after. Replicas are what the pass had seen
// as wanted: a change that comes between its look and its act is the next one's business.
type Eviction struct {
	Pod                         string
	Replicas                    int32
	Served                      bool
	ServingBefore, ServingAfter int32
}

func (p pod) available(now time.Time) bool { return !p.evicted && p.well(now) }

// well says that the pod was serving until it was evicted, or still is.
func (p pod) well(now time.Time) bool { return !p.broken && !p.never && !now.Before(p.readyAt) }

func (w *World) newPod(s *set) pod {
	w.uid++
	boot := w.Boot(cmp.Or(s.boots, s.Hash))
	return pod{
		name: fmt.Sprintf("%s-%d", s.Name, w.uid), uid: types.UID(fmt.Sprintf("pod-%d", w.uid)),
		createdAt: w.Now.Truncate(time.Second), readyAt: w.Now.Add(boot), never: boot < 0,
		labels: s.Template.Labels, annotations: s.Template.Annotations,
	}
}

func (s *set) serving(now time.Time) (n int32) {
	for _, p := range s.pods {
		if p.available(now) {
			n++
		}
	}
	return n
}

// believed is what the ReplicaSet controller takes for available: it notices evictions a little late.
func (s *set) believed(now time.Time) (n int32) {
	for _, p := range s.pods {
		if p.well(now) {
			n++
		}
	}
	return n
}

// notice drops the evicted pods whose time has come; when pods are too many, all of them.
func (w *World) notice(s *set) {
	s.pods = slices.DeleteFunc(s.pods, func(p pod) bool {
		return p.evicted && (p.unnoticed == 0 || len(s.pods) > int(s.Wanted))
	})
	for i := range s.pods {
		if s.pods[i].evicted {
			s.pods[i].unnoticed--
			w.touch()
		}
	}
}

// observePods is the pods as a cache shows them: maybe old, but what we evicted ourselves is known.
func (w *World) observePods(sets map[string]set) []decide.Pod {
	pods := []decide.Pod{}
	for _, s := range sets {
		for _, p := range s.pods {
			seen := decide.Pod{
				Name: p.name, UID: p.uid, Hash: s.Hash, CreatedAt: p.createdAt, Deleting: p.evicted || w.evicted[p.uid],
				Labels: p.labels, Annotations: p.known(),
			}
			if p.well(w.Now) {
				seen.ReadyAt = p.readyAt
			}
			if live := w.pod(p.uid); live != nil {
				seen.Refused, seen.RefusedSince, seen.RefusedAt = live.refused, live.refusedSince, live.lastNo
			}
			pods = append(pods, seen)
		}
	}
	slices.SortFunc(pods, func(a, b decide.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods
}

func (w *World) pod(uid types.UID) *pod {
	for _, s := range w.sets {
		for i := range s.pods {
			if s.pods[i].uid == uid {
				return &s.pods[i]
			}
		}
	}
	return nil
}

// evict is what the API server does with an eviction.
func (p *rolloutWorld) evict(a decide.PodGone) error {
	w := p.w
	live := w.pod(a.UID)
	if live == nil || live.evicted {
		return nil
	}
	if err := p.rely(a.Relies); err != nil {
		return err
	}
	served := live.available(w.Now)
	if served && !p.sawReady(a.UID) {
		return ErrConflict
	}
	if w.Refuse != nil {
		if why := w.Refuse(served); why != "" {
			if live.refused == "" {
				live.refusedSince = w.Now
			}
			live.refused, live.lastNo = why, w.Now
			return nil
		}
	}
	done := Eviction{Pod: a.Name, Served: served, Replicas: 1}
	if wanted := p.seen.rollout.Spec.Replicas; wanted != nil {
		done.Replicas = *wanted
	}
	_, done.ServingBefore = w.Totals()
	live.evicted = true
	w.evicted[a.UID] = true
	if w.Fate != nil {
		live.unnoticed = w.Fate.Stale()
	}
	w.touch()
	_, done.ServingAfter = w.Totals()
	if w.Evicted != nil {
		w.Evicted(done)
	}
	return nil
}

func (p *rolloutWorld) sawReady(uid types.UID) bool {
	return slices.ContainsFunc(p.pods, func(seen decide.Pod) bool { return seen.UID == uid && !seen.ReadyAt.IsZero() })
}

// rely reads live what a decision stands on.
func (p *rolloutWorld) rely(on []decide.Capacity) error {
	for _, need := range on {
		live := p.w.sets[need.ReplicaSet]
		if live == nil || min(live.Available, live.Wanted) < need.Available {
			return ErrConflict
		}
	}
	return nil
}
