package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/image"
)

func TestParse(t *testing.T) {
	got, err := parse(strings.Fields("-o out.tar -t local/load:1 -alias run=/sluice-load -alias artillery=sluice-load " +
		"-file bench.yaml:/scripts/benchmark.yaml -env A=1 -label title=load -user 0:0 -entrypoint run bin/sluice-load"))
	if err != nil {
		t.Fatal(err)
	}
	want := options{out: "out.tar", tag: "local/load:1", spec: image.Spec{
		Binaries:   []image.Binary{{Path: "bin/sluice-load", Aliases: []string{"run", "artillery"}}},
		Files:      []image.File{{Source: "bench.yaml", Target: "/scripts/benchmark.yaml"}},
		Entrypoint: []string{"run"},
		User:       "0:0",
		Env:        []string{"A=1"},
		Labels:     map[string]string{"title": "load"},
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"no tag", "-o out.tar bin/x", "-t"},
		{"nowhere to write to", "-t local/x:1 bin/x", "-o"},
		{"an alias of nothing", "-o out.tar -t local/x:1 -alias run bin/x", "name=binary"},
		{"an alias of a binary that is not there", "-o out.tar -t local/x:1 -alias run=y bin/x", "no binary is called y"},
		{"a file without a target", "-o out.tar -t local/x:1 -file x bin/x", "source:/target"},
		{"a label without a value", "-o out.tar -t local/x:1 -label x bin/x", "name=value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(strings.Fields(tt.line))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
