package result

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// DefaultPath is where Kubernetes reads a container's termination message.
const DefaultPath = "/dev/termination-log"

// File is where a result goes, again and again until the test is over.
type File struct {
	path string
	// ours says that the file is made when it is not there.
	ours bool
}

// TerminationLog is the container's termination message; outside a container,
// where the file does not exist, nothing is written.
func TerminationLog() File { return File{path: DefaultPath} }

// FileAt is a file that somebody asked for.
func FileAt(path string) File { return File{path: path, ours: true} }

// Write replaces what the file holds. The file is a mount that nothing may be
// renamed over, and this process may be killed at any moment: so the new text goes
// over the old one in a single write, padded with blanks to the old length, and
// the file is cut afterwards. Whoever reads it finds the one or the other.
func (f File) Write(text []byte) error {
	flags := os.O_WRONLY
	if f.ours {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(f.path, flags, 0o644) //nolint:gosec // the kubelet reads it as another user
	if errors.Is(err, fs.ErrNotExist) && !f.ours {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	if err := errors.Join(replace(file, text), file.Close()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

func replace(file *os.File, text []byte) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		_, err := file.Write(text)
		return err // a pipe or a terminal cannot be cut
	}
	padded := append([]byte(nil), text...)
	for int64(len(padded)) < min(info.Size(), MaxBudget) {
		padded = append(padded, ' ')
	}
	if _, err := file.Write(padded); err != nil {
		return err
	}
	return file.Truncate(int64(len(text)))
}
