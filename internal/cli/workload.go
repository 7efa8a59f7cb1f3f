package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/command"
)

// The kinds that rollouts may take their template from. The table is not changed.
var lenders = []kind{
	{"deployment", "deployment", "deploy", appsv1.SchemeGroupVersion.WithKind("Deployment"), false},
	{"replica set", "replicaset", "rs", appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), false},
	{"pod template", "podtemplate", "", corev1.SchemeGroupVersion.WithKind("PodTemplate"), false},
}

// workload reads the object that spec.workloadRef of a rollout names.
func (c *cluster) workload(ctx context.Context, ro *api.Rollout) (client.Object, error) {
	ref := ro.Spec.WorkloadRef
	gvk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	for i, into := range []client.Object{&appsv1.Deployment{}, &appsv1.ReplicaSet{}, &corev1.PodTemplate{}} {
		if lenders[i].gvk == gvk {
			return into, c.read(ctx, lenders[i], ref.Name, into)
		}
	}
	return nil, fmt.Errorf("rollout %s takes its template from %s %s %s, which is none that has one (spec.workloadRef)", ro.Name, ref.APIVersion, ref.Kind, ref.Name)
}

// holder is the object in which the template of a rollout stands.
func (c *cluster) holder(ctx context.Context, ro *api.Rollout) (command.Holder, error) {
	if ro.Spec.WorkloadRef == nil {
		return command.Own(ro), nil
	}
	object, err := c.workload(ctx, ro)
	if err != nil {
		return command.Holder{}, err
	}
	return command.Workload(object)
}

// changesTemplate makes a change of a rollout's template from both as they are now.
type changesTemplate func(context.Context, *cluster, *api.Rollout, command.Holder) (command.Change, error)

// changeTemplates changes the template of each rollout named, in the rollout itself or in the workload that it
// refers to.
func (a *app) changeTemplates(cmd *cobra.Command, args []string, build changesTemplate) error {
	return a.eachNamed(cmd, rollouts, args, func(ctx context.Context, c *cluster, name string) error {
		ro, err := c.rollout(ctx, name)
		if err != nil {
			return err
		}
		if ro.Spec.WorkloadRef == nil {
			return change(ctx, a, c, subject[*api.Rollout]{name, c.rollout, func(ro *api.Rollout) (command.Change, error) {
				return build(ctx, c, ro, command.Own(ro))
			}})
		}
		read := func(ctx context.Context, name string) (client.Object, error) {
			if ro, err = c.rollout(ctx, name); err != nil {
				return nil, err
			}
			return c.workload(ctx, ro)
		}
		return change(ctx, a, c, subject[client.Object]{name, read, func(object client.Object) (command.Change, error) {
			in, err := command.Workload(object)
			if err != nil {
				return command.Change{}, err
			}
			return build(ctx, c, ro, in)
		}})
	})
}
