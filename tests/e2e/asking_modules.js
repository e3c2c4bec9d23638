/** Checks of how the dashboard's server is asked for saved dashboards: every end of it is told. */

/** With another `fetch`; a time limit is so many milliseconds. */
async function asked({ ask }, fetched, limitMs = 10_000) {
  const { fetch, AbortSignal: { timeout } } = globalThis;
  globalThis.fetch = fetched;
  AbortSignal.timeout = () => timeout.call(AbortSignal, limitMs);
  try {
    return await ask('/api/dashboards').catch(({ name, code, message }) => `${code ?? name}: ${message}`);
  } finally {
    globalThis.fetch = fetch;
    AbortSignal.timeout = timeout;
  }
}

const answer = (body, status = 200) => async () => new Response(body, { status });
const never = (signal) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });

export const checks = {
  'boards.js: what is answered': async (m, same) => {
    same(await asked(m, answer('{"dashboards":[]}')), { dashboards: [] });
    same(await asked(m, answer(null, 204)), null);
  },
  'boards.js: a refusal in words, and one of a proxy without': async (m, same) => {
    same(await asked(m, answer('{"code":"changed","message":"It is another one now."}', 412)), 'changed: It is another one now.');
    same(await asked(m, answer('<h1>Bad gateway</h1>', 502)), ': the server answered 502');
  },
  'boards.js: what succeeded and was cut short is no success': async (m, same) => {
    same(await asked(m, answer('{"dashboards":[')), "bad_answer: the server's answer was cut short");
  },
  'boards.js: a server that never answers, or stops in the middle': async (m, same) => {
    const slow = 'no_answer: the server did not answer within 10 s';
    same(await asked(m, (path, { signal }) => never(signal), 20), slow);
    const stops = (signal) => ({ ok: true, status: 200, json: () => never(signal) });
    same(await asked(m, async (path, { signal }) => stops(signal), 20), slow);
  },
};
