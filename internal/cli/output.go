package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// format is how objects are printed: as pictures and tables for people, or as the API has them.
type format struct {
	output  string
	managed bool
}

// formats are the values of --output.
var formats = []string{"json", "yaml", "name", "wide"}

func (a *app) formatFlags(cmd *cobra.Command, f *format) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "json or yaml prints the object as the API has it, name its name, wide more columns")
	cmd.Flags().BoolVar(&f.managed, "show-managed-fields", false, "keep metadata.managedFields with -o json and -o yaml")
	a.completeFlag(cmd, "output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formats, cobra.ShellCompDirectiveNoFileComp
	})
}

func (f format) check() error {
	if f.output != "" && !slices.Contains(formats, f.output) {
		return fmt.Errorf("-o %q is not known: write json, yaml, name or wide, or leave it out", f.output)
	}
	return nil
}

// raw tells that the object itself is wanted, not a picture of it.
func (f format) raw() bool { return f.output == "json" || f.output == "yaml" || f.output == "name" }

func (f format) wide() bool { return f.output == "wide" }

// print writes an object; after the first of several, yaml wants a line between them.
func (f format) print(w io.Writer, k kind, object *unstructured.Unstructured, first bool) error {
	switch f.output {
	case "name":
		printLines(w, k.reference(object.GetName()))
		return nil
	case "json":
		return printJSON(w, f.trim(object))
	}
	text, err := yaml.Marshal(f.trim(object))
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", k.name, object.GetName(), err)
	}
	if !first {
		printLines(w, "---")
	}
	printLines(w, strings.TrimSuffix(string(text), "\n"))
	return nil
}

// trim is the object without what only the API server reads.
func (f format) trim(object *unstructured.Unstructured) map[string]any {
	if !f.managed {
		object.SetManagedFields(nil)
	}
	return object.Object
}

// object reads an object as the API has it, fields unknown to this program included.
func (c *cluster) object(ctx context.Context, k kind, name string) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(k.gvk)
	return object, c.read(ctx, k, name, object)
}

// objects lists a kind as the API has it.
func (c *cluster) objects(ctx context.Context, k kind, options ...client.ListOption) ([]unstructured.Unstructured, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(k.gvk.GroupVersion().WithKind(k.gvk.Kind + "List"))
	if err := c.List(ctx, list, options...); err != nil {
		return nil, c.listError(err, k.name+"s")
	}
	return list.Items, nil
}

// printAll writes a list as kubectl does: one object of kind List.
func (f format) printAll(w io.Writer, k kind, objects []unstructured.Unstructured) error {
	if f.output == "name" {
		for i := range objects {
			printLines(w, k.reference(objects[i].GetName()))
		}
		return nil
	}
	items := make([]any, len(objects))
	for i := range objects {
		items[i] = f.trim(&objects[i])
	}
	list := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": items,
	}}
	return f.print(w, k, list, true)
}
