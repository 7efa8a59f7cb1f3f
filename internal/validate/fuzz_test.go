package validate

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// FuzzFindings gives every kind the same text: whatever it decodes to is judged without a panic, and
// each finding says where and what.
func FuzzFindings(f *testing.F) {
	f.Add(canary("steps: [{analysis: {templates: [{templateName: errors}], args: [{name: limit, valueFrom: {fieldRef: {fieldPath: 'spec.template[0]'}}}]}}, {pause: {duration: -1s}}]"))
	f.Add(errorsTemplate)
	f.Add(metric("count: '{{args.x}}'\nsuccessCondition: 'any(result, # > {{args.x}}'\nprovider: {web: {url: ':', jsonBody: {a: [1]}}, plugin: {a: null}}"))
	f.Add(blueGreen("activeService: a\npreviewService: a\nscaleDownDelayRevisionLimit: 99\nantiAffinity: {}\npreviewMetadata: {labels: {'': b, app: c}}\npostPromotionAnalysis: {templates: [{}]}"))
	f.Add(routed("{nginx: {}, alb: {servicePort: 0}, istio: {}, ambassador: {mappings: null}, appMesh: {}, traefik: {weightedTraefikServiceName: ''}, maxTrafficWeight: 0, managedRoutes: [{name: r}]}",
		"pingPong: {pingService: a, pongService: a}\nsteps: [{setHeaderRoute: {name: r, match: [{headerName: h}]}}, {setMirrorRoute: {name: '', match: [{method: {}, path: {}, headers: {h: {}}}]}}, {setCanaryScale: {weight: -2147483648}}, {experiment: {templates: [{weight: 2147483647}, {weight: 2147483647}]}}, {plugin: {name: ''}}]"))
	f.Add("spec: {replicas: 1, workloadRef: {kind: Job}, template: {metadata: {labels: {a: b}}}, rollbackWindow: {}, revisionHistoryLimit: 0, strategy: {canary: {steps: [{setWeight: 2147483647}], replicaProgressThreshold: {}}}}")
	f.Add("spec: {args: [{name: '', valueFrom: {secretKeyRef: null}}], metrics: [{name: '{{args.}}'}], templates: [{templateName: a}]}")
	f.Fuzz(func(t *testing.T, text string) {
		var (
			rollout  api.Rollout
			template api.AnalysisTemplate
			run      api.AnalysisRun
			found    Findings
		)
		refs := Refs{
			Template: func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
				return template.Spec, !cluster && name != ""
			},
			SecretKeys: func(name string) ([]string, bool) { return []string{name}, name != "" },
		}
		if yaml.Unmarshal([]byte(text), &template) == nil {
			found = append(found, Template(&template.Spec)...)
			stand(t, found, &template)
			found = append(found, JobPods(template.Spec.Metrics)...)
			found = append(found, TemplateReferences(&template.Spec, refs)...)
		}
		if yaml.Unmarshal([]byte(text), &rollout) == nil {
			about := slices.Concat(Rollout(&rollout), References(&rollout, refs), Dangers(&rollout, Around{Nodes: 3}), RolloutPods(&rollout),
				Services(&rollout, map[string]Service{"s": {ManagedBy: "another", Selector: map[string]string{"app": "b"}}}))
			stand(t, about, &rollout)
			found = append(found, about...)
		}
		if yaml.Unmarshal([]byte(text), &run) == nil {
			stand(t, Run(&run), &run)
			found = append(found, Run(&run)...)
			found = append(found, RunReferences(&run, refs)...)
		}
		for _, finding := range found {
			if finding.Kind == "" || finding.Path == "" || finding.Message == "" {
				t.Fatalf("a finding that does not say what is wrong where: %+v", finding)
			}
		}
		total := 0
		for _, line := range found.Texts() {
			total += len(line)
			if len(line) > maxText || total > maxTexts+32 {
				t.Fatalf("a line of %d bytes, %d bytes in all: %q", len(line), total, line)
			}
		}
	})
}

// stand wants every finding to be about a field of the object that is there, or could be: one the API has,
// in an item that is in its list.
func stand(t *testing.T, found Findings, object any) {
	t.Helper()
	for _, finding := range found {
		if wrong := astray(reflect.ValueOf(object).Elem(), finding.Path); wrong != "" {
			t.Fatalf("%s: %s, in %+v", finding, wrong, object)
		}
	}
}

// astray says where a path leaves an object, "" when it does not.
func astray(v reflect.Value, path string) string {
	for path != "" {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v = reflect.New(v.Type().Elem())
			}
			v = v.Elem()
		}
		if v.Kind() == reflect.Map || reflect.PointerTo(v.Type()).Implements(decodesItself) {
			return "" // a key is whatever somebody wrote
		}
		if strings.HasPrefix(path, "[") {
			digits, rest, _ := strings.Cut(path[1:], "]")
			i, err := strconv.Atoi(digits)
			if err != nil || v.Kind() != reflect.Slice || i >= v.Len() {
				return "there is no item " + digits
			}
			v, path = v.Index(i), rest
			continue
		}
		path = strings.TrimPrefix(path, ".")
		end := strings.IndexAny(path+".", ".[")
		field, ok := fieldNamed(v, path[:end])
		if !ok {
			return "there is no field " + path[:end]
		}
		v, path = field, path[end:]
	}
	return ""
}

// fieldNamed finds the field with a name in JSON, also in what is embedded.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	if v.Kind() != reflect.Struct {
		return v, false
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name {
			return v.Field(i), true
		}
		if f.Anonymous && tag == "" {
			if inner, ok := fieldNamed(v.Field(i), name); ok {
				return inner, true
			}
		}
	}
	return v, false
}
