package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// commands are all commands people see.
func commands(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, child := range cmd.Commands() {
		if child.Hidden {
			continue
		}
		if _, only := child.Annotations[groups]; !only {
			all = append(all, child)
		}
		all = append(all, commands(child)...)
	}
	return all
}

// Examples are what people copy: each names a command there is, with flags it has.
func TestExamplesCanBeCarriedOut(t *testing.T) {
	root := (&app{}).root("sluice")
	all := commands(root)
	if len(all) < 19 {
		t.Errorf("only %d commands were found: is this test looking at the right place?", len(all))
	}
	for _, cmd := range all {
		if cmd.Short == "" || !cmd.HasExample() {
			t.Errorf("%s has no description, or no example", path(cmd))
		}
		own := false
		for _, line := range strings.Split(cmd.Example, "\n") {
			line, _, _ = strings.Cut(line, " #")
			_, line, _ = strings.Cut(line, "sluice ")
			words := strings.Fields(line)
			found, rest, err := root.Find(words)
			if err != nil {
				t.Errorf("an example of %s: %q: %v", path(cmd), line, err)
				continue
			}
			own = own || found == cmd
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("an example of %s: %q: %v", path(cmd), line, err)
				continue
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("an example of %s: %q: %v", path(cmd), line, err)
			}
		}
		if !own {
			t.Errorf("no example of %s is one", path(cmd))
		}
	}
}

func TestTheReferenceNamesEverything(t *testing.T) {
	code, out, errOut := run(t, "", "reference")
	if code != ExitOK {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	for _, cmd := range commands((&app{}).root("sluice")) {
		if !strings.Contains(out, "\n## "+path(cmd)+"\n") {
			t.Errorf("%s has no chapter", path(cmd))
		}
	}
	for _, want := range []string{"| `-w`, `--watch` | `true` | wait for the end", "| `-n`, `--namespace` |", "## Exit codes", "| 4 | `sluice status --watch=false`: Progressing, Paused, Pending or Running |", "Also called `ro`, `rollouts`."} {
		if !strings.Contains(out, want) {
			t.Errorf("the reference lacks %q", want)
		}
	}
	if _, again, _ := run(t, "", "reference"); again != out {
		t.Error("the reference is not the same twice")
	}
}

func FuzzDelay(f *testing.F) {
	for _, text := range []string{"10s", "600", "-5m", "soon", "", "9223372036854775807", "1h30m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		delay, err := delayOf(text)
		if err == nil && (delay < 0 || time.Now().Add(delay).Before(time.Now().Add(-time.Second))) {
			t.Errorf("%q is %v", text, delay)
		}
	})
}

func FuzzArguments(f *testing.F) {
	for _, text := range []string{"service=shop", "a=b=c", "=x", "x", "a=\na="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		texts := strings.Split(text, "\n")
		args, err := parseArguments(texts)
		for i, arg := range args {
			if err == nil && arg.Name+"="+*arg.Value != texts[i] {
				t.Errorf("%q was read as %s=%s", texts[i], arg.Name, *arg.Value)
			}
		}
	})
}
