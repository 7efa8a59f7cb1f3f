package crd

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// fieldOwner is who server-side apply says has written the definitions.
const fieldOwner = "sluice"

// Install applies the definitions and returns once all of them are served. Applying them again changes nothing.
// Definitions of Argo Rollouts are taken over: ours are supersets. How long to wait is the context's business.
func Install(ctx context.Context, config *rest.Config) error {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for the definitions: %w", err)
	}
	definitions, err := All()
	if err != nil {
		return err
	}
	resource := client.ApiextensionsV1().CustomResourceDefinitions()
	force := true
	for _, definition := range definitions {
		body, err := json.Marshal(definition)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", definition.Name, err)
		}
		options := metav1.PatchOptions{FieldManager: fieldOwner, Force: &force}
		if _, err := resource.Patch(ctx, definition.Name, types.ApplyPatchType, body, options); err != nil {
			return fmt.Errorf("applying %s: %w", definition.Name, err)
		}
	}
	for _, definition := range definitions {
		err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			live, err := resource.Get(ctx, definition.Name, metav1.GetOptions{})
			if err != nil {
				return false, err
			}
			return established(live), nil
		})
		if err != nil {
			return fmt.Errorf("waiting for %s to be served: %w", definition.Name, err)
		}
	}
	return discovered(ctx, config, len(definitions))
}

// discovered waits until clients can find the kinds: the server lists them a moment after it serves
// them.
func discovered(ctx context.Context, config *rest.Config, kinds int) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for discovery: %w", err)
	}
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		_, lists, err := client.ServerGroupsAndResources()
		if err != nil {
			return false, nil // another group's server may be away; ours is what is waited for
		}
		found := map[string]bool{}
		for _, list := range lists {
			if list.GroupVersion == "argoproj.io/v1alpha1" {
				for _, resource := range list.APIResources {
					found[resource.Kind] = found[resource.Kind] || !strings.Contains(resource.Name, "/")
				}
			}
		}
		return len(found) >= kinds, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the definitions to be listed: %w", err)
	}
	return nil
}

func established(definition *apiextensionsv1.CustomResourceDefinition) bool {
	for _, condition := range definition.Status.Conditions {
		if condition.Type == apiextensionsv1.Established {
			return condition.Status == apiextensionsv1.ConditionTrue
		}
	}
	return false
}
