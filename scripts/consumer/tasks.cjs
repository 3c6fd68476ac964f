// Tasks of a CommonJS module, which workers import too.
const { task } = require('taps-sdk')

exports.double = task(function double(x) {
  return x * 2
})
