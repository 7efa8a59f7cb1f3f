package js_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"sluice.dev/sluice/internal/load/js"
)

// What processors of public scripts do: random identifiers mostly, then made-up people,
// weighted choices, signatures, large tables.
func TestUsesOfPublicScripts(t *testing.T) {
	for name, c := range map[string]struct{ text, form string }{
		"a random id": {`'use strict';
			module.exports = { generateRandomData };
			function generateRandomData(userContext, events, done) {
				const id = Math.floor(Math.random() * 1000000) + 1;
				userContext.vars.x = id;
				return done();
			}`, `^\d{1,7}$`},
		"a random uuid": {`const { randomUUID } = require('crypto');
			exports.setId = (context, ee, next) => { context.vars.x = randomUUID(); next(); }`, `^[0-9a-f-]{36}$`},
		"a random uuid by node: and ESM": {`import { randomUUID } from 'node:crypto'; export const setId = async (context) => { context.vars.x = randomUUID(); }`, `^[0-9a-f-]{36}$`},
		"uuid's v4":                      {`const { v4: uuidv4 } = require('uuid'); module.exports.f = (c, e, d) => { c.vars.x = uuidv4(); d(); }`, `^[0-9a-f-]{36}$`},
		"uuid's default":                 {`import uuid from 'uuid'; export function f(c, e, d) { c.vars.x = uuid.v4(); return d(); }`, `^[0-9a-f-]{36}$`},
		"random hex":                     {`const crypto = require('crypto'); exports.f = (c, e, d) => { c.vars.x = crypto.randomBytes(8).toString('hex'); d(); }`, `^[0-9a-f]{16}$`},
		"a random name": {`const names = ['ann', 'bob', 'cyd'];
			function f(context, events, done) { context.vars['x'] = names[Math.floor(Math.random() * names.length)] + Date.now(); return done(); }
			module.exports = { f: f };`, `^(ann|bob|cyd)\d{13}$`},
		"a made-up person": {`const { faker } = require('@faker-js/faker');
			module.exports = { f: (c, e, d) => { c.vars.x = faker.person.firstName() + ' ' + faker.internet.email() + ' ' + faker.number.int({ min: 5, max: 9 }); return d(); } };`,
			`^[A-Z][a-z]+ \S+@\S+ [5-9]$`},
		"a made-up person, as it was": {`const faker = require('faker');
			module.exports.f = function (c, e, d) { c.vars.x = faker.name.firstName() + faker.name.findName() + faker.internet.userName() + faker.datatype.number(5) + faker.random.uuid() + faker.address.city() + faker.phone.phoneNumber(); return d(); };`,
			`^[A-Z]`},
		"a made-up person, imported": {`import { faker } from '@faker-js/faker'; export function f(c, e, d) { c.vars.x = faker.string.alphanumeric(6) + faker.lorem.words(2) + faker.date.past().getFullYear(); return d(); }`,
			`^\w{6}[a-z]+ [a-z]+20\d\d$`},
		"one of a list": {`const { faker } = require('@faker-js/faker'); exports.f = (c) => { c.vars.x = faker.helpers.arrayElement(['p', 'q']) + faker.helpers.arrayElements([1, 2, 3], 2).length; }`, `^[pq]2$`},
		"a weighted choice": {`const endpoints = [{ url: '/a', weight: 90 }, { url: '/b', weight: 10 }];
			const pick = () => { let r = Math.random() * 100; for (const e of endpoints) { if ((r -= e.weight) < 0) return e.url; } };
			module.exports = { f(context, events, done) { context.vars.x = pick(); done(); } };`, `^/[ab]$`},
		"a signature": {`const crypto = require('crypto');
			exports.f = (c, e, d) => { c.vars.x = crypto.createHmac('sha256', 'key').update('The quick brown fox ').update('jumps over the lazy dog').digest('hex') + crypto.createHash('md5').update('').digest('hex'); d(); }`,
			`^f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8d41d8cd98f00b204e9800998ecf8427e$`},
		"a basic header":  {`exports.f = (c) => { c.vars.x = Buffer.from('user:pass').toString('base64') + btoa('hi') + atob('aGk=') + Buffer.from('68c3a9', 'hex').toString(); }`, `^dXNlcjpwYXNzaGk=hihé$`},
		"a giant table":   {`const rows = []; for (let i = 0; i < 50000; i++) rows.push({ id: i, name: 'n' + i }); exports.f = (c) => { c.vars.x = rows[Math.floor(Math.random() * rows.length)].name; }`, `^n\d+$`},
		"a query":         {`const qs = require('querystring'); exports.f = (c) => { c.vars.x = qs.stringify({ a: 'x y', b: [1, 2] }) + '|' + new URLSearchParams({ a: 'x y' }) + '|' + new URL('/p?q=1#h', 'http://h:8080').href; }`, `^a=x%20y&b=1&b=2\|a=x\+y\|http://h:8080/p\?q=1#h$`},
		"util and path":   {`const util = require('util'), path = require('path'); exports.f = (c) => { c.vars.x = util.format('%s-%d', 'a', 1) + path.join('/a', '../b', 'c.js') + path.basename('/x/y.json', '.json') + path.extname('q.txt'); }`, `^a-1/b/c.jsy.txt$`},
		"the environment": {`const base = process.env.BASE || 'none'; exports.f = (c) => { c.vars.x = base; }`, `^from-env$`},
		"a counter":       {`let n = 0; const next = () => ++n; exports.f = (c, e, d) => { c.vars.x = next(); return d(); }`, `^1$`},
		"a date":          {`exports.f = (c) => { c.vars.x = new Date(Date.now() + 864e5); c.vars.y = c.vars.x.toISOString(); }`, `^20\d\d-\d\d-\d\dT[\d:.]+Z$`},
		"an async chain":  {`const later = async (x) => x; exports.f = async function (c, e) { const [a, b] = await Promise.all([later(1), later(2)]); try { await Promise.reject(new Error('x')); } catch (err) { c.vars.x = a + b + err.message; } }`, `^3x$`},
		"events":          {`const EventEmitter = require('events'); class A extends EventEmitter {} exports.f = (c) => { const a = new A(); a.on('x', (v) => { c.vars.x = v; }); a.emit('x', 5); }`, `^5$`},
	} {
		t.Run(name, func(t *testing.T) {
			r := loadAll(t, map[string]string{"p.js": c.text}, js.Options{Rand: rand.New(rand.NewPCG(9, 9)), Environ: []string{"BASE=from-env"}})
			p, err := js.Load("p.js", files(map[string]string{"p.js": c.text}))
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(step(t, r, p.Functions()[0], nil)["x"])
			if !regexp.MustCompile(c.form).MatchString(got) {
				t.Errorf("x = %s", got)
			}
		})
	}
}

func TestAFakerFunctionThatIsNotThereSaysSo(t *testing.T) {
	r := load(t, `const { faker } = require('@faker-js/faker'); exports.f = () => faker.unknown.thing();`)
	_, err := r.Call(&js.Call{Function: "f"})
	if err == nil || !regexp.MustCompile(`faker\.unknown\.thing is not there`).MatchString(err.Error()) {
		t.Error(err)
	}
}
