package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/test/localkube"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		line string
		want invocation
	}{
		{"a command alone", "up", invocation{command: "up"}},
		{"names and directories", "up --name blue --dir /d --cache /c", invocation{command: "up", name: "blue", dir: "/d", cache: "/c"}},
		{"a tie to the parent", "up -with-parent", invocation{command: "up", withParent: true}},
		{"the control plane alone", "control-plane up --with-parent --controller-manager",
			invocation{command: "control-plane up", withParent: true, controllers: true}},
		{"a command to execute keeps its own flags", "exec --name blue -- ctr -n k8s.io images ls",
			invocation{command: "exec", name: "blue", args: []string{"ctr", "-n", "k8s.io", "images", "ls"}}},
		{"several images", "load a.tar b.tar", invocation{command: "load", args: []string{"a.tar", "b.tar"}}},
		{"removing the files too", "down --purge", invocation{command: "down", purge: true}},
		{"packages by name", "packages prometheus", invocation{command: "packages", args: []string{"prometheus"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(strings.Fields(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.args) == 0 {
				got.args = nil
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(invocation{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"no command", "", "no command"},
		{"an unknown command", "start", `unknown command "start"`},
		{"half a command", "control-plane", "up or down?"},
		{"an unknown half of a command", "control-plane left", `unknown command "control-plane left"`},
		{"a flag of another command", "status --purge", "-purge"},
		{"an argument where none belongs", "up blue", `unexpected argument "blue"`},
		{"nothing to load", "load", "needs an argument"},
		{"nothing to execute", "exec --", "needs an argument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(strings.Fields(tt.line))
			var wrong usageError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a usage error with %q", err, tt.want)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	failing := exec.Command("sh", "-c", "exit 7").Run()
	var exited *exec.ExitError
	if !errors.As(failing, &exited) {
		t.Fatal(failing)
	}
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"success", nil, 0},
		{"a failure", errors.New("etcd ended"), 1},
		{"a failing program of our own is an ordinary failure", fmt.Errorf("ip link: %w", exited), 1},
		{"a mistake on the command line", usageError{errors.New("no command")}, 2},
		{"no cluster", fmt.Errorf("cluster blue: %w", localkube.ErrNotRunning), 3},
		{"no root", fmt.Errorf("%w: not root", localkube.ErrUnsupported), 4},
		{"the exit code of an executed command is passed on", commandEnded{exited}, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := code(tt.err); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
}
