package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is a file to lint.
type Source struct {
	Name string
	Text []byte
	// Found tells that the file was found in a directory, where other things than Kubernetes objects
	// may lie.
	Found bool
}

// manifests and pages are the files of a directory that are read.
var (
	manifests = []string{".yaml", ".yml", ".json"}
	pages     = append(slices.Clone(manifests), ".md", ".markdown")
)

// sources reads manifests.
func (a *app) sources(names []string) ([]Source, error) {
	var all []Source
	for _, name := range names {
		found, err := a.source(name, manifests)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// lintSources reads manifests and pages with manifests in them, as far as they can be read.
func (a *app) lintSources(o lintOptions) ([]Source, error) {
	var (
		all    []Source
		unread []error
	)
	for _, name := range o.files {
		found, err := a.source(name, pages)
		all = append(all, found...)
		unread = append(unread, err)
	}
	for i := range all {
		all[i].Found = all[i].Found || o.allowEmpty
	}
	return all, errors.Join(unread...)
}

func (a *app) source(name string, extensions []string) ([]Source, error) {
	if name != "-" {
		return fromDisk(name, extensions)
	}
	text, err := io.ReadAll(a.In)
	if err != nil {
		return nil, fmt.Errorf("reading the standard input: %w", err)
	}
	return []Source{{Name: "<stdin>", Text: text}}, nil
}

// fromDisk reads a file, or the files below a directory with one of the extensions, in the order of
// their names.
func fromDisk(name string, extensions []string) ([]Source, error) {
	var (
		sources []Source
		unread  []error
	)
	err := filepath.WalkDir(name, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			unread = append(unread, err)
			return nil
		}
		known := slices.Contains(extensions, strings.ToLower(filepath.Ext(path)))
		if entry.IsDir() || path != name && !known {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			unread = append(unread, err)
			return nil
		}
		sources = append(sources, Source{path, text, path != name})
		return nil
	})
	if err = errors.Join(append(unread, err)...); err != nil {
		return sources, fmt.Errorf("reading manifests: %w", err)
	}
	return sources, nil
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
