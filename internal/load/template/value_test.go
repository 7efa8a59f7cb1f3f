package template

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNodesHaveValues(t *testing.T) {
	text := func(s string) Node {
		parsed, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return NewText(parsed)
	}
	n := NewObject(keys("id", "tags", "note"), []Node{
		text("{{ id }}"), NewList([]Node{NewScalar(int64(1)), NewScalar(nil), text("n{{ id }}")}), NewScalar(true),
	})
	scope := &Scope{Vars: map[string]any{"id": int64(7)}}
	want := map[string]any{"id": int64(7), "tags": []any{1.0, nil, "n7"}, "note": true}
	if diff := cmp.Diff(any(want), n.Value(scope)); diff != "" {
		t.Errorf("the value (-want +got):\n%s", diff)
	}
	want = map[string]any{"id": "{{ id }}", "tags": []any{1.0, nil, "n{{ id }}"}, "note": true}
	if diff := cmp.Diff(any(want), n.Source()); diff != "" {
		t.Errorf("the source (-want +got):\n%s", diff)
	}
	if got := text("{{ nobody }}").Value(scope); Defined(got) {
		t.Errorf("a variable that nothing defines has the value %v", got)
	}
}

func TestFillReachesKeysAndValues(t *testing.T) {
	scope := &Scope{Vars: map[string]any{"id": int64(7), "name": "x"}}
	got := Fill(map[string]any{"{{ name }}": []any{"{{ id }}", "{{ broken", 2.5}, "gone": "{{ nobody }}"}, scope)
	if text := string(AppendJSON(nil, got)); text != `{"x":[7,"{{ broken",2.5]}` {
		t.Errorf("filled in: %s", text)
	}
}
