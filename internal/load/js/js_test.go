package js_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/js"
)

// files reads from a map.
func files(m map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := m[name]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
		}
		return []byte(text), nil
	}
}

func load(t *testing.T, text string) *js.Runtime {
	t.Helper()
	return loadAll(t, "p.js", map[string]string{"p.js": text}, js.Options{})
}

func loadAll(t *testing.T, main string, m map[string]string, o js.Options) *js.Runtime {
	t.Helper()
	p, err := js.Load(main, files(m))
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Runtime(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func step(t *testing.T, r *js.Runtime, name string, vars map[string]any) map[string]any {
	t.Helper()
	if vars == nil {
		vars = map[string]any{}
	}
	if _, err := r.Call(&js.Call{Function: name, Vars: vars}); err != nil {
		t.Fatal(err)
	}
	return vars
}

func TestAFunctionSetsVariablesAndCallsDone(t *testing.T) {
	r := load(t, `module.exports = { set }; function set(ctx, events, done) { ctx.vars.id = ctx.vars.base + 1; ctx.vars.list = [1, 'a', {b: null}]; return done(); }`)
	got := step(t, r, "set", map[string]any{"base": int64(41), "other": "kept"})
	want := map[string]any{"base": int64(41), "other": "kept", "id": int64(42), "list": []any{int64(1), "a", map[string]any{"b": nil}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFsIsRefusedByNameWhenLoaded(t *testing.T) {
	_, err := js.Load("p.js", files(map[string]string{"p.js": "\nconst fs = require('fs');\n"}))
	if err == nil || !strings.HasPrefix(err.Error(), `p.js:2:12: require("fs"): a processor reads and writes no files`) {
		t.Errorf("%v", err)
	}
	var _ js.Errors
	var list js.Errors
	if !errors.As(err, &list) || len(list) != 1 || list[0].Line != 2 {
		t.Errorf("%#v", err)
	}
}

var _ = []any{rand.New, time.Second}
