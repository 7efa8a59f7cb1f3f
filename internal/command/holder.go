package command

import (
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Holder is the object in which the pod template of a rollout stands: the rollout itself, or the workload that
// it refers to. Changes of the template are patches of the holder.
type Holder struct {
	name       string // as people say it: Deployment web; "" for the rollout itself
	version    string
	generation int64
	path       string // of the template in the object
	template   *corev1.PodTemplateSpec
}

// Own is a rollout as the holder of its own template.
func Own(ro *api.Rollout) Holder {
	return Holder{version: ro.ResourceVersion, path: "/spec/template", template: &ro.Spec.Template}
}

// Workload is a Deployment, ReplicaSet or PodTemplate as the holder of the template of rollouts that refer to it.
func Workload(object metav1.Object) (Holder, error) {
	h := Holder{version: object.GetResourceVersion(), generation: object.GetGeneration(), path: "/spec/template"}
	switch o := object.(type) {
	case *appsv1.Deployment:
		h.name, h.template = "Deployment "+o.Name, &o.Spec.Template
	case *appsv1.ReplicaSet:
		h.name, h.template = "ReplicaSet "+o.Name, &o.Spec.Template
	case *corev1.PodTemplate:
		h.name, h.template, h.path = "PodTemplate "+o.Name, &o.Template, "/template"
	default:
		return Holder{}, &Refusal{Message: fmt.Sprintf("%s is a %T, which has no pod template", object.GetName(), object)}
	}
	return h, nil
}

// where says in whose template something is changed, where that is not the rollout's own.
func (h Holder) where() string {
	if h.name == "" {
		return ""
	}
	return " by the template of " + h.name
}

// unseen refuses to decide on a status that is older than the template.
func (h Holder) unseen(ro *api.Rollout) error {
	if err := unseen(ro); err != nil {
		return err
	}
	known := ro.Status.WorkloadObservedGeneration
	if h.name != "" && known != "" && known != strconv.FormatInt(h.generation, 10) {
		return &Refusal{
			Message: fmt.Sprintf("the controller has not seen the latest change of %s, whose template rollout %s runs, yet", h.name, ro.Name),
			Advice:  "is the controller running?",
			Soon:    true,
		}
	}
	return nil
}
