// Command trimcrd takes out of generated CRDs what belongs to Kubernetes' own types rather than to ours.
//
// A pod template is described and judged by Kubernetes; repeating its descriptions makes a CRD several times
// larger, and repeating its rules refuses what a Deployment would accept. So inside a pod template, a Job's
// spec, a label selector and object metadata it drops descriptions, value rules, and defaults that would change
// a stored template. Structure, required fields and list keys stay: server-side apply needs them.
//
//	trimcrd FILE...
package main

import (
	"bytes"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: trimcrd FILE...")
		os.Exit(2)
	}
	for _, path := range os.Args[1:] {
		if err := trimFile(path); err != nil {
			fmt.Fprintf(os.Stderr, "trimming %s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func trimFile(path string) error {
	in, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := trim(in)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o644)
}

// trim rewrites one CRD. It refuses one in which it found nothing of Kubernetes, because then the rules below
// no longer match what the generator writes.
func trim(in []byte) ([]byte, error) {
	var crd map[string]any
	if err := yaml.Unmarshal(in, &crd); err != nil {
		return nil, err
	}
	found := 0
	for _, schema := range schemas(crd) {
		found += trimOurs(schema)
	}
	if found == 0 {
		return nil, fmt.Errorf("no type of Kubernetes was found")
	}
	out, err := yaml.Marshal(crd)
	if err != nil {
		return nil, err
	}
	return append([]byte("---\n"), bytes.TrimPrefix(out, []byte("---\n"))...), nil
}

func schemas(crd map[string]any) []map[string]any {
	var found []map[string]any
	versions, _ := child(crd, "spec")["versions"].([]any)
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if schema := child(child(version, "schema"), "openAPIV3Schema"); schema != nil {
			found = append(found, schema)
		}
	}
	return found
}

// trimOurs walks a schema of ours down to the types of Kubernetes in it, trims those, and says how many there
// were.
func trimOurs(schema map[string]any) int {
	found := 0
	for _, next := range children(schema) {
		if !isKubernetes(next) {
			found += trimOurs(next)
			continue
		}
		found++
		for _, inner := range children(next) { // the description and the rules of the field itself are ours
			trimKubernetes(inner)
		}
	}
	return found
}

// isKubernetes recognises the types of Kubernetes that our types embed by fields that only they have.
func isKubernetes(schema map[string]any) bool {
	properties := child(schema, "properties")
	has := func(name string) bool { _, ok := properties[name]; return ok }
	switch {
	case has("matchLabels") && has("matchExpressions"): // metav1.LabelSelector
		return true
	case has("backoffLimit") && has("completions"): // batchv1.JobSpec
		return true
	case has("finalizers") && has("labels"): // metav1.ObjectMeta
		return true
	}
	podSpec := child(child(properties, "spec"), "properties") // corev1.PodTemplateSpec
	_, isPodSpec := podSpec["containers"]
	return isPodSpec
}

func trimKubernetes(schema map[string]any) {
	delete(schema, "description")
	dropRules(schema)
	if optional := child(child(schema, "properties"), "fileKeyRef"); optional != nil {
		dropDefaults(optional)
	}
	for _, next := range children(schema) {
		trimKubernetes(next)
	}
	if volume := child(child(child(schema, "properties"), "volumes"), "items"); volume != nil {
		for _, source := range children(volume) {
			loosenVolume(source)
		}
	}
}

func dropRules(schema map[string]any) {
	for _, rule := range []string{
		"x-kubernetes-validations", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
		"minProperties", "maxProperties",
	} {
		delete(schema, rule)
	}
}

// loosenVolume drops required fields and defaults of volume sources: Deployments fill in zero values there, and
// a default that arrives in a stored template would change its hash.
func loosenVolume(schema map[string]any) {
	delete(schema, "default")
	delete(schema, "required")
	// A list whose elements have a key needs it present in every element.
	delete(schema, "x-kubernetes-list-map-keys")
	delete(schema, "x-kubernetes-list-type")
	for _, next := range children(schema) {
		loosenVolume(next)
	}
}

func dropDefaults(schema map[string]any) {
	for _, next := range children(schema) {
		delete(next, "default")
	}
}

func children(schema map[string]any) []map[string]any {
	var found []map[string]any
	for _, property := range child(schema, "properties") {
		if next, ok := property.(map[string]any); ok {
			found = append(found, next)
		}
	}
	for _, keyword := range []string{"items", "additionalProperties"} {
		if next := child(schema, keyword); next != nil {
			found = append(found, next)
		}
	}
	return found
}

func child(node map[string]any, name string) map[string]any {
	next, _ := node[name].(map[string]any)
	return next
}
