package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
)

// The rules about several objects.
const (
	ruleSecretNotChecked manifest.Rule = "secret-not-checked"
	ruleSecretSpelling   manifest.Rule = "secret-key-spelling"
	ruleService          manifest.Rule = "missing-service"
	ruleServiceSelector  manifest.Rule = "service-selects-nothing"
	ruleDuplicateObject  manifest.Rule = "duplicate-object"
)

// together says what is wrong with the documents as a whole.
func (w *world) together() []LintFinding {
	var findings []LintFinding
	for i := range w.documents {
		d := &w.documents[i]
		if ro, ok := d.Object.(*api.Rollout); ok && d.Excerpt == nil {
			findings = append(findings, w.services(d, ro)...)
		}
		if service, ok := d.Object.(*corev1.Service); ok {
			findings = append(findings, w.service(d, service)...)
		}
	}
	findings = append(findings, w.duplicates()...)
	return append(findings, w.secrets()...)
}

func about(d *manifest.Document, rule manifest.Rule, severity, path string, texts ...string) LintFinding {
	problem := d.At(path, texts[0], strings.Join(texts[1:], ""))
	problem.Rule = rule
	kind := "Warning"
	switch severity {
	case "error":
		kind = "Invalid"
	case "note":
		kind = "Note"
	}
	return LintFinding{Problem: problem, Severity: severity, Kind: kind, Object: d.Title()}
}

// absence is how bad it is that something is not among the files.
func (w *world) absence() (severity, words string) {
	if w.complete {
		return "error", "does not exist"
	}
	return "note", "is not among the files: it was not checked"
}

// duplicates finds objects that are twice in one directory: the one applied last would win. In Markdown,
// whose pages show one object in several states, that is no mistake, nor in another directory, which may
// hold another variant or a patch.
func (w *world) duplicates() (findings []LintFinding) {
	first := map[string]*manifest.Document{}
	for i := range w.documents {
		d := &w.documents[i]
		if d.Object == nil || d.Foreign() || d.Name == "" || manifest.IsMarkdown(d.File, nil) {
			continue
		}
		key := filepath.Dir(d.File) + " " + d.APIVersion + " " + d.Kind + " " + d.Namespace + "/" + d.Name
		if earlier, twice := first[key]; twice {
			f := about(d, ruleDuplicateObject, "warning", "metadata.name", fmt.Sprintf("%s is there twice, at %s:%d as well: the one that is applied last counts", d.Title(), earlier.File, earlier.Line), "remove one of them")
			f.Related = []LintPlace{{earlier.File, earlier.Line, 1, "the other one"}}
			findings = append(findings, f)
			continue
		}
		first[key] = d
	}
	return findings
}

// services checks the Services that a Rollout names.
func (w *world) services(d *manifest.Document, ro *api.Rollout) (findings []LintFinding) {
	for _, ref := range serviceRefs(ro) {
		if ref.name == "" {
			continue
		}
		r := &referred{}
		service, ok := named[*corev1.Service](r, w.near(d.Namespace), ref.name)
		if !ok {
			severity, words := w.absence()
			findings = append(findings, about(d, ruleService, severity, ref.path, fmt.Sprintf("Service %s %s", ref.name, words)))
			continue
		}
		if key, value, differs := mismatch(service.Spec.Selector, ro.Spec.Template.Labels); differs && !r.torn && ro.Spec.WorkloadRef == nil {
			findings = append(findings, about(d, ruleServiceSelector, "error", ref.path,
				fmt.Sprintf("Service %s selects %s=%s, and the pods of this Rollout have %s", ref.name, key, value, label(key, ro.Spec.Template.Labels)),
				"give the Service a selector with labels of the pod template"))
		}
	}
	return findings
}

type serviceRef struct{ path, name string }

func serviceRefs(ro *api.Rollout) (refs []serviceRef) {
	const strategy = "spec.strategy."
	if canary := ro.Spec.Strategy.Canary; canary != nil {
		refs = append(refs, serviceRef{strategy + "canary.canaryService", canary.CanaryService}, serviceRef{strategy + "canary.stableService", canary.StableService})
		if p := canary.PingPong; p != nil {
			refs = append(refs, serviceRef{strategy + "canary.pingPong.pingService", p.PingService}, serviceRef{strategy + "canary.pingPong.pongService", p.PongService})
		}
	}
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		refs = append(refs, serviceRef{strategy + "blueGreen.activeService", bg.ActiveService}, serviceRef{strategy + "blueGreen.previewService", bg.PreviewService})
	}
	return refs
}

// mismatch is the first label of a selector that a pod does not have. The hash of a revision comes and
// goes with the revisions.
func mismatch(selector, labels map[string]string) (key, value string, differs bool) {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if labels[key] != selector[key] && key != api.LabelPodTemplateHash {
			return key, selector[key], true
		}
	}
	return "", "", false
}

func label(key string, labels map[string]string) string {
	if value, ok := labels[key]; ok {
		return key + "=" + value
	}
	return "no label " + key
}

// workloads are kinds with pods that are not read here.
var workloads = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Pod", "Job", "CronJob"}

// service finds a Service that is meant for a Rollout and selects none of its pods: it asks for another
// value of a label that they have, and there is nothing else it could be meant for.
func (w *world) service(d *manifest.Document, service *corev1.Service) []LintFinding {
	near := w.near(d.Namespace)
	if len(service.Spec.Selector) == 0 || len(d.Left) > 0 || d.Torn || slices.ContainsFunc(near, opaque) {
		return nil
	}
	var found []LintFinding
	for i := range near {
		ro, ok := near[i].Object.(*api.Rollout)
		if !ok || near[i].Excerpt != nil {
			continue
		}
		pods := ro.Spec.Template.Labels
		key, value, differs := mismatch(service.Spec.Selector, pods)
		if !differs || names(ro, d.Name) {
			return nil
		}
		if _, has := pods[key]; has && len(found) == 0 {
			found = append(found, about(d, ruleServiceSelector, "warning", manifest.Join("spec.selector", key),
				fmt.Sprintf("selects %s=%s, and no pod template among the files has that; %s has %s", key, value, near[i].Title(), label(key, pods))))
		}
	}
	return found
}

// opaque tells that a document may have pods whose labels are not known here.
func opaque(d manifest.Document) bool {
	if ro, ok := d.Object.(*api.Rollout); ok && d.Excerpt == nil {
		return ro.Spec.WorkloadRef != nil || len(d.Left) > 0 || d.Torn
	}
	return slices.Contains(workloads, d.Kind)
}

// names tells that a Rollout names a Service, which services checks.
func names(ro *api.Rollout, service string) bool {
	return slices.ContainsFunc(serviceRefs(ro), func(r serviceRef) bool { return r.name == service })
}

// secretRef is a place where a key of a Secret is named.
type secretRef struct {
	document         *manifest.Document
	path, name, key  string
	argument, absent bool
}

// secrets checks the names of Secrets and keys against each other and against the Secrets there are.
func (w *world) secrets() (findings []LintFinding) {
	var refs []secretRef
	for i := range w.documents {
		d := &w.documents[i]
		if d.Object != nil {
			refs = append(refs, secretRefs(d)...)
		}
	}
	for i := range refs {
		r := &referred{}
		_, there := named[*corev1.Secret](r, w.near(refs[i].document.Namespace), refs[i].name)
		refs[i].absent = !there
	}
	return append(spellings(refs), w.notChecked(refs)...)
}

// notChecked says once for each Secret that it is not there. With --complete, validation says it.
func (w *world) notChecked(refs []secretRef) (findings []LintFinding) {
	seen := map[string]bool{}
	for _, ref := range refs {
		if !ref.absent || !ref.argument || w.complete || seen[ref.name] || ref.document.Excerpt != nil {
			continue
		}
		seen[ref.name] = true
		findings = append(findings, about(ref.document, ruleSecretNotChecked, "note", ref.path,
			fmt.Sprintf("Secret %s is not among the files: whether it has key %s was not checked", ref.name, ref.key)))
	}
	return findings
}

// spellings finds keys of one Secret that differ so little that one of them is a mistake.
func spellings(refs []secretRef) (findings []LintFinding) {
	seen := map[string]bool{}
	for i, ref := range refs {
		for _, earlier := range refs[:i] {
			pair := ref.name + "/" + ref.key + "/" + earlier.key
			if !ref.absent || ref.name != earlier.name || seen[pair] || !sameNamespace(ref.document.Namespace, earlier.document.Namespace) || !alike(ref.key, earlier.key) {
				continue
			}
			seen[pair], seen[ref.name+"/"+earlier.key+"/"+ref.key] = true, true
			line, column := earlier.document.Position(earlier.path + ".key")
			f := about(ref.document, ruleSecretSpelling, "warning", ref.path+".key",
				fmt.Sprintf("key %s of Secret %s is spelled %s at %s:%d: these are two different keys", ref.key, ref.name, earlier.key, earlier.document.File, line),
				"write it in both places as the Secret has it")
			f.Related = []LintPlace{{earlier.document.File, line, column, "spelled " + earlier.key + " here"}}
			findings = append(findings, f)
			break
		}
	}
	return findings
}

// alike tells that two different names are probably one: they differ in the case of letters only, or by
// one letter. password1 and password2 are two names.
func alike(a, b string) bool {
	if a == b {
		return false
	}
	if strings.EqualFold(a, b) {
		return true
	}
	if min(len(a), len(b)) < 5 {
		return false
	}
	return manifest.Distance(a, b) == 1 && strings.Trim(a, "0123456789") == a && strings.Trim(b, "0123456789") == b
}

// secretRefs finds all references to keys of Secrets in an object, wherever its type has them.
func secretRefs(d *manifest.Document) []secretRef {
	var refs []secretRef
	eachStruct(reflect.ValueOf(d.Object), "", 0, func(v reflect.Value, path string) bool {
		name, key, ok := keyOfSecret(v)
		if ok && name != "" && key != "" && d.Shows(path) {
			refs = append(refs, secretRef{document: d, path: path, name: name, key: key, argument: strings.HasPrefix(path, "spec.args[")})
		}
		return !ok
	})
	return refs
}

// maxNested bounds how deep an object is looked into.
const maxNested = 40

// eachStruct visits the structs of a value with their paths, and those in them when visit says so.
func eachStruct(v reflect.Value, path string, depth int, visit func(v reflect.Value, path string) bool) {
	if depth > maxNested {
		return
	}
	switch v.Kind() { //nolint:exhaustive // values of other kinds hold no structs here
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			eachStruct(v.Elem(), path, depth+1, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachStruct(v.Index(i), path+"["+strconv.Itoa(i)+"]", depth+1, visit)
		}
	case reflect.Struct:
		if !visit(v, path) {
			return
		}
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if v.Type().Field(i).IsExported() && tag != "-" && tag != "status" {
				eachStruct(v.Field(i), strings.Trim(path+"."+tag, "."), depth+1, visit)
			}
		}
	}
}

func keyOfSecret(v reflect.Value) (name, key string, ok bool) {
	switch ref := v.Interface().(type) {
	case api.SecretKeyRef:
		return ref.Name, ref.Key, true
	case corev1.SecretKeySelector:
		return ref.Name, ref.Key, true
	}
	return "", "", false
}
