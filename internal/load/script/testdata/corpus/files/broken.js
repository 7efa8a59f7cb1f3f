module.exports = {
  a: function ( {
};
