package cli

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
)

// beyond is what the cluster has that files may refer to: the templates and Services of the namespace of the
// command, and the ClusterAnalysisTemplates. Secrets are not read: a check of manifests needs no right to.
func (a *app) beyond(ctx context.Context) (found []manifest.Document, namespace string, err error) {
	c, err := a.connect()
	if err != nil {
		return nil, "", err
	}
	var (
		services corev1.ServiceList
		own      api.AnalysisTemplateList
		shared   api.ClusterAnalysisTemplateList
	)
	for _, look := range []struct {
		what string
		list client.ObjectList
		in   []client.ListOption
	}{
		{"Services", &services, []client.ListOption{client.InNamespace(c.namespace)}},
		{"AnalysisTemplates", &own, []client.ListOption{client.InNamespace(c.namespace)}},
		{"ClusterAnalysisTemplates", &shared, nil},
	} {
		if err := c.List(ctx, look.list, look.in...); err != nil {
			return nil, "", fmt.Errorf("looking for %s in the cluster: %w", look.what, err)
		}
	}
	for i := range services.Items {
		found = append(found, asDocument(&services.Items[i], "Service"))
	}
	for i := range own.Items {
		found = append(found, asDocument(&own.Items[i], api.KindAnalysisTemplate))
	}
	for i := range shared.Items {
		found = append(found, asDocument(&shared.Items[i], api.KindClusterAnalysisTemplate))
	}
	return found, c.namespace, nil
}

// asDocument makes an object of the cluster one that is found like those in files.
func asDocument(object client.Object, kind string) manifest.Document {
	return manifest.Document{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(), Object: object}
}

// nowhere is what is said of an object that the cluster was searched for as well.
const nowhere = " is neither among the files nor in the cluster"

// searched tells that the cluster was asked for what an object refers to: it was for one namespace.
func (w *world) searched(d *manifest.Document) bool {
	return w.namespace != "" && sameNamespace(d.Namespace, w.namespace)
}
