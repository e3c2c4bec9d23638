/**
 * The way to the broadcaster: texts in both directions, in order, until one end. A WebSocket, unless the page brings
 * another (a proxy's tunnel, a shared worker, a test's memory).
 *
 * @typedef {object} Heard what a transport tells, each at any time after `connect` was called
 * @property {() => void} opened first, and once: from now on it may be sent to
 * @property {(text: string) => void} received one message of the protocol
 * @property {(code: number, reason: string) => void} closed last, and once, also if it never opened; a close code of the protocol, or 1006
 *
 * @typedef {object} Transport
 * @property {(text: string) => void} send
 * @property {() => void} close whatever is told after that is ignored
 *
 * @typedef {(url: string, protocols: string[], heard: Heard) => Transport} Connect does not wait
 */

/** @type {Connect} */
export function overWebSocket(url, protocols, heard) {
  const socket = new WebSocket(url, protocols);
  socket.addEventListener('open', () => heard.opened());
  socket.addEventListener('message', ({ data }) => heard.received(data));
  socket.addEventListener('close', ({ code, reason }) => heard.closed(code, reason));
  return socket;
}
