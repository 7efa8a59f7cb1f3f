// Package image makes OCI images from static binaries, byte for byte the same
// from the same input.
package image

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// BinDir is where binaries and their aliases are installed; it comes first
	// in PATH, so that a pod's command may name them without a directory.
	BinDir = "/usr/local/bin"

	searchPath  = BinDir + ":/usr/bin:/bin:/"
	defaultUser = "65532:65532"
)

// Spec says what an image holds and how it starts.
type Spec struct {
	// Binaries are installed in BinDir. At least one is needed; all must be for
	// the same platform, which becomes the image's, and static, or bring their
	// loader and libraries among Files.
	Binaries []Binary
	// Files are added beside the binaries, owned by root; those that can be
	// executed here can be executed there.
	Files []File
	// Entrypoint is the program and its first arguments; empty means the first
	// binary.
	Entrypoint []string
	// Args follow the entrypoint unless a pod gives its own.
	Args []string
	// User is "uid:gid"; empty means 65532:65532. Kubernetes can check
	// runAsNonRoot only when it is a number.
	User string
	// Env is added to PATH, each "NAME=value".
	Env []string
	// Labels become the image's labels.
	Labels map[string]string
}

// Binary is one statically linked program.
type Binary struct {
	// Path is where the program lies on this machine.
	Path string
	// Name is what it is called in the image; empty means the base name of Path.
	Name string
	// Aliases are more names of the same program in the image. A bare name lies
	// in BinDir, one that starts with "/" lies where it says.
	Aliases []string
}

func (b Binary) name() string {
	if b.Name != "" {
		return b.Name
	}
	return path.Base(b.Path)
}

// File is one regular file of an image.
type File struct {
	// Source is where the content lies on this machine; ignored when Content is set.
	Source string
	// Content is the content itself.
	Content []byte
	// Target is the absolute path in the image.
	Target string
}

// Build makes the image. It reads every binary and file once and keeps the
// layer in memory.
func Build(spec Spec) (v1.Image, error) {
	if err := check(spec); err != nil {
		return nil, err
	}
	platform, err := platformOf(spec.Binaries, spec.Files)
	if err != nil {
		return nil, err
	}
	layer, err := buildLayer(spec)
	if err != nil {
		return nil, err
	}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{
		Layer:   layer,
		History: v1.History{CreatedBy: "sluice.dev/sluice/internal/image", Created: v1.Time{Time: epoch}},
	})
	if err != nil {
		return nil, fmt.Errorf("adding the layer: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the image's configuration: %w", err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Variant = platform.OS, platform.Architecture, platform.Variant
	file.Created = v1.Time{Time: epoch}
	file.Config = config(spec)
	img, err = mutate.ConfigFile(img, file)
	if err != nil {
		return nil, fmt.Errorf("setting the image's configuration: %w", err)
	}
	return img, nil
}

// epoch is every time stamp of an image: a build time would make two builds of
// the same source differ.
var epoch = time.Unix(0, 0).UTC()

func check(spec Spec) error {
	if len(spec.Binaries) == 0 {
		return fmt.Errorf("an image needs at least one binary")
	}
	for _, b := range spec.Binaries {
		if strings.Contains(b.name(), "/") {
			return fmt.Errorf("binary name %q: must not contain a slash", b.name())
		}
	}
	for _, f := range spec.Files {
		if !path.IsAbs(f.Target) || path.Clean(f.Target) != f.Target {
			return fmt.Errorf("file target %q: must be a clean absolute path", f.Target)
		}
	}
	for _, e := range spec.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return fmt.Errorf("environment %q: must be NAME=value", e)
		}
	}
	return nil
}

func config(spec Spec) v1.Config {
	c := v1.Config{
		Entrypoint: spec.Entrypoint,
		Cmd:        spec.Args,
		User:       spec.User,
		Env:        environment(spec.Env),
		Labels:     maps.Clone(spec.Labels),
		WorkingDir: "/",
	}
	if len(c.Entrypoint) == 0 {
		c.Entrypoint = []string{path.Join(BinDir, spec.Binaries[0].name())}
	}
	if c.User == "" {
		c.User = defaultUser
	}
	return c
}

func environment(extra []string) []string {
	env := slices.Clone(extra)
	if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "PATH=") }) {
		env = append(env, "PATH="+searchPath)
	}
	slices.Sort(env)
	return env
}
