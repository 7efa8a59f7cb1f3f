package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestAPauseIsNeverTooShort(t *testing.T) {
	w := seed(t)
	w.Until(w.Now.Add(time.Minute), func() {})
	w.Now = w.Now.Truncate(time.Second).Add(900 * time.Millisecond)
	w.Apply(func(ro *api.Rollout) { ro.Spec.Template.Spec.Containers[0].Env[0].Value = "2" })
	var began time.Time
	for end := w.Now.Add(time.Minute); w.Now.Before(end); w.Now = w.Now.Add(100 * time.Millisecond) {
		for w.Turn() {
			if s := w.Rollout().Status; len(s.PauseConditions) > 0 && began.IsZero() {
				began = w.Now
			}
		}
		if s := w.Rollout().Status; !began.IsZero() && len(s.PauseConditions) == 0 {
			if took := w.Now.Sub(began); took < time.Second {
				t.Errorf("a pause of 1 s ended after %s", took)
			}
			return
		}
	}
	t.Fatal("no pause began and ended")
}
