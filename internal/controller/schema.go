package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/internal/cluster"
)

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=rollouts.argoproj.io;analysisruns.argoproj.io;analysistemplates.argoproj.io;clusteranalysistemplates.argoproj.io;experiments.argoproj.io,verbs=get

// installCommand is what a person runs when the definitions are missing or another controller's.
const installCommand = "kubectl apply --server-side --force-conflicts -k config/crd"

// schemaEvery is how often missing definitions are looked for. Nothing else happens meanwhile.
const schemaEvery = 2 * time.Second

// awaitSchema returns once the cluster serves our definitions. Until then nothing is written: a
// server with other definitions would drop fields of the status without a word.
func awaitSchema(ctx context.Context, config *rest.Config, scope cluster.Scope, state *health, log logr.Logger) error {
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return fmt.Errorf("registering CustomResourceDefinitions: %w", err)
	}
	reader, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("preparing to read the definitions: %w", err)
	}
	said := ""
	for {
		missing, err := missingSchema(ctx, reader, scope)
		if err == nil && missing == "" {
			return nil
		}
		why := fmt.Sprintf("%s; run: %s", missing, installCommand)
		if err != nil {
			why = err.Error()
		}
		state.set(why)
		if why != said {
			log.Info("not ready, nothing is written: " + why)
			said = why
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(schemaEvery):
		}
	}
}

// missingSchema says what the served definitions lack, "" when nothing.
func missingSchema(ctx context.Context, reader client.Reader, scope cluster.Scope) (string, error) {
	var missing []string
	for _, sentinel := range crd.Sentinels() {
		if scope.Namespace != "" && sentinel.CRD == "clusteranalysistemplates.argoproj.io" {
			continue
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		err := reader.Get(ctx, types.NamespacedName{Name: sentinel.CRD}, definition)
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, fmt.Sprintf("the cluster has no definition %s", sentinel.CRD))
		case err != nil:
			return "", fmt.Errorf("reading definition %s: %w", sentinel.CRD, err)
		case !established(definition):
			missing = append(missing, fmt.Sprintf("definition %s is not served yet", sentinel.CRD))
		case !sentinel.Serves(definition):
			missing = append(missing, fmt.Sprintf("definition %s lacks %s: it is not Sluice's", sentinel.CRD, strings.Join(sentinel.Path, ".")))
		}
	}
	return strings.Join(missing, "; "), nil
}

func established(definition *apiextensionsv1.CustomResourceDefinition) bool {
	for _, c := range definition.Status.Conditions {
		if c.Type == apiextensionsv1.Established {
			return c.Status == apiextensionsv1.ConditionTrue
		}
	}
	return false
}
