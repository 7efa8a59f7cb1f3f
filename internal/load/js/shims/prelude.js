// What every file finds around it. `native` holds what Go does.
(function (global, native) {
  'use strict';

  const call = Function.prototype.call.bind(Function.prototype.call);
  const most = 1 << 24; // characters, elements or bytes that one call may make

  const apply = Function.prototype.apply;
  const guard = (holder, name, size) => {
    const original = holder[name];
    const limited = {
      [name](first) {
        if (size(this, first, arguments) > most) throw new RangeError(name + ': more than processors may keep');
        return call(apply, original, this, arguments);
      },
    }[name];
    Object.defineProperty(holder, name, { configurable: true, writable: true, enumerable: false, value: limited });
  };
  const length = (self) => (self === null || self === undefined ? 0 : Number(self.length) || 0);
  guard(String.prototype, 'repeat', (self, n) => String(self).length * (Number(n) || 0));
  guard(String.prototype, 'padStart', (self, n) => Number(n) || 0);
  guard(String.prototype, 'padEnd', (self, n) => Number(n) || 0);
  for (const name of ['concat', 'copyWithin', 'entries', 'every', 'fill', 'filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flat', 'flatMap',
    'forEach', 'includes', 'indexOf', 'join', 'lastIndexOf', 'map', 'reduce', 'reduceRight', 'reverse', 'slice', 'some', 'sort', 'splice', 'shift', 'unshift',
    'toString', 'toLocaleString', 'toReversed', 'toSorted', 'toSpliced', 'with']) {
    if (typeof Array.prototype[name] === 'function') guard(Array.prototype, name, length);
  }
  guard(Array, 'from', (self, from) => length(from));
  guard(Reflect, 'apply', (self, f, args) => length(args[2]) * 16);
  guard(Reflect, 'construct', (self, f, args) => length(args[1]) * 16);
  Object.defineProperty(Function.prototype, 'apply', {
    configurable: true, writable: true, enumerable: false,
    value: { apply(self, args) {
      if (length(args) * 16 > most) throw new RangeError('apply: more than processors may keep');
      return call(apply, this, self, args);
    } }.apply,
  });
  const bounded = (original, size) => {
    const limited = function (...args) {
      if (!new.target) return original(...args);
      if (typeof args[0] === 'number' && args[0] * size > most) throw new RangeError(original.name + ': more than processors may keep');
      return Reflect.construct(original, args, new.target === limited ? original : new.target);
    };
    Object.defineProperty(limited, 'name', { value: original.name });
    limited.prototype = original.prototype;
    Object.setPrototypeOf(limited, original);
    return limited;
  };
  for (const name of ['ArrayBuffer', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array',
    'Int32Array', 'Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array']) {
    if (typeof global[name] === 'function') global[name] = bounded(global[name], global[name].BYTES_PER_ELEMENT || 1);
  }

  const define = (name, value) => Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });

  define('globalThis', global);
  define('global', global);
  const show = (level) => (...args) => native.log(level, global.__format(args));
  define('console', {
    log: show(''), info: show(''), debug: show(''), trace: show(''), warn: show(''), error: show(''), dir: show(''), table: show(''),
    assert: (ok, ...args) => { if (!ok) native.log('', global.__format(['Assertion failed:', ...args])); },
    group: show(''), groupEnd() {}, time() {}, timeEnd() {}, timeLog() {}, count() {},
  });

  const plain = (v, seen, depth) => {
    if (typeof v === 'string') return depth === 0 ? v : JSON.stringify(v);
    if (typeof v === 'bigint') return v + 'n';
    if (typeof v === 'function') return '[Function' + (v.name ? ': ' + v.name : '') + ']';
    if (typeof v === 'symbol') return v.toString();
    if (typeof v !== 'object' || v === null) return Object.is(v, -0) ? '-0' : String(v);
    if (v instanceof Error) return v.stack ? String(v.stack).trimEnd() : String(v);
    if (v instanceof Date) return isNaN(v) ? 'Invalid Date' : v.toISOString();
    if (v instanceof RegExp) return String(v);
    if (seen.includes(v)) return '[Circular]';
    if (depth > 3) return Array.isArray(v) ? '[Array]' : '[Object]';
    const inside = seen.concat([v]);
    if (v instanceof Map) return plain(Object.fromEntries(v), seen, depth);
    if (v instanceof Set) return plain(Array.from(v), seen, depth);
    if (v instanceof Promise) return 'Promise';
    if (Array.isArray(v)) {
      const items = Array.prototype.slice.call(v, 0, 100).map((x) => plain(x, inside, depth + 1));
      if (v.length > 100) items.push('… ' + (v.length - 100) + ' more');
      return items.length === 0 ? '[]' : '[ ' + items.join(', ') + ' ]';
    }
    const keys = Object.keys(v);
    const items = keys.slice(0, 100).map((k) => k + ': ' + plain(v[k], inside, depth + 1));
    if (keys.length > 100) items.push('… ' + (keys.length - 100) + ' more');
    return items.length === 0 ? '{}' : '{ ' + items.join(', ') + ' }';
  };
  define('__inspect', (v) => (typeof v === 'string' ? JSON.stringify(v) : plain(v, [], 0)));
  define('__format', (args) => {
    let rest = args;
    let text = '';
    if (typeof args[0] === 'string' && /%[sdifjoOc%]/.test(args[0]) && args.length > 1) {
      let at = 1;
      text = args[0].replace(/%([sdifjoOc%])/g, (all, kind) => {
        if (kind === '%') return '%';
        if (at >= args.length) return all;
        const v = args[at++];
        switch (kind) {
          case 'd': return typeof v === 'object' ? 'NaN' : String(Number(v));
          case 'i': return String(parseInt(v, 10));
          case 'f': return String(parseFloat(v));
          case 'j': return JSON.stringify(v);
          case 'c': return '';
          case 's': return plain(v, [], 0);
          default: return global.__inspect(v);
        }
      });
      rest = args.slice(at);
      if (rest.length > 0) text += ' ';
    }
    return text + rest.map((v) => plain(v, [], 0)).join(' ');
  });

  define('process', {
    env: native.env, argv: ['node', 'artillery'], pid: 1, platform: 'linux', version: 'v22.18.0', versions: { node: '22.18.0' },
    cwd: () => '/', uptime: () => native.now() / 1000, on() { return this; }, emitWarning() {},
    hrtime: Object.assign((since) => {
      const ns = native.now() * 1e6;
      const now = [Math.floor(ns / 1e9), Math.floor(ns % 1e9)];
      if (!since) return now;
      const d = (now[0] - since[0]) * 1e9 + now[1] - since[1];
      return [Math.floor(d / 1e9), d - Math.floor(d / 1e9) * 1e9];
    }, { bigint: () => BigInt(Math.floor(native.now() * 1e6)) }),
    nextTick: (f, ...args) => { Promise.resolve().then(() => f(...args)); },
    exit: () => { throw new Error('process.exit is not supported in a processor'); },
  });
  define('performance', { now: () => native.now(), timeOrigin: Date.now() });
  define('queueMicrotask', (f) => { Promise.resolve().then(f); });
  define('setImmediate', (f, ...args) => { Promise.resolve().then(() => f(...args)); return 0; });
  define('clearTimeout', () => {});
  define('clearInterval', () => {});
  define('clearImmediate', () => {});
  const refused = (name, text) => define(name, () => { throw new Error(name + ': ' + text); });
  refused('setTimeout', 'timers are not supported in a processor: pause with a think step');
  refused('setInterval', 'timers are not supported in a processor: pause with a think step');
  refused('fetch', 'the network is not supported in a processor: send requests from the flow');
  define('structuredClone', (v) => {
    const seen = new Map();
    const copy = (x) => {
      if (typeof x === 'function' || typeof x === 'symbol') throw new Error('structuredClone: it cannot be cloned');
      if (typeof x !== 'object' || x === null) return x;
      if (seen.has(x)) return seen.get(x);
      if (x instanceof Date) return new Date(x.getTime());
      const to = Array.isArray(x) ? [] : {};
      seen.set(x, to);
      for (const k of Object.keys(x)) to[k] = copy(x[k]);
      return to;
    };
    return copy(v);
  });

  const Bytes = global.Uint8Array;
  class Buffer extends Bytes {
    static from(from, encoding) {
      if (typeof from === 'string') return new Buffer(native.encode(from, String(encoding || 'utf8')));
      if (from instanceof ArrayBuffer) return new Buffer(from);
      const b = new Buffer(length(from));
      for (let i = 0; i < b.length; i++) b[i] = from[i];
      return b;
    }
    static alloc(n, fill) {
      const b = new Buffer(n);
      if (fill !== undefined) b.fill(typeof fill === 'string' ? fill.charCodeAt(0) : fill);
      return b;
    }
    static allocUnsafe(n) { return new Buffer(n); }
    static isBuffer(v) { return v instanceof Buffer; }
    static byteLength(v, encoding) { return typeof v === 'string' ? Buffer.from(v, encoding).length : v.byteLength; }
    static concat(list) {
      const b = new Buffer(list.reduce((n, x) => n + x.length, 0));
      let at = 0;
      for (const x of list) { b.set(x, at); at += x.length; }
      return b;
    }
    toString(encoding, from, to) {
      const part = from === undefined && to === undefined ? this : this.slice(from, to);
      return native.decode(part, String(encoding || 'utf8'));
    }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    equals(other) { return this.toString('hex') === Buffer.from(other).toString('hex'); }
    readUInt8(at = 0) { return this[at]; }
    readUInt16BE(at = 0) { return this[at] * 256 + this[at + 1]; }
    readUInt32BE(at = 0) { return this[at] * 0x1000000 + this[at + 1] * 0x10000 + this[at + 2] * 256 + this[at + 3]; }
    readUInt32LE(at = 0) { return this[at + 3] * 0x1000000 + this[at + 2] * 0x10000 + this[at + 1] * 256 + this[at]; }
  }
  define('Buffer', Buffer);
  define('btoa', (text) => Buffer.from(String(text), 'latin1').toString('base64'));
  define('atob', (text) => Buffer.from(String(text), 'base64').toString('latin1'));
  define('TextEncoder', class { encode(text = '') { return new Bytes(native.encode(String(text), 'utf8')); } });
  define('TextDecoder', class { decode(bytes) { return native.decode(bytes, 'utf8'); } });

  class URLSearchParams {
    constructor(init = '') {
      this.list = [];
      if (typeof init === 'string') {
        for (const pair of init.replace(/^\?/, '').split('&')) {
          if (pair === '') continue;
          const [k, ...v] = pair.split('=');
          this.list.push([decode(k), decode(v.join('='))]);
        }
      } else {
        const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
        for (const [k, v] of pairs) this.list.push([String(k), String(v)]);
      }
    }
    append(k, v) { this.list.push([String(k), String(v)]); }
    set(k, v) {
      const at = this.list.findIndex(([name]) => name === String(k));
      if (at < 0) return this.append(k, v);
      this.list[at][1] = String(v);
      this.list = this.list.filter(([name], i) => i <= at || name !== String(k));
      return undefined;
    }
    get(k) { const found = this.list.find(([name]) => name === String(k)); return found ? found[1] : null; }
    getAll(k) { return this.list.filter(([name]) => name === String(k)).map(([, v]) => v); }
    has(k) { return this.list.some(([name]) => name === String(k)); }
    delete(k) { this.list = this.list.filter(([name]) => name !== String(k)); }
    sort() { this.list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); }
    forEach(f) { for (const [k, v] of this.list) f(v, k, this); }
    keys() { return this.list.map(([k]) => k)[Symbol.iterator](); }
    values() { return this.list.map(([, v]) => v)[Symbol.iterator](); }
    entries() { return this.list.map((pair) => pair.slice())[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.list.map(([k, v]) => encode(k) + '=' + encode(v)).join('&'); }
  }
  const encode = (text) => encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  const decode = (text) => { try { return decodeURIComponent(text.replace(/\+/g, ' ')); } catch (e) { return text; } };
  define('URLSearchParams', URLSearchParams);

  class URL {
    constructor(text, base) {
      const parts = native.url(String(text), base === undefined ? '' : String(base));
      if (!parts) throw new TypeError('Invalid URL');
      Object.assign(this, parts);
      this.searchParams = new URLSearchParams(this.search);
    }
    get host() { return this.hostname + (this.port ? ':' + this.port : ''); }
    get origin() { return this.protocol + '//' + this.host; }
    get href() {
      const query = this.searchParams.toString();
      const user = this.username ? this.username + (this.password ? ':' + this.password : '') + '@' : '';
      return this.protocol + '//' + user + this.host + this.pathname + (query ? '?' + query : '') + this.hash;
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }
  define('URL', URL);

  define('__export', (exports, name, get) => Object.defineProperty(exports, name, { enumerable: true, configurable: true, get }));
  define('__default', (module) => (module !== null && typeof module === 'object' && 'default' in module ? module.default : module));
  define('__all', (exports, module) => {
    for (const name of Object.keys(module)) {
      if (name !== 'default' && !(name in exports)) global.__export(exports, name, () => module[name]);
    }
  });
})
