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
