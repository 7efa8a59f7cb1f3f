(function (exports, native) {
  'use strict';
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
  exports.v4 = () => native.uuid();
  exports.v1 = exports.v6 = () => {
    throw new Error('uuid: only v4 and v7 are there');
  };
  exports.v7 = () => {
    const time = Date.now().toString(16).padStart(12, '0');
    return time.slice(0, 8) + '-' + time.slice(8) + '-7' + native.uuid().slice(15);
  };
  exports.validate = (text) => typeof text === 'string' && (form.test(text));
  exports.version = (text) => parseInt(text.slice(14, 15), 16);
  exports.NIL = '00000000-0000-0000-0000-000000000000';
  exports.default = exports;
})
