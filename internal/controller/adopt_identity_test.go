package controller_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/controller"
)

// foreignHashes rename the hashes of the "paused" recording to those of a controller that computes others.
var foreignHashes = []string{pausedStable, "foreignold", pausedCanary, "foreignnew"}

// rehearsals lets a test have the server's answers about templates fail.
type rehearsals struct{ refused atomic.Bool }

func (r *rehearsals) fail() func(*controller.Options) {
	r.refused.Store(true)
	return over(wire{seen: func(request *http.Request) error {
		if r.refused.Load() && request.URL.Query().Get("dryRun") != "" {
			return errors.New("the webhook does not answer")
		}
		return nil
	}})
}

func TestReplicaSetsHashedByAnotherVersionAreRecognised(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change []func(*controller.Options)
	}{
		{name: "from the server's defaulting of the template"},
		{name: "from the status, while the server cannot be asked", change: []func(*controller.Options){new(rehearsals).fail()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.load("paused", foreignHashes...)
			before := p.world()
			wrote := p.takeOver(c.change...)
			if diff := cmp.Diff([]string(nil), changes(before, p.world())); diff != "" || wrote > 0 {
				t.Errorf("%d writes; what changed (-want +got):\n%s", wrote, diff)
			}
			p.record()
			p.patch("paused", resume, true)
			p.reaches("paused", "Paused CanaryPauseStep", 3)
			p.haveSizes(map[string]int32{"foreignold": 2, "foreignnew": 2})
		})
	}
}

// TestATemplateThatMayBeAnOldOneWaitsForTheServer: the spec was changed while no controller ran, so the
// status proves nothing, and the server cannot be asked.
func TestATemplateThatMayBeAnOldOneWaitsForTheServer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.load("paused", foreignHashes...)
	p.patch("paused", `{"spec":{"replicas":5}}`, false)
	server := &rehearsals{}
	p.record()
	p.takeOver(server.fail())
	r := p.rollout("paused")
	if !strings.Contains(r.Status.Message, "Waiting for the API server") || !strings.Contains(r.Status.Message, "the webhook does not answer") {
		t.Errorf("the message is %q", r.Status.Message)
	}
	if diff := cmp.Diff(map[string]int32{"foreignold": 4, "foreignnew": 1}, p.sizes()); diff != "" {
		t.Errorf("sizes while it waits, of 5 wanted (-want +got):\n%s", diff)
	}
	server.refused.Store(false)
	p.reaches("paused", "Paused CanaryPauseStep", 1)
	p.haveSizes(map[string]int32{"foreignold": 4, "foreignnew": 1})
}

func TestAnUpdateDoesNotWaitForAServerThatCannotTell(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.load("paused", foreignHashes...)
	p.record()
	p.takeOver(new(rehearsals).fail())
	p.patch("paused", `{"spec":{"template":{"metadata":{"annotations":{"release":"3"}}}}}`, false)
	r := p.reaches("paused", "Paused CanaryPauseStep", 1)
	p.haveSizes(map[string]int32{"foreignold": 3, "foreignnew": 0, r.Status.CurrentPodHash: 1})
}

func TestStepsHashedByAnotherVersionGoOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.load("paused", "6878d844fd", "foreignsteps")
	before := p.world()
	wrote := p.takeOver()
	want := []string{"Rollout paused: metadata.resourceVersion", "Rollout paused: status.currentStepHash"}
	if diff := cmp.Diff(want, changes(before, p.world())); diff != "" || wrote != 1 {
		t.Errorf("%d writes; what changed (-want +got):\n%s", wrote, diff)
	}
}
