package controller_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// recordings holds objects of a running Argo Rollouts installation, as kubectl printed them.
const recordings = "../../api/v1alpha1/testdata/adopt/"

// creationOrder puts owners before what they own. What follows a Job's name needs the run's UID.
var creationOrder = []string{"Rollout", "ReplicaSet", "AnalysisTemplate", "AnalysisRun", "Job", "Pod"}

// recorded reads the objects of a recording, owners first and older revisions before newer ones.
func (p *place) recorded(name string) []*unstructured.Unstructured {
	p.Helper()
	text, err := os.ReadFile(recordings + name + ".yaml")
	if err != nil {
		p.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	documents := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.Fatal(err)
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &o.Object); err != nil {
			p.Fatal(err)
		}
		if !o.IsList() {
			objects = append(objects, o)
			continue
		}
		list, err := o.ToList()
		if err != nil {
			p.Fatal(err)
		}
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(
			slices.Index(creationOrder, a.GetKind())-slices.Index(creationOrder, b.GetKind()),
			strings.Compare(a.GetAnnotations()[api.AnnotationRevision], b.GetAnnotations()[api.AnnotationRevision]),
		)
	})
	return objects
}

// load brings a recording into the namespace. The server gives every object another UID, so each is
// written with the new UIDs of what was created before it: in owner references, labels, names. Other
// texts to replace come in pairs, old and new.
func (p *place) load(name string, rename ...string) {
	p.Helper()
	renamed := map[string]string{`"adopt"`: `"` + p.namespace + `"`}
	for i := 0; i+1 < len(rename); i += 2 {
		renamed[rename[i]] = rename[i+1]
	}
	for _, o := range p.recorded(name) {
		old := string(o.GetUID())
		live := p.restore(p.rewritten(o, renamed))
		renamed[old] = string(live.GetUID())
		if o.Object["status"] != nil {
			p.restoreStatus(live, p.rewritten(o, renamed)) // which may name the object's own UID
		}
	}
}

// rewritten is o with every old text replaced, wherever it stands.
func (p *place) rewritten(o *unstructured.Unstructured, renamed map[string]string) *unstructured.Unstructured {
	p.Helper()
	raw, err := json.Marshal(o.Object)
	if err != nil {
		p.Fatal(err)
	}
	for _, old := range slices.Sorted(maps.Keys(renamed)) {
		raw = bytes.ReplaceAll(raw, []byte(old), []byte(renamed[old]))
	}
	next := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &next.Object); err != nil {
		p.Fatal(err)
	}
	return next
}

// restore creates an object as it was recorded, and returns it as the server has it.
func (p *place) restore(o *unstructured.Unstructured) *unstructured.Unstructured {
	p.Helper()
	live := o.DeepCopy()
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(live.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(live.Object, "status")
	if o.GetKind() == "Job" {
		letServerSelect(live)
	}
	if err := p.client.Create(p.Context(), live); err != nil {
		p.Fatalf("creating %s %s: %v", o.GetKind(), o.GetName(), err)
	}
	return live
}

// restoreStatus gives an object its recorded status, which belongs to the generation it has now.
func (p *place) restoreStatus(live, recorded *unstructured.Unstructured) {
	p.Helper()
	status := recorded.Object["status"].(map[string]any)
	write := p.client.Status().Update
	switch live.GetKind() {
	case "AnalysisRun": // has no status subresource
		write = func(ctx context.Context, o client.Object, _ ...client.SubResourceUpdateOption) error {
			return p.client.Update(ctx, o)
		}
	case "Rollout":
		status["observedGeneration"] = fmt.Sprint(live.GetGeneration())
	case "ReplicaSet":
		status["observedGeneration"] = live.GetGeneration()
	}
	live.Object["status"] = status
	if err := write(p.Context(), live); err != nil {
		p.Fatalf("writing the status of %s %s: %v", live.GetKind(), live.GetName(), err)
	}
}

// letServerSelect drops what the server itself writes into a Job from the Job's UID.
func letServerSelect(job *unstructured.Unstructured) {
	unstructured.RemoveNestedField(job.Object, "spec", "selector")
	for _, label := range []string{"batch.kubernetes.io/controller-uid", "controller-uid", "batch.kubernetes.io/job-name", "job-name"} {
		unstructured.RemoveNestedField(job.Object, "spec", "template", "metadata", "labels", label)
	}
}

// world is every object of the namespace a controller could have touched, by kind and name, without
// what the server notes about writers.
func (p *place) world() map[string]map[string]any {
	p.Helper()
	world := map[string]map[string]any{}
	for _, kind := range []string{
		"argoproj.io/v1alpha1/Rollout", "apps/v1/ReplicaSet", "v1/Pod", "argoproj.io/v1alpha1/AnalysisTemplate",
		"argoproj.io/v1alpha1/AnalysisRun", "batch/v1/Job", "v1/Event",
	} {
		at := strings.LastIndex(kind, "/")
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion(kind[:at])
		list.SetKind(kind[at+1:] + "List")
		if err := p.client.List(p.Context(), list, client.InNamespace(p.namespace)); err != nil {
			p.Fatal(err)
		}
		for _, o := range list.Items {
			o.SetManagedFields(nil)
			world[kind[at+1:]+" "+o.GetName()] = o.Object
		}
	}
	return world
}

// changes lists what differs between two worlds: "kind name: path", each leaf by its path. Conditions
// are told apart by their type, wherever they stand.
func changes(before, after map[string]map[string]any) []string {
	var changed []string
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch {
		case before[name] == nil:
			changed = append(changed, name+": created")
		case after[name] == nil:
			changed = append(changed, name+": deleted")
		default:
			was, is := map[string]string{}, map[string]string{}
			leaves(was, "", before[name])
			leaves(is, "", after[name])
			for _, path := range slices.Sorted(maps.Keys(union(was, is))) {
				if was[path] != is[path] {
					changed = append(changed, name+": "+path)
				}
			}
		}
	}
	return changed
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func leaves(into map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			leaves(into, strings.TrimPrefix(path+"."+key, "."), field)
		}
		if len(v) == 0 {
			into[path] = "{}"
		}
	case []any:
		for i, item := range v {
			at := fmt.Sprint(i)
			if o, ok := item.(map[string]any); ok && strings.HasSuffix(path, "conditions") {
				at = fmt.Sprint(o["type"])
			}
			leaves(into, path+"["+at+"]", item)
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}
