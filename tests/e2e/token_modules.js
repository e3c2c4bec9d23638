/** Checks of a client's tokens: got before each connection, renewed without one. Over a transport that is memory. */

import { begin } from './client_modules.js';

const token = (name, exp) => [name, btoa(JSON.stringify({ exp })).replace(/=+$/, ''), 's'].join('.');

/** What gives tokens that expire so many seconds after the broadcaster's clock began (1000), and remembers how it was asked. */
function source(lastsS, ...faults) {
  const asked = [];
  const get = async ({ fresh }) => {
    asked.push(fresh);
    const fault = faults[asked.length - 1];
    if (fault) throw fault;
    return token(`t${asked.length}`, 1000 + lastsS);
  };
  return { asked, get };
}

const until = async (condition) => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 400) throw new Error(`never: ${condition}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
};

export const checks = {
  'client/credentials.js: when a token expires, by its own word': async (m, same) => {
    same(m.expiryOf(token('a', 1234.5)), 1234.5);
    same(m.expiryOf(`x.${btoa('{"exp":7,"sub":"\u00ff\u00fe>?"}').replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')}.y`), 7);
    for (const none of ['', 'opaque', 'a.b', 'a.%%.c', `a.${btoa('{}')}.c`, `a.${btoa('{"exp":"soon"}')}.c`, `a.${btoa('null')}.c`]) same(m.expiryOf(none), null);
  },
  'client/credentials.js: another is due between half and seven tenths of its life': async (m, same) => {
    for (const [random, due] of [[0, 1050], [0.5, 1060], [1, 1070]]) {
      const credentials = new m.Credentials(async () => token('a', 1100), () => random);
      await credentials.get();
      credentials.used(1000);
      same(Math.round(credentials.dueAt), due);
    }
    const plain = new m.Credentials(token('a', 1100));
    plain.used(1000);
    same([plain.renews, plain.dueAt], [false, null]); // Infinity
  },
  'client/credentials.js: what could not be had is asked for again, one question at a time': async (m, same) => {
    const { asked, get } = source(100, null, new Error('away'));
    const credentials = new m.Credentials(get, () => 0);
    await credentials.get();
    credentials.used(1000);
    const used = [];
    const failures = [];
    const renew = (now) => credentials.renew(now, (each) => used.push(each), (error) => failures.push(error.message));
    await renew(1049);
    same(asked.length, 1);
    await Promise.all([renew(1050), renew(1050), renew(1051)]);
    same([asked, used.length, failures], [[false, true], 0, ['away']]);
    await renew(1054);
    same(asked.length, 2);
    await renew(1055);
    same([asked, used.length], [[false, true, true], 1]);
  },
  'client/streamgauge.js: a function that gets tokens is asked before each connection': async (m, same) => {
    const { asked, get } = source(1e6);
    const { memory, client } = begin(m, { token: get });
    same([client.state, memory.lines.length], ['connecting', 0]);
    await until(() => memory.lines.length === 1);
    same([memory.line.protocols[0], memory.line.protocols[1].slice(0, 10)], ['streamgauge.v1', 'bearer.t1.']);
    memory.line.heard.closed(1006, 'refused'); // as a browser tells of a 401
    client.retry();
    await until(() => memory.lines.length === 2);
    memory.welcome();
    memory.line.heard.closed(1006, 'cut');
    client.retry();
    await until(() => memory.lines.length === 3);
    same(asked, [false, true, false]); // the first did not get in; the second did, and may do again
    client.close();
  },
  'client/streamgauge.js: it is renewed on the same connection': async (m, same) => {
    const { get } = source(0.8);
    const { memory, client } = begin(m, { token: get });
    await until(() => memory.lines.length === 1);
    memory.welcome();
    memory.samples(1, [1, 1]);
    await until(() => memory.line.sent.some(({ type }) => type === 'authenticate'));
    same(memory.line.sent.find(({ type }) => type === 'authenticate').token.slice(0, 3), 't2.');
    memory.samples(2, [2, 2]);
    same([client.state, memory.lines.length, client.counters.samples], ['live', 1, 2]);
    client.close();
  },
  'client/streamgauge.js: it is renewed where timers come late, as those of a tab that is hidden for long': async (m, same) => {
    const { asked, get } = source(1e6);
    const { memory, client } = begin(m, { token: get });
    await until(() => memory.lines.length === 1);
    memory.welcome();
    Object.assign(client.feed, { checkedAt: -Infinity }).credentials.dueAt = 0;
    document.dispatchEvent(new Event('visibilitychange')); // looks, as the timer does
    same(asked, [false, true]);
    await until(() => memory.line.sent.some(({ type }) => type === 'authenticate'));
    same([memory.lines.length, client.state], [1, 'catching up']);
    client.close();
  },
  'client/streamgauge.js: expired, it comes back with another token and takes up the stream': async (m, same) => {
    const { asked, get } = source(1e6);
    const { memory, client } = begin(m, { token: get });
    await until(() => memory.lines.length === 1);
    memory.welcome();
    memory.samples(1, [1, 1]);
    memory.say('bye', { code: 4501, reason: 'token expired', reconnect: false, after: [0, 0] });
    memory.line.heard.closed(4501, 'token expired');
    await until(() => memory.lines.length === 2);
    same([asked, memory.line.protocols[1].slice(0, 10)], [[false, true], 'bearer.t2.']);
    memory.welcome(1, true);
    same(memory.line.sent[1].resume, 'c1');
    same(client.counters.resumed, 1);
    memory.line.heard.closed(4501, 'token revoked'); // that one does not do either
    same([client.state, client.reason], ['closed', 'token revoked']);
    await new Promise((resolve) => { setTimeout(resolve, 400); });
    same(memory.lines.length, 2);
    client.close();
  },
  'client/streamgauge.js: a token that is a text is not another when it expires': async (m, same) => {
    const { memory, client } = begin(m, { token: token('a', 1001) });
    memory.welcome();
    memory.line.heard.closed(4501, 'token expired');
    same([client.state, memory.lines.length], ['closed', 1]);
    client.close();
  },
  'client/streamgauge.js: a token that cannot be had is a failed attempt': async (m, same) => {
    const { asked, get } = source(1e6, new Error('the dashboard is away'));
    const { memory, client } = begin(m, { token: get });
    await until(() => client.state === 'reconnecting');
    same([client.reason, memory.lines.length], ['the dashboard is away', 0]);
    client.retry();
    await until(() => memory.lines.length === 1);
    same(asked, [false, true]);
    client.close();
  },
  'client/streamgauge.js: an error that is not to be retried ends it': async (m, same) => {
    const over = Object.assign(new Error('signed out'), { retry: false });
    const { asked, get } = source(0.8, null, over);
    const { memory, client } = begin(m, { token: get });
    await until(() => memory.lines.length === 1);
    memory.welcome();
    await until(() => client.state === 'closed');
    same([client.reason, memory.line.closed, asked.length], ['signed out', true, 2]);
    client.close();
    const at_once = begin(m, { token: async () => { throw over; } });
    await until(() => at_once.client.state === 'closed');
    same([at_once.client.reason, at_once.client.retryInS, at_once.memory.lines.length], ['signed out', null, 0]);
  },
  'client/streamgauge.js: closed while a token is awaited, it does not connect': async (m, same) => {
    let give = (_) => {};
    const { memory, client } = begin(m, { token: () => new Promise((resolve) => { give = resolve; }) });
    client.close();
    give(token('late', 2000));
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    same([client.state, memory.lines.length], ['closed', 0]);
  },
};
