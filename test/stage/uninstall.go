package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// namespaces are those the demo works in.
var namespaces = []string{Namespace, "monitoring"}

// claimed marks a namespace that was not there before the demo, so that the demo may delete it.
const claimed = "sluice.dev/demo"

// claim creates a namespace with the mark. One that exists is somebody's own and gets none.
func (s *Stage) claim(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{claimed: "true"}}}
	if err := s.Client.Create(ctx, namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	return nil
}

// uninstall deletes what the demo applied, cluster-wide roles included, and the namespaces it made. The
// definitions stay.
func (s *Stage) uninstall(ctx context.Context) error {
	if err := s.Reset(ctx); err != nil && !meta.IsNoMatchError(err) {
		return err
	}
	applied, err := s.applied()
	if err != nil {
		return err
	}
	var errs []error
	for _, object := range slices.Backward(applied) {
		errs = append(errs, s.remove(ctx, object))
	}
	for _, name := range namespaces {
		errs = append(errs, s.giveUp(ctx, name))
	}
	return errors.Join(errs...)
}

// applied lists what the demo has applied, without the definitions, whose deletion would delete every
// Rollout, and without namespaces.
func (s *Stage) applied() ([]*unstructured.Unstructured, error) {
	manifests, err := s.controllerManifests()
	if err != nil {
		return nil, err
	}
	all := [][]byte{manifests, bytes.Replace(monitoring, []byte("[] # KUBELETS"), []byte("[]"), 1)}
	for _, file := range []string{"service.yaml", "analysis-template.yaml", "rollout.yaml"} {
		text, err := os.ReadFile(filepath.Join(s.Root, "examples", "seed", file))
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	var applied []*unstructured.Unstructured
	for _, manifest := range all {
		found, err := objects(manifest)
		if err != nil {
			return nil, err
		}
		applied = append(applied, found...)
	}
	for _, secret := range []client.ObjectKey{
		{Namespace: "monitoring", Name: "amp"}, {Namespace: Namespace, Name: "workspace-url"}, {Namespace: Namespace, Name: "aws-credentials"},
	} {
		object := &unstructured.Unstructured{}
		object.SetAPIVersion("v1")
		object.SetKind("Secret")
		object.SetNamespace(secret.Namespace)
		object.SetName(secret.Name)
		applied = append(applied, object)
	}
	return slices.DeleteFunc(applied, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "CustomResourceDefinition" || o.GetKind() == "Namespace"
	}), nil
}

func (s *Stage) remove(ctx context.Context, object *unstructured.Unstructured) error {
	err := s.Client.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err == nil || apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil
	}
	return fmt.Errorf("deleting %s %s: %w", object.GetKind(), object.GetName(), err)
}

// giveUp deletes a namespace the demo made.
func (s *Stage) giveUp(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{}
	if err := s.Client.Get(ctx, client.ObjectKey{Name: name}, namespace); err != nil {
		return client.IgnoreNotFound(err)
	}
	if namespace.Labels[claimed] != "true" {
		s.say("namespace %s was there before the demo and stays", name)
		return nil
	}
	return client.IgnoreNotFound(s.Client.Delete(ctx, namespace, client.Preconditions{UID: &namespace.UID}))
}
