package image

import (
	"debug/elf"
	"fmt"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// architectures are Go's names of the machines an ELF file can be for.
var architectures = map[elf.Machine]string{
	elf.EM_X86_64:  "amd64",
	elf.EM_AARCH64: "arm64",
	elf.EM_PPC64:   "ppc64le",
	elf.EM_S390:    "s390x",
	elf.EM_RISCV:   "riscv64",
}

// platformOf reads the platform from the binaries themselves, so that an image
// cannot claim another one than it runs on.
func platformOf(binaries []Binary, files []File) (v1.Platform, error) {
	var arch string
	for _, b := range binaries {
		a, err := architectureOf(b.Path, files)
		if err != nil {
			return v1.Platform{}, err
		}
		if arch != "" && a != arch {
			return v1.Platform{}, fmt.Errorf("%s is for %s, %s is for %s", binaries[0].Path, arch, b.Path, a)
		}
		arch = a
	}
	return v1.Platform{OS: "linux", Architecture: arch}, nil
}

func architectureOf(path string, files []File) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s is not a Linux program: %w", path, err)
	}
	defer f.Close()
	if err := startable(f, path, files); err != nil {
		return "", err
	}
	arch, ok := architectures[f.Machine]
	if !ok {
		return "", fmt.Errorf("%s is for %s, which is not supported", path, f.Machine)
	}
	return arch, nil
}

// startable checks that a program finds in the image what it is linked to: a static one needs
// nothing, another one its loader and its libraries among the files.
func startable(f *elf.File, name string, files []File) error {
	brought := map[string]bool{}
	for _, file := range files {
		brought[file.Target] = true
		brought[path.Base(file.Target)] = true
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader := make([]byte, p.Filesz)
		if _, err := p.ReadAt(loader, 0); err != nil {
			return fmt.Errorf("reading the loader of %s: %w", name, err)
		}
		if target := strings.TrimRight(string(loader), "\x00"); !brought[target] {
			return fmt.Errorf("%s is dynamically linked and would not start in an image without %s; build it with CGO_ENABLED=0 or bring its loader and libraries as files", name, target)
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("reading the libraries of %s: %w", name, err)
	}
	for _, library := range libraries {
		if !brought[library] {
			return fmt.Errorf("%s is dynamically linked to %s, which is not among the image's files", name, library)
		}
	}
	return nil
}
