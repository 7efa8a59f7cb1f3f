package image

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// refName is the annotation by which tools find an image in an OCI layout.
const refName = "org.opencontainers.image.ref.name"

// WriteArchive writes the image to path in the form `docker load` and
// `ctr images import` read, under the given name and tag. The file appears
// whole or not at all.
func WriteArchive(path, tag string, img v1.Image) error {
	ref, err := parseTag(tag)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the archive's directory: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".image-*")
	if err != nil {
		return fmt.Errorf("making an archive: %w", err)
	}
	defer os.Remove(f.Name())
	if err := writeAndClose(f, func(w io.Writer) error { return tarball.Write(ref, img, w) }); err != nil {
		return fmt.Errorf("writing the archive of %s: %w", tag, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return fmt.Errorf("writing the archive of %s: %w", tag, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing the archive of %s: %w", tag, err)
	}
	return nil
}

func writeAndClose(f *os.File, write func(io.Writer) error) error {
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// WriteLayout writes an OCI image layout to dir, which must not exist or be
// empty. Each tag names one image, or one per platform: several become an
// image index of their own.
func WriteLayout(dir string, tags map[string][]v1.Image) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: a layout is written whole", dir)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		addendum, err := layoutEntry(tag, tags[tag])
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, addendum)
	}
	if _, err := layout.Write(dir, index); err != nil {
		return fmt.Errorf("writing the image layout: %w", err)
	}
	return nil
}

func layoutEntry(tag string, images []v1.Image) (mutate.IndexAddendum, error) {
	ref, err := parseTag(tag)
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	adds := make([]mutate.IndexAddendum, 0, len(images))
	seen := map[string]bool{}
	for _, img := range images {
		file, err := img.ConfigFile()
		if err != nil {
			return mutate.IndexAddendum{}, fmt.Errorf("reading the configuration of %s: %w", tag, err)
		}
		platform := file.Platform()
		if seen[platform.String()] {
			return mutate.IndexAddendum{}, fmt.Errorf("%s has two images for %s", tag, platform)
		}
		seen[platform.String()] = true
		adds = append(adds, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	annotations := map[string]string{refName: ref.String()}
	switch len(adds) {
	case 0:
		return mutate.IndexAddendum{}, fmt.Errorf("%s has no image", tag)
	case 1:
		adds[0].Annotations = annotations
		return adds[0], nil
	}
	nested := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), adds...)
	return mutate.IndexAddendum{Add: nested, Descriptor: v1.Descriptor{Annotations: annotations}}, nil
}

// parseTag refuses a name without a tag: it would become "latest", which a
// kubelet tries to pull even when the image is there.
func parseTag(tag string) (name.Tag, error) {
	ref, err := name.NewTag(tag)
	if err != nil {
		return name.Tag{}, fmt.Errorf("image name %q: %w", tag, err)
	}
	if ref.TagStr() == name.DefaultTag {
		return name.Tag{}, fmt.Errorf("image name %q: needs a tag other than %q", tag, name.DefaultTag)
	}
	return ref, nil
}
