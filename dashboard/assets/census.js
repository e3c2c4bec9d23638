/** Who is connected, from one answer of `/v1/connections` to the next: rates, who fell silent, who is gone. Pure. */

const RATE_S = 4; // a rate is over about so long
const SILENT_S = 3; // or a producer's usual interval and a half on top of two, if that is longer
const DROPPING_S = 10; // a drop is recent for so long
const GONE_S = 60; // who left is shown for so long
const GONE_MOST = 50;
const ABSENT_S = 10; // nobody asked for so long: who left meanwhile is not news

export const TROUBLE = ['dropping', 'silent', 'gone', 'queueing', 'idle', 'ok'];

/**
 * @typedef {object} Known
 * @property {any} said by the broadcaster, last
 * @property {number} at when, in local seconds
 * @property {Array<[number, number]>} points [local seconds, samples published or delivered]
 * @property {number} movedAt when it last published or was delivered something, as far as known
 * @property {number} intervalS usual seconds between that
 * @property {number} droppedAt
 * @property {number|null} goneAt
 */

/** @param {any} said @returns {number} */
const samplesOf = (said) => (said.role === 'subscriber' ? said.delivered_samples : said.published_samples);

export class Census {
  constructor() {
    /** @type {Map<string, Known>} */
    this.known = new Map();
    this.takenAt = -Infinity;
    this.total = 0;
    this.limits = /** @type {Record<string, number>} */ ({});
  }

  /** @param {number} now local seconds @param {any} answer */
  take(now, answer) {
    const said = answer.connections ?? [];
    const absent = now - this.takenAt > ABSENT_S;
    this.takenAt = now;
    this.total = answer.total ?? said.length;
    this.limits = answer.limits ?? {};
    for (const each of said) this.#see(now, each);
    const here = new Set(said.map((/** @type {any} */ each) => each.session));
    // Producers come first: if there is anybody else in an answer, all of them are.
    const all = said.length >= this.total;
    const allProducers = all || said.some((/** @type {any} */ each) => each.role === 'subscriber');
    for (const [session, each] of this.known) {
      if (here.has(session)) continue;
      const missed = each.said.role === 'producer' ? allProducers : all;
      if (absent || !missed) this.known.delete(session);
      else each.goneAt ??= now;
    }
    this.#forget(now);
  }

  /** @param {number} now @param {any} said */
  #see(now, said) {
    const samples = samplesOf(said);
    const before = this.known.get(said.session);
    if (!before || before.said.role !== said.role) {
      const fresh = { said, at: now, points: /** @type {Array<[number, number]>} */ ([[now, samples]]), movedAt: now - said.last_seen_s, intervalS: 1, droppedAt: -Infinity, goneAt: null };
      this.known.set(said.session, fresh);
      return;
    }
    const [, last] = before.points[before.points.length - 1];
    if (samples > last) {
      before.intervalS += (Math.min(30, now - before.movedAt) - before.intervalS) * 0.3;
      before.movedAt = now;
    }
    if (said.dropped_samples > before.said.dropped_samples) before.droppedAt = now;
    before.points.push([now, samples]);
    while (before.points.length > 2 && now - before.points[1][0] >= RATE_S) before.points.shift();
    Object.assign(before, { said, at: now, goneAt: null });
  }

  /** @param {number} now */
  #forget(now) {
    const gone = [...this.known].filter(([, { goneAt }]) => goneAt !== null);
    gone.sort(([, a], [, b]) => Number(b.goneAt) - Number(a.goneAt));
    gone.forEach(([session, { goneAt }], index) => {
      if (index >= GONE_MOST || now - Number(goneAt) > GONE_S) this.known.delete(session);
    });
  }

  /** @param {number} now */
  rows(now) {
    return [...this.known.values()].map((each) => rowOf(each, now));
  }
}

/** @param {Known} known @param {number} now */
function rowOf(known, now) {
  const { said, at, points, goneAt, movedAt } = known;
  const [[from, first], [to, last]] = [points[0], points[points.length - 1]];
  const ageing = goneAt === null ? now - at : 0;
  const state = stateOf(known, now);
  const measured = to > from ? (last - first) / (to - from) : null;
  return {
    id: said.session,
    role: said.role,
    client: said.client ?? '',
    address: said.address,
    state,
    rate: state === 'gone' ? null : state === 'silent' ? 0 : measured,
    samples: last,
    queuedBatches: said.queued_batches,
    queuedBytes: said.queued_bytes,
    dropped: said.dropped_samples,
    ageS: said.age_s + ageing,
    seenS: goneAt === null ? said.last_seen_s + ageing : now - goneAt,
    silentS: now - movedAt,
    goneS: goneAt === null ? null : now - goneAt,
    said,
  };
}

/** @typedef {ReturnType<typeof rowOf>} Row */

/** @param {Known} known @param {number} now @returns {string} one of TROUBLE */
function stateOf({ said, movedAt, intervalS, droppedAt, goneAt }, now) {
  if (goneAt !== null) return 'gone';
  if (now - droppedAt < DROPPING_S) return 'dropping';
  if (said.role === 'producer' && now - movedAt > Math.max(SILENT_S, 2.5 * intervalS)) return 'silent';
  if (said.queued_batches > 0) return 'queueing';
  return said.role === 'idle' ? 'idle' : 'ok';
}

/** What a column is sorted by. @type {Record<string, (row: Row) => number|string>} */
const BY = {
  state: (row) => TROUBLE.indexOf(row.state),
  client: (row) => row.client.toLowerCase(),
  role: (row) => row.role,
  address: (row) => row.address,
  rate: (row) => row.rate ?? -1,
  queue: (row) => row.queuedBytes,
  dropped: (row) => row.dropped,
  age: (row) => row.ageS,
  seen: (row) => (row.role === 'producer' ? row.silentS : row.seenS),
};

const collator = new Intl.Collator(undefined, { numeric: true });

/** @param {Row[]} rows @param {string} sort a column, `-` before it: the largest first @returns {Row[]} whoever is alike stays in order of role, client and address */
export function sorted(rows, sort) {
  const descending = sort.startsWith('-');
  const by = BY[sort.replace('-', '')] ?? BY.state;
  const compare = (/** @type {number|string} */ a, /** @type {number|string} */ b) => (typeof a === 'number' ? a - Number(b) : collator.compare(a, String(b)));
  const usual = (/** @type {Row} */ a, /** @type {Row} */ b) => collator.compare(`${a.role} ${a.client} ${a.address}`, `${b.role} ${b.client} ${b.address}`);
  return [...rows].sort((a, b) => (descending ? -1 : 1) * compare(by(a), by(b)) || usual(a, b));
}

export const COLUMNS = Object.keys(BY);
