/** The broadcaster's `/v1/alerts`. Each raises `Refused`, or what `fetch` raises. */

import { ask } from './boards.js';
import { session } from './session.js';

const PATIENCE_MS = 10_000;

/** @param {string} url of the broadcaster's HTTP side @param {string} path @param {RequestInit} [options] @returns {Promise<any>} */
const asked = async (url, path, options = {}) => ask(`${url}/v1/alerts${path}`, await session.authorized({ signal: AbortSignal.timeout(PATIENCE_MS), ...options }));

/** @param {string} url @returns {Promise<any>} */
export const listed = (url) => asked(url, '');

/** @param {string} url @param {string} name @param {object} table @param {string|null} revision that is replaced; null: there is none yet */
export function put(url, name, table, revision) {
  const condition = revision === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${revision}"` };
  return asked(url, `/${encodeURIComponent(name)}`, { method: 'PUT', headers: { 'Content-Type': 'application/json', ...condition }, body: JSON.stringify(table) });
}

/** @param {string} url @param {string} name @param {string} revision */
export const remove = (url, name, revision) => asked(url, `/${encodeURIComponent(name)}`, { method: 'DELETE', headers: { 'If-Match': `"${revision}"` } });
