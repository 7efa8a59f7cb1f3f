package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One wrong line must not hide the others: people would correct them one run at a time.
func TestEveryMisindentedLineIsTold(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"lines shifted together, one of them with a block below it", "args:\n- name: a\n    valueFrom:\n        secretKeyRef: {name: b}\n    # a comment\n    optional: true\n- name: c\n    value: d\n", []string{
			"f.yaml:3:5: args[0].valueFrom: `valueFrom` is indented 2 columns deeper than its sibling `name` (line 2), which has a value and can hold nothing; write it at column 3 (2 spaces before it)",
			"f.yaml:6:5: args[0].optional: `optional` is indented like line 3, and wrong like it; write it at column 3 (2 spaces before it)",
			"f.yaml:8:5: args[1].value: `value` is indented 2 columns deeper than its sibling `name` (line 7), which has a value and can hold nothing; write it at column 3 (2 spaces before it)"}},
		{"lines shifted in different ways", "env:\n    - name: a\n    value: b\nspec:\n    x: 1\n  y: 2\n", []string{
			"f.yaml:3:5: env[0].value: `value` stands in the column of the dash of line 2; the fields of that item stand under `name`; write it at column 7 (6 spaces before it)",
			"f.yaml:6:3: spec.y: `y` is indented 2 columns less than its sibling `x` (line 5); write it at column 5 (4 spaces before it)"}},
		{"a line whose place nobody knows is left out", "a: b\n- c\nspec:\n    x: 1\n  y: 2\n", []string{
			"f.yaml:2:1: the dash belongs to nothing: neither `a` (line 1) nor what is around it can hold it",
			"f.yaml:5:3: spec.y: `y` is indented 2 columns less than its sibling `x` (line 4); write it at column 5 (4 spaces before it)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, problems(t, test.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func excerpt(text string, line int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(line-3, 0):min(line+3, len(lines))], "\n") + "\n"
}
