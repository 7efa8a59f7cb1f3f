package localkube

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// kubeletSysctls are settings of the whole machine that a kubelet changes, and
// to what; no namespace hides them.
var kubeletSysctls = map[string]string{
	"vm/overcommit_memory":      "1",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// saveSysctls notes in file what the kubelet is going to change. A value that is
// already the kubelet's was set by a cluster, perhaps this one before a crash:
// what the file says about it stays.
func saveSysctls(root, file string) error {
	saved, err := readSysctls(file)
	if err != nil {
		return err
	}
	for name, kubelets := range kubeletSysctls {
		data, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("saving kernel settings: %w", err)
		}
		if value := strings.TrimSpace(string(data)); value != kubelets {
			saved[name] = value
		}
	}
	data, err := json.Marshal(saved)
	if err != nil {
		return fmt.Errorf("saving kernel settings: %w", err)
	}
	return writeFile(file, data, 0o644)
}

// restoreSysctls sets back what saveSysctls noted, unless somebody else has
// changed it since, and forgets it.
func restoreSysctls(root, file string) error {
	saved, err := readSysctls(file)
	if err != nil {
		return err
	}
	for name, value := range saved {
		path := filepath.Join(root, name)
		now, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("restoring kernel settings: %w", err)
		}
		if strings.TrimSpace(string(now)) != kubeletSysctls[name] {
			continue
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("restoring kernel settings: %w", err)
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forgetting saved kernel settings: %w", err)
	}
	return nil
}

func readSysctls(file string) (map[string]string, error) {
	saved := map[string]string{}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return saved, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading saved kernel settings: %w", err)
	}
	if err := json.Unmarshal(data, &saved); err != nil {
		return nil, fmt.Errorf("reading saved kernel settings: %w", err)
	}
	return saved, nil
}
