package js_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/js"
)

// Whatever a function does, its call ends soon, and the next one works.
func TestCallsAreBounded(t *testing.T) {
	const big = "more than processors may keep"
	for name, c := range map[string]struct{ body, want string }{
		"an endless loop":         {`for (;;) {}`, "it took longer than 200ms"},
		"an endless loop, caught": {`for (;;) { try { for (;;) {} } catch (e) {} finally { for (;;) {} } }`, "it took longer than 200ms"},
		"endless promises":        {`const again = () => Promise.resolve().then(again); again();`, "it took longer than 200ms"},
		"an endless async loop":   {`(async () => { for (;;) await null; })();`, "it took longer than 200ms"},
		"an endless iterator":     {`[...{ [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }];`, ""},
		"endless calls":           {`const g = () => g() + 1; g();`, "too deeply"},
		"endless getters":         {`const o = { get a() { return this.a; } }; o.a;`, "too deeply"},
		"endless callbacks":       {`const g = () => [1].map(g); g();`, "too deeply"},
		"endless text":            {`let s = 'x'; for (;;) s += s;`, ""},
		"endless lists":           {`const a = []; for (;;) a.push(new Array(1000).fill('x'));`, ""},
		"a long repeat":           {`'x'.repeat(1e9);`, "repeat: " + big},
		"a long pad":              {`'x'.padEnd(1e9);`, "padEnd: " + big},
		"a long fill":             {`new Array(4294967295).fill(0);`, "fill: " + big},
		"a long join":             {`new Array(4294967295).join('x');`, "join: " + big},
		"a long Array.from":       {`Array.from({ length: 1e12 });`, "from: " + big},
		"a large buffer":          {`new ArrayBuffer(1e12);`, "ArrayBuffer: " + big},
		"a large typed array":     {`new Float64Array(1e10);`, "Float64Array: " + big},
		"a large Buffer":          {`Buffer.alloc(1e12);`, big},
		"a large apply":           {`Math.max.apply(null, { length: 1e9 });`, "apply: " + big},
		"process.exit":            {`process.exit(0);`, "process.exit is not supported"},
		"a timer under its alias": {`const t = globalThis['set' + 'Timeout']; t(() => {}, 5);`, "timers are not supported"},
		"eval":                    {`eval('for (;;) {}');`, "it took longer than 200ms"},
		"deep JSON":               {`let a = []; for (let i = 0; i < 1e4; i++) a = [a]; JSON.stringify(a); throw 1;`, ""},
		"a deep variable":         {`let a = []; for (let i = 0; i < 300; i++) a = [a]; ctx.vars.a = a;`, "nested more than 200 deep"},
		"a wide variable":         {`ctx.vars.a = new Array(2e6);`, "a list is longer than"},
		"a getter that throws":    {`ctx.vars.a = { get b() { throw new Error('got'); } };`, "got"},
		"a proxy that throws":     {`ctx.vars.a = new Proxy({}, { ownKeys() { throw new Error('trap'); } });`, "trap"},
		"an error without a text": {`throw { toString() { throw 1; } };`, "an error that cannot be shown"},
		"a symbol thrown":         {`throw Symbol('s');`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := loadAll(t, map[string]string{"p.js": `exports.f = (ctx) => {` + c.body + `}; exports.fine = (ctx) => { ctx.vars.ok = true; };`},
				js.Options{Limit: 200 * time.Millisecond})
			started := time.Now()
			_, err := r.Call(&js.Call{Function: "f", Vars: map[string]any{}})
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			var thrown *js.Thrown
			if !errors.As(err, &thrown) || !strings.Contains(thrown.Text, c.want) {
				t.Errorf("%v", err)
			}
			if thrown != nil && len(thrown.Name) > 300 {
				t.Errorf("the name has %d bytes", len(thrown.Name))
			}
			if step(t, r, "fine", nil)["ok"] != true {
				t.Error("the next call does not work")
			}
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	lines, longest := 0, 0
	r := loadAll(t, map[string]string{"p.js": `exports.f = () => { console.log('x'.repeat(1e6)); for (let i = 0; i < 12000; i++) console.log(i); }`},
		js.Options{Limit: 20 * time.Second, Log: func(line string) { lines++; longest = max(longest, len(line)) }})
	step(t, r, "f", nil)
	if lines != 10001 || longest > 9000 {
		t.Errorf("%d lines, the longest of %d bytes", lines, longest)
	}
}

func TestCallsFromManyGoroutinesWaitForEachOther(t *testing.T) {
	r := load(t, `let n = 0; exports.next = (ctx) => { const was = n; for (let i = 0; i < 100; i++); n = was + 1; ctx.vars.n = n; }`)
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for range 50 {
				if _, err := r.Call(&js.Call{Function: "next", Vars: map[string]any{}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := step(t, r, "next", nil)["n"]; got != int64(4*runtime.GOMAXPROCS(0)*50+1) {
		t.Errorf("n = %v", got)
	}
}

func TestNoTimerIsLeftBehind(t *testing.T) {
	r := load(t, `exports.f = () => {};`)
	before := runtime.NumGoroutine()
	for range 1000 {
		step(t, r, "f", nil)
	}
	if after := runtime.NumGoroutine(); after > before+5 {
		t.Errorf("%d goroutines, there were %d", after, before)
	}
}

// No text makes loading panic or hang, and what loads can be called.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		`module.exports = { f(ctx, events, done) { ctx.vars.x = 1; done(); } }`, `export const f = async (ctx) => { ctx.vars.x = await 1; }`,
		`import a, { b as c } from './q.js'; export * from './q'; export { c }; export default function () {}`,
		"const s = `a${ `b${1}` }c`; const r = /[/]\\//g; // x\n/* y */ exports.f = () => { throw s }", `export default class extends Array {}`,
		`exports.f = (c, e, d) => { c.vars.a = c; d(new Error(c.vars)) }`, "#!x\n'use strict'; with", "\ufeffimport.meta; import('x')", `export {`, `import * as`,
		`require(require('./q.js'))`, `exports.f = function* () { yield 1 }`, `new Proxy({}, {get: () => f})`, "a = b\n/c/g.exec(x)", "x\n=> {}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := js.Load("p.js", files(map[string]string{"p.js": text, "q.js": "exports.b = 1"}))
		if err != nil {
			var list js.Errors
			if !errors.As(err, &list) || len(list) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		r, err := p.Runtime(js.Options{Limit: 50 * time.Millisecond, Environ: []string{}})
		if err != nil {
			return // what it does at its top may go by chance or by the clock
		}
		for _, name := range p.Functions() {
			for kind := js.Step; kind <= js.If; kind++ {
				call := &js.Call{Function: name, Kind: kind, Vars: map[string]any{"a": []any{1.0}}, Request: &js.Request{URL: "/"}, Response: &js.Response{}}
				if _, err := r.Call(call); err != nil && !errors.As(err, new(*js.Thrown)) {
					t.Fatalf("%T: %v", err, err)
				}
			}
		}
	})
}
