package image

import (
	"debug/elf"
	"fmt"

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
func platformOf(binaries []Binary) (v1.Platform, error) {
	var arch string
	for _, b := range binaries {
		a, err := architectureOf(b.Path)
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

func architectureOf(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s is not a Linux program: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%s is dynamically linked and would not start in an image without libraries; build it with CGO_ENABLED=0", path)
		}
	}
	arch, ok := architectures[f.Machine]
	if !ok {
		return "", fmt.Errorf("%s is for %s, which is not supported", path, f.Machine)
	}
	return arch, nil
}
