package v1alpha1

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EphemeralMetadata reads what was added to a ReplicaSet's pods for their role, from its annotations or a
// pod's. What cannot be read counts as nothing: it is not ours to judge.
func EphemeralMetadata(annotations map[string]string) (added PodTemplateMetadata) {
	return readMetadata(annotations[AnnotationEphemeralMetadata])
}

// CoveredMetadata reads what a ReplicaSet's template had under the keys of its ephemeral metadata. Known is
// false when whoever added those did not keep it.
func CoveredMetadata(annotations map[string]string) (covered PodTemplateMetadata, known bool) {
	text, known := annotations[AnnotationCoveredMetadata]
	return readMetadata(text), known
}

func readMetadata(text string) (m PodTemplateMetadata) {
	if text == "" || json.Unmarshal([]byte(text), &m) != nil {
		return PodTemplateMetadata{}
	}
	return m
}

// BareTemplate is the template a ReplicaSet was made from: without the label that tells revisions apart, and
// without what was added for a role it had, which its annotations tell. The template is not changed.
func BareTemplate(template *corev1.PodTemplateSpec, annotations map[string]string) *corev1.PodTemplateSpec {
	bare := template.DeepCopy()
	added := EphemeralMetadata(annotations)
	covered, _ := CoveredMetadata(annotations)
	delete(bare.Labels, LabelPodTemplateHash)
	delete(bare.Annotations, AnnotationEphemeralMetadata)
	bare.Labels = uncover(bare.Labels, added.Labels, covered.Labels)
	bare.Annotations = uncover(bare.Annotations, added.Annotations, covered.Annotations)
	bare.Spec.Affinity, _ = WithoutInjectedAntiAffinity(bare.Spec.Affinity)
	return bare
}

// uncover takes away what was added and puts back what it covered.
func uncover(all, added, covered map[string]string) map[string]string {
	for key := range added {
		delete(all, key)
		if own, had := covered[key]; had {
			all[key] = own
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// InjectedAntiAffinity is the rule that keeps pods off the nodes on which pods of a revision run.
func InjectedAntiAffinity(hash string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: LabelPodTemplateHash, Operator: metav1.LabelSelectorOpIn, Values: []string{hash}},
		}},
		TopologyKey: corev1.LabelHostname,
	}
}

// WithoutInjectedAntiAffinity is an affinity without the rules that name revisions: nobody writes those by hand,
// since a revision's hash is not known before. What is empty is left out. The rules it had are returned too, as
// an affinity of their own, nil when there were none. The argument is not changed.
func WithoutInjectedAntiAffinity(affinity *corev1.Affinity) (rest, injected *corev1.Affinity) {
	if affinity == nil {
		return nil, nil
	}
	rest = affinity.DeepCopy()
	if anti := rest.PodAntiAffinity; anti != nil {
		kept, found := &corev1.PodAntiAffinity{}, &corev1.PodAntiAffinity{}
		for _, term := range anti.RequiredDuringSchedulingIgnoredDuringExecution {
			into := whether(namesRevision(term), found, kept)
			into.RequiredDuringSchedulingIgnoredDuringExecution = append(into.RequiredDuringSchedulingIgnoredDuringExecution, term)
		}
		for _, term := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
			into := whether(namesRevision(term.PodAffinityTerm), found, kept)
			into.PreferredDuringSchedulingIgnoredDuringExecution = append(into.PreferredDuringSchedulingIgnoredDuringExecution, term)
		}
		rest.PodAntiAffinity = kept
		if !emptyAntiAffinity(found) {
			injected = &corev1.Affinity{PodAntiAffinity: found}
		}
		if emptyAntiAffinity(kept) {
			rest.PodAntiAffinity = nil
		}
	}
	if rest.NodeAffinity == nil && rest.PodAffinity == nil && rest.PodAntiAffinity == nil {
		rest = nil
	}
	return rest, injected
}

func whether[T any](yes bool, then, otherwise T) T {
	if yes {
		return then
	}
	return otherwise
}

func emptyAntiAffinity(a *corev1.PodAntiAffinity) bool {
	return len(a.RequiredDuringSchedulingIgnoredDuringExecution) == 0 && len(a.PreferredDuringSchedulingIgnoredDuringExecution) == 0
}

func namesRevision(term corev1.PodAffinityTerm) bool {
	if term.LabelSelector == nil || len(term.LabelSelector.MatchLabels) > 0 || len(term.LabelSelector.MatchExpressions) != 1 {
		return false
	}
	expression := term.LabelSelector.MatchExpressions[0]
	return expression.Key == LabelPodTemplateHash && expression.Operator == metav1.LabelSelectorOpIn
}
