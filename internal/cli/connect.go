package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// cluster is a connection to one namespace.
type cluster struct {
	client.WithWatch
	namespace string
	asked     bool // the command line says which namespace
}

// connect makes no request: kinds and resources are known, so that nothing is asked before the first
// question of the command itself.
func (a *app) connect() (*cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &a.overrides)
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, unconfigured(rules, err)
	}
	config.QPS = -1 // the server protects itself
	config.UserAgent = "sluice/" + a.version
	config.WarningHandler = rest.NewWarningWriter(a.Err, rest.WarningWriterOptions{Deduplicate: true})
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
	return &cluster{connection, namespace, a.overrides.Context.Namespace != ""}, nil
}

// unconfigured names the files there should have been: where one is missing, client-go only says that
// there is no configuration.
func unconfigured(rules *clientcmd.ClientConfigLoadingRules, err error) error {
	if !clientcmd.IsEmptyConfig(err) {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	var missing []string
	files := rules.GetLoadingPrecedence()
	for _, file := range files {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, file)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("reading the kubeconfig: there is no file %s; name another with --kubeconfig or $KUBECONFIG", strings.Join(missing, ", nor "))
	}
	return fmt.Errorf("reading the kubeconfig: %s names no cluster: it is empty, or has no current context", strings.Join(files, ", "))
}

// kind is a kind of object as the API and as people call it.
type kind struct {
	name     string // as people say it: analysis run
	resource string // as URLs and `-o name` say it: analysisrun
	letters  string // for short: ar
	gvk      schema.GroupVersionKind
	global   bool // it belongs to no namespace
}

// The kinds that commands name. The table is not changed.
var (
	rollouts = kind{"rollout", "rollout", "ro", api.Kind(api.KindRollout), false}
	runs     = kind{"analysis run", "analysisrun", "ar", api.Kind(api.KindAnalysisRun), false}

	experiments = kind{"experiment", "experiment", "exp", api.Kind(api.KindExperiment), false}

	templates        = kind{"analysis template", "analysistemplate", "at", api.Kind(api.KindAnalysisTemplate), false}
	clusterTemplates = kind{"cluster analysis template", "clusteranalysistemplate", "cat", api.Kind(api.KindClusterAnalysisTemplate), true}
)

// reference is the object as `-o name` prints it.
func (k kind) reference(name string) string { return k.resource + "." + k.gvk.Group + "/" + name }

// in says where objects of the kind are looked for.
func (k kind) in(namespace string) string {
	switch {
	case k.global:
		return ""
	case namespace == "":
		return " in any namespace"
	}
	return " in namespace " + namespace
}

func kinds() (*runtime.Scheme, meta.RESTMapper, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{api.AddToScheme, corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, metav1.AddMetaToScheme} {
		if err := add(scheme); err != nil {
			return nil, nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{api.SchemeGroupVersion, corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion, batchv1.SchemeGroupVersion})
	for _, kind := range []schema.GroupVersionKind{
		rollouts.gvk, runs.gvk, experiments.gvk, templates.gvk,
		lenders[0].gvk, lenders[1].gvk, lenders[2].gvk,
		corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithKind("Service"), batchv1.SchemeGroupVersion.WithKind("Job"),
	} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	mapper.Add(clusterTemplates.gvk, meta.RESTScopeRoot)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	return scheme, mapper, nil
}

// rollout reads a rollout. When there is none of that name, the error says which there are.
func (c *cluster) rollout(ctx context.Context, name string) (*api.Rollout, error) {
	ro := &api.Rollout{}
	return ro, c.read(ctx, rollouts, name, ro)
}

// run reads an analysis run.
func (c *cluster) run(ctx context.Context, name string) (*api.AnalysisRun, error) {
	run := &api.AnalysisRun{}
	return run, c.read(ctx, runs, name, run)
}

func (c *cluster) read(ctx context.Context, k kind, name string, into client.Object) error {
	key := client.ObjectKey{Name: name}
	if !k.global {
		key.Namespace = c.namespace
	}
	err := c.Get(ctx, key, into)
	switch {
	case err == nil:
		return nil
	case missingKind(err):
		return errNoCRDs
	case apierrors.IsNotFound(err):
		return c.notFound(ctx, k, name)
	}
	return fmt.Errorf("reading %s %s%s: %w", k.name, name, k.in(c.namespace), err)
}

var errNoCRDs = errors.New("this cluster does not know Rollouts: the custom resource definitions are not installed; see docs/install.md")

// missingKind tells that the server knows no such resource, as opposed to no such object.
func missingKind(err error) bool {
	var status apierrors.APIStatus
	if meta.IsNoMatchError(err) {
		return true
	}
	return apierrors.IsNotFound(err) && errors.As(err, &status) &&
		(status.Status().Details == nil || status.Status().Details.Name == "")
}

// absent is the error for an object that does not exist.
type absent struct{ text string }

func (a *absent) Error() string { return a.text }

// notFound looks for what was meant: a similar name here, or the same name elsewhere. Somebody who
// may not look elsewhere gets a shorter answer.
func (c *cluster) notFound(ctx context.Context, k kind, name string) error {
	text := fmt.Sprintf("there is no %s %s%s", k.name, name, k.in(c.namespace))
	here, err := c.names(ctx, k, c.namespace)
	if err != nil {
		return &absent{text}
	}
	var names []string
	for _, key := range here {
		names = append(names, key.Name)
	}
	if near := similar(name, names); near != "" {
		return &absent{fmt.Sprintf("%s; did you mean %s?", text, near)}
	}
	if !k.global {
		everywhere, err := c.names(ctx, k, "")
		for _, key := range everywhere {
			if err == nil && key.Name == name {
				return &absent{fmt.Sprintf("%s; there is one in namespace %s: add -n %s", text, key.Namespace, key.Namespace)}
			}
		}
	}
	if len(names) == 0 {
		return &absent{text + ", nor any other"}
	}
	slices.Sort(names)
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	return &absent{fmt.Sprintf("%s; there are %s", text, strings.Join(names, ", "))}
}

// names lists the objects of a kind in a namespace, "" for all, without reading the objects.
func (c *cluster) names(ctx context.Context, k kind, namespace string) ([]client.ObjectKey, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(k.gvk.GroupVersion().WithKind(k.gvk.Kind + "List"))
	var options []client.ListOption
	if !k.global {
		options = append(options, client.InNamespace(namespace))
	}
	if err := c.List(ctx, list, options...); err != nil {
		return nil, err
	}
	var keys []client.ObjectKey
	for i := range list.Items {
		keys = append(keys, client.ObjectKeyFromObject(&list.Items[i]))
	}
	return keys, nil
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
