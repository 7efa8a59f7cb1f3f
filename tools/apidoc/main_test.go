package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const source = `package shop

// Shop is what is run. It sells.
//
// +kubebuilder:validation:XValidation:rule=` + "`self.a != self.b`" + `,message="a must differ from b"
type Shop struct {
	metav1.TypeMeta ` + "`json:\",inline\"`" + `
	// Doors is the number of | doors. Default 1.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Doors *int32 ` + "`json:\"doors,omitempty\"`" + `
	// Sign hangs above them.
	Sign Colour ` + "`json:\"sign\"`" + `
	Base ` + "`json:\",inline\"`" + `
	hidden int
}

// Base is what all have.
type Base struct {
	// Tags are words, such as {{args.a}}.
	// +optional
	Tags []string ` + "`json:\"tags,omitempty\"`" + `
}

// Colour of a sign.
type Colour string

// Colours.
const (
	// Red is loud.
	Red Colour = "Red"
)
`

func TestWhatIsWrittenAboutAType(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "shop.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := write(directory, []string{"Shop"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| [Shop](#shop) | Shop is what is run. |",
		"- a must differ from b",
		"| `doors` | int32 | The number of \\| doors. Default 1. At least 0. |",
		"| `sign` | [Colour](#colour) | **Required.** Hangs above them. |",
		"| `tags` | list of string | Words, such as `{{args.a}}`. |",
		"| `Red` | is loud. |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "hidden") {
		t.Error("a field without a JSON name is described")
	}
}

func TestAKindThatDoesNotExistIsAnError(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "shop.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := write(directory, []string{"Ship"}); err == nil {
		t.Error("no error")
	}
}
