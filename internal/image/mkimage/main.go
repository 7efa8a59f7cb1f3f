// Command mkimage writes an image archive, or an OCI layout, that holds static
// binaries:
//
//	mkimage -o out.tar -t NAME:TAG [-alias run=sluice-load] [-file src:/dst] BINARY...
package main

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"sluice.dev/sluice/internal/image"
)

type options struct {
	out, tag, layout string
	spec             image.Spec
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(2)
	}
	if err := write(o); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	o := options{spec: image.Spec{Labels: map[string]string{}}}
	var aliases []string
	flags := flag.NewFlagSet("mkimage", flag.ContinueOnError)
	flags.StringVar(&o.out, "o", "", "write an archive for `ctr images import` to this `file`")
	flags.StringVar(&o.layout, "layout", "", "write an OCI image layout to this `directory`")
	flags.StringVar(&o.tag, "t", "", "`name:tag` of the image")
	flags.StringVar(&o.spec.User, "user", "", "`uid:gid` to run as (65532:65532)")
	flags.Func("alias", "another `name=binary` in the image; may be repeated", func(s string) error {
		aliases = append(aliases, s)
		return nil
	})
	flags.Func("file", "a file to add, `source:/target`; may be repeated", func(s string) error {
		source, target, ok := strings.Cut(s, ":")
		if !ok {
			return fmt.Errorf("must be source:/target")
		}
		o.spec.Files = append(o.spec.Files, image.File{Source: source, Target: target})
		return nil
	})
	flags.Func("env", "`NAME=value` to set; may be repeated", func(s string) error {
		o.spec.Env = append(o.spec.Env, s)
		return nil
	})
	flags.Func("label", "`name=value` to label the image with; may be repeated", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("must be name=value")
		}
		o.spec.Labels[k] = v
		return nil
	})
	entrypoint := flags.String("entrypoint", "", "`words` to start with, split at spaces (the first binary)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.spec.Entrypoint = strings.Fields(*entrypoint)
	for _, p := range flags.Args() {
		o.spec.Binaries = append(o.spec.Binaries, image.Binary{Path: p})
	}
	if o.tag == "" || (o.out == "" && o.layout == "") {
		return o, fmt.Errorf("needs -t and one of -o and -layout")
	}
	return o, addAliases(o.spec.Binaries, aliases)
}

// addAliases gives each name=binary to the binary it means, by its name in the
// image; with or without a leading directory.
func addAliases(binaries []image.Binary, aliases []string) error {
	for _, a := range aliases {
		alias, target, ok := strings.Cut(a, "=")
		if !ok || alias == "" {
			return fmt.Errorf("-alias %s: must be name=binary", a)
		}
		found := false
		for i := range binaries {
			if filepath.Base(binaries[i].Path) == path.Base(target) {
				binaries[i].Aliases = append(binaries[i].Aliases, alias)
				found = true
			}
		}
		if !found {
			return fmt.Errorf("-alias %s: no binary is called %s", a, path.Base(target))
		}
	}
	return nil
}

func write(o options) error {
	img, err := image.Build(o.spec)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := image.WriteArchive(o.out, o.tag, img); err != nil {
			return err
		}
	}
	if o.layout != "" {
		return image.WriteLayout(o.layout, map[string][]v1.Image{o.tag: {img}})
	}
	return nil
}
