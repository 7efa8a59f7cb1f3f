package result

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATerminationMessageIsOnlyWrittenWhereThereIsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "termination-log")
	f := File{path: path}
	if err := f.Write([]byte("x")); err != nil {
		t.Errorf("outside a container: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was made outside a container")
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("longer", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"x", "a longer text", "y"} {
		if err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("the file holds %q, want %q alone", got, text)
		}
	}
}

func TestAFileThatWasAskedForIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	if err := FileAt(path).Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "x" {
		t.Errorf("the file holds %q", got)
	}
	if err := FileAt(filepath.Join(path, "below")).Write(nil); err == nil {
		t.Error("writing below a file was fine")
	}
}

func TestAResultMayGoIntoAPipe(t *testing.T) {
	if err := FileAt("/dev/null").Write([]byte("x")); err != nil {
		t.Error(err)
	}
}
