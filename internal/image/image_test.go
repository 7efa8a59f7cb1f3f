package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program builds a small static Linux program and returns its path.
func program(t *testing.T, arch string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "hello")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building a program: %v\n%s", err, text)
	}
	return out
}

func mustBuild(t *testing.T, spec Spec) v1.Image {
	t.Helper()
	img, err := Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// listing shows every entry of an image's layers as one line.
func listing(t *testing.T, img v1.Image) []string {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range layers {
		stream, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(stream)
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("%c %04o %d:%d %d %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.ModTime.Unix(), h.Name)
			if h.Linkname != "" {
				line += " -> " + h.Linkname
			}
			lines = append(lines, line)
		}
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

func TestBuild(t *testing.T) {
	hello := program(t, "amd64")
	img := mustBuild(t, Spec{
		Binaries: []Binary{{Path: hello, Name: "sluice-load", Aliases: []string{"run", "/artillery"}}},
		Files:    []File{{Content: []byte("config: {}\n"), Target: "/scripts/benchmark.yaml"}},
		Env:      []string{"MODE=test"},
		Labels:   map[string]string{"org.opencontainers.image.title": "load"},
		Args:     []string{"run", "/scripts/benchmark.yaml"},
	})
	t.Run("every entry has its directory before it, root as owner and no time", func(t *testing.T) {
		want := []string{
			"2 0777 0:0 0 artillery -> /usr/local/bin/sluice-load",
			"5 0755 0:0 0 etc/",
			"0 0644 0:0 0 etc/group",
			"0 0644 0:0 0 etc/passwd",
			"5 0755 0:0 0 scripts/",
			"0 0644 0:0 0 scripts/benchmark.yaml",
			"5 1777 0:0 0 tmp/",
			"5 0755 0:0 0 usr/",
			"5 0755 0:0 0 usr/local/",
			"5 0755 0:0 0 usr/local/bin/",
			"2 0777 0:0 0 usr/local/bin/run -> /usr/local/bin/sluice-load",
			"0 0755 0:0 0 usr/local/bin/sluice-load",
		}
		if diff := cmp.Diff(want, listing(t, img)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("the configuration is that of the spec and of the binary", func(t *testing.T) {
		file, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := file.Platform().String(); got != "linux/amd64" {
			t.Errorf("platform %s, want linux/amd64", got)
		}
		want := v1.Config{
			Entrypoint: []string{"/usr/local/bin/sluice-load"},
			Cmd:        []string{"run", "/scripts/benchmark.yaml"},
			User:       "65532:65532",
			Env:        []string{"MODE=test", "PATH=/usr/local/bin:/usr/bin:/bin:/"},
			Labels:     map[string]string{"org.opencontainers.image.title": "load"},
			WorkingDir: "/",
		}
		if diff := cmp.Diff(want, file.Config); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestBuildIsReproducible(t *testing.T) {
	hello := program(t, "amd64")
	spec := Spec{
		Binaries: []Binary{{Path: hello, Aliases: []string{"a", "b", "c"}}},
		Files:    []File{{Content: []byte("1"), Target: "/x/1"}, {Content: []byte("2"), Target: "/y/2"}},
		Labels:   map[string]string{"a": "1", "b": "2", "c": "3"},
	}
	dir := t.TempDir()
	var archives [2][]byte
	for i := range archives {
		path := filepath.Join(dir, fmt.Sprintf("%d.tar", i))
		if err := WriteArchive(path, "local/hello:1", mustBuild(t, spec)); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if string(archives[0]) != string(archives[1]) {
		t.Error("two archives of the same binaries differ")
	}
}

func TestBuildRefuses(t *testing.T) {
	hello, arm := program(t, "amd64"), program(t, "arm64")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	one := []Binary{{Path: hello}}
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"an image without a binary", Spec{}, "at least one binary"},
		{"a program that is not for Linux", Spec{Binaries: []Binary{{Path: script}}}, "not a Linux program"},
		{"binaries of two platforms", Spec{Binaries: []Binary{{Path: hello}, {Path: arm, Name: "arm"}}}, "is for arm64"},
		{"a binary that is not there", Spec{Binaries: []Binary{{Path: "/no/such/program"}}}, "no such file"},
		{"an alias that is the binary's own name", Spec{Binaries: []Binary{{Path: hello, Aliases: []string{"hello"}}}}, "named twice"},
		{"a name with a directory", Spec{Binaries: []Binary{{Path: hello, Name: "a/b"}}}, "slash"},
		{"a relative target", Spec{Binaries: one, Files: []File{{Content: []byte("x"), Target: "etc/x"}}}, "absolute path"},
		{"a target that climbs up", Spec{Binaries: one, Files: []File{{Content: []byte("x"), Target: "/a/../b"}}}, "absolute path"},
		{"a file where a directory is", Spec{Binaries: one, Files: []File{{Content: []byte("x"), Target: "/usr"}}}, "both a file and a directory"},
		{"a variable without a value", Spec{Binaries: one, Env: []string{"MODE"}}, "NAME=value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Build(tt.spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestBuildRefusesADynamicProgram(t *testing.T) {
	const shell = "/bin/sh"
	if _, err := architectureOf(shell, nil); err == nil || !strings.Contains(err.Error(), "dynamically linked") {
		if err == nil || strings.Contains(err.Error(), "not a Linux program") {
			t.Skipf("%s is not a dynamically linked Linux program here (%v)", shell, err)
		}
		t.Errorf("got %v, want an error about dynamic linking", err)
	}
}

func TestWriteArchive(t *testing.T) {
	img := mustBuild(t, Spec{Binaries: []Binary{{Path: program(t, "amd64")}}})
	path := filepath.Join(t.TempDir(), "new", "hello.tar")
	if err := WriteArchive(path, "local/hello:1", img); err != nil {
		t.Fatal(err)
	}
	t.Run("it holds the image under its tag", func(t *testing.T) {
		manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"local/hello:1"}, manifest[0].RepoTags); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		loaded, err := tarball.ImageFromPath(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(listing(t, img), listing(t, loaded)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("nothing else is left beside it", func(t *testing.T) {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 1 {
			t.Errorf("%d files, want 1: %v", len(entries), entries)
		}
	})
	for _, tag := range []string{"local/hello", "local/hello:latest", "Not A Name:1"} {
		t.Run("the name "+tag+" is refused", func(t *testing.T) {
			if err := WriteArchive(path, tag, img); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}

func TestWriteLayout(t *testing.T) {
	amd := mustBuild(t, Spec{Binaries: []Binary{{Path: program(t, "amd64")}}})
	arm := mustBuild(t, Spec{Binaries: []Binary{{Path: program(t, "arm64")}}})
	dir := filepath.Join(t.TempDir(), "layout")
	tags := map[string][]v1.Image{
		"example.com/one:1": {amd},
		"example.com/two:1": {amd, arm},
	}
	if err := WriteLayout(dir, tags); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("the layout is valid", func(t *testing.T) {
		if err := validate.Index(index); err != nil {
			t.Error(err)
		}
	})
	t.Run("each tag is found by its annotation, with a platform per image", func(t *testing.T) {
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, d := range manifest.Manifests {
			tag := d.Annotations["org.opencontainers.image.ref.name"]
			if d.MediaType.IsImage() {
				got[tag] = append(got[tag], d.Platform.String())
				continue
			}
			nested, err := index.ImageIndex(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			inner, err := nested.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range inner.Manifests {
				got[tag] = append(got[tag], m.Platform.String())
			}
		}
		want := map[string][]string{
			"example.com/one:1": {"linux/amd64"},
			"example.com/two:1": {"linux/amd64", "linux/arm64"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("a directory that is in use is refused", func(t *testing.T) {
		if err := WriteLayout(dir, tags); err == nil {
			t.Error("it was written over")
		}
	})
	t.Run("two images for one platform are refused", func(t *testing.T) {
		err := WriteLayout(filepath.Join(t.TempDir(), "twice"), map[string][]v1.Image{"example.com/x:1": {amd, amd}})
		if err == nil || !strings.Contains(err.Error(), "linux/amd64") {
			t.Errorf("got %v, want an error that names the platform", err)
		}
	})
}
