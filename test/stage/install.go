package stage

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/test/prom"
)

//go:embed monitoring.yaml
var monitoring []byte

// What the stand-in knows.
const (
	// AccessKey and SecretKey may query it. They open nothing but the demo.
	AccessKey = "AKIASLUICEDEMO"
	SecretKey = "demo/secret/key/of/the/stand-in/for/AMP0"
	// Workspace is the address in the seed's Secret.
	Workspace = "http://amp.monitoring.svc.cluster.local/workspaces/ws-demo"
)

// Install applies the definitions, the controller and the monitoring, and waits until all of it is
// ready. Doing it again changes nothing.
func (s *Stage) Install(ctx context.Context) error {
	if err := crd.Install(ctx, s.Config); err != nil {
		return err
	}
	for _, name := range namespaces {
		if err := s.claim(ctx, name); err != nil {
			return err
		}
	}
	manifests, err := s.controllerManifests()
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, manifests); err != nil {
		return err
	}
	if err := s.installMonitoring(ctx); err != nil {
		return err
	}
	if err := s.identify(ctx); err != nil {
		return err
	}
	return s.ready(ctx)
}

// controllerManifests renders config/default with the image of this stage.
func (s *Stage) controllerManifests() ([]byte, error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(s.Root, "config", "default"))
	if err != nil {
		return nil, fmt.Errorf("rendering config/default: %w", err)
	}
	manifests, err := rendered.AsYaml()
	if err != nil {
		return nil, fmt.Errorf("rendering config/default: %w", err)
	}
	manifests = bytes.ReplaceAll(manifests, []byte("value: sluice-load\n"), []byte("value: "+s.image("sluice-load")+"\n"))
	return bytes.ReplaceAll(manifests, []byte("image: sluice-controller\n"), []byte("image: "+s.image("sluice-controller")+"\n")), nil
}

func (s *Stage) installMonitoring(ctx context.Context) error {
	kubelets, err := s.kubelets(ctx)
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, bytes.Replace(monitoring, []byte("[] # KUBELETS"), kubelets, 1)); err != nil {
		return err
	}
	var config corev1.ConfigMap
	if err := s.Client.Get(ctx, client.ObjectKey{Namespace: "monitoring", Name: "prometheus"}, &config); err != nil {
		return fmt.Errorf("reading Prometheus' configuration: %w", err)
	}
	if config.Data["rules.yml"] != string(prom.Rules()) {
		config.Data["rules.yml"] = string(prom.Rules())
		if err := s.Client.Update(ctx, &config); err != nil {
			return fmt.Errorf("writing Prometheus' rules: %w", err)
		}
	}
	return errors.Join(
		s.secret(ctx, "monitoring", "amp", map[string]string{"secret-key": SecretKey}),
		s.secret(ctx, Namespace, "workspace-url", map[string]string{"secretURL": Workspace}),
	)
}

// kubelets lists every node's kubelet as scrape targets, each with its node's name.
func (s *Stage) kubelets(ctx context.Context) ([]byte, error) {
	var nodes corev1.NodeList
	if err := s.Client.List(ctx, &nodes); err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	var groups []group
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				target := net.JoinHostPort(address.Address, strconv.Itoa(int(node.Status.DaemonEndpoints.KubeletEndpoint.Port)))
				groups = append(groups, group{Targets: []string{target}, Labels: map[string]string{"node": node.Name}})
			}
		}
	}
	return json.Marshal(groups) // JSON is YAML
}

// identify gives the controller the identity that AMP knows; on AWS a role of its ServiceAccount
// (IRSA) or Pod Identity takes this place.
func (s *Stage) identify(ctx context.Context) error {
	err := s.secret(ctx, Namespace, "aws-credentials", map[string]string{
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey,
	})
	if err != nil {
		return err
	}
	deployment, err := s.controller(ctx)
	if err != nil {
		return err
	}
	container := &deployment.Spec.Template.Spec.Containers[0]
	if len(container.EnvFrom) > 0 {
		return nil
	}
	container.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "aws-credentials"},
	}}}
	if err := s.Client.Update(ctx, deployment); err != nil {
		return fmt.Errorf("giving the controller its identity: %w", err)
	}
	return nil
}

// controller is the controller's Deployment.
func (s *Stage) controller(ctx context.Context) (*appsv1.Deployment, error) {
	var list appsv1.DeploymentList
	if err := s.Client.List(ctx, &list, client.InNamespace(Namespace)); err != nil {
		return nil, fmt.Errorf("listing Deployments: %w", err)
	}
	for i := range list.Items {
		if strings.Contains(list.Items[i].Name, "sluice") {
			return &list.Items[i], nil
		}
	}
	return nil, errors.New("the controller's Deployment is not there")
}

// ready waits until every Deployment of ours has what it wants.
func (s *Stage) ready(ctx context.Context) error {
	return Await(ctx, 2*time.Minute, func(ctx context.Context) error {
		for _, namespace := range []string{Namespace, "monitoring"} {
			var list appsv1.DeploymentList
			if err := s.Client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
				return err
			}
			for _, d := range list.Items {
				settled := d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == d.Status.Replicas
				if !settled || d.Status.AvailableReplicas < *d.Spec.Replicas {
					return fmt.Errorf("deployment %s/%s has %d of %d pods available", namespace, d.Name, d.Status.AvailableReplicas, *d.Spec.Replicas)
				}
			}
		}
		return nil
	})
}

func (s *Stage) secret(ctx context.Context, namespace, name string, data map[string]string) error {
	object := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		StringData: data,
	}
	err := s.Client.Create(ctx, object)
	if apierrors.IsAlreadyExists(err) {
		err = s.Client.Update(ctx, object)
	}
	if err != nil {
		return fmt.Errorf("writing Secret %s/%s: %w", namespace, name, err)
	}
	return nil
}

// ApplyFile applies a file of the repository, as `kubectl apply --server-side` would.
func (s *Stage) ApplyFile(ctx context.Context, path string) error {
	raw, err := os.ReadFile(filepath.Join(s.Root, path))
	if err != nil {
		return err
	}
	return s.Apply(ctx, raw)
}

// Apply applies every document of a manifest. Images local/NAME:1 become what this cluster calls
// them.
func (s *Stage) Apply(ctx context.Context, manifest []byte) error {
	for _, name := range images {
		manifest = bytes.ReplaceAll(manifest, []byte("local/"+name+":1"), []byte(s.image(name)))
	}
	all, err := objects(manifest)
	if err != nil {
		return err
	}
	for _, object := range all {
		if err := s.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("demo"), client.ForceOwnership); err != nil {
			return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// objects are the documents of a manifest.
func objects(manifest []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a manifest: %w", err)
		}
		if len(object.Object) > 0 {
			all = append(all, object)
		}
	}
}
