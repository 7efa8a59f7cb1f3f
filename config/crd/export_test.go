package crd

import (
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// RuleMessages lists what the CEL rules of all definitions say when they refuse.
func RuleMessages(t *testing.T) []string {
	seen := map[string]bool{}
	var messages []string
	for _, definition := range mustAll(t) {
		walk(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, "", func(_ string, schema *apiextensionsv1.JSONSchemaProps) {
			for _, rule := range schema.XValidations {
				if !seen[rule.Message] {
					seen[rule.Message] = true
					messages = append(messages, rule.Message)
				}
			}
		})
	}
	return messages
}

// DropRules takes the CEL rules and the least values out of a definition.
func DropRules(definition *apiextensionsv1.CustomResourceDefinition) {
	for i := range definition.Spec.Versions {
		schema := definition.Spec.Versions[i].Schema.OpenAPIV3Schema
		*schema = withoutRules(*schema)
	}
}

func withoutRules(schema apiextensionsv1.JSONSchemaProps) apiextensionsv1.JSONSchemaProps {
	schema.XValidations, schema.Minimum = nil, nil
	for name, property := range schema.Properties {
		schema.Properties[name] = withoutRules(property)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		items := withoutRules(*schema.Items.Schema)
		schema.Items.Schema = &items
	}
	return schema
}
