// Loaded before the program (node --import): every TCP connection it dials goes to the exchange of the
// test, which is told first who dials which port. So who reaches whom is decided there, by two names,
// and the program under test stays as it is.
import net from 'node:net'

const exchange = Number(process.env['SOTTO_TEST_EXCHANGE'])
const who = process.env['SOTTO_TEST_WHO'] ?? ''
const connect = net.Socket.prototype.connect

net.Socket.prototype.connect = function connectThrough(...words) {
  // net.connect hands over [options, callback] in one array; others call it as documented.
  const [options, callback] = Array.isArray(words[0]) ? words[0] : words
  if (typeof options !== 'object' || options === null || options.port === undefined) {
    return connect.apply(this, words)
  }
  const dialled = { ...options, host: '127.0.0.1', port: exchange }
  connect.call(this, dialled, ...(typeof callback === 'function' ? [callback] : []))
  this.write(`${who} ${options.port}\n`)
  return this
}
