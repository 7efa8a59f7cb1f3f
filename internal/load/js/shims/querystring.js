(function (exports) {
  'use strict';
  const one = (v) => (['string', 'number', 'boolean', 'bigint'].includes(typeof v) ? String(v) : '');
  exports.stringify = exports.encode = (fields, sep = '&', eq = '=') => Object.keys(fields || {}).flatMap((k) => (
    Array.isArray(fields[k]) ? fields[k] : [fields[k]]).map((v) => encodeURIComponent(k) + eq + encodeURIComponent(one(v)))).join(sep);
  exports.parse = exports.decode = (text) => {
    const fields = {};
    for (const [k, v] of new URLSearchParams(text)) {
      fields[k] = k in fields ? [].concat(fields[k], v) : v;
    }
    return fields;
  };
  exports.escape = encodeURIComponent;
  exports.unescape = decodeURIComponent;
  exports.default = exports;
})
