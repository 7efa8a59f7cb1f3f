package prom

import (
	"os/exec"
	"testing"
)

// find gives the package's programs or skips: only Debian's package is fetched by itself.
func find(t *testing.T) Binaries {
	t.Helper()
	build, err := BuildDir()
	if err != nil {
		t.Fatal(err)
	}
	binaries, err := Find(t.Context(), build)
	if err != nil {
		t.Skipf("no Prometheus to test with: %v", err)
	}
	return binaries
}

func TestRules(t *testing.T) {
	binaries := find(t)
	if binaries.Promtool == "" {
		t.Skip("promtool is not installed beside prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "rules.yml"}, {"test", "rules", "testdata/rules_test.yml"}} {
		output, err := exec.CommandContext(t.Context(), binaries.Promtool, args...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, output)
		}
	}
}
