package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// cluster is a connection to one namespace.
type cluster struct {
	client.WithWatch
	namespace string
}

// connect makes no request: kinds and resources are known, so that nothing is asked before the first
// question of the command itself.
func (a *app) connect() (*cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &a.overrides)
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1 // the server protects itself
	config.UserAgent = "sluice/" + a.version
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	scheme, mapper, err := kinds()
	if err != nil {
		return nil, err
	}
	connection, err := client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return &cluster{connection, namespace}, nil
}

func kinds() (*runtime.Scheme, meta.RESTMapper, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{api.AddToScheme, corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{api.SchemeGroupVersion, corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion, batchv1.SchemeGroupVersion})
	for _, kind := range []schema.GroupVersionKind{
		api.Kind(api.KindRollout), api.Kind(api.KindAnalysisRun),
		corev1.SchemeGroupVersion.WithKind("Pod"), appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), batchv1.SchemeGroupVersion.WithKind("Job"),
	} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	return scheme, mapper, nil
}

// rollout reads a rollout. When there is none of that name, the error says which there are.
func (c *cluster) rollout(ctx context.Context, name string) (*api.Rollout, error) {
	var ro api.Rollout
	err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &ro)
	switch {
	case err == nil:
		return &ro, nil
	case missingKind(err):
		return nil, errNoCRDs
	case apierrors.IsNotFound(err):
		return nil, c.notFound(ctx, name)
	}
	return nil, fmt.Errorf("reading rollout %s in namespace %s: %w", name, c.namespace, err)
}

var errNoCRDs = errors.New("this cluster does not know Rollouts: the custom resource definitions are not installed")

// missingKind tells that the server knows no such resource, as opposed to no such object.
func missingKind(err error) bool {
	var status apierrors.APIStatus
	if meta.IsNoMatchError(err) {
		return true
	}
	return apierrors.IsNotFound(err) && errors.As(err, &status) &&
		(status.Status().Details == nil || status.Status().Details.Name == "")
}

// notFound looks for what was meant: a similar name here, or the same name elsewhere. Somebody who
// may not look elsewhere gets a shorter answer.
func (c *cluster) notFound(ctx context.Context, name string) error {
	text := fmt.Sprintf("there is no rollout %s in namespace %s", name, c.namespace)
	var here, everywhere api.RolloutList
	if err := c.List(ctx, &here, client.InNamespace(c.namespace)); err != nil {
		return errors.New(text)
	}
	var names []string
	for _, ro := range here.Items {
		names = append(names, ro.Name)
	}
	if near := similar(name, names); near != "" {
		return fmt.Errorf("%s; did you mean %s?", text, near)
	}
	if err := c.List(ctx, &everywhere); err == nil {
		for _, ro := range everywhere.Items {
			if ro.Name == name {
				return fmt.Errorf("%s; there is one in namespace %s: add -n %s", text, ro.Namespace, ro.Namespace)
			}
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s, nor any other", text)
	}
	slices.Sort(names)
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	return fmt.Errorf("%s; there are %s", text, strings.Join(names, ", "))
}

// similar is the name that shares the longest beginning or contains what was given.
func similar(name string, names []string) string {
	best, most := "", 2
	for _, candidate := range names {
		common := 0
		for common < min(len(name), len(candidate)) && name[common] == candidate[common] {
			common++
		}
		if strings.Contains(candidate, name) || strings.Contains(name, candidate) {
			common += 3
		}
		if common > most && 2*common >= len(name) {
			best, most = candidate, common
		}
	}
	return best
}
