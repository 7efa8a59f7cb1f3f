package command

import (
	"net/http"
	"strings"
	"testing"
)

func TestAnAddressThatNoTargetMoves(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	script := func(steps string) string {
		return "config:\n  target: http://127.0.0.1:1" + patient + "\n  phases: [{duration: 0.1, arrivalCount: 1}]\nscenarios: [{flow: [" + steps + "]}]\n"
	}
	absolute := "{get: {url: '" + s.URL + "/a'}}"
	tests := []struct {
		name, steps string
		args        []string
		code        int
		want        string
	}{
		{"a comparison is refused", absolute, []string{"-t", "http://127.0.0.1:1", "--compare-target", s.URL}, exitUsage, "both sides would be the same"},
		{"in a loop too", "{loop: [" + absolute + "], count: 2}", []string{"-t", "http://127.0.0.1:1", "--compare-target", s.URL}, exitUsage, "both sides would be the same"},
		{"a target alone is warned of", absolute, []string{"-t", "http://127.0.0.1:1"}, exitOK, "whatever --target says"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, script(tt.steps), call{args: append(append([]string{"run", "run"}, tt.args...), "FILE")})
			if got.code != tt.code || !strings.Contains(got.err, tt.want) {
				t.Errorf("exit code %d, want %d, and %q is to be said:\n%s", got.code, tt.code, tt.want, got.err)
			}
		})
	}
	if below("http://shop.example.org/a", "http://shop.example") || !below("http://shop.example/a", "http://shop.example/") {
		t.Error("an address is below a target when a path follows it, not when its name goes on")
	}
}
