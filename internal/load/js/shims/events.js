(function (exports, native, module) {
  'use strict';
  class EventEmitter {
    constructor() { this.handlers = {}; }
    on(name, f) { (this.handlers[name] = this.handlers[name] || []).push(f); return this; }
    addListener(name, f) { return this.on(name, f); }
    once(name, f) {
      const one = (...args) => { this.off(name, one); f.apply(this, args); };
      return this.on(name, one);
    }
    off(name, f) { this.handlers[name] = (this.handlers[name] || []).filter((x) => x !== f); return this; }
    removeListener(name, f) { return this.off(name, f); }
    emit(name, ...args) {
      const list = (this.handlers[name] || []).slice();
      list.forEach((f) => f.apply(this, args));
      return list.length > 0;
    }
  }
  EventEmitter.EventEmitter = EventEmitter;
  EventEmitter.default = EventEmitter;
  module.exports = EventEmitter;
})
