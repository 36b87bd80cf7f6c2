'use strict';
// Loaded before a program (`NODE_OPTIONS=--require`), it lets the program connect to this machine alone: any other connection fails.
const { Socket } = require('node:net');

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...given) {
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  const options = typeof first === 'object' && first !== null ? first : { port: first, host: second };
  const local = options.path !== undefined || ['127.0.0.1', 'localhost', '::1'].includes(options.host ?? 'localhost');
  if (!local) throw new Error(`connecting to ${options.host}, which is not this machine`);
  return connect.apply(this, given);
};
