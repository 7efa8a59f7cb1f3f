(function (exports, native) {
  'use strict';
  const digests = (name, key) => {
    const parts = [];
    return {
      update(data, encoding) {
        parts.push(typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data));
        return this;
      },
      digest(encoding) {
        const sum = Buffer.from(native.hash(name, Buffer.concat(parts), key));
        return encoding === undefined || encoding === 'buffer' ? sum : sum.toString(encoding);
      },
    };
  };
  const bytes = (n) => {
    if (!(n >= 0 && n <= 1 << 20)) throw new RangeError('crypto: 0 to 1048576 bytes, not ' + n);
    return Buffer.from(native.bytes(n));
  };
  Object.assign(exports, {
    randomUUID: () => native.uuid(),
    randomBytes: (n, done) => {
      const b = bytes(n);
      if (typeof done === 'function') { done(null, b); return undefined; }
      return b;
    },
    randomInt: (low, high, done) => {
      if (high === undefined || typeof high === 'function') { done = high; high = low; low = 0; }
      if (!(low < high)) throw new RangeError('crypto.randomInt: the largest number must be above the smallest');
      const n = low + Math.floor(Math.random() * (high - low));
      if (typeof done === 'function') { done(null, n); return undefined; }
      return n;
    },
    getRandomValues: (list) => {
      const b = bytes(list.byteLength);
      new Uint8Array(list.buffer, list.byteOffset, list.byteLength).set(b);
      return list;
    },
    createHash: (name) => { native.hash(name, new Uint8Array(0)); return digests(name); },
    createHmac: (name, key) => {
      native.hash(name, new Uint8Array(0));
      return digests(name, typeof key === 'string' ? Buffer.from(key) : key);
    },
    getHashes: () => ['md5', 'sha1', 'sha256', 'sha384', 'sha512'],
    timingSafeEqual: (a, b) => Buffer.from(a).equals(b),
  });
  exports.webcrypto = { randomUUID: exports.randomUUID, getRandomValues: exports.getRandomValues };
  exports.default = exports;
})
