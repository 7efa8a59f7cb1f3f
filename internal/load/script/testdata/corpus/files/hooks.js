module.exports = { prepare, more };

function prepare(context, events, done) {
  context.vars.setByHook = 1;
  events.emit("counter", "orders.sent", 1);
  return done();
}

function more(context, done) {
  return done(context.vars.n > 1);
}
