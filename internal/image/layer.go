package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// accounts name root and the default user, for programs that look up who they are.
const (
	passwd = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:65532:\n"
)

// entry is one name in the layer's tar stream.
type entry struct {
	header  tar.Header
	content []byte
}

// buildLayer packs everything the spec names into one gzipped layer.
func buildLayer(spec Spec) (v1.Layer, error) {
	entries, err := entriesOf(spec)
	if err != nil {
		return nil, err
	}
	var stream bytes.Buffer
	w := tar.NewWriter(&stream)
	for _, e := range entries {
		e.header.Size = int64(len(e.content))
		e.header.ModTime = epoch
		e.header.Format = tar.FormatUSTAR
		if err := w.WriteHeader(&e.header); err != nil {
			return nil, fmt.Errorf("packing %s: %w", e.header.Name, err)
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, fmt.Errorf("packing %s: %w", e.header.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing the layer: %w", err)
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(stream.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.BestSpeed),
		tarball.WithCompressedCaching,
	)
	if err != nil {
		return nil, fmt.Errorf("compressing the layer: %w", err)
	}
	return layer, nil
}

// entriesOf lists the layer's entries with every parent directory before what
// lies in it. Two entries of the same name are an error: which one a container
// would see depends on the runtime.
func entriesOf(spec Spec) ([]entry, error) {
	tree := map[string]entry{}
	add := func(name string, e entry) error {
		if _, taken := tree[name]; taken {
			return fmt.Errorf("%s: named twice", name)
		}
		e.header.Name = strings.TrimPrefix(name, "/")
		tree[name] = e
		return nil
	}
	var errs []error
	errs = append(errs,
		add("/etc/passwd", regular([]byte(passwd), 0o644)),
		add("/etc/group", regular([]byte(group), 0o644)))
	for _, b := range spec.Binaries {
		errs = append(errs, addBinary(b, add))
	}
	for _, f := range spec.Files {
		e, err := addedFile(f)
		if err != nil {
			return nil, err
		}
		errs = append(errs, add(f.Target, e))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return withDirectories(tree)
}

func addedFile(f File) (entry, error) {
	if f.Content != nil {
		return regular(f.Content, 0o644), nil
	}
	content, err := os.ReadFile(f.Source)
	if err != nil {
		return entry{}, fmt.Errorf("reading a file of the image: %w", err)
	}
	mode := int64(0o644)
	if info, err := os.Stat(f.Source); err == nil && info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	return regular(content, mode), nil
}

func addBinary(b Binary, add func(string, entry) error) error {
	content, err := os.ReadFile(b.Path)
	if err != nil {
		return fmt.Errorf("reading a binary of the image: %w", err)
	}
	installed := path.Join(BinDir, b.name())
	errs := []error{add(installed, regular(content, 0o755))}
	for _, alias := range b.Aliases {
		if !path.IsAbs(alias) {
			alias = path.Join(BinDir, alias)
		}
		link := entry{header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: installed, Mode: 0o777}}
		errs = append(errs, add(path.Clean(alias), link))
	}
	return errors.Join(errs...)
}

func regular(content []byte, mode int64) entry {
	return entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: mode}, content: content}
}

// withDirectories adds the directories that lead to each entry, and /tmp, and
// returns all in the order of their names.
func withDirectories(tree map[string]entry) ([]entry, error) {
	dirs := map[string]int64{"/tmp": 0o1777}
	for name := range tree {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if _, ok := dirs[dir]; !ok {
				dirs[dir] = 0o755
			}
		}
	}
	for dir, mode := range dirs {
		if _, taken := tree[dir]; taken {
			return nil, fmt.Errorf("%s: both a file and a directory", dir)
		}
		tree[dir] = entry{header: tar.Header{
			Name: strings.TrimPrefix(dir, "/") + "/", Typeflag: tar.TypeDir, Mode: mode,
		}}
	}
	entries := make([]entry, 0, len(tree))
	for _, e := range tree {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.header.Name, b.header.Name) })
	return entries, nil
}
