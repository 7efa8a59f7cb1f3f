package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// The ConfigMap of a load test's script is read once, before its Job is created: a pod that waits for one that is not there
// would say so only in its events.
//
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get

// missingScript says what keeps a load test from having its script, nil when nothing does. Who may not read ConfigMaps does
// not know, and lets the pod find out.
func (c *Cluster) missingScript(ctx context.Context, namespace string, m api.Metric) (*refusal, error) {
	if m.Provider.LoadTest == nil || m.Provider.LoadTest.Script.ConfigMap == nil {
		return nil, nil
	}
	from := m.Provider.LoadTest.Script.ConfigMap
	var held corev1.ConfigMap
	err := c.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: from.Name}, &held)
	switch {
	case apierrors.IsNotFound(err):
		why := fmt.Sprintf("the script's ConfigMap %q does not exist in namespace %q", from.Name, namespace)
		return &refusal{why: why, remedy: "create it"}, nil
	case apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading ConfigMap %s/%s: %w", namespace, from.Name, err)
	}
	_, text := held.Data[from.Key]
	_, binary := held.BinaryData[from.Key]
	if !text && !binary {
		why := fmt.Sprintf("the script's ConfigMap %q in namespace %q has no key %q", from.Name, namespace, from.Key)
		return &refusal{why: why, remedy: "add it"}, nil
	}
	return nil, nil
}
