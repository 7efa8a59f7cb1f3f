package cli

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
)

// lend gives Rollouts the template of the workload they refer to, and its selector where they have none, as far
// as it is among the documents. From then on they are checked as the controller sees them.
func (w *world) lend() {
	for i := range w.documents {
		d := &w.documents[i]
		ro, ok := d.Object.(*api.Rollout)
		if !ok || d.Excerpt != nil || ro.Spec.WorkloadRef == nil || ro.Spec.HasTemplate() {
			continue
		}
		from := w.lender(d.Namespace, *ro.Spec.WorkloadRef)
		if from == nil {
			continue
		}
		template, selector := lentBy(from.Lent)
		own := ro.DeepCopy()
		own.Spec.SetResolvedTemplate(template)
		if own.Spec.Selector == nil && selector != nil {
			own.Spec.SetResolvedSelector(selector)
		}
		d.Object = own
	}
}

// lender is the document that a workloadRef names, nil when it is not there.
func (w *world) lender(namespace string, ref api.ObjectRef) *manifest.Document {
	for i := range w.documents {
		d := &w.documents[i]
		if d.Lent != nil && d.APIVersion == ref.APIVersion && d.Kind == ref.Kind && d.Name == ref.Name && sameNamespace(namespace, d.Namespace) {
			return d
		}
	}
	return nil
}

func lentBy(workload any) (corev1.PodTemplateSpec, *metav1.LabelSelector) {
	switch o := workload.(type) {
	case *appsv1.Deployment:
		return o.Spec.Template, o.Spec.Selector
	case *appsv1.ReplicaSet:
		return o.Spec.Template, o.Spec.Selector
	case *corev1.PodTemplate:
		return o.Template, nil
	}
	return corev1.PodTemplateSpec{}, nil
}
