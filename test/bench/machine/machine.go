// Package machine says what else the machine does while something is measured.
package machine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Load is the kernel's three averages: numbers from a busy machine mean little.
func Load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(raw))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return fmt.Sprintf("%s on %d cores", strings.Join(fields[:3], " "), runtime.NumCPU())
}
