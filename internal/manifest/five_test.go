package manifest

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestMisindentedLinesAreLocated moves single lines, and keys together with what is below them, of five
// manifests: 50 random places in each of 10 rounds. A place counts when the document has become another
// one or none, and it is found when a problem stands on the very line that was moved.
func TestMisindentedLinesAreLocated(t *testing.T) {
	const rounds, places = 10, 50
	files := fiveManifests(t)
	total, located := 0, 0
	for round := range uint64(rounds) {
		random := rand.New(rand.NewPCG(round, 2026))
		hits := 0
		for range places {
			slip := slipIn(random, files)
			_, problems := Read("f.yaml", []byte(slip.text))
			if slices.ContainsFunc(problems, func(p Problem) bool { return p.Line == slip.line }) {
				hits++
			} else {
				t.Logf("%s, line %d moved by %d (with its block: %t), and found:\n%s%v", slip.file, slip.line, slip.by, slip.whole, excerpt(slip.text, slip.line), problems)
			}
		}
		total, located = total+places, located+hits
		if hits*10 < places*9 {
			t.Errorf("round %d: %d of %d moved lines were located", round, hits, places)
		}
	}
	t.Logf("%d of %d moved lines were located (%.1f %%)", located, total, 100*float64(located)/float64(total))
}

func fiveManifests(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("testdata/five/*.yaml")
	if err != nil || len(names) != 5 {
		t.Fatalf("found %d manifests: %v", len(names), err)
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := Read(name, text); len(problems) > 0 {
			t.Fatalf("%s is meant to be right: %v", name, problems)
		}
		files[filepath.Base(name)] = string(text)
	}
	return files
}

// slip is a mistake in a manifest.
type slip struct {
	file, text string
	line       int // the first that was moved, from 1
	by         int
	whole      bool // what is below the line was moved with it
}

// slipIn makes a mistake that changes what the manifest says.
func slipIn(random *rand.Rand, files map[string]string) slip {
	names := sortedKeys(files)
	for {
		s := slip{file: names[random.IntN(len(names))], by: 1 + random.IntN(4), whole: random.IntN(2) == 0}
		if random.IntN(2) == 0 {
			s.by = -s.by
		}
		lines := strings.Split(files[s.file], "\n")
		s.line = 1 + random.IntN(len(lines))
		if s.shift(lines) && !sameMeaning(files[s.file], s.text) {
			return s
		}
	}
}

// shift moves the lines; false when they cannot be moved so far, or say nothing.
func (s *slip) shift(lines []string) bool {
	first := s.line - 1
	if silent(lines[first]) {
		return false
	}
	end := first + 1
	for depth := indentOf(lines[first]); s.whole && end < len(lines) && (lines[end] == "" || indentOf(lines[end]) > depth); {
		end++
	}
	for i := first; i < end; i++ {
		text := strings.TrimLeft(lines[i], " ")
		depth := len(lines[i]) - len(text) + s.by
		if text == "" {
			continue
		}
		if depth < 0 {
			return false
		}
		lines[i] = strings.Repeat(" ", depth) + text
	}
	s.text = strings.Join(lines, "\n")
	return true
}

// sameMeaning tells that two texts hold the same documents. White space in texts of several lines, such
// as queries and scripts, is not looked at: nobody but their reader can know what it means.
func sameMeaning(a, b string) bool {
	one, ok := meaning(a)
	two, alsoOK := meaning(b)
	return ok && alsoOK && reflect.DeepEqual(one, two)
}

func meaning(text string) (documents []any, ok bool) {
	for _, document := range strings.Split("\n"+text, "\n---") {
		raw, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			return nil, false
		}
		var value any
		if json.NewDecoder(bytes.NewReader(raw)).Decode(&value) != nil {
			return nil, false
		}
		documents = append(documents, unspaced(value))
	}
	return documents, true
}

func unspaced(value any) any {
	switch v := value.(type) {
	case string:
		return strings.Join(strings.Fields(v), " ")
	case []any:
		for i := range v {
			v[i] = unspaced(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = unspaced(v[key])
		}
	}
	return value
}
