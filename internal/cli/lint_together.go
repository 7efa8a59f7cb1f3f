package cli

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

// The rules about several objects.
const (
	ruleSecretNotChecked manifest.Rule = "secret-not-checked"
	ruleSecretSpelling   manifest.Rule = "secret-key-spelling"
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

// services checks the Services that a Rollout names. What is not among the files may be in the cluster.
func (w *world) services(d *manifest.Document, ro *api.Rollout) (findings []LintFinding) {
	r, have := &referred{}, map[string]validate.Service{}
	for _, ref := range validate.ServiceRefs(ro) {
		if service, ok := named[*corev1.Service](r, w.near(d.Namespace), ref.Name); ok {
			have[ref.Name] = validate.Service{
				Selector: service.Spec.Selector, ManagedBy: service.Annotations[api.AnnotationManagedBy], NamedBy: w.namedBeside(d, ref.Name),
			}
		}
	}
	for _, f := range validate.Services(ro, have) {
		if f.Rule == validate.RuleServiceSelector && (r.torn || len(d.Left) > 0 || d.Torn) {
			continue
		}
		findings = append(findings, w.serviceFinding(d, f))
	}
	return findings
}

// serviceFinding says of a Service that is not among the files how far it was looked for.
func (w *world) serviceFinding(d *manifest.Document, f validate.Finding) LintFinding {
	name, _, _ := strings.Cut(f.Message, " does not")
	switch {
	case f.Rule == validate.RuleService && w.searched(d):
		return about(d, manifest.Rule(f.Rule), "error", f.Path, name+nowhere)
	case f.Rule == validate.RuleService && !w.complete:
		return about(d, manifest.Rule(f.Rule), "note", f.Path, name+" is not among the files: it was not checked")
	}
	return w.finding(d, f)
}

// namedBeside lists the Rollouts that name a Service and stand in the same directory. Another one may hold
// another variant, and in Markdown one object is shown in several states.
func (w *world) namedBeside(d *manifest.Document, service string) (rollouts []string) {
	if manifest.IsMarkdown(d.File, nil) {
		return nil
	}
	for _, other := range w.near(d.Namespace) {
		ro, ok := other.Object.(*api.Rollout)
		if ok && other.Excerpt == nil && filepath.Dir(other.File) == filepath.Dir(d.File) && other.Name != "" && names(ro, service) {
			rollouts = append(rollouts, other.Name)
		}
	}
	return rollouts
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
		differ := validate.Mismatches(service.Spec.Selector, pods)
		if len(differ) == 0 || names(ro, d.Name) {
			return nil
		}
		key := differ[0]
		if _, has := pods[key]; has && len(found) == 0 {
			found = append(found, about(d, manifest.Rule(validate.RuleServiceSelector), "warning", manifest.Join("spec.selector", key),
				fmt.Sprintf("selects %s=%s, and no pod template among the files has that; %s has %s", key, service.Spec.Selector[key], near[i].Title(), validate.Label(key, pods))))
		}
	}
	return found
}

// opaque tells that a document may have pods whose labels are not known here.
func opaque(d manifest.Document) bool {
	if ro, ok := d.Object.(*api.Rollout); ok && d.Excerpt == nil {
		return ro.Spec.WorkloadRef != nil && !ro.Spec.TemplateResolvedFromRef || len(d.Left) > 0 || d.Torn
	}
	return slices.Contains(workloads, d.Kind)
}

// names tells that a Rollout names a Service, which services checks.
func names(ro *api.Rollout, service string) bool {
	return slices.ContainsFunc(validate.ServiceRefs(ro), func(r validate.ServiceRef) bool { return r.Name == service })
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
	ro, ok := d.Object.(*api.Rollout)
	lent := ok && ro.Spec.TemplateResolvedFromRef
	eachStruct(reflect.ValueOf(d.Object), "", 0, func(v reflect.Value, path string) bool {
		name, key, ok := keyOfSecret(v)
		if lent && strings.HasPrefix(path, "spec.template") {
			return false // it stands in another document
		}
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
