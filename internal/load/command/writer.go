package command

import (
	"io"
	"sync"
)

// shared is a writer that several goroutines write to, a whole text each.
type shared struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
