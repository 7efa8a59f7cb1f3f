package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Old text that stands nowhere any more, or twice, is a fault that nobody would miss.
func TestEveryFaultCanBePlanted(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	with, err := overlay(root, t.TempDir(), faults)
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", with, "./"+decidePath)
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		t.Errorf("package decide does not compile with the faults: %v\n%s", err, said)
	}
}

func TestFaultsHaveNamesOfTheirOwn(t *testing.T) {
	names := map[string]bool{}
	for _, one := range faults {
		if names[one.name] {
			t.Errorf("two faults are called %q", one.name)
		}
		names[one.name] = true
	}
	for name := range equivalents {
		if !names[name] {
			t.Errorf("a fault that changes nothing is not in the list: %q", name)
		}
	}
}
