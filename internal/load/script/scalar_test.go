package script

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// These are the readings of Artillery's YAML library, where other libraries differ.
func TestScalars(t *testing.T) {
	tests := []struct {
		name, text string
		want       any
	}{
		{"yes is a text", "yes", "yes"},
		{"on is a text", "on", "on"},
		{"true is a boolean", "True", true},
		{"a leading zero is octal", "010", int64(8)},
		{"unless a digit is not", "089", "089"},
		{"hexadecimal", "0x1F", int64(31)},
		{"binary", "-0b101", int64(-5)},
		{"colons count to sixty", "1:30", int64(90)},
		{"three of them", "1:00:30", int64(3630)},
		{"underscores are nothing", "1_000", int64(1000)},
		{"a dot makes a float", "1.50", 1.5},
		{"so does an exponent", "1e3", 1000.0},
		{"a float may begin with a dot", ".5", 0.5},
		{"no end", "-.inf", math.Inf(-1)},
		{"no number", ".NaN", math.NaN()},
		{"a number too large for an integer", "123456789012345678901", 123456789012345678901.0},
		{"a day is a moment", "2020-01-01", "2020-01-01T00:00:00.000Z"},
		{"a day that does not exist is a later one", "2020-13-01", "2021-01-01T00:00:00.000Z"},
		{"nothing", "~", nil},
		{"a quoted number is a text", `"10"`, "10"},
		{"a tagged number is a text", `!!str 10`, "10"},
		{"a version is a text", "1.2.3", "1.2.3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := read("s.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(*err)
			}
			if diff := cmp.Diff(tt.want, v.plain(), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestMergeKeys(t *testing.T) {
	v, err := read("s.yaml", []byte("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {'<<': 1}"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"x": int64(1), "y": int64(1), "z": int64(3)}
	if diff := cmp.Diff(want, v.get("c").plain()); diff != "" {
		t.Errorf("own keys win, then earlier maps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"<<": int64(1)}, v.get("d").plain()); diff != "" {
		t.Errorf("a quoted << is a key (-want +got):\n%s", diff)
	}
	for _, text := range []string{"{<<: 1}", "{<<: [1]}"} {
		if _, err := read("s.yaml", []byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
