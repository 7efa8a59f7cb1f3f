package stage

import (
	"context"
	"io"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestTheDemoDeletesOnlyWhatItMade(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := api.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	theirs := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "monitoring"}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: "grafana"}},
	}
	ours := []client.Object{
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: "prometheus"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: "amp"}},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "sluice-demo-prometheus"}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "sluice-demo-prometheus"}},
	}
	ctx := t.Context()
	s := &Stage{
		Options: Options{Root: "../..", Log: io.Discard},
		Client:  fake.NewClientBuilder().WithScheme(scheme).WithObjects(append(theirs, ours...)...).Build(),
	}
	for _, name := range namespaces {
		if err := s.claim(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.uninstall(ctx); err != nil {
		t.Fatal(err)
	}
	ours = append(ours, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}})
	for _, object := range theirs {
		if !exists(ctx, t, s.Client, object) {
			t.Errorf("%T %s was there before and is gone", object, object.GetName())
		}
	}
	for _, object := range ours {
		if exists(ctx, t, s.Client, object) {
			t.Errorf("%T %s is left", object, object.GetName())
		}
	}
}

func exists(ctx context.Context, t *testing.T, c client.Client, object client.Object) bool {
	t.Helper()
	err := c.Get(ctx, client.ObjectKeyFromObject(object), object)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return err == nil
}

func TestDefinitionsAreNeverDeleted(t *testing.T) {
	s := &Stage{Options: Options{Root: "../.."}}
	applied, err := s.applied()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, object := range applied {
		kinds = append(kinds, object.GetKind())
	}
	for _, kind := range []string{"CustomResourceDefinition", "Namespace"} {
		if slices.Contains(kinds, kind) {
			t.Errorf("a %s would be deleted", kind)
		}
	}
	for _, kind := range []string{"ClusterRole", "ClusterRoleBinding", "Deployment", "Rollout", "Secret"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no %s would be deleted", kind)
		}
	}
}
