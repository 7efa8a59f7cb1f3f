package decide

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Pods wear what belongs to the role of their revision and not to its template: ephemeral metadata, and while
// an update is on its way a rule that keeps the new revision's pods off the nodes of the stable one's. None of
// it is part of the hash. Each ReplicaSet says in an annotation what its template wears, and each pod what it
// does, so that it can be taken off again when the role changes or nobody asks for it any more. The ReplicaSet's
// word goes once its pods were seen without anything. A cache may have shown pods from before they were dressed,
// so it is the pods' own word that counts whenever they are seen.
//
//	                 new revision      stable           others
//	update under way canaryMetadata    stableMetadata   nothing     and the rule on the new revision
//	promoted         stableMetadata                     nothing
//
// A blue-green has previewMetadata and activeMetadata. Metadata is changed in place, also on running pods; a
// rule counts when a pod is scheduled, so pods keep the one they have, and a revision that comes back into use
// gets it before its first pod.

const (
	// wearsEach bounds the pods one pass changes; the others follow in the next ones.
	wearsEach = 50
	// wearAgain is when to look again for pods that a ReplicaSet counts and that are not seen yet.
	wearAgain = time.Second
)

// outfits are what pods wear in the two roles.
func outfits(ro *api.Rollout) (fresh, stable api.PodTemplateMetadata) {
	given := func(m *api.PodTemplateMetadata) (worn api.PodTemplateMetadata) {
		if m == nil {
			return worn
		}
		worn = *m.DeepCopy()
		delete(worn.Labels, api.LabelPodTemplateHash)
		if selector := ro.Spec.Selector; selector != nil {
			for key := range selector.MatchLabels {
				delete(worn.Labels, key) // or the pods would belong to nobody
			}
		}
		delete(worn.Annotations, api.AnnotationEphemeralMetadata)
		return worn
	}
	switch strategy := ro.Spec.Strategy; {
	case strategy.BlueGreen != nil:
		return given(strategy.BlueGreen.PreviewMetadata), given(strategy.BlueGreen.ActiveMetadata)
	case strategy.Canary != nil:
		return given(strategy.Canary.CanaryMetadata), given(strategy.Canary.StableMetadata)
	}
	return fresh, stable
}

func bare(m api.PodTemplateMetadata) bool { return len(m.Labels)+len(m.Annotations) == 0 }

// outfit is what the pods of a revision should wear now.
func (d *draft) outfit(f facts, hash string) api.PodTemplateMetadata {
	fresh, stable := outfits(f.ro)
	switch {
	case hash == d.status.StableRS, hash == f.hash && d.status.StableRS == "":
		return stable
	case hash == f.hash:
		return fresh
	}
	return api.PodTemplateMetadata{}
}

// dressed is a template with the metadata, and what to write beside it.
func dressed(own *corev1.PodTemplateSpec, hash string, in api.PodTemplateMetadata) (template *corev1.PodTemplateSpec, notes map[string]string) {
	template = own.DeepCopy()
	notes = map[string]string{api.AnnotationEphemeralMetadata: "", api.AnnotationCoveredMetadata: ""}
	if !bare(in) {
		covered := api.PodTemplateMetadata{Labels: under(own.Labels, in.Labels), Annotations: under(own.Annotations, in.Annotations)}
		notes[api.AnnotationEphemeralMetadata], notes[api.AnnotationCoveredMetadata] = inJSON(in), inJSON(covered)
		template.Annotations = atop(template.Annotations, map[string]string{api.AnnotationEphemeralMetadata: inJSON(in)})
	}
	template.Labels = atop(atop(template.Labels, in.Labels), map[string]string{api.LabelPodTemplateHash: hash})
	template.Annotations = atop(template.Annotations, in.Annotations)
	return template, notes
}

// under is what there is already under the keys that are to be added.
func under(all, added map[string]string) (covered map[string]string) {
	for key := range added {
		if value, had := all[key]; had {
			covered = atop(covered, map[string]string{key: value})
		}
	}
	return covered
}

// atop is a map with others on top; it never edits its input.
func atop(all, added map[string]string) map[string]string {
	if len(added) == 0 {
		return all
	}
	all = maps.Clone(all)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, added)
	return all
}

func inJSON(m api.PodTemplateMetadata) string {
	raw, err := json.Marshal(m)
	if err != nil {
		return "" // cannot happen for maps of text
	}
	return string(raw)
}

// own is the template a ReplicaSet was made from. Who added metadata to it may not have kept what that covered:
// the current revision's is known from the Rollout.
func (f facts) own(rs *ReplicaSet) *corev1.PodTemplateSpec {
	notes := rs.notes()
	own := api.BareTemplate(&rs.Template, notes)
	if _, known := api.CoveredMetadata(notes); known || rs.Hash != f.hash || !f.forward {
		return own
	}
	added := api.EphemeralMetadata(notes)
	own.Labels = atop(own.Labels, under(f.ro.Spec.Template.Labels, added.Labels))
	own.Annotations = atop(own.Annotations, under(f.ro.Spec.Template.Annotations, added.Annotations))
	return own
}

// notes are the annotations that tell what a ReplicaSet's template wears. What is lost of them may still stand
// in the template.
func (rs *ReplicaSet) notes() map[string]string {
	notes := map[string]string{}
	if worn := rs.wears(); worn != "" {
		notes[api.AnnotationEphemeralMetadata] = worn
	}
	if rs.Covered != "" {
		notes[api.AnnotationCoveredMetadata] = rs.Covered
	}
	return notes
}

func (rs *ReplicaSet) wears() string {
	if rs.Worn != "" {
		return rs.Worn
	}
	return rs.Template.Annotations[api.AnnotationEphemeralMetadata]
}

// dress states what ReplicaSets and their pods wear, in this order: a pod that is made in between wears
// the right thing from the start.
func (d *draft) dress(f facts) {
	if !f.forward {
		return
	}
	pods, left := podsByHash(f.seen.Pods), wearsEach
	for i := range f.seen.ReplicaSets {
		rs := &f.seen.ReplicaSets[i]
		in := d.outfit(f, rs.Hash)
		if rs.Hash == "" || !rs.dressedIn(in) && d.keptApart(f, rs) && !slices.ContainsFunc(pods[rs.Hash], Pod.marked) {
			continue
		}
		changes := f.undressed(rs, in, pods[rs.Hash])
		unseen := int(rs.Replicas) > len(pods[rs.Hash])
		d.dressReplicaSet(f, rs, in, len(changes) > 0 || unseen)
		for _, change := range changes[:min(left, len(changes))] {
			d.act(change)
			left--
		}
		if len(changes) > 0 || unseen && rs.dressedIn(in) {
			d.wait(f.now.Add(wearAgain))
		}
	}
}

// marked says that a pod tells itself what it wears.
func (p Pod) marked() bool {
	_, marked := p.Annotations[api.AnnotationEphemeralMetadata]
	return marked
}

// dressedIn says that a ReplicaSet's pods have, or should have, something on.
func (rs *ReplicaSet) dressedIn(in api.PodTemplateMetadata) bool {
	return rs.wears() != "" || !bare(in)
}

func podsByHash(all []Pod) map[string][]Pod {
	pods := map[string][]Pod{}
	for _, p := range all {
		pods[p.Hash] = append(pods[p.Hash], p)
	}
	return pods
}

// dressReplicaSet states what a ReplicaSet's template wears. What is noted beside it stays until no pod is left
// that still has to take something off.
func (d *draft) dressReplicaSet(f facts, rs *ReplicaSet, in api.PodTemplateMetadata, podsLeft bool) {
	want, notes := dressed(f.own(rs), rs.Hash, in)
	if bare(in) && (podsLeft || f.seen.Pods == nil) {
		notes = rs.notes()
	}
	wears := ReplicaSetWears{Name: rs.Name, Labels: want.Labels, Annotations: want.Annotations, Affinity: d.affinity(f, rs), Notes: notes}
	same := equality.Semantic.DeepEqual(wears.Labels, rs.Template.Labels) && equality.Semantic.DeepEqual(wears.Annotations, rs.Template.Annotations) &&
		rs.Worn == notes[api.AnnotationEphemeralMetadata] && rs.Covered == notes[api.AnnotationCoveredMetadata]
	if !same || !d.keptApart(f, rs) {
		d.act(wears)
	}
	if rs.Worn != "" && notes[api.AnnotationEphemeralMetadata] == "" {
		d.wait(f.now.Add(wearAgain)) // no pod that turns up wakes anybody
	}
}

// undressed lists what the pods of a ReplicaSet have yet to put on or take off. A pod without a mark is of
// somebody else, or older than the wish for metadata: it may have on whatever its ReplicaSet notes, or the
// Rollout asks for in any role. Of its annotations only the keys are known.
func (f facts) undressed(rs *ReplicaSet, in api.PodTemplateMetadata, pods []Pod) (all []PodWears) {
	want, _ := dressed(f.own(rs), rs.Hash, in)
	fresh, stable := outfits(f.ro)
	mark := map[string]string{api.AnnotationEphemeralMetadata: ""}
	for _, p := range pods {
		if p.Deleting {
			continue
		}
		maybe := []api.PodTemplateMetadata{in, api.EphemeralMetadata(p.Annotations)}
		if !p.marked() {
			maybe = append(maybe, api.EphemeralMetadata(rs.notes()), fresh, stable)
		}
		change := PodWears{Name: p.Name, UID: p.UID, Labels: map[string]*string{}, Annotations: map[string]*string{}}
		differences(change.Annotations, p.Annotations, want.Annotations, mark)
		for _, m := range maybe {
			differences(change.Labels, p.Labels, want.Labels, m.Labels)
			differences(change.Annotations, p.Annotations, want.Annotations, m.Annotations)
		}
		if !p.marked() && bare(in) {
			maps.DeleteFunc(change.Annotations, func(_ string, to *string) bool { return to != nil })
		}
		if len(change.Labels)+len(change.Annotations) > 0 {
			all = append(all, change)
		}
	}
	return all
}

// differences adds what makes have like want under these keys; nil takes a key away.
func differences(change map[string]*string, have, want, keys map[string]string) {
	for key := range keys {
		now, has := have[key]
		switch to, wanted := want[key]; {
		case wanted && (!has || now != to):
			change[key] = &to
		case !wanted && has:
			change[key] = nil
		}
	}
}
