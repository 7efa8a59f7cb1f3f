(function (exports) {
  'use strict';
  exports.URL = URL;
  exports.URLSearchParams = URLSearchParams;
  exports.default = exports;
})
