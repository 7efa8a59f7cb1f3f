package command

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/suggest"
	"sluice.dev/sluice/internal/load/verdict"
)

// maxFile bounds a payload, a processor or a form's file.
const maxFile = 256 << 20

// source is where a script or a report comes from: a file, a stream, or a text made here. Files that a script names
// lie beside it, or where the command runs.
type source struct {
	file string
	from io.Reader
	text []byte
}

// stdin is what a script from standard input is called.
const stdin = "stdin"

// newSource is the file of a name, or standard input where that is "-".
func newSource(name string, env Env) source {
	switch {
	case name != "-":
		return source{file: name}
	case env.In == nil:
		return source{file: stdin, from: strings.NewReader("")}
	}
	return source{file: stdin, from: env.In}
}

func (s source) read(what string, limit int64) ([]byte, error) {
	switch {
	case s.text != nil:
		return s.text, nil
	case s.from != nil:
		return readAll(s.from, what+" from standard input", limit)
	}
	return readFile(s.file, what, limit)
}

// readFile reads no more than a limit and one byte, whatever the file is.
func readFile(name, what string, limit int64) ([]byte, error) {
	r, err := os.Open(name) //nolint:gosec // the person at the command line named it
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	defer r.Close()
	return readAll(r, what, limit)
}

func readAll(r io.Reader, what string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return data, nil
}

// reading is what all versions of a script, one for each target, are read with.
type reading struct {
	data    []byte
	options script.Options
	// processors are the texts of the programs that the script names, once it was read.
	processors *[]string
	// disabled says that the script's gates are only shown, as with Artillery.
	disabled bool
}

// prepare reads all files that the command line names.
func prepare(from source, f flags, env Env) (reading, error) {
	data, err := from.read("the script", script.MaxBytes)
	if err != nil {
		return reading{}, err
	}
	seed, id := seedOf(data, f, env), env.lookup(runID)
	if id == "" {
		id = fmt.Sprintf("t%016x", seed)
	}
	payload := f.payload
	if payload != "" {
		// The command line's files lie where the command runs, the script's beside the script.
		if payload, err = filepath.Abs(payload); err != nil {
			return reading{}, fmt.Errorf("finding the payload: %w", err)
		}
	}
	var processors []string
	r := reading{data: data, processors: &processors, disabled: env.lookup("ARTILLERY_DISABLE_ENSURE") != "", options: script.Options{
		File: from.file, Target: f.target, Environment: f.environment, Insecure: f.insecure,
		Variables: f.variables, Overrides: f.overrides, Environ: env.Environ, TestID: id, Seed: seed,
		Read: noting(beside(from.file), &processors), Payload: payload, Scenario: f.scenario, Solo: f.solo, Enforce: f.enforce,
	}}
	for _, file := range append(append([]string(nil), f.inputs...), f.config) {
		if file == "" {
			continue
		}
		data, err := readFile(file, "an input of the script", script.MaxBytes)
		if err != nil {
			return reading{}, err
		}
		r.options.Inputs = append(r.options.Inputs, script.Input{File: file, Data: data})
	}
	return r, nil
}

// runID names a run; all its shares have the same one.
const runID = "ARTILLERY_TEST_RUN_ID"

// seedOf is by chance, but the same for all shares of a test: they draw as one
// generator would. What they have in common is the script, the run's name and its tags.
func seedOf(data []byte, f flags, env Env) uint64 {
	if f.shares == 0 {
		return rand.Uint64()
	}
	sum := sha256.New()
	for _, part := range append([]string{string(data), env.lookup(runID)}, f.tags...) {
		fmt.Fprintf(sum, "%d %s", len(part), part)
	}
	return binary.BigEndian.Uint64(sum.Sum(nil))
}

// beside reads files by their names as a script gives them.
func beside(file string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(file), name)
		}
		data, err := readFile(name, "a file of the script", maxFile)
		if err == nil && len(data) > maxFile {
			return nil, fmt.Errorf("reading a file of the script: %s has more than %d MB", name, maxFile>>20)
		}
		return data, err
	}
}

// noting keeps the texts of programs that are read.
func noting(read func(string) ([]byte, error), programs *[]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		data, err := read(name)
		if ext := filepath.Ext(name); err == nil && (ext == ".js" || ext == ".cjs" || ext == ".mjs") {
			*programs = append(*programs, string(data))
		}
		return data, err
	}
}

// script reads the script for a target, empty for the one it says itself, and
// puts the default gates in.
func (r reading) script(target string, gates bool) (*script.Script, error) {
	if target != "" {
		r.options.Target = target
	}
	s, err := script.Load(r.data, r.options)
	if err != nil {
		return nil, err
	}
	if r.disabled {
		for i := range s.Checks {
			s.Checks[i].Strict = false
		}
	}
	if gates {
		if s.Checks, err = verdict.WithDefaults(s.Checks, s.Catalogue); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// conditions compiles what --abort-on says.
func conditions(texts []string, s *script.Script) ([]gate.Check, error) {
	var out []gate.Check
	for _, text := range texts {
		check, err := gate.Condition(text, s.Catalogue)
		if err != nil {
			return nil, fmt.Errorf("--abort-on %q: %w", text, err)
		}
		for _, name := range check.Names() {
			if hint := mistyped(name); hint != "" {
				return nil, fmt.Errorf("--abort-on %q: nothing is counted under %s%s", text, name, hint)
			}
		}
		out = append(out, check)
	}
	return out, nil
}

// mistyped finds names that are almost one of the shares of errors. Where a processor may name
// errors, any text behind "errors." may be one's name, so nothing else would; Node's are in capitals.
func mistyped(name string) string {
	shares := []string{series.ErrorRate, series.ServerErrorRate, series.UnansweredRate}
	if !strings.HasPrefix(name, series.Errors) || slices.Contains(shares, name) || name != strings.ToLower(name) {
		return ""
	}
	return suggest.Hint(name, shares)
}

// withDotenv adds the variables of a file, where they are not set yet.
func withDotenv(env Env, file string) (Env, error) {
	if file == "" {
		return env, nil
	}
	data, err := readFile(file, "--dotenv", script.MaxBytes)
	if err != nil {
		return env, err
	}
	set := map[string]bool{}
	for _, entry := range env.Environ {
		name, _, _ := strings.Cut(entry, "=")
		set[name] = true
	}
	env.Environ = append([]string(nil), env.Environ...)
	for i, line := range strings.Split(string(data), "\n") {
		name, value, ok := dotenvLine(line)
		if !ok {
			return env, fmt.Errorf("--dotenv: line %d of %s is not NAME=value", i+1, file)
		}
		if name != "" && !set[name] {
			env.Environ = append(env.Environ, name+"="+value)
			set[name] = true
		}
	}
	return env, nil
}

// dotenvLine reads NAME=value, also quoted, after "export" and before a comment.
// A line without a variable has no name.
func dotenvLine(line string) (name, value string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return "", "", true
	}
	name, value, ok = strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" || strings.ContainsAny(name, " \t\"'") {
		return "", "", false
	}
	value, ok = dotenvValue(value)
	return name, value, ok
}

// dotenvValue takes quotes off, or a comment.
func dotenvValue(value string) (string, bool) {
	if value == "" || !strings.ContainsRune("\"'`", rune(value[0])) {
		value, _, _ = strings.Cut(value, " #")
		return strings.TrimSpace(value), true
	}
	quote := value[:1]
	inner, _, closed := strings.Cut(value[1:], quote)
	if quote == `"` {
		inner = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(inner)
	}
	return inner, closed
}
