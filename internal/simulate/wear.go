package simulate

import (
	"maps"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Wears is what every pod of a revision has on, by name: its labels and annotations.
func (w *World) Wears(hash string) map[string]api.PodTemplateMetadata {
	all := map[string]api.PodTemplateMetadata{}
	for _, s := range w.sets {
		for _, p := range s.pods {
			if s.Hash == hash && !p.evicted {
				all[p.name] = api.PodTemplateMetadata{Labels: p.labels, Annotations: p.annotations}
			}
		}
	}
	return all
}

// dress is what the API server does with a change of a ReplicaSet's template: pods that are made from now on have
// it, those that are there keep what they have.
func (p *rolloutWorld) dress(a decide.ReplicaSetWears) error {
	live := p.w.sets[a.Name]
	if live == nil || live.version != p.seen.sets[a.Name].version {
		return ErrConflict
	}
	live.Template.Labels, live.Template.Annotations = maps.Clone(a.Labels), maps.Clone(a.Annotations)
	live.Template.Spec.Affinity = a.Affinity.DeepCopy()
	live.note(a.Notes)
	live.version, live.Observed = p.w.touch(), false
	p.seen.sets[a.Name] = *live
	return nil
}

func (s *set) note(notes map[string]string) {
	if text, ok := notes[api.AnnotationEphemeralMetadata]; ok {
		s.Worn = text
	}
	if text, ok := notes[api.AnnotationCoveredMetadata]; ok {
		s.Covered = text
	}
}

// dressPod is what the API server does with a change of a pod's metadata.
func (p *rolloutWorld) dressPod(a decide.PodWears) error {
	live := p.w.pod(a.UID)
	if live == nil {
		return nil
	}
	if seen := p.sawPod(a); seen != live.version {
		return ErrConflict
	}
	live.labels, live.annotations = changed(live.labels, a.Labels), changed(live.annotations, a.Annotations)
	live.version = p.w.touch()
	return nil
}

// sawPod is the version of a pod that this pass saw.
func (p *rolloutWorld) sawPod(a decide.PodWears) int {
	for _, s := range p.seen.pods {
		for _, pod := range s.pods {
			if pod.uid == a.UID {
				return pod.version
			}
		}
	}
	return 0
}

func changed(all map[string]string, by map[string]*string) map[string]string {
	all = maps.Clone(all)
	if all == nil {
		all = map[string]string{}
	}
	for key, to := range by {
		delete(all, key)
		if to != nil {
			all[key] = *to
		}
	}
	return all
}

// known is what a cache keeps of a pod's annotations: of one that does not say what it wears, the keys.
func (p pod) known() map[string]string {
	if _, marked := p.annotations[api.AnnotationEphemeralMetadata]; marked {
		return p.annotations
	}
	keys := map[string]string{}
	for key := range p.annotations {
		keys[key] = ""
	}
	return keys
}
