package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/test/apiserver"
)

const (
	namespace = "bench"
	name      = "shop"
)

// Texts of the objects as an update of 10 pods in mid-analysis leaves them.
const (
	rolloutSpec   = "{replicas: 10, selector: {matchLabels: {app: shop}}, template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: 'shop:2'}]}}, strategy: {canary: {steps: [{setWeight: 20}, {pause: {duration: 60}}, {analysis: {templates: [{templateName: errors}]}}, {setWeight: 60}]}}}"
	rolloutStatus = "{observedGeneration: '1', phase: Progressing, message: more replicas need to be updated, currentPodHash: bbb, stableRS: aaa, currentStepIndex: 2, replicas: 10, updatedReplicas: 2, readyReplicas: 10, availableReplicas: 10, canary: {currentStepAnalysisRunStatus: {name: shop-bbb-2-2, status: Running}}}"
	runSpec       = "{metrics: [{name: errors, count: 5, interval: 20s, successCondition: 'result[0] <= 0.004', provider: {prometheus: {address: 'http://prometheus', query: errors}}}]}"
	runStatus     = "{phase: Running, metricResults: [{name: errors, phase: Running, count: 1, successful: 1, measurements: [{phase: Successful, value: '[0.0021]', startedAt: 2026-01-01T00:00:00Z, finishedAt: 2026-01-01T00:00:00Z}]}]}"
)

// setUp starts an API server with such a rollout, and writes a kubeconfig. done removes that.
func setUp(ctx context.Context, o *options) (done func(), err error) {
	config, err := apiserver.Config()
	if err != nil {
		return nil, err
	}
	if err := crd.Install(ctx, config); err != nil {
		return nil, err
	}
	if err := populate(ctx, config); err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", "bench-cli-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	o.kubeconfig, o.namespace, o.rollout = filepath.Join(directory, "kubeconfig"), namespace, name
	file := clientcmdapi.NewConfig()
	file.Clusters["bench"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos["bench"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: "bench"}
	file.CurrentContext = "bench"
	return func() { _ = os.RemoveAll(directory) }, clientcmd.WriteToFile(*file, o.kubeconfig)
}

func populate(ctx context.Context, config *rest.Config) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{api.AddToScheme, corev1.AddToScheme, appsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("registering kinds: %w", err)
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	ro := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	if err := create(ctx, c, ro, rolloutSpec, &ro.Spec); err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict([]byte(rolloutStatus), &ro.Status); err != nil {
		return fmt.Errorf("reading the rollout's status: %w", err)
	}
	if err := c.Status().Update(ctx, ro); err != nil {
		return fmt.Errorf("writing the rollout's status: %w", err)
	}
	for hash, pods := range map[string]int32{"aaa": 8, "bbb": 2} {
		if err := revision(ctx, c, ro, hash, pods); err != nil {
			return err
		}
	}
	run := &api.AnalysisRun{ObjectMeta: owned(name+"-bbb-2-2", "bbb", ro, api.Kind(api.KindRollout).Kind)}
	if err := yaml.UnmarshalStrict([]byte(runStatus), &run.Status); err != nil {
		return fmt.Errorf("reading the run's status: %w", err)
	}
	return create(ctx, c, run, runSpec, &run.Spec)
}

// create reads a spec into its object and creates it.
func create(ctx context.Context, c client.Client, object client.Object, text string, spec any) error {
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		return fmt.Errorf("reading the spec of %s: %w", object.GetName(), err)
	}
	if err := c.Create(ctx, object); err != nil {
		return fmt.Errorf("creating %s: %w", object.GetName(), err)
	}
	return nil
}

func owned(name, hash string, owner client.Object, kind string) metav1.ObjectMeta {
	yes := true
	version := api.SchemeGroupVersion.String()
	if kind == "ReplicaSet" {
		version = appsv1.SchemeGroupVersion.String()
	}
	number := map[string]string{"aaa": "1", "bbb": "2"}[hash]
	return metav1.ObjectMeta{
		Name: name, Namespace: namespace, Labels: map[string]string{"app": "shop", api.LabelPodTemplateHash: hash},
		Annotations:     map[string]string{api.AnnotationRevision: number},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: owner.GetName(), UID: owner.GetUID(), Controller: &yes}},
	}
}

// revision creates a ReplicaSet with its pods.
func revision(ctx context.Context, c client.Client, ro *api.Rollout, hash string, pods int32) error {
	rs := &appsv1.ReplicaSet{ObjectMeta: owned(name+"-"+hash, hash, ro, api.KindRollout)}
	rs.Spec.Replicas, rs.Spec.Selector, rs.Spec.Template = &pods, &metav1.LabelSelector{MatchLabels: rs.Labels}, *ro.Spec.Template.DeepCopy()
	rs.Spec.Template.Labels = rs.Labels
	if err := c.Create(ctx, rs); err != nil {
		return fmt.Errorf("creating %s: %w", rs.Name, err)
	}
	for n := range pods {
		pod := &corev1.Pod{ObjectMeta: owned(fmt.Sprintf("%s-%d", rs.Name, n), hash, rs, "ReplicaSet"), Spec: rs.Spec.Template.Spec}
		if err := c.Create(ctx, pod); err != nil {
			return fmt.Errorf("creating %s: %w", pod.Name, err)
		}
	}
	return nil
}
