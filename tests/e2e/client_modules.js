/** Checks of the browser client over a transport that is memory; test_dashboard_modules.py runs each in a browser. */

/** A broadcaster's side of every connection. */
export class Memory {
  constructor() {
    this.lines = [];
    this.connect = (url, protocols, heard) => {
      const line = { url, protocols, heard, sent: [], closed: false };
      this.lines.push(line);
      return { send: (text) => line.sent.push(JSON.parse(text)), close: () => { line.closed = true; } };
    };
  }

  get line() {
    return this.lines[this.lines.length - 1];
  }

  say(type, fields) {
    this.line.heard.received(JSON.stringify({ type, ...fields }));
  }

  welcome(seq = 0, resumed = false) {
    this.line.heard.opened();
    this.say('welcome', { version: 1, epoch: 'e', seq, time: 1000, session: 's', ping_interval: 20, limits: {} });
    this.say('subscribed', { id: 1, seq, cursor: `c${seq}`, resumed, series: [{ key: 1, metric: 'a', tags: { host: 'x' }, unit: 's', kind: 'gauge', help: null }] });
  }

  samples(seq, ...pairs) {
    this.say('samples', { seq, prev: seq - 1, cursor: `c${seq}`, series: [[1, pairs.map(([time]) => time), pairs.map(([, value]) => value)]] });
  }
}

export function begin(m, options) {
  const memory = new Memory();
  const client = new m.Client('ws://broadcaster.test', { connect: memory.connect, ...options });
  return { memory, client };
}

export const checks = {
  'client/streamgauge.js: over another transport, it asks for what it is told to': async (m, same) => {
    const { memory, client } = begin(m, { select: ['a*', { metric: 'b', tags: { host: 'x' } }], historyS: 60, token: 'x.y.z', name: 'mine' });
    same([client.state, memory.line.url, memory.line.protocols], ['connecting', 'ws://broadcaster.test/v1/stream', ['streamgauge.v1', 'bearer.x.y.z']]);
    memory.welcome();
    same(memory.line.sent.slice(0, 2), [
      { type: 'hello', client: 'mine', overflow: 'conflate' },
      { type: 'subscribe', id: 1, select: [{ metric: 'a*' }, { metric: 'b', tags: { host: 'x' } }], history: 60 },
    ]);
    client.close();
  },
  'client/streamgauge.js: a listener that throws costs no sample, and is reported': async (m, same) => {
    const { memory, client } = begin(m);
    const reported = [];
    const report = (event) => { reported.push(event.error.message); event.preventDefault(); };
    addEventListener('error', report);
    client.on('samples', () => { throw new Error('mine'); });
    memory.welcome();
    memory.samples(1, [10, 1]);
    memory.samples(2, [11, 2]);
    removeEventListener('error', report);
    same([reported, client.find('a', { host: 'x' }).ring.contents().values], [['mine', 'mine'], [1, 2]]);
    client.close();
  },
  'client/streamgauge.js: a transport that throws at a retry is tried again': async (m, same) => {
    const { memory, client } = begin(m);
    memory.welcome();
    const { connect } = memory;
    const wishes = client.feed.wishes;
    wishes.connect = () => { throw new Error('no network'); };
    memory.line.heard.closed(1006, '');
    client.retry();
    same([client.state, client.retryInS > 0], ['reconnecting', true]);
    wishes.connect = connect;
    client.retry();
    memory.welcome();
    same(memory.lines.length, 2);
    client.close();
  },
  'client/streamgauge.js: samples are in the ring when they are told': async (m, same) => {
    const { memory, client } = begin(m);
    const told = [];
    client.on('state', (state) => told.push(state));
    client.on('samples', ({ series, times, values, how }) => told.push([series.metric, series.ring.lastValue, times, values, how]));
    memory.welcome();
    memory.samples(1, [10, 1], [11, 2]);
    same(told, ['catching up', ['a', 2, [10, 11], [1, 2], 'live'], 'live']);
    same([client.find('a', { host: 'x' }).ring.contents().values, client.series.length, client.find('a')], [[1, 2], 1, undefined]);
    client.close();
  },
  'client/streamgauge.js: what was told as lost and comes after all, resumed from before it, is not counted as lost': async (m, same) => {
    const { memory, client } = begin(m);
    memory.welcome();
    memory.samples(1, [1, 1]);
    memory.say('gap', { from: 1, to: 3, batches: 2, samples: 2 });
    memory.line.heard.closed(1006, 'cut');
    client.retry();
    memory.welcome(3, true);
    memory.say('samples', { seq: 3, prev: 1, cursor: 'c3', backfill: true, series: [[1, [2, 3], [2, 3]]] });
    const { samples, gaps, gapBatches, gapSamples } = client.counters;
    same([samples, gaps, gapBatches, gapSamples, client.store.lost], [3, 1, 0, 0, 0]);
    memory.say('gap', { from: 3, to: 4, batches: 1, samples: 5 });
    memory.samples(5, [5, 5]);
    memory.line.heard.closed(1006, 'cut');
    client.retry();
    memory.welcome(5, true);
    same(client.counters.gapSamples, 5); // it was gone past
    client.close();
  },
  'client/streamgauge.js: a cut is resumed, and what the old connection still says is not heard': async (m, same) => {
    const { memory, client } = begin(m);
    memory.welcome();
    memory.samples(1, [10, 1]);
    const old = memory.line;
    old.heard.closed(1006, 'cut');
    same([client.state, client.reason, client.retryInS <= 1], ['reconnecting', 'cut', true]);
    client.retry();
    old.heard.received('{"type": "bye", "code": 4503, "reason": "late", "reconnect": false, "after": [0, 0]}');
    old.heard.closed(4503, 'late');
    same([memory.lines.length, client.state], [2, 'reconnecting']);
    memory.welcome(2, true);
    same([memory.line.sent[1].resume, client.counters.resumed, client.retryInS], ['c1', 1, null]);
    client.close();
  },
  'client/streamgauge.js: losses are told, announced or not': async (m, same) => {
    const { memory, client } = begin(m);
    const told = [];
    client.on('lost', (loss) => told.push(loss));
    client.on('restarted', () => told.push('restarted'));
    memory.welcome();
    memory.samples(1, [10, 1]);
    memory.say('gap', { from: 1, to: 4, batches: 3, samples: 30 });
    memory.samples(5, [11, 2]);
    memory.samples(9, [12, 3]);
    same(told, [{ announced: true, batches: 3, samples: 30 }, { announced: false, batches: 0, samples: 0 }]);
    same(client.find('a', { host: 'x' }).ring.contents().breaks, [2]);
    memory.line.heard.closed(1006, '');
    client.retry();
    memory.welcome(0, false);
    same(told[2], 'restarted');
    client.close();
  },
  'client/streamgauge.js: closed is for good, by hand or by a signal': async (m, same) => {
    const ending = new AbortController();
    for (const [options, end] of [[{}, (client) => client.close()], [{ signal: ending.signal }, () => ending.abort()]]) {
      const { memory, client } = begin(m, options);
      const told = [];
      client.on('samples', () => told.push('samples'));
      memory.welcome();
      end(client);
      same([client.state, memory.line.closed], ['closed', true]);
      client.retry();
      memory.samples(1, [10, 1]);
      memory.line.heard.closed(1006, '');
      same([memory.lines.length, client.state, client.retryInS, told], [1, 'closed', null, []]);
    }
    const never = begin(m, { signal: AbortSignal.abort() });
    same([never.memory.lines.length, never.client.state], [0, 'closed']);
  },
  'client/streamgauge.js: a selection that is refused is not asked for again': async (m, same) => {
    const { memory, client } = begin(m);
    const told = [];
    client.on('refused', (refusal) => told.push(refusal));
    memory.line.heard.opened();
    memory.say('welcome', { version: 1, epoch: 'e', seq: 0, time: 1000, session: 's' });
    memory.say('error', { code: 'forbidden', message: 'not yours', id: 1 });
    same([told, client.state, client.reason, memory.line.closed], [[{ code: 'forbidden', message: 'not yours' }], 'closed', 'not yours', true]);
    client.close();
  },
  'client/streamgauge.js: who no longer listens hears nothing': async (m, same) => {
    const { memory, client } = begin(m);
    const told = [];
    const ending = new AbortController();
    const off = client.on('samples', () => told.push('off'));
    client.on('samples', () => told.push('signal'), { signal: ending.signal });
    memory.welcome();
    memory.samples(1, [10, 1]);
    off();
    ending.abort();
    memory.samples(2, [11, 1]);
    same(told, ['off', 'signal']);
    client.authenticate('new.to.ken');
    same(memory.line.sent.at(-1), { type: 'authenticate', token: 'new.to.ken' });
    client.close();
  },
};
