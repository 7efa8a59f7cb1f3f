package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice.dev/sluice/internal/cli"
)

var (
	inline   = regexp.MustCompile("`([^`\n]+)`")
	assigned = regexp.MustCompile(`^[A-Z_]+=`)
	between  = regexp.MustCompile(`&&|\|\|?|;`)
)

// commands are the command lines of a page, each as words, from shell blocks and from running text.
func (p page) commands() [][]string {
	var lines []string
	for _, b := range p.blocks {
		if b.language == "sh" {
			lines = append(lines, strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n")...)
		}
	}
	for _, found := range inline.FindAllStringSubmatch(p.text, -1) {
		lines = append(lines, found[1])
	}
	var all [][]string
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		for _, part := range between.Split(line, -1) {
			words := strings.Fields(part)
			for len(words) > 0 && (words[0] == "sudo" || assigned.MatchString(words[0])) {
				words = words[1:]
			}
			if len(words) > 0 {
				all = append(all, words)
			}
		}
	}
	return all
}

var target = regexp.MustCompile(`^[a-z][a-z0-9 -]*:([^=]|$)`)

func targets(t *testing.T, directory string) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, directory, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, line := range strings.Split(string(raw), "\n") {
		names, _, ok := strings.Cut(line, ":")
		if ok && target.MatchString(line) {
			for _, name := range strings.Fields(names) {
				all[name] = true
			}
		}
	}
	return all
}

func TestMakeTargetsExist(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, words := range p.commands() {
			if words[0] != "make" {
				continue
			}
			directory, rest := ".", words[1:]
			if len(rest) > 1 && rest[0] == "-C" {
				directory, rest = rest[1], rest[2:]
			}
			known := targets(t, directory)
			for _, word := range rest {
				if assigned.MatchString(word) {
					continue
				}
				seen++
				if !known[word] {
					t.Errorf("%s: `%s`: %s/Makefile has no target %s", p.path, strings.Join(words, " "), directory, word)
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d targets were found: is this test looking at the right places?", seen)
	}
}

// help is what a command says about itself; ok is false when there is no such command.
func help(t *testing.T, words ...string) (text string, ok bool) {
	t.Helper()
	var out bytes.Buffer
	streams := cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}
	code := cli.Run(t.Context(), "sluice", append(slices.Clone(words), "--help"), streams, "test")
	usage := "\n  sluice " + strings.Join(words, " ")
	return out.String(), code == 0 && (strings.Contains(out.String(), usage+" ") || strings.Contains(out.String(), usage+"\n"))
}

// asSluice takes the name of the program off a command line, whichever way it is called.
func asSluice(words []string) ([]string, bool) {
	switch {
	case len(words) > 1 && words[0] == "kubectl" && words[1] == "sluice":
		return words[2:], true
	case words[0] == "sluice" || words[0] == "bin/sluice":
		return words[1:], true
	}
	return nil, false
}

func TestSluiceCommandsExist(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, words := range p.commands() {
			rest, ok := asSluice(words)
			if !ok || len(rest) == 0 {
				continue
			}
			seen++
			if problem := checkCommand(t, rest); problem != "" {
				t.Errorf("%s: `%s`: %s", p.path, strings.Join(words, " "), problem)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands were found: is this test looking at the right places?", seen)
	}
}

func checkCommand(t *testing.T, words []string) string {
	t.Helper()
	if strings.HasPrefix(words[0], "-") {
		return ""
	}
	path := words[:1]
	text, ok := help(t, path...)
	if !ok {
		return "there is no such command"
	}
	if strings.Contains(text, "Available Commands:") && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		path = words[:2]
		if text, ok = help(t, path...); !ok {
			return "there is no such sub-command"
		}
	}
	for _, word := range words[len(path):] {
		flag, _, _ := strings.Cut(word, "=")
		if strings.HasPrefix(flag, "-") && flag != "-" && !mentions(text, flag) {
			return "there is no flag " + flag
		}
	}
	return ""
}

func mentions(text, flag string) bool {
	return slices.ContainsFunc(strings.Fields(text), func(word string) bool { return strings.Trim(word, ",") == flag })
}

func TestWrongCommandsAreNoticed(t *testing.T) {
	for _, line := range []string{"promtoe shop", "get rolout shop", "promote shop --ful", "lint -g x"} {
		if checkCommand(t, strings.Fields(line)) == "" {
			t.Errorf("sluice %s is not noticed", line)
		}
	}
	for _, line := range []string{"promote shop --full", "get rollout shop -w -n argo-rollouts", "lint -f -", "status shop --watch=false"} {
		if problem := checkCommand(t, strings.Fields(line)); problem != "" {
			t.Errorf("sluice %s: %s", line, problem)
		}
	}
}

var (
	flagRow    = regexp.MustCompile("(?m)^\\| `--([a-z-]+)`")
	flagInCode = regexp.MustCompile(`flag\.\w+Var\(&[^,]+, "([a-z-]+)"`)
)

func TestTheTableOfControllerFlagsIsComplete(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(root, "cmd", "sluice-controller", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("install.md")
	if err != nil {
		t.Fatal(err)
	}
	if missing := difference(flagInCode, string(source), flagRow, string(text)); len(missing) > 0 {
		t.Errorf("install.md does not have: %v", missing)
	}
	if unknown := difference(flagRow, string(text), flagInCode, string(source)); len(unknown) > 0 {
		t.Errorf("the controller does not have: %v", unknown)
	}
}

// difference lists what the first expression finds and the second does not.
func difference(first *regexp.Regexp, in string, second *regexp.Regexp, inOther string) (only []string) {
	others := map[string]bool{}
	for _, found := range second.FindAllStringSubmatch(inOther, -1) {
		others[found[1]] = true
	}
	for _, found := range first.FindAllStringSubmatch(in, -1) {
		if !others[found[1]] {
			only = append(only, found[1])
		}
	}
	return only
}
