package decide

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	api "sluice.dev/sluice/api/v1alpha1"
)

// rule keeps the pods of a revision off the nodes of the stable one's: only the new revision's, and only while an
// update is on its way. nil is no rule.
func (d *draft) rule(f facts, hash string) *corev1.Affinity {
	if hash != f.hash || d.status.StableRS == "" || d.promoted(f) {
		return nil
	}
	asked := f.canary.AntiAffinity
	if f.blueGreen != nil {
		asked = f.blueGreen.AntiAffinity
	}
	switch term := api.InjectedAntiAffinity(d.status.StableRS); {
	case asked == nil:
	case asked.RequiredDuringSchedulingIgnoredDuringExecution != nil:
		return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}}
	case asked.PreferredDuringSchedulingIgnoredDuringExecution != nil:
		weighted := corev1.WeightedPodAffinityTerm{Weight: asked.PreferredDuringSchedulingIgnoredDuringExecution.Weight, PodAffinityTerm: term}
		return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{weighted}}}
	}
	return nil
}

// keptApart says that a ReplicaSet's template has the rule it should have, and no other.
func (d *draft) keptApart(f facts, rs *ReplicaSet) bool {
	want := d.rule(f, rs.Hash)
	if affinity := rs.Template.Spec.Affinity; affinity == nil || affinity.PodAntiAffinity == nil {
		return want == nil
	}
	_, has := api.WithoutInjectedAntiAffinity(rs.Template.Spec.Affinity)
	return equality.Semantic.DeepEqual(has, want)
}

// affinity is what a ReplicaSet's template should have: its own, with the rule.
func (d *draft) affinity(f facts, rs *ReplicaSet) *corev1.Affinity {
	if d.keptApart(f, rs) {
		return rs.Template.Spec.Affinity
	}
	return d.apart(f, rs.Hash, rs.Template.Spec.Affinity)
}

// apart is an affinity with the rule a revision should have. It never edits its input.
func (d *draft) apart(f facts, hash string, affinity *corev1.Affinity) *corev1.Affinity {
	rule := d.rule(f, hash)
	rest, injected := api.WithoutInjectedAntiAffinity(affinity)
	switch {
	case rule == nil && injected == nil:
		return affinity
	case rule == nil:
		return rest
	case rest == nil:
		return rule
	case rest.PodAntiAffinity == nil:
		rest.PodAntiAffinity = rule.PodAntiAffinity
		return rest
	}
	anti, ours := rest.PodAntiAffinity, rule.PodAntiAffinity
	anti.RequiredDuringSchedulingIgnoredDuringExecution = append(anti.RequiredDuringSchedulingIgnoredDuringExecution, ours.RequiredDuringSchedulingIgnoredDuringExecution...)
	anti.PreferredDuringSchedulingIgnoredDuringExecution = append(anti.PreferredDuringSchedulingIgnoredDuringExecution, ours.PreferredDuringSchedulingIgnoredDuringExecution...)
	return rest
}

// awaitsRule says that a revision that comes back into use gets no pods yet: they would be placed by another
// rule, and a rule cannot be changed on a pod.
func (d *draft) awaitsRule(f facts, p place) bool {
	if !d.updating(f) || p.rs.Hash != f.hash || p.rs.Wanted > 0 || p.size.wanted == 0 || d.keptApart(f, p.rs) {
		return false
	}
	d.waits("AntiAffinity", "Waiting for ReplicaSet %s to get the rule that keeps its pods off the nodes of the stable ones (antiAffinity).", p.rs.Name)
	return true
}
