package vu

import (
	"context"
	"errors"
	"time"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/script"
)

func (u *user) walk(ctx context.Context, steps []script.Step) error {
	for _, step := range steps {
		var err error
		if step.Request != nil {
			err = u.send(ctx, step.Request)
		} else {
			err = u.think(ctx, step.Think)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errThink = errors.New("the pause is not a duration")

// think waits; the next request is intended for the end of the pause.
func (u *user) think(ctx context.Context, t *script.Think) error {
	d := t.Fixed
	if !t.Text.IsStatic() {
		var ok bool
		if d, ok = script.ParseSeconds(t.Text.String(&u.scope)); !ok {
			u.failed(httpx.Script)
			return errThink
		}
	}
	u.intended = u.intended.Add(d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
