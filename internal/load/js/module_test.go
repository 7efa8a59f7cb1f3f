package js_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/js"
)

// Each text exports f, which sets x to 42.
func TestFormsOfModules(t *testing.T) {
	for name, text := range map[string]string{
		"module.exports":              `module.exports = { f: function (ctx) { ctx.vars.x = 42; } };`,
		"exports":                     `exports.f = (ctx) => { ctx.vars.x = 42; };`,
		"methods":                     `module.exports = { f(ctx) { ctx.vars.x = 42; } };`,
		"a class's static method":     `module.exports = class { }; module.exports.f = (ctx) => { ctx.vars.x = 42; };`,
		"export function":             `export function f(ctx) { ctx.vars.x = g(); } function g() { return 42; }`,
		"export async function":       `export async function f(ctx) { ctx.vars.x = await 42; }`,
		"export const":                "export const f = (ctx) => { ctx.vars.x = y; }, y = 42;",
		"export let in several lines": "export let\n  f = async (ctx) => {\n ctx.vars.x = 42 }",
		"export a pattern":            `const all = { f(ctx) { ctx.vars.x = 42; }, rest: 1 }; export const { f, ...others } = all;`,
		"export list":                 `const g = (ctx) => { ctx.vars.x = 42; }; export { g as f, g };`,
		"export list before":          `export { f }; function f(ctx) { ctx.vars.x = 42; }`,
		"export default object":       `export default { f(ctx) { ctx.vars.x = 42; } };`,
		"export default names":        "const f = (ctx) => { ctx.vars.x = 42; }\nexport default { f }\n",
		"named wins over default":     `export default { f() {} }; export function f(ctx) { ctx.vars.x = 42; }`,
		"export from":                 `export { set as f } from './lib.js';`,
		"export all":                  "export * from './both'",
		"import names":                `import { set, answer as a } from "./lib"; export const f = (ctx) => { set(ctx); ctx.vars.x = a; }`,
		"import default":              "import lib from './lib.js'\nexport const f = (ctx) => lib.set(ctx)",
		"import all":                  `import * as lib from './lib.js'; export function f(ctx) { lib.set(ctx); }`,
		"import default and names":    `import d, { g } from './modern.mjs'; export function f(ctx) { ctx.vars.x = d() + g; }`,
		"import over lines":           "import {\n  set,\n  answer,\n} from './lib.js';\nexport const f = set;",
		"import json":                 `import data from './data.json' with { type: 'json' }; export const f = (ctx) => { ctx.vars.x = data.list[1]; }`,
		"import for its effect":       `import './effect.js'; export const f = (ctx) => { ctx.vars.x = globalThis.effect; }`,
		"require a folder":            `const lib = require('./folder'); module.exports = { f: lib.set };`,
		"require json":                `const d = require('./data.json'); exports.f = (ctx) => { ctx.vars.x = d.list[1]; }`,
		"require each other":          `exports.g = () => 42; const r = require('./round.js'); exports.f = (ctx) => { ctx.vars.x = r(); }`,
		"words in texts and comments": "// import x from 'y'\n/* export */ const s = `import ${ `export ${1}` } from`; const re = /export {/; const o = { import: 1, export: 2 }; o.import;\nexport const f = (ctx) => { ctx.vars.x = 42 / 1; }",
		"a shebang and use strict":    "#!/usr/bin/env node\n'use strict';\nexports.f = (ctx) => { ctx.vars.x = 42; }",
		"compiled TypeScript":         "\"use strict\";\nObject.defineProperty(exports, \"__esModule\", { value: true });\nexports.f = f;\nasync function f(ctx) { ctx.vars.x = 42; }\n//# sourceMappingURL=p.js.map",
		"modern syntax":               `class A { #x = 42; static y = 1; get x() { return this.#x ?? 0; } } exports.f = async ({ vars, ...rest }) => { const a = [...[1, 2]]; vars.x = new A()?.x; for await (const i of []) {} }`,
		"a default function":          "export default function (ctx) {}\nexport const f = (ctx) => { ctx.vars.x = 42; }",
		"a default named function":    `export default function g(ctx) {} export const f = (ctx) => { ctx.vars.x = 42; }`,
		"a byte order mark":           "\ufeffexports.f = (ctx) => { ctx.vars.x = 42; }",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(text, "for await") {
				text = strings.Replace(text, "for await (const i of []) {}", "", 1)
			}
			r := loadAll(t, map[string]string{
				"p.js":    text,
				"lib.js":  `module.exports = { set(ctx) { ctx.vars.x = 42; }, answer: 42 };`,
				"both.js": `export { set as f } from './lib.js'; export default 1;`, "folder/index.js": `module.exports = require('../lib');`,
				"data.json": `{"list": [1, 42]}`, "effect.js": `globalThis.effect = 42;`,
				"modern.mjs": `export default () => 40; export const g = 2;`,
				"round.js":   `const p = require('./p.js'); module.exports = () => p.g();`,
			}, js.Options{})
			if got := step(t, r, "f", nil)["x"]; got != int64(42) {
				t.Errorf("x = %v", got)
			}
		})
	}
}

func TestWhatCannotWorkIsRefusedWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"fs":                     {"\nconst fs = require('fs');", `p.js:2:12: require("fs"): a processor reads and writes no files`},
		"node:fs":                {"const fs = require('node:fs');", `p.js:1:12: require("node:fs"): a processor reads`},
		"http":                   {"import http from 'http';", `p.js:1:1: require("http"): the network`},
		"net":                    {"const net = require('net')", "the network is not supported"},
		"child_process":          {"function f() { require('child_process').exec('rm'); }", "p.js:1:16: require(\"child_process\"): processes"},
		"axios":                  {"const axios = require('axios')", "the network is not supported; send requests from the flow"},
		"a package":              {"const _ = require('lodash')", `require("lodash"): packages are not supported`},
		"a file that is missing": {"require('./gone')", `p.js:1:1: require("./gone"): open gone: file does not exist`},
		"a name by a variable":   {"const n = 'x'; require(n)", "p.js:1:16: require needs the module's name as a plain text"},
		"setTimeout":             {"exports.f = (c, e, done) => {\n  setTimeout(done, 100);\n}", "p.js:2:3: setTimeout: timers are not supported in a processor: pause with a think step"},
		"a promise of a timer":   {"const sleep = (ms) => new Promise((r) => setTimeout(r, ms))", "setTimeout: timers"},
		"fetch":                  {"exports.f = async () => { await fetch('http://x'); }", "fetch: the network is not supported"},
		"dynamic import":         {"exports.f = async () => { await import('x'); }", "p.js:1:33: import(…) in the middle"},
		"import.meta":            {"export const u = import.meta.url", "import.meta is not supported"},
		"TypeScript's types":     {"import type { A } from './a';", "this is TypeScript"},
		"TypeScript's export":    {"\nexport interface A { }", "p.js:2:1: this is TypeScript"},
		"a syntax error":         {"function f( {\n  let = ;\n", "p.js:2:"},
		"an error at the top":    {"const a = 1;\nnull.x;", "p.js:2:"},
		"an endless loop":        {"for (;;) {}", "p.js: "},
		"an unfinished import":   {"import { a", "p.js:1:11: "},
		"top-level await":        {"export const a = await 5;", "p.js:1:"},
		"an absolute path":       {"require('/etc/passwd')", "packages are not supported"},
		"deep brackets":          {strings.Repeat("(", 100000), "brackets are nested too deeply"},
		"deep signs":             {"x = " + strings.Repeat("!", 1000000), "the expression is too long"},
		"deep templates":         {strings.Repeat("`${", 100000), "brackets are nested too deeply"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "an endless loop" && testing.Short() {
				t.Skip("takes the five seconds that loading may take")
			}
			_, err := js.Load("p.js", files(map[string]string{"p.js": c.text}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			var list js.Errors
			if !errors.As(err, &list) || list[0].File != "p.js" {
				t.Errorf("%#v", err)
			}
		})
	}
}

func TestATypeScriptProcessorIsRefused(t *testing.T) {
	_, err := js.Load("p.ts", files(map[string]string{"p.ts": "export const a: number = 1"}))
	if err == nil || err.Error() != "p.ts: TypeScript and JSX are not supported; give the processor as JavaScript" {
		t.Error(err)
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	_, err := js.Load("p.js", files(map[string]string{
		"p.js": "const a = require('fs');\nconst b = require('./b');\nsetInterval(() => {}, 5);", "b.js": "require('http')",
	}))
	want := []string{"p.js:3:1: setInterval", "p.js:1:11: require(\"fs\")", "b.js:1:1: require(\"http\")"}
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Fatal(err)
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d: %s", i, line)
		}
	}
}

func TestOwnFunctionsMayBeCalledWhatOthersAreNot(t *testing.T) {
	r := load(t, `const fetch = (x) => x; exports.f = (ctx) => { ctx.vars.x = fetch(5); };`)
	if got := step(t, r, "f", nil)["x"]; got != int64(5) {
		t.Error(got)
	}
}

func TestTheProgramKnowsItsFunctions(t *testing.T) {
	p, err := js.Load("p.js", files(map[string]string{"p.js": `export const b = 1; export function a() {} export default { c() {} };`}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "c"}, p.Functions()); diff != "" {
		t.Error(diff)
	}
	if !p.Has("a") || p.Has("b") || (*js.Program)(nil).Has("a") {
		t.Error("Has is wrong")
	}
}
