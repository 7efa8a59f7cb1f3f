package validate

import (
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
			found = append(found, TemplateReferences(&template.Spec, refs)...)
		}
		if yaml.Unmarshal([]byte(text), &rollout) == nil {
			found = append(found, Rollout(&rollout)...)
			found = append(found, References(&rollout, refs)...)
		}
		if yaml.Unmarshal([]byte(text), &run) == nil {
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
