// Package crd holds the CustomResourceDefinitions of the five kinds, as tools/generate.sh writes them.
package crd

import (
	"embed"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed argoproj.io_*.yaml
var files embed.FS

// All returns the definitions in the order of their names. An error means that the program was built from a
// broken tree.
func All() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("listing the embedded definitions: %w", err)
	}
	definitions := make([]*apiextensionsv1.CustomResourceDefinition, 0, len(entries))
	for _, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the embedded %s: %w", entry.Name(), err)
		}
		definition := new(apiextensionsv1.CustomResourceDefinition)
		if err := yaml.UnmarshalStrict(text, definition); err != nil {
			return nil, fmt.Errorf("decoding the embedded %s: %w", entry.Name(), err)
		}
		definitions = append(definitions, definition)
	}
	return definitions, nil
}

// Sentinel is a path of properties that only our definition of a kind has. A cluster that serves the kind
// without it would silently drop what the controller writes.
type Sentinel struct {
	// CRD is the name of the definition.
	CRD string
	// Path leads from the root of the schema to the field; "[]" enters a list.
	Path []string
}

// Sentinels returns one field for each definition: where it has additions of ours, one of those. An Experiment
// has none, so another controller's definition of it serves as well.
func Sentinels() []Sentinel {
	metric := []string{"spec", "metrics", "[]", "noData"}
	return []Sentinel{
		{CRD: "rollouts.argoproj.io", Path: []string{"status", "decisions"}},
		{CRD: "analysisruns.argoproj.io", Path: metric},
		{CRD: "analysistemplates.argoproj.io", Path: metric},
		{CRD: "clusteranalysistemplates.argoproj.io", Path: metric},
		{CRD: "experiments.argoproj.io", Path: []string{"status", "templateStatuses"}},
	}
}

// Serves says whether a version of the definition that is served has the field.
func (s Sentinel) Serves(definition *apiextensionsv1.CustomResourceDefinition) bool {
	for _, version := range definition.Spec.Versions {
		if !version.Served || version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
			continue
		}
		if hasField(version.Schema.OpenAPIV3Schema, s.Path) {
			return true
		}
	}
	return false
}

func hasField(schema *apiextensionsv1.JSONSchemaProps, path []string) bool {
	for _, name := range path {
		if name == "[]" {
			if schema.Items == nil || schema.Items.Schema == nil {
				return false
			}
			schema = schema.Items.Schema
			continue
		}
		property, ok := schema.Properties[name]
		if !ok {
			return false
		}
		schema = &property
	}
	return true
}
