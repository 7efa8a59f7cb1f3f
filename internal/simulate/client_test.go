package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	api "sluice.dev/sluice/api/v1alpha1"
)

// request is one patch as a client sends it over the wire.
type request struct {
	status bool   // to the status subresource, else to the object
	list   bool   // a JSON patch (RFC 6902), else a merge patch (RFC 7386)
	body   string // JSON
}

func onStatus(format string, args ...any) request {
	return request{status: true, body: fmt.Sprintf(format, args...)}
}

func onSpec(format string, args ...any) request {
	return request{body: fmt.Sprintf(format, args...)}
}

var errRefused = errors.New("the server refuses the patch")

// send does with a patch what an API server does: a status subresource takes the status alone, the
// object everything but that; a version in the patch must be the present one; a patch that changes
// nothing is no write.
func send(w *World, r request) error {
	old, err := json.Marshal(w.Rollout())
	if err != nil {
		return err
	}
	var raw []byte
	if r.list {
		var list jsonpatch.Patch
		if list, err = jsonpatch.DecodePatch([]byte(r.body)); err == nil {
			raw, err = list.Apply(old)
		}
	} else {
		raw, err = jsonpatch.MergePatch(old, []byte(r.body))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	var next api.Rollout
	if err := json.Unmarshal(raw, &next); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	now := w.Rollout()
	if next.ResourceVersion != now.ResourceVersion {
		return ErrConflict
	}
	if r.status {
		next.Spec, next.ObjectMeta = now.Spec, now.ObjectMeta
	} else {
		next.Status = now.Status
	}
	if !sameJSON(now, next) {
		w.Apply(func(ro *api.Rollout) { *ro = next })
	}
	return nil
}

// does sends the patches of one command, and says so in the transcript.
func does(t *testing.T, w *World, tr *Transcript, what string, requests ...request) {
	t.Helper()
	tr.Say("%s", what)
	for _, r := range requests {
		if err := send(w, r); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// The patches of the reference's kubectl plugin and of Argo CD's actions. Those that depend on the
// state are built from what the client has read.

func abort() request         { return onStatus(`{"status":{"abort":true}}`) }
func retry() request         { return onStatus(`{"status":{"abort":false}}`) }
func retryByArgoCD() request { return onStatus(`{"status":{"abort":null}}`) }
func pause() request         { return onSpec(`{"spec":{"paused":true}}`) }
func unpause() request       { return onSpec(`{"spec":{"paused":false}}`) }
func clearPause() request    { return onStatus(`{"status":{"pauseConditions":null}}`) }
func promoteFull() request   { return onStatus(`{"status":{"promoteFull":true}}`) }
func scale(n int) request    { return onSpec(`{"spec":{"replicas":%d}}`, n) }

// skip goes to the step after the one that was read, as promote does while nothing is paused.
func skip(read *api.Rollout) request {
	return onStatus(`{"status":{"pauseConditions":null,"currentStepIndex":%d}}`, min(stepOf(read)+1, len(read.Spec.Strategy.Canary.Steps)))
}

// skipAll goes to the end of the steps, as promote --skip-all-steps does.
func skipAll(read *api.Rollout) request {
	return onStatus(`{"status":{"pauseConditions":null,"currentStepIndex":%d}}`, len(read.Spec.Strategy.Canary.Steps))
}

// promote is the plugin's: what it sends depends on what holds the rollout.
func promote(read *api.Rollout) (all []request) {
	if read.Spec.Paused {
		all = append(all, unpause())
	}
	s := read.Status
	switch {
	case undecided(s) && s.ControllerPause:
		return append(all, onStatus(`{"status":{"pauseConditions":null,"controllerPause":false,"currentStepIndex":%d}}`, stepOf(read)+1))
	case len(s.PauseConditions) > 0:
		return append(all, clearPause())
	}
	return append(all, skip(read))
}

// promoteFullWhileRead is the plugin's promote --full: of a promoted rollout it only ends the pause.
func promoteFullWhileRead(read *api.Rollout) (all []request) {
	if read.Spec.Paused {
		all = append(all, unpause())
	}
	if read.Status.CurrentPodHash != read.Status.StableRS {
		all = append(all, promoteFull())
	}
	return all
}

// resume is Argo CD's action.
func resume() []request { return []request{unpause(), clearPause()} }

// setImage is how the plugin's set image ends up: containers is a list, so a merge patch has all of it.
func setVersion(read *api.Rollout, version string) request {
	template := read.Spec.Template.DeepCopy()
	template.Spec.Containers[0].Env[0].Value = version
	raw, err := json.Marshal(template.Spec.Containers)
	if err != nil {
		panic(err)
	}
	return onSpec(`{"spec":{"template":{"spec":{"containers":%s}}}}`, raw)
}

// undo is the plugin's: a JSON patch with the template of an older ReplicaSet.
func undo(t *testing.T, w *World, hash string) request {
	t.Helper()
	for _, s := range w.sets {
		if s.Hash != hash {
			continue
		}
		template := s.Template.DeepCopy()
		delete(template.Labels, api.LabelPodTemplateHash)
		raw, err := json.Marshal(template)
		if err != nil {
			t.Fatal(err)
		}
		return request{list: true, body: fmt.Sprintf(`[{"op":"replace","path":"/spec/template","value":%s}]`, raw)}
	}
	t.Fatalf("no ReplicaSet %s", hash)
	return request{}
}

func stepOf(read *api.Rollout) int {
	if i := read.Status.CurrentStepIndex; i != nil {
		return int(*i)
	}
	return 0
}

func undecided(s api.RolloutStatus) bool {
	step, background := s.Canary.CurrentStepAnalysisRunStatus, s.Canary.CurrentBackgroundAnalysisRunStatus
	return (step != nil && step.Status == api.AnalysisPhaseInconclusive) ||
		(background != nil && background.Status == api.AnalysisPhaseInconclusive)
}

// versioned adds the version that was read to a merge patch.
func (r request) versioned(read *api.Rollout) request {
	with := fmt.Sprintf(`{"metadata":{"resourceVersion":%q}}`, read.ResourceVersion)
	body, err := jsonpatch.MergeMergePatches([]byte(r.body), []byte(with))
	if err != nil {
		panic(err)
	}
	r.body = string(body)
	return r
}

func TestAPatchIsTakenAsAServerTakesIt(t *testing.T) {
	tests := []struct {
		name string
		send func(*World) error
		want error
		then func(*api.Rollout) bool
	}{
		{"the status subresource leaves the spec alone", func(w *World) error {
			return send(w, onStatus(`{"spec":{"paused":true},"status":{"abort":true}}`))
		}, nil, func(ro *api.Rollout) bool { return ro.Status.Abort && !ro.Spec.Paused }},
		{"the object leaves the status alone", func(w *World) error {
			return send(w, onSpec(`{"spec":{"paused":true},"status":{"abort":true}}`))
		}, nil, func(ro *api.Rollout) bool { return !ro.Status.Abort && ro.Spec.Paused }},
		{"null removes", func(w *World) error {
			w.Apply(func(ro *api.Rollout) { ro.Status.Abort = true })
			return send(w, retryByArgoCD())
		}, nil, func(ro *api.Rollout) bool { return !ro.Status.Abort }},
		{"the version that is there is taken", func(w *World) error {
			return send(w, abort().versioned(w.Rollout()))
		}, nil, func(ro *api.Rollout) bool { return ro.Status.Abort }},
		{"another version is refused", func(w *World) error {
			read := w.Rollout()
			w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = true })
			return send(w, abort().versioned(read))
		}, ErrConflict, func(ro *api.Rollout) bool { return !ro.Status.Abort }},
		{"what changes nothing is no write", func(w *World) error {
			before := w.Rollout().ResourceVersion
			if err := send(w, unpause()); err != nil || w.Rollout().ResourceVersion != before {
				return fmt.Errorf("version %s after %s: %w", w.Rollout().ResourceVersion, before, err)
			}
			return nil
		}, nil, func(ro *api.Rollout) bool { return !ro.Spec.Paused }},
		{"a value of another type is refused", func(w *World) error {
			return send(w, onStatus(`{"status":{"abort":"yes"}}`))
		}, errRefused, func(ro *api.Rollout) bool { return !ro.Status.Abort }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := seed(t)
			w.Until(w.Now.Add(time.Minute), func() {})
			if err := test.send(w); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if !test.then(w.Rollout()) {
				t.Errorf("spec.paused %v, status.abort %v", w.Rollout().Spec.Paused, w.Rollout().Status.Abort)
			}
		})
	}
}
