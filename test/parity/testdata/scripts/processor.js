'use strict';

let made = 0;

module.exports = {
  prepare: (context, events, done) => {
    context.vars.id = 3;
    context.vars.list = [{ n: 1 }, { n: 60 }];
    events.emit('counter', 'parity.prepared', 2);
    return done();
  },
  later: async function (context, events) {
    const value = await Promise.resolve(4);
    context.vars.later = value;
    events.emit('histogram', 'parity.size', value);
  },
  sign(request, context, events, done) {
    request.headers = request.headers || {};
    request.headers['x-sign'] = 's' + context.vars.id;
    request.url += '&n={{ later }}';
    made += 1;
    return done();
  },
  body(request, context, events, done) {
    request.json = { id: context.vars.id, word: '{{ word }}' };
    return done();
  },
  read(request, response, context, events, done) {
    context.vars.read = JSON.parse(response.body).id + 1;
    events.emit('counter', 'parity.code.' + response.statusCode, 1);
    return done();
  },
  broken(request, response, context, events, done) {
    return done(new Error('not what was wanted'));
  },
  goOn(context, done) {
    context.vars.turn = (context.vars.turn || 0) + 1;
    return done(context.vars.turn < 3);
  },
  wanted(vars) {
    return vars.id === 3;
  },
  ended(context, events, done) {
    events.emit('counter', 'parity.ended', 1);
    return done();
  },
  failed(error, request, context, events, done) {
    events.emit('counter', 'parity.failed.' + (error.code || error.message), 1);
    return done();
  },
};
