package js_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/js"
)

// files reads from a map.
func files(m map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := m[path.Clean(name)]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
		}
		return []byte(text), nil
	}
}

func load(t *testing.T, text string) *js.Runtime {
	t.Helper()
	return loadAll(t, map[string]string{"p.js": text}, js.Options{})
}

// loadAll loads p.js with the files beside it.
func loadAll(t *testing.T, m map[string]string, o js.Options) *js.Runtime {
	t.Helper()
	p, err := js.Load("p.js", files(m))
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
	r := load(t, `module.exports = { set };
		function set(ctx, events, done) {
			ctx.vars.id = ctx.vars.base + 1;
			ctx.vars.list = [1, 'a', {b: null}];
			ctx.vars.half = 0.5;
			delete ctx.vars.gone;
			ctx.vars.deep.inside.push(3);
			return done();
		}`)
	got := step(t, r, "set", map[string]any{
		"base": int64(41), "other": "kept", "gone": true, "deep": map[string]any{"inside": []any{int64(1), int64(2)}},
	})
	want := map[string]any{
		"base": int64(41), "other": "kept", "id": int64(42), "list": []any{int64(1), "a", map[string]any{"b": nil}}, "half": 0.5,
		"deep": map[string]any{"inside": []any{int64(1), int64(2), int64(3)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The ways in which a function may end, and what each means.
func TestHowAFunctionEnds(t *testing.T) {
	const pending = "asynchronous work such as timers and network is not supported"
	for name, c := range map[string]struct{ body, name, text string }{
		"done is called":                   {`function f(ctx, events, done) { done(); }`, "", ""},
		"done is called with null":         {`function f(ctx, events, done) { done(null, 5); }`, "", ""},
		"it takes no done and returns":     {`function f(ctx) { ctx.vars.x = 1; }`, "", ""},
		"an async function returns":        {`async function f(ctx) { ctx.vars.x = await Promise.resolve(1); }`, "", ""},
		"an async arrow returns":           {`const f = async (ctx) => { await null; };`, "", ""},
		"an async function calls done too": {`async function f(ctx, events, done) { await null; done(); }`, "", ""},
		"a promise leads to done":          {`function f(ctx, events, done) { Promise.resolve().then(() => done()); }`, "", ""},
		"nextTick leads to done":           {`function f(ctx, events, done) { process.nextTick(done); }`, "", ""},
		"done is called twice":             {`function f(ctx, events, done) { done(); done(new Error('late')); }`, "", ""},
		"done is told an error":            {`function f(ctx, events, done) { done(new Error('no stock')); }`, "no stock", "f: no stock"},
		"done is told a text":              {`function f(ctx, events, done) { done('no stock'); }`, "no stock", "f: no stock"},
		"done is told a coded error":       {`function f(ctx, events, done) { const e = new Error('m'); e.code = 'E_X'; done(e); }`, "E_X", "f: m"},
		"it throws":                        {`function f(ctx) { throw new TypeError('bad'); }`, "bad", "f: bad (p.js:1:25)"},
		"it throws a text":                 {`function f(ctx) { throw 'bad'; }`, "bad", "f: bad"},
		"it throws undefined":              {`function f(ctx) { throw undefined; }`, "undefined", "f: undefined"},
		"an async function throws":         {`async function f(ctx) { await null; throw new Error('later'); }`, "later", "f: later"},
		"a rejected promise":               {`function f() { return Promise.reject(new Error('no')); }`, "no", "f: no"},
		"what it names is not there":       {`function f(ctx) { ctx.vars.a.b = 1; }`, "Cannot convert undefined", "p.js:1:"},
		"done is never called":             {`function f(ctx, events, done) { }`, "f: it returned without calling done", pending},
		"a promise stays pending":          {`function f() { return new Promise(() => {}); }`, "f: it has not ended", pending},
		"an async function stays pending":  {`async function f() { await new Promise(() => {}); }`, "f: it has not ended", pending},
		"a value holds itself":             {`function f(ctx) { const a = {}; a.a = a; ctx.vars.a = a; }`, "f: variable a: a value holds itself", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, c.body+` module.exports = { f };`)
			_, err := r.Call(&js.Call{Function: "f", Vars: map[string]any{}})
			var thrown *js.Thrown
			if c.name == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.As(err, &thrown) {
				t.Fatalf("%v", err)
			}
			if !strings.HasPrefix(thrown.Name, c.name) || !strings.Contains(thrown.Text, c.text) {
				t.Errorf("name %q, text %q", thrown.Name, thrown.Text)
			}
		})
	}
}

func TestAnUnknownFunctionIsAnError(t *testing.T) {
	r := load(t, `exports.here = () => {}; exports.number = 5;`)
	for _, name := range []string{"gone", "number"} {
		_, err := r.Call(&js.Call{Function: name})
		var thrown *js.Thrown
		if !errors.As(err, &thrown) || thrown.Name != `Undefined function "`+name+`"` {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHooksSeeAndChangeTheRequest(t *testing.T) {
	r := load(t, `exports.before = (req, ctx, events, done) => {
		ctx.vars.saw = JSON.parse(JSON.stringify(req));
		req.url = req.url + '?x={{ y }}';
		req.headers['X-Sign'] = 7;
		req.headers.gone = undefined;
		delete req.headers.old;
		req.json = { items: [1, '{{ z }}'] };
		req.method = 'put';
		done();
	}`)
	q := &js.Request{
		Method: "POST", URL: "http://h/{{ id }}", Name: "n", Headers: map[string]string{"a": "b", "old": "x"},
		Cookies: map[string]string{"c": "d"}, Query: map[string]any{"q": int64(1)}, HasBody: true, Body: "text",
		Form: map[string]any{"f": "g"},
	}
	vars := map[string]any{}
	if _, err := r.Call(&js.Call{Function: "before", Kind: js.BeforeRequest, Vars: vars, Request: q}); err != nil {
		t.Fatal(err)
	}
	want := &js.Request{
		Method: "PUT", URL: "http://h/{{ id }}?x={{ y }}", Name: "n", Headers: map[string]string{"a": "b", "X-Sign": "7"},
		Cookies: map[string]string{"c": "d"}, Query: map[string]any{"q": int64(1)}, HasBody: true, Body: "text",
		Form: map[string]any{"f": "g"}, HasJSON: true, JSON: map[string]any{"items": []any{int64(1), "{{ z }}"}},
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Error(diff)
	}
	saw := map[string]any{
		"method": "POST", "url": "http://h/{{ id }}", "name": "n", "headers": map[string]any{"a": "b", "old": "x"},
		"cookie": map[string]any{"c": "d"}, "qs": map[string]any{"q": int64(1)}, "body": "text", "form": map[string]any{"f": "g"},
	}
	if diff := cmp.Diff(saw, vars["saw"]); diff != "" {
		t.Error(diff)
	}
}

func TestABodyOfFieldsIsRefused(t *testing.T) {
	r := load(t, `exports.before = (req) => { req.body = { a: 1 }; }`)
	q := &js.Request{Method: "POST", URL: "/", HasBody: true, Body: "old"}
	_, err := r.Call(&js.Call{Function: "before", Kind: js.BeforeRequest, Request: q})
	if err == nil || !strings.Contains(err.Error(), "req.body must be a text; set req.json") || q.Body != "old" {
		t.Errorf("%v, body %q", err, q.Body)
	}
}

func TestHooksSeeTheAnswer(t *testing.T) {
	r := load(t, `exports.after = (req, res, ctx, events, done) => {
		ctx.vars.token = JSON.parse(res.body).token + res.statusCode + res.headers['x-id'] + req.method;
		done();
	}`)
	vars := map[string]any{}
	_, err := r.Call(&js.Call{
		Function: "after", Kind: js.AfterResponse, Vars: vars, Request: &js.Request{Method: "GET", URL: "/"},
		Response: &js.Response{Code: 201, Headers: map[string]string{"X-Id": "i"}, Body: `{"token":"t"}`},
	})
	if err != nil || vars["token"] != "t201iGET" {
		t.Errorf("%v, %v", vars, err)
	}
}

func TestOnErrorIsToldWhatHappened(t *testing.T) {
	r := load(t, `exports.failed = (err, req, ctx, events, done) => {
		ctx.vars.what = err.message + '|' + err.code + '|' + (err instanceof Error) + '|' + req.url;
		done();
	}`)
	vars := map[string]any{}
	_, err := r.Call(&js.Call{Function: "failed", Kind: js.OnError, Vars: vars, Request: &js.Request{URL: "/u"}, Error: "ECONNREFUSED"})
	if err != nil || vars["what"] != "ECONNREFUSED|ECONNREFUSED|true|/u" {
		t.Errorf("%v, %v", vars, err)
	}
}

func TestLoopsAndConditionsAreAnswered(t *testing.T) {
	r := load(t, `
		exports.called = (ctx, done) => done(ctx.vars.n < 3);
		exports.returned = (ctx) => ctx.vars.n < 3;
		exports.later = async (ctx) => ctx.vars.n < 3;
		exports.cond = (vars) => vars.n < 3;`)
	for _, c := range []struct {
		name string
		kind js.Kind
	}{{"called", js.While}, {"returned", js.While}, {"later", js.While}, {"cond", js.If}} {
		for n, want := range map[int64]bool{2: true, 3: false} {
			got, err := r.Call(&js.Call{Function: c.name, Kind: c.kind, Vars: map[string]any{"n": n}})
			if err != nil || got.True != want {
				t.Errorf("%s(%d) = %v, %v", c.name, n, got, err)
			}
		}
	}
}

func TestMetricsAndLinesReachTheOptions(t *testing.T) {
	var got []string
	r := loadAll(t, map[string]string{"p.js": `exports.f = (ctx, events, done) => {
		events.emit('counter', 'orders.' + ctx.scenario.name, 2);
		events.emit('histogram', 'size', 12.5);
		events.emit('rate', 'tick');
		events.emit('customStat', { stat: 'old', value: 3 });
		events.emit('error', 'oops');
		events.emit('counter', 'no number', 'x');
		events.emit('unknown', 'x', 1);
		console.log('a %s has %d', 'cart', 2, { of: ['x', 1, null] }, [], new Map([['k', 1]]));
		console.error(new Error('e').message, undefined, null, -0, 1n, () => 1);
		done();
	}`}, js.Options{
		Log:  func(line string) { got = append(got, line) },
		Emit: func(kind, name string, value float64) { got = append(got, fmt.Sprint(kind, " ", name, " ", value)) },
	})
	if _, err := r.Call(&js.Call{Function: "f", Scenario: "buy"}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"counter orders.buy 2", "histogram size 12.5", "rate tick 1", "histogram old 3", "counter errors.oops 1",
		"a cart has 2 { of: [ \"x\", 1, null ] } [] { k: 1 }", "e undefined null -0 1n [Function]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheContextHasWhatArtilleryGives(t *testing.T) {
	r := load(t, `exports.f = (ctx) => {
		const { $randomNumber, $randomString } = ctx.funcs;
		ctx.vars.ok = [...Array(200)].every(() => { const n = $randomNumber(3, 5); return n >= 3 && n <= 5 && Number.isInteger(n); })
			&& /^[A-Za-z0-9]{10}$/.test($randomString()) && $randomString(4).length === 4 && ctx._uid === 'u-1' && 'ok' in ctx.vars === false
			&& Object.keys(ctx.vars).join() === '$uuid,a' && JSON.stringify({ ...ctx.vars }) === '{"$uuid":"u-1","a":[1]}';
	}`)
	vars := step(t, r, "f", map[string]any{"$uuid": "u-1", "a": []any{int64(1)}})
	if vars["ok"] != true {
		t.Error(vars)
	}
}

func TestChanceRepeatsWithTheSeed(t *testing.T) {
	const text = `const crypto = require('crypto'); const { faker } = require('@faker-js/faker'); const { v4 } = require('uuid');
		exports.f = (ctx) => { ctx.vars.x = [Math.random(), crypto.randomUUID(), crypto.randomBytes(4).toString('hex'), v4(),
			faker.internet.email(), ctx.funcs.$randomString(5), faker.helpers.arrayElement(['a','b','c','d'])]; };`
	draw := func(seed uint64) any {
		r := loadAll(t, map[string]string{"p.js": text}, js.Options{Rand: rand.New(rand.NewPCG(seed, 0))})
		return step(t, r, "f", nil)["x"]
	}
	if diff := cmp.Diff(draw(1), draw(1)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(draw(1), draw(2)) {
		t.Error("another seed draws the same")
	}
	r := load(t, text)
	one := func() any {
		vars := map[string]any{}
		if _, err := r.Call(&js.Call{Function: "f", Vars: vars, Rand: rand.New(rand.NewPCG(7, 7))}); err != nil {
			t.Fatal(err)
		}
		return vars["x"]
	}
	if !cmp.Equal(one(), one()) {
		t.Error("a call's own source of chance is not used")
	}
}

func TestVariablesOfTheFileAreSharedBetweenCalls(t *testing.T) {
	r := load(t, `let n = 0; exports.next = (ctx) => { ctx.vars.n = ++n; };`)
	step(t, r, "next", nil)
	if got := step(t, r, "next", nil)["n"]; got != int64(2) {
		t.Errorf("n = %v", got)
	}
}

func TestAFailedFunctionKeepsWhatItHadSet(t *testing.T) {
	r := load(t, `exports.f = (ctx) => { ctx.vars.a = 1; throw new Error('x'); }; exports.g = (ctx) => { ctx.vars.a = 2; ctx.vars.b = ctx; ctx.b = ctx; };`)
	vars := map[string]any{}
	if _, err := r.Call(&js.Call{Function: "f", Vars: vars}); err == nil || vars["a"] != int64(1) {
		t.Errorf("%v, %v", vars, err)
	}
	vars = map[string]any{"a": "before"}
	if _, err := r.Call(&js.Call{Function: "g", Vars: vars}); err == nil || !cmp.Equal(vars, map[string]any{"a": "before"}) {
		t.Errorf("%v, %v", vars, err)
	}
}
