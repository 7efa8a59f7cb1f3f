package main

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const generated = `
spec:
  versions:
  - schema:
      openAPIV3Schema:
        description: ours
        properties:
          spec:
            properties:
              weight: {description: ours, minimum: 0, type: integer, default: 1}
              selector:
                description: ours
                x-kubernetes-validations: [{rule: self == oldSelf}]
                properties:
                  matchExpressions: {description: theirs, items: {required: [key], properties: {key: {type: string}}}}
                  matchLabels: {description: theirs}
              template:
                description: ours
                properties:
                  metadata: {description: theirs, properties: {labels: {description: theirs}, finalizers: {}}}
                  spec:
                    required: [containers]
                    properties:
                      containers:
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [name]
                        items:
                          required: [name]
                          properties:
                            name: {description: theirs, minLength: 1, type: string}
                            protocol: {default: TCP, type: string}
                            env: {items: {properties: {fileKeyRef: {properties: {optional: {default: false}}}}}}
                      volumes:
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [name]
                        items:
                          required: [name]
                          properties:
                            name: {type: string}
                            rbd: {required: [image], properties: {pool: {default: rbd}, image: {enum: [a]}}}
`

const trimmed = `
spec:
  versions:
  - schema:
      openAPIV3Schema:
        description: ours
        properties:
          spec:
            properties:
              weight: {description: ours, minimum: 0, type: integer, default: 1}
              selector:
                description: ours
                x-kubernetes-validations: [{rule: self == oldSelf}]
                properties:
                  matchExpressions: {items: {required: [key], properties: {key: {type: string}}}}
                  matchLabels: {}
              template:
                description: ours
                properties:
                  metadata: {properties: {labels: {}, finalizers: {}}}
                  spec:
                    required: [containers]
                    properties:
                      containers:
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [name]
                        items:
                          required: [name]
                          properties:
                            name: {type: string}
                            protocol: {default: TCP, type: string}
                            env: {items: {properties: {fileKeyRef: {properties: {optional: {}}}}}}
                      volumes:
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [name]
                        items:
                          required: [name]
                          properties:
                            name: {type: string}
                            rbd: {properties: {pool: {}, image: {}}}
`

func TestOursStaysAndTheirsGoes(t *testing.T) {
	got, err := trim([]byte(generated))
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := yaml.Unmarshal([]byte(trimmed), &want); err != nil {
		t.Fatal(err)
	}
	canonical, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.TrimPrefix(string(got), "---\n"); text != string(canonical) {
		t.Errorf("got\n%s\nwant\n%s", text, canonical)
	}
	again, err := trim(got)
	if err != nil || string(again) != string(got) {
		t.Errorf("trimming again gives (%v)\n%s", err, again)
	}
}

func TestADefinitionWithoutTypesOfKubernetesIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no schema":        "spec: {}",
		"only our own":     "spec: {versions: [{schema: {openAPIV3Schema: {properties: {spec: {type: object}}}}}]}",
		"not a definition": "[]",
	} {
		if out, err := trim([]byte(text)); err == nil {
			t.Errorf("%s: trimmed to\n%s", name, out)
		}
	}
}
