package crd

import (
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// maxSize is what an API server takes in one request, with room for what server-side apply adds.
const maxSize = 1_500_000

func TestEveryDefinitionCanBeApplied(t *testing.T) {
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 5 {
		t.Fatalf("%d definitions are embedded, want 5", len(entries))
	}
	for _, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > maxSize {
			t.Errorf("%s has %d bytes, more than %d", entry.Name(), len(text), maxSize)
		}
	}
}

func TestNamesScopesAndSubresourcesAreTheReferences(t *testing.T) {
	type facts struct {
		short, scope  string
		status, scale bool
		columns       string
	}
	want := map[string]facts{
		"rollouts.argoproj.io":                 {"ro", "Namespaced", true, true, "Desired,Current,Up-to-date,Available,Age"},
		"analysisruns.argoproj.io":             {"ar", "Namespaced", false, false, "Status,Age"},
		"analysistemplates.argoproj.io":        {"at", "Namespaced", false, false, "Age"},
		"clusteranalysistemplates.argoproj.io": {"cat", "Cluster", false, false, "Age"},
		"experiments.argoproj.io":              {"exp", "Namespaced", false, false, "Status,Age"},
	}
	definitions := mustAll(t)
	if len(definitions) != len(want) {
		t.Fatalf("%d definitions, want %d", len(definitions), len(want))
	}
	for _, definition := range definitions {
		version := definition.Spec.Versions[0]
		got := facts{
			short:  definition.Spec.Names.ShortNames[0],
			scope:  string(definition.Spec.Scope),
			status: version.Subresources != nil && version.Subresources.Status != nil,
			scale:  version.Subresources != nil && version.Subresources.Scale != nil,
		}
		for i, column := range version.AdditionalPrinterColumns {
			if i > 0 {
				got.columns += ","
			}
			got.columns += column.Name
		}
		if got != want[definition.Name] {
			t.Errorf("%s is %+v, want %+v", definition.Name, got, want[definition.Name])
		}
	}
}

func TestTheScaleSubresourceReadsWhatAnAutoscalerNeeds(t *testing.T) {
	for _, definition := range mustAll(t) {
		if definition.Name != "rollouts.argoproj.io" {
			continue
		}
		scale := definition.Spec.Versions[0].Subresources.Scale
		if scale.SpecReplicasPath != ".spec.replicas" || scale.StatusReplicasPath != ".status.HPAReplicas" ||
			scale.LabelSelectorPath == nil || *scale.LabelSelectorPath != ".status.selector" {
			t.Errorf("the scale subresource is %+v", scale)
		}
	}
}

func TestSentinelsAreInOurDefinitionsOnly(t *testing.T) {
	byName := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, definition := range mustAll(t) {
		byName[definition.Name] = definition
	}
	for _, sentinel := range Sentinels() {
		definition := byName[sentinel.CRD]
		if definition == nil {
			t.Fatalf("no definition is called %s", sentinel.CRD)
		}
		if !sentinel.Serves(definition) {
			t.Errorf("%s lacks %v", sentinel.CRD, sentinel.Path)
		}
		foreign := definition.DeepCopy()
		schema := foreign.Spec.Versions[0].Schema.OpenAPIV3Schema
		delete(schema.Properties, sentinel.Path[0])
		if sentinel.Serves(foreign) {
			t.Errorf("%s seems to have %v without its %s", sentinel.CRD, sentinel.Path, sentinel.Path[0])
		}
	}
}

func TestOnlyFreeFormFieldsPreserveUnknownFields(t *testing.T) {
	free := map[string]bool{"plugin": true, "plugins": true, "config": true, "jsonBody": true, "status": true}
	for _, definition := range mustAll(t) {
		walk(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, "", func(name string, schema *apiextensionsv1.JSONSchemaProps) {
			if schema.XPreserveUnknownFields == nil || !*schema.XPreserveUnknownFields {
				return
			}
			if !free[name] {
				t.Errorf("%s: %s preserves unknown fields", definition.Name, name)
			}
			if len(schema.Properties) > 0 {
				t.Errorf("%s: %s has a schema and preserves unknown fields", definition.Name, name)
			}
		})
	}
}

func TestDescriptionsOfKubernetesTypesAreStripped(t *testing.T) {
	for _, definition := range mustAll(t) {
		ours := 0
		walk(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, "", func(name string, schema *apiextensionsv1.JSONSchemaProps) {
			if name == "containers" && schema.Items != nil {
				walk(schema, name, func(inner string, s *apiextensionsv1.JSONSchemaProps) {
					if s.Description != "" {
						t.Errorf("%s: %s in containers is described", definition.Name, inner)
					}
				})
			}
			if schema.Description != "" {
				ours++
			}
		})
		if ours < 20 {
			t.Errorf("%s describes only %d fields", definition.Name, ours)
		}
	}
}

func walk(schema *apiextensionsv1.JSONSchemaProps, name string, visit func(string, *apiextensionsv1.JSONSchemaProps)) {
	visit(name, schema)
	for property := range schema.Properties {
		next := schema.Properties[property]
		walk(&next, property, visit)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		walk(schema.Items.Schema, name+"[]", visit)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		walk(schema.AdditionalProperties.Schema, name+"{}", visit)
	}
}

func mustAll(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	definitions, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return definitions
}
