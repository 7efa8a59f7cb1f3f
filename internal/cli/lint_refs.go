package cli

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

// referred is what an object may refer to, and whether something of what it did was left out of the
// objects found.
type referred struct {
	validate.Refs
	torn bool
}

// lookup finds templates and Secrets among the documents. An object without a namespace goes to
// whichever namespace the others are applied to.
func (w *world) lookup(namespace string) *referred {
	near := w.near(namespace)
	r := &referred{Refs: validate.Refs{Partial: !w.complete, Checked: true}}
	r.Template = func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
		if cluster {
			if template, ok := named[*api.ClusterAnalysisTemplate](r, slices.Concat(w.documents, w.live), name); ok {
				return template.Spec, true
			}
		} else if template, ok := named[*api.AnalysisTemplate](r, near, name); ok {
			return template.Spec, true
		}
		return api.AnalysisTemplateSpec{}, false
	}
	r.Workload = func(ref api.ObjectRef) bool { return w.lender(namespace, ref) != nil }
	r.SecretKeys = func(name string) ([]string, bool) {
		secret, ok := named[*corev1.Secret](r, near, name)
		if !ok {
			return nil, false
		}
		return keysOf(secret), true
	}
	return r
}

// near are the documents that may stand in the same namespace. Those of the files come first: they will be
// applied.
func (w *world) near(namespace string) []manifest.Document {
	return slices.DeleteFunc(slices.Concat(w.documents, w.live), func(d manifest.Document) bool { return !sameNamespace(namespace, d.Namespace) })
}

func sameNamespace(one, other string) bool { return one == other || one == "" || other == "" }

// named finds the object of one kind and name.
func named[T any](r *referred, documents []manifest.Document, name string) (object T, ok bool) {
	for i := range documents {
		if object, ok := documents[i].Object.(T); ok && documents[i].Name == name && documents[i].Excerpt == nil {
			r.torn = r.torn || len(documents[i].Left) > 0 || documents[i].Torn
			return object, true
		}
	}
	return object, false
}

func keysOf(secret *corev1.Secret) []string {
	var keys []string
	for key := range secret.Data {
		keys = append(keys, key)
	}
	for key := range secret.StringData {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
