(function (exports) {
  'use strict';
  exports.format = (...args) => __format(args);
  exports.inspect = (v) => __inspect(v);
  exports.promisify = (f) => (...args) => new Promise((resolve, reject) => {
    f(...args, (err, v) => (err ? reject(err) : resolve(v)));
  });
  exports.callbackify = (f) => (...args) => {
    const done = args.pop();
    f(...args).then((v) => done(null, v), (err) => done(err));
  };
  exports.isDeepStrictEqual = (a, b) => {
    if (Object.is(a, b)) return true;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
    const keys = Object.keys(a);
    return Array.isArray(a) === Array.isArray(b) && keys.length === Object.keys(b).length &&
      keys.every((k) => k in b && exports.isDeepStrictEqual(a[k], b[k]));
  };
  exports.types = { isPromise: (v) => v instanceof Promise, isDate: (v) => v instanceof Date };
  exports.TextEncoder = TextEncoder;
  exports.TextDecoder = TextDecoder;
  exports.deprecate = (f) => f;
  exports.default = exports;
})
