package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"sluice.dev/sluice/internal/cli"
)

var isObject = regexp.MustCompile(`(?m)^apiVersion:`)

// The manifests of a page belong together, as those of a directory do. They are checked as `sluice lint` would.
func TestManifestsAreValid(t *testing.T) {
	checked := 0
	for _, p := range pages(t) {
		var sources []cli.Source
		for _, b := range p.blocks {
			if b.language == "yaml" && isObject.MatchString(b.text) {
				sources = append(sources, cli.Source{Name: p.at(b), Text: []byte(b.text)})
			}
		}
		checked += len(sources)
		for _, finding := range cli.Lint(sources) {
			if finding.Severity == "error" {
				t.Errorf("in the block at %s", finding)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d manifests were found: is this test looking at the right blocks?", checked)
	}
}

func TestAWrongManifestIsNoticed(t *testing.T) {
	wrong := "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {replica: 1}\n"
	found := cli.Lint([]cli.Source{{Name: "a", Text: []byte(wrong)}})
	for _, finding := range found {
		if finding.Severity == "error" && strings.Contains(finding.String(), "spec.replica: unknown field") {
			return
		}
	}
	t.Errorf("found %v", found)
}

func TestFragmentsAreYAML(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language != "yaml" || isObject.MatchString(b.text) {
				continue
			}
			if err := yaml.Unmarshal([]byte(b.text), new(any)); err != nil {
				t.Errorf("%s: %v", p.at(b), err)
			}
		}
	}
}

// A block marked with file=… quotes that file to the letter.
func TestQuotationsAreTrue(t *testing.T) {
	quoted := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			name, ok := strings.CutPrefix(b.note, "file=")
			if !ok {
				continue
			}
			quoted++
			raw, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Errorf("%s: %v", p.at(b), err)
			} else if !strings.Contains(string(raw), b.text) {
				t.Errorf("%s: %s does not say:\n%s", p.at(b), name, b.text)
			}
		}
	}
	if quoted == 0 {
		t.Error("there is no quotation: is this test looking at the right blocks?")
	}
}
