package controller_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/internal/controller"
)

// withoutAdditions makes a schema as the reference has it: without the fields that say they are ours,
// and without rules.
func withoutAdditions(schema *apiextensionsv1.JSONSchemaProps) {
	schema.XValidations = nil
	for name, property := range schema.Properties {
		if strings.Contains(property.Description, "Sluice addition") {
			delete(schema.Properties, name)
			continue
		}
		withoutAdditions(&property)
		schema.Properties[name] = property
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		withoutAdditions(schema.Items.Schema)
	}
}

// What Helm and the reference's chart leave on a definition.
var (
	helmLabels      = map[string]string{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/part-of": "argo-rollouts"}
	helmAnnotations = map[string]string{"helm.sh/resource-policy": "keep", "meta.helm.sh/release-name": "argo-rollouts"}
)

// serveOurs has the server serve our definitions.
func (p *place) serveOurs() {
	p.Helper()
	if err := crd.Install(context.Background(), p.config); err != nil {
		p.Error(err)
	}
}

// serveReference has the server serve definitions like the reference's, until the test ends at the latest.
func (p *place) serveReference() {
	p.Helper()
	p.Cleanup(p.serveOurs)
	definitions, err := crd.All()
	if err != nil {
		p.Fatal(err)
	}
	c, err := clientset.NewForConfig(p.config)
	if err != nil {
		p.Fatal(err)
	}
	for _, definition := range definitions {
		live, err := c.ApiextensionsV1().CustomResourceDefinitions().Get(p.Context(), definition.Name, metav1.GetOptions{})
		if err != nil {
			p.Fatal(err)
		}
		for i := range live.Spec.Versions {
			schema := live.Spec.Versions[i].Schema.OpenAPIV3Schema
			withoutAdditions(schema)
			live.Spec.Versions[i].Schema.OpenAPIV3Schema = schema
		}
		live.Labels, live.Annotations = maps.Clone(helmLabels), maps.Clone(helmAnnotations)
		if _, err := c.ApiextensionsV1().CustomResourceDefinitions().Update(p.Context(), live, metav1.UpdateOptions{}); err != nil {
			p.Fatal(err)
		}
	}
}

// stillHelms checks that a definition says what Helm made it say, so that Helm keeps it.
func (p *place) stillHelms(name string) {
	p.Helper()
	c, err := clientset.NewForConfig(p.config)
	if err != nil {
		p.Fatal(err)
	}
	live, err := c.ApiextensionsV1().CustomResourceDefinitions().Get(p.Context(), name, metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	for key, value := range helmLabels {
		if live.Labels[key] != value {
			p.Errorf("label %s of %s is %q", key, name, live.Labels[key])
		}
	}
	for key, value := range helmAnnotations {
		if live.Annotations[key] != value {
			p.Errorf("annotation %s of %s is %q", key, name, live.Annotations[key])
		}
	}
}

// TestDefinitionsOfTheReferenceStopEverything: on a cluster that would drop what we write, nothing is written,
// and the controller goes on by itself once our definitions are there.
func TestDefinitionsOfTheReferenceStopEverything(t *testing.T) {
	p := newPlace(t)
	p.load("aborted") // which takes one write to take over
	p.serveReference()
	before := p.world()
	probes := listen(t)
	var wrote atomic.Int64
	p.start(func(o *controller.Options) { o.Probes = probes }, over(wire{seen: func(r *http.Request) error {
		if r.Method != http.MethodGet {
			wrote.Add(1)
		}
		return nil
	}}))
	p.eventually("it says what is missing and what to run", func() string {
		code, body := get(probes, "/readyz")
		for _, part := range []string{
			"rollouts.argoproj.io lacks status.decisions", "analysisruns.argoproj.io lacks spec.metrics.[].noData", "definition analysistemplates.argoproj.io",
			"run: kubectl apply --server-side --force-conflicts -k config/crd",
		} {
			if code != http.StatusServiceUnavailable || !strings.Contains(body, part) {
				return body
			}
		}
		return ""
	})
	time.Sleep(time.Second)
	if diff := cmp.Diff([]string(nil), changes(before, p.world())); diff != "" || wrote.Load() > 0 {
		t.Errorf("%d requests other than reads; what changed (-want +got):\n%s", wrote.Load(), diff)
	}
	if code, body := get(probes, "/healthz"); code != http.StatusOK {
		t.Errorf("it is not alive: %s", body)
	}
	p.serveOurs()
	p.stillHelms("rollouts.argoproj.io")
	p.eventually("it takes over", func() string {
		if changed := changes(before, p.world()); len(changed) == 0 {
			return "it has not"
		}
		return ""
	})
}
