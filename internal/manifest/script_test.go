package manifest

import (
	"strings"
	"testing"
)

// A script has its place, and is a text.
func TestAScriptInTheWrongPlaceIsToldWhereItBelongs(t *testing.T) {
	const head = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  metrics:\n  - name: a\n    provider:\n      loadTest:\n        target: http://a\n"
	for script, want := range map[string]string{
		"        script: |\n          config: {}\n":                          "script: must hold fields, not the text \"config: {}\\n\"; write inline: | and the script below it, indented further",
		"        script:\n          inline:\n            config: {}\n":       "script.inline: must be a string, but YAML reads a mapping; write inline: | so that what stands below it is a text",
		"        script:\n          configMap: load\n":                       "script.configMap: must hold fields, not the text \"load\"; write configMap: {name: load, key: script.yaml}",
		"        script: {inline: \"a: b\", configMap: {name: a, key: b}}\n": "",
	} {
		file := Load("f.yaml", []byte(head+script))
		var all []string
		for _, p := range file.Problems {
			all = append(all, p.String())
		}
		got := strings.Join(all, "\n")
		if want == "" && got != "" || !strings.HasSuffix(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
	}
}
