package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

type plan struct {
	Name  string  `json:"name"`
	Count int     `json:"count"`
	Parts []piece `json:"parts"`
}

type piece struct {
	At string `json:"at"`
}

func TestOneObjectOfAnyTypeIsReadStrictly(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"right", "# a plan\nname: a\ncount: 2\nparts: [{at: x}]\n", nil},
		{"right with a mark before it", "---\nname: a\n", nil},
		{"an unknown field", "name: a\nparts:\n- att: x\n", []string{"f.yaml:3:3: parts[0].att: unknown field; did you mean at?"}},
		{"another type", "count: many\n", []string{`f.yaml:1:1: count: must be a whole number, not the text "many"`}},
		{"a key twice", "name: a\nname: b\n", []string{"f.yaml:2:1: name: is written twice; line 1 has it already and only one of them counts"}},
		{"no YAML", "name: [a\n", []string{"f.yaml:1:1: YAML does not parse here: the bracket that opens here is not closed"}},
		{"nothing", "# a plan\n", []string{"f.yaml:1:1: the file is empty"}},
		{"two", "name: a\n---\nname: b\n", []string{"f.yaml:2:1: a second document begins here, and one is expected"}},
		{"a list", "- a\n", []string{"f.yaml:1:1: the file must hold fields"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			object, _, problems := One[plan]("f.yaml", []byte(test.text))
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if len(problems) == 0 && object.Name != "a" {
				t.Errorf("read %+v", object)
			}
		})
	}
}

func TestOneDocumentKnowsWhereThingsStand(t *testing.T) {
	_, d, _ := One[plan]("f.yaml", []byte("name: a\nparts:\n- at: x\n- at: y\n"))
	if got := d.At("parts[1].at", "is wrong", "").String(); got != "f.yaml:4:3: parts[1].at: is wrong" {
		t.Errorf("it stands at %s", got)
	}
}

func FuzzOne(f *testing.F) {
	for _, text := range []string{"name: a", "parts: [{at: x}]", "- a", "a: &a [*a]", "{", "---\n---\n", "\tname: a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object, _, problems := One[plan]("f.yaml", []byte(text))
		if object == nil && len(problems) == 0 {
			t.Errorf("%q gives nothing and no problem", text)
		}
	})
}
