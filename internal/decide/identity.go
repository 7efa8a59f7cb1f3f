package decide

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	api "sluice.dev/sluice/api/v1alpha1"
)

// AwaitsServer begins the message of a status whose Rollout has changed in a way that only the server can
// tell the meaning of. Its observedGeneration stays behind until then.
const AwaitsServer = "Waiting for the API server"

// identify is the hash of the template's revision: of the ReplicaSet that carries it already, else
// computed. A live ReplicaSet wins because whoever made it may have hashed an earlier shape of the type.
// Where only the server could tell, and it cannot be asked, unsure says what is awaited: a revision that
// is begun by mistake replaces every pod.
func (f facts) identify() (hash, unsure string) {
	computed := PodHash(&f.ro.Spec.Template, f.ro.Status.CollisionCount)
	if f.find(computed) != nil {
		return computed, ""
	}
	if f.seen.ServerTemplate != nil {
		same := f.carrying(f.seen.ServerTemplate, sameTemplate)
		if len(same) > 0 {
			return same[0].Hash, ""
		}
		return computed, ""
	}
	if f.seen.Unjudged == "" {
		return computed, ""
	}
	alike := f.carrying(&f.ro.Spec.Template, mayDefaultTo)
	switch {
	case len(alike) == 0:
		return computed, "" // whatever the server adds, it is another template
	case f.observed() && f.observedWorkload() && alike[0].Hash == f.ro.Status.CurrentPodHash:
		return alike[0].Hash, ""
	}
	return computed, fmt.Sprintf(AwaitsServer+" to say whether the pod template is that of ReplicaSet %s. It cannot at the moment: %s. "+
		"A change that makes the template differ, such as another annotation, needs no answer.", alike[0].Name, f.seen.Unjudged)
}

// carrying lists the ReplicaSets whose template matches what is wanted, whatever it wears: the current one
// first, then the stable one, then the newest. Where somebody else has dressed it, what that covered is not known,
// and neither side is looked at there.
func (f facts) carrying(want *corev1.PodTemplateSpec, match func(want, have *corev1.PodTemplateSpec) bool) []*ReplicaSet {
	var found []*ReplicaSet
	for i := range f.seen.ReplicaSets {
		rs := &f.seen.ReplicaSets[i]
		if rs.Hash == "" {
			continue
		}
		notes := rs.notes()
		wanted := map[string]string{}
		if _, known := api.CoveredMetadata(notes); !known {
			maps.Copy(wanted, notes)
		}
		if match(api.BareTemplate(want, wanted), api.BareTemplate(&rs.Template, notes)) {
			found = append(found, rs)
		}
	}
	rank := func(rs *ReplicaSet) int {
		return slices.Index([]string{f.ro.Status.StableRS, f.ro.Status.CurrentPodHash}, rs.Hash)
	}
	slices.SortStableFunc(found, func(a, b *ReplicaSet) int {
		if byRole := rank(b) - rank(a); byRole != 0 {
			return byRole
		}
		return int(b.Revision - a.Revision)
	})
	return found
}

// observed says that whoever wrote the status, we or another controller, had this very spec before it and
// could carry it out. Then its hashes are those of this spec, whatever it hashed.
func (f facts) observed() bool {
	s := f.ro.Status
	if s.CurrentPodHash == "" || s.ObservedGeneration != strconv.FormatInt(f.ro.Generation, 10) {
		return false
	}
	return !slices.ContainsFunc(s.Conditions, func(c api.RolloutCondition) bool {
		return c.Type == api.RolloutInvalidSpec && c.Status == corev1.ConditionTrue
	})
}

// sameTemplate compares two defaulted templates.
func sameTemplate(want, have *corev1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(want, have)
}

// mayDefaultTo says whether the server could have made have out of want. It fills in fields of the pod's
// spec, and neither changes what is there, nor lengthens a list, nor adds labels or annotations.
func mayDefaultTo(want, have *corev1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(want.ObjectMeta, have.ObjectMeta) && contains(tree(&have.Spec), tree(&want.Spec))
}

func tree(spec *corev1.PodSpec) (tree any) {
	raw, err := json.Marshal(spec)
	if err != nil || json.Unmarshal(raw, &tree) != nil {
		return nil // cannot happen for a spec that came from JSON
	}
	return tree
}

// contains says whether whole has everything that part has.
func contains(whole, part any) bool {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		for key := range p {
			ok = ok && contains(w[key], p[key])
		}
		return ok
	case []any:
		w, ok := whole.([]any)
		ok = ok && len(w) == len(p)
		for i := range p {
			ok = ok && contains(w[i], p[i])
		}
		return ok
	}
	return reflect.DeepEqual(whole, part)
}
