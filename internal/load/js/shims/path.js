(function (exports) {
  'use strict';
  const clean = (text) => {
    const out = [];
    for (const part of text.split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..' && out.length > 0 && out[out.length - 1] !== '..') out.pop();
      else if (part !== '..' || !text.startsWith('/')) out.push(part);
    }
    return (text.startsWith('/') ? '/' : '') + out.join('/') || '.';
  };
  exports.normalize = clean;
  exports.join = (...parts) => clean(parts.filter((p) => p !== '').join('/'));
  exports.resolve = (...parts) => clean(parts.reduce((to, p) => (p.startsWith('/') ? p : to + '/' + p), '/'));
  exports.basename = (text, ending = '') => {
    const name = text.replace(/\/+$/, '').split('/').pop();
    return ending !== '' && name !== ending && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
  };
  exports.dirname = (text) => (text.includes('/') ? text.slice(0, text.lastIndexOf('/')) || '/' : '.');
  exports.extname = (text) => (/[^/](\.[^./]*)$/.exec(text) || ['', ''])[1];
  exports.sep = '/';
  exports.posix = exports;
  exports.default = exports;
})
