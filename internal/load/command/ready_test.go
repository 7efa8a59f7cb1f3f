package command

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAGeneratorIsReadyWhenItsBeforeFlowIsDone, and not before; nothing of its load is sent until it is told to.
func TestAGeneratorIsReadyWhenItsBeforeFlowIsDone(t *testing.T) {
	ready, start := filepath.Join(t.TempDir(), "ready"), filepath.Join(t.TempDir(), "start")
	asked := func() int { return execute(t, seed, call{args: []string{"sluice-load", "ready", ready}}).code }
	early := make(chan int, 1)
	loaded := make(chan bool, 64)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			time.Sleep(50 * time.Millisecond)
			early <- asked()
			return
		}
		_, err := os.Stat(start)
		loaded <- err == nil
	}))
	t.Cleanup(s.Close)
	go func() {
		for range 500 {
			if asked() == exitOK {
				_ = os.WriteFile(start, []byte(time.Now().Add(100*time.Millisecond).Format(time.RFC3339Nano)), 0o600)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	script := "config: {phases: [{duration: 1, arrivalRate: 3}]}\nbefore: {flow: [{get: {url: /login}}]}\nscenarios: [{flow: [{get: {url: /}}]}]\n"
	got := execute(t, script, call{args: []string{"sluice-load", "run", "-q", "-t", s.URL, "--ready-file", ready, "--start-file", start, "--start-within", "10s", "FILE"}})
	close(loaded)
	if code := <-early; code != exitFailed {
		t.Errorf("during its before flow it is ready with exit code %d", code)
	}
	if got.code != exitOK || len(loaded) != 3 {
		t.Errorf("exit code %d, %d requests\n%s", got.code, len(loaded), got.err)
	}
	for told := range loaded {
		if !told {
			t.Error("it began before it was told to")
		}
	}
}

func TestAReadyFileThatCannotBeWrittenEndsTheRun(t *testing.T) {
	s := newTarget(t, http.StatusOK)
	got := execute(t, seed, call{args: []string{"sluice-load", "run", "-q", "-t", s.URL, "--ready-file", filepath.Join(t.TempDir(), "no", "ready"), "FILE"}})
	if got.code != exitInconclusive || len(s.asked) != 0 {
		t.Errorf("exit code %d, asked %v, %q", got.code, s.asked, got.result.Why)
	}
}
