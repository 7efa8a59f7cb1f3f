package simulate

import (
	"maps"
	"strconv"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

func (p *rolloutWorld) carry(a decide.ReplicaSetCarries) error {
	live := p.w.sets[a.Name]
	if live == nil || live.version != p.seen.sets[a.Name].version {
		return ErrConflict
	}
	if a.MinReadySeconds != nil {
		live.MinReadySeconds = *a.MinReadySeconds
	}
	if text, ok := a.Annotations[api.AnnotationRevision]; ok {
		live.Revision, _ = strconv.ParseInt(text, 10, 64)
	}
	if text, ok := a.Annotations[api.AnnotationRevisionHistory]; ok {
		live.History = text
	}
	if text, ok := a.Annotations[api.AnnotationDesiredReplicas]; ok {
		n, _ := strconv.Atoi(text)
		live.DesiredReplicas = int32(n)
	}
	if text, ok := a.Annotations[api.AnnotationScaleDownDeadline]; ok {
		live.ScaleDownAt, _ = time.Parse(time.RFC3339, text)
	}
	live.version = p.w.touch()
	p.seen.sets[a.Name] = *live // a second action of this pass builds on the first
	return nil
}

func (p *rolloutWorld) carryRollout(a decide.RolloutCarries) error {
	p.w.Apply(func(r *api.Rollout) {
		if r.Annotations == nil {
			r.Annotations = map[string]string{}
		}
		maps.Copy(r.Annotations, a.Annotations)
		maps.DeleteFunc(r.Annotations, func(_, value string) bool { return value == "" })
		if a.Replicas != nil && r.Spec.Replicas == nil {
			r.Spec.Replicas = a.Replicas
		}
	})
	return nil
}
