package main

import (
	"os/exec"
	"path/filepath"
	"strings"
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

func TestAFaultGoesIntoASecondFunction(t *testing.T) {
	const source = "package decide\n\nconst limit = 2\n\nfunc (f facts) half(n int32) int32 { return n / 2 }\n\nfunc told(all ...string) { print(all) }\n"
	tests := []struct {
		name  string
		fault fault
		want  []string // in what comes out, or in the error
		fails bool
	}{
		{"of a method", fault{"a.go", "too much", "n / 2", "n"},
			[]string{`int32 { if planted == "1" { return f.half_fault1(n) }; return n / 2 }`, "func (f facts) half_fault1(n int32) int32 { return n }"}, false},
		{"of a function that answers nothing", fault{"a.go", "nothing told", "print(all)", ""},
			[]string{`{ if planted == "1" { told_fault1(all...); return }; print(all) }`, "func told_fault1(all ...string) {  }"}, false},
		{"not where it is found twice", fault{"a.go", "twice", "func", ""}, []string{`"twice"`, "has 2 times"}, true},
		{"not where it is not found", fault{"a.go", "gone", "n / 3", ""}, []string{`"gone"`, "has 0 times"}, true},
		{"not outside of a function", fault{"a.go", "outside", "limit = 2", "limit = 3"}, []string{`"outside"`, "in no function"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := plant("a.go", []byte(source), []fault{test.fault})
			if (err != nil) != test.fails {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				got = err.Error()
			}
			for _, part := range test.want {
				if !strings.Contains(got, part) {
					t.Errorf("%q is missing in\n%s", part, got)
				}
			}
		})
	}
}

func TestTheInnermostTestIsNamedWithTheLaw(t *testing.T) {
	for said, want := range map[string]string{
		"--- FAIL: TestStories (1.0s)\n    --- FAIL: TestStories/2_good (0.1s)\n": "TestStories/2_good",
		"--- FAIL: TestLaws (1.0s)\n    x.go:1: law 5: aborted, and 20 go\n":      "TestLaws (law 5)",
		"panic: runtime error: index out of range\n":                              "the tests (panic: runtime error: index out of range)",
	} {
		if got := noticed(said); got != want {
			t.Errorf("%q is told as %q, want %q", said, got, want)
		}
	}
}
