package script

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const corpus = "testdata/corpus"

// given are the options a script of the corpus is read with, from the file beside it that ends in .options.
type given struct {
	Target, Environment, Variables, Overrides, Payload, Scenario string
	Insecure, Solo, Strict, Enforce                              bool
	Environ, Inputs                                              []string
}

// readBeside returns what stands in the corpus' own files.
func readBeside(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(corpus, "files", filepath.Clean("/"+name)))
	if err != nil {
		return nil, os.ErrNotExist
	}
	return data, nil
}

func corpusOptions(t *testing.T, file string) Options {
	t.Helper()
	var g given
	if data, err := os.ReadFile(strings.TrimSuffix(file, filepath.Ext(file)) + ".options"); err == nil {
		if err := json.Unmarshal(data, &g); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{
		File: filepath.Base(file), Target: g.Target, Environment: g.Environment, Variables: g.Variables, Overrides: g.Overrides,
		Payload: g.Payload, Scenario: g.Scenario, Insecure: g.Insecure, Solo: g.Solo, Strict: g.Strict, Enforce: g.Enforce,
		Environ: g.Environ, TestID: "t1", Seed: 1, Read: readBeside,
	}
	for _, name := range g.Inputs {
		data, err := readBeside(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Inputs = append(o.Inputs, Input{File: name, Data: data})
	}
	return o
}

func corpusFiles(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yaml", "*.json", "*.ts"} {
		found, err := filepath.Glob(filepath.Join(corpus, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatal("the corpus is empty")
	}
	return files
}

// Every script of the corpus is read, or refused, as the file beside it says:
// first all there is to say about it, then what was read.
func TestCorpus(t *testing.T) {
	for _, file := range corpusFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			o := corpusOptions(t, file)
			var b strings.Builder
			for _, p := range Lint(data, o) {
				b.WriteString(string(p.Severity) + " " + string(p.Code) + " " + p.Error() + "\n")
			}
			s, err := Load(data, o)
			if err == nil {
				b.WriteString(dumpScript(s))
			} else if !strings.Contains(b.String(), "error ") {
				t.Errorf("refused, and Lint does not say so: %s", err)
			}
			golden := filepath.Join(corpus, name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The corpus has every key the reader knows, run or refused.
func TestTheCorpusHasEveryKey(t *testing.T) {
	seen := map[string]bool{}
	var visit func(v *value)
	visit = func(v *value) {
		for _, item := range v.items {
			visit(item)
		}
		for _, f := range v.fields {
			seen[f.key] = true
			visit(f.value)
		}
	}
	for _, file := range corpusFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if v, problem := read(file, data); problem == nil {
			visit(v)
		}
	}
	tables := map[string]keys{
		"the script": rootKeys, "config": configKeys, "config.http": httpKeys, "defaults": defaultsKeys, "tls": tlsKeys, "cookieJarOptions": cookieJarKeys,
		"plugins": pluginKeys, "expect": expectPluginKeys, "metrics-by-endpoint": endpointKeys, "apdex": apdexKeys, "payload": payloadKeys, "options": csvKeys,
		"phase": phaseKeys, "ensure": ensureKeys, "condition": conditionKeys, "scenario": scenarioKeys, "before": onceKeys, "request": requestKeys,
		"auth": authKeys, "part": partKeys, "capture": captureKeys, "match": matchKeys, "expectations": {now: expectations},
	}
	for where, k := range tables {
		for _, key := range k.names() {
			if !seen[key] {
				t.Errorf("no script of the corpus has the key %s of %s", key, where)
			}
		}
	}
	for _, kind := range stepKinds {
		for _, key := range append(slices.Clone(kind.beside), kind.key) {
			if !seen[key] {
				t.Errorf("no script of the corpus has the step's key %s", key)
			}
		}
	}
}
