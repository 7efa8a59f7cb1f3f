package crd_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"sluice.dev/sluice/config/crd"
	"sluice.dev/sluice/test/apiserver"
)

// server installs the definitions and gives access to a namespace of the test's own.
func server(t *testing.T) (*rest.Config, string) {
	t.Helper()
	config := apiserver.Start(t)
	install.Do(func() { installed = crd.Install(t.Context(), config) })
	if installed != nil {
		t.Fatal(installed)
	}
	return config, apiserver.Namespace(t, config)
}

// The server is shared by all tests of the process, so the definitions are too.
var (
	install   sync.Once
	installed error
)

func client(t *testing.T, config *rest.Config, namespace, resource string) dynamic.ResourceInterface {
	t.Helper()
	c, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	kind := schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: resource}
	if resource == "clusteranalysistemplates" {
		return c.Resource(kind)
	}
	return c.Resource(kind).Namespace(namespace)
}

// dryRun has the server judge an object as it would on creation, unknown fields included.
func dryRun(ctx context.Context, c dynamic.ResourceInterface, object *unstructured.Unstructured) error {
	_, err := c.Create(ctx, object, metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}

func object(t *testing.T, kind, spec string) *unstructured.Unstructured {
	t.Helper()
	text := fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: %s\nmetadata: {name: x}\nspec:\n%s", kind, indent(spec))
	content := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &content); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return &unstructured.Unstructured{Object: content}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

func TestInstallingTwiceChangesNothing(t *testing.T) {
	config, _ := server(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := crd.Install(ctx, config); err != nil {
		t.Fatal(err)
	}
}

func TestEachRuleAcceptsTheGoodAndRefusesTheBad(t *testing.T) {
	config, namespace := server(t)
	seen := map[string]bool{"selector is immutable": true} // which has a test of its own
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			c := client(t, config, namespace, resources[rule.kind])
			for _, good := range rule.good {
				if err := dryRun(t.Context(), c, object(t, rule.kind, good)); err != nil {
					t.Errorf("refused:\n%s\n%v", good, err)
				}
			}
			for _, bad := range rule.bad {
				err := dryRun(t.Context(), c, object(t, rule.kind, bad))
				if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), rule.says) {
					t.Errorf("want a refusal that says %q, got %v, of:\n%s", rule.says, err, bad)
				}
			}
		})
		seen[rule.says] = true
	}
	for _, message := range crd.RuleMessages(t) {
		if !seen[message] {
			t.Errorf("no case is refused with %q", message)
		}
	}
}

func TestTheSelectorOfARolloutCannotBeChanged(t *testing.T) {
	config, namespace := server(t)
	c := client(t, config, namespace, "rollouts")
	created, err := c.Create(t.Context(), object(t, "Rollout", rollout("canary: {}")), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	changed := created.DeepCopy()
	labels := map[string]any{"app": "another"}
	if err := unstructured.SetNestedField(changed.Object, labels, "spec", "selector", "matchLabels"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Update(t.Context(), changed, metav1.UpdateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "selector is immutable") {
		t.Errorf("changing the selector: got %v", err)
	}
	scaled := created.DeepCopy()
	if err := unstructured.SetNestedField(scaled.Object, int64(7), "spec", "replicas"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(t.Context(), scaled, metav1.UpdateOptions{}); err != nil {
		t.Errorf("scaling: %v", err)
	}
}

func TestTheStatusOfARolloutIsWrittenApartAndThatOfARunIsNot(t *testing.T) {
	config, namespace := server(t)
	rollouts := client(t, config, namespace, "rollouts")
	withStatus := object(t, "Rollout", rollout("canary: {}"))
	withStatus.Object["status"] = map[string]any{"phase": "Healthy"}
	created, err := rollouts.Create(t.Context(), withStatus, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if phase, _, _ := unstructured.NestedString(created.Object, "status", "phase"); phase != "" {
		t.Errorf("the phase of a new Rollout is %q, want none", phase)
	}

	runs := client(t, config, namespace, "analysisruns")
	run := object(t, "AnalysisRun", metrics("{prometheus: {query: up}}", ""))
	run.Object["status"] = map[string]any{"phase": "Running"}
	created, err = runs.Create(t.Context(), run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if phase, _, _ := unstructured.NestedString(created.Object, "status", "phase"); phase != "Running" {
		t.Errorf("the phase of a new AnalysisRun is %q, want Running", phase)
	}
}

func TestAPodTemplateIsStoredAsItWasWritten(t *testing.T) {
	config, namespace := server(t)
	c := client(t, config, namespace, "rollouts")
	written := object(t, "Rollout", `
selector: {matchLabels: {app: x}}
strategy: {canary: {}}
template:
  metadata: {labels: {app: x}, annotations: {a: b}}
  spec:
    containers:
    - name: c
      image: i
      ports: [{containerPort: 80}]
      env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    volumes:
    - name: i
      iscsi: {targetPortal: p, iqn: q}
    - name: r
      rbd: {monitors: [m], image: i}`)
	created, err := c.Create(t.Context(), written, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	volumes, _, _ := unstructured.NestedSlice(created.Object, "spec", "template", "spec", "volumes")
	want, _, _ := unstructured.NestedSlice(written.Object, "spec", "template", "spec", "volumes")
	if fmt.Sprint(volumes) != fmt.Sprint(want) {
		t.Errorf("volumes became %v, want %v", volumes, want)
	}
	containers, _, _ := unstructured.NestedSlice(created.Object, "spec", "template", "spec", "containers")
	container, _ := containers[0].(map[string]any)
	ports, _, _ := unstructured.NestedSlice(container, "ports")
	// The protocol is half of a port's key, so Kubernetes needs it filled in. Argo Rollouts' definition does
	// the same, and the hashes of its pod templates contain it.
	if fmt.Sprint(ports) != "[map[containerPort:80 protocol:TCP]]" {
		t.Errorf("ports became %v", ports)
	}
}

// A running installation keeps its objects when its definitions are replaced by ours: what it wrote is valid
// and nothing of it is unknown.
func TestObjectsOfARunningInstallationAreAccepted(t *testing.T) {
	config, namespace := server(t)
	paths, err := filepath.Glob("../../api/v1alpha1/testdata/adopt/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	accepted := 0
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(file), "\n---\n") {
			recorded := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &recorded.Object); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			resource, ours := resources[recorded.GetKind()]
			if !ours {
				continue
			}
			recorded.SetNamespace(namespace)
			recorded.SetResourceVersion("")
			recorded.SetOwnerReferences(nil)
			if err := dryRun(t.Context(), client(t, config, namespace, resource), recorded); err != nil {
				t.Errorf("%s %s of %s: %v", recorded.GetKind(), recorded.GetName(), filepath.Base(path), err)
			}
			accepted++
		}
	}
	if accepted != 6 {
		t.Errorf("%d objects were tried, want 4 Rollouts, a template and a run", accepted)
	}
}

// Objects from before our rules stay manageable: what does not touch the mistake is not refused for it.
func TestObjectsFromBeforeTheRulesCanStillBeWritten(t *testing.T) {
	config, namespace := server(t)
	rollouts, runs := client(t, config, namespace, "rollouts"), client(t, config, namespace, "analysisruns")
	badRollout := object(t, "Rollout", steps("[{setWeight: 500}, {}]"))
	badRun := object(t, "AnalysisRun", metrics("{}", "count: 2"))

	dropRules(t, config)
	await(t, "the definitions without rules", func() bool {
		return dryRun(t.Context(), rollouts, badRollout) == nil && dryRun(t.Context(), runs, badRun) == nil
	})
	for c, bad := range map[dynamic.ResourceInterface]*unstructured.Unstructured{rollouts: badRollout, runs: badRun} {
		if _, err := c.Create(t.Context(), bad, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := crd.Install(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	badRollout.SetName("another")
	badRun.SetName("another")
	await(t, "the definitions with rules", func() bool {
		return apierrors.IsInvalid(dryRun(t.Context(), rollouts, badRollout)) && apierrors.IsInvalid(dryRun(t.Context(), runs, badRun))
	})

	for name, write := range map[string]struct {
		client      dynamic.ResourceInterface
		patch       string
		subresource []string
	}{
		"a status":       {rollouts, `{"status":{"phase":"Degraded","message":"InvalidSpec"}}`, []string{"status"}},
		"an annotation":  {rollouts, `{"metadata":{"annotations":{"a":"b"}}}`, nil},
		"a run's status": {runs, `{"status":{"phase":"Error"}}`, nil},
		"a termination":  {runs, `{"spec":{"terminate":true}}`, nil},
	} {
		_, err := write.client.Patch(t.Context(), "x", types.MergePatchType, []byte(write.patch), metav1.PatchOptions{}, write.subresource...)
		if err != nil {
			t.Errorf("writing %s: %v", name, err)
		}
	}
}

// dropRules puts definitions without rules in place of ours, as another controller's are.
func dropRules(t *testing.T, config *rest.Config) {
	t.Helper()
	c, err := clientset.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	definitions := c.ApiextensionsV1().CustomResourceDefinitions()
	for _, name := range []string{"rollouts.argoproj.io", "analysisruns.argoproj.io"} {
		definition, err := definitions.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		crd.DropRules(definition)
		if _, err := definitions.Update(t.Context(), definition, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// await waits for the server to use a definition that it was given, which takes it a moment.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s are not in use after a minute", what)
		}
	}
}
