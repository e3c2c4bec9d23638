/** Where the broadcaster is, seen from this page. Pure. */

/** @param {string} host @returns {boolean} */
export function isLoopback(host) {
  return host === 'localhost' || host === '[::1]' || host.endsWith('.localhost') || /^127(\.\d+){3}$/.test(host);
}

/**
 * A loopback address means the machine that serves the page, which for the browser may be another one.
 * @param {string} configured @param {{hostname: string}} page @returns {string} without a slash at its end
 */
export function reachable(configured, page) {
  const url = new URL(configured);
  if (isLoopback(url.hostname) && page.hostname && !isLoopback(page.hostname)) url.hostname = page.hostname;
  return url.href.replace(/\/$/, '');
}

/** @param {string} configured ws:// or wss:// @param {{hostname: string}} page @returns {string} with the path of the stream */
export function streamUrl(configured, page) {
  const url = new URL(reachable(configured, page));
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/v1/stream';
  return url.href;
}
