/** Checks of what alerts are to the page; test_dashboard_modules.py runs each in a browser. */

const of = (host) => ({ metric: 'cpu', tags: { host }, unit: '%' });
const active = (alert, host, fired, more = {}) => ({ alert, severity: 'warning', state: 'firing', text: `${host} is hot`, series: of(host), value: 95, since: fired, fired, ...more });
const over = (alert, host, fired, ended) => ({ alert, severity: 'warning', text: 'was', series: of(host), value: 95, fired, ended, ended_reason: 'value' });
const body = (time, now, recent = [], more = {}) => ({ time, rules: [], active: now, recent, writable: true, ...more });
const event = (alert, state, time, text = `${alert}: text`) => ({ alert, severity: 'critical', state, time, text });
const told = (state) => state.firing.map(({ alert, items }) => `${alert} ${items.length}`);
const ended = (state) => state.over.map((each) => `${each.alert} ${each.fired}-${each.ended} ${each.ended_reason}`);

export const checks = {
  'alerts_state.js: what fires is told by alert, the gravest first and then the newest': async (m, same) => {
    const state = new m.AlertsState();
    same([state.known, told(state)], [false, []]);
    state.answered(body(100, [active('a', 'x', 10), active('b', 'x', 20), active('a', 'y', 5), active('c', 'x', 1, { severity: 'critical' }), active('p', 'x', null, { state: 'pending' })]));
    same([state.known, state.writable, told(state)], [true, true, ['c 1', 'b 1', 'a 2']]);
    same([state.firing[2].fired, state.firing[2].text], [5, 'y is hot']);
  },
  'alerts_state.js: an event is believed until the broadcaster answers': async (m, same) => {
    const state = new m.AlertsState();
    state.answered(body(100, []));
    state.heard(event('a', 'firing', 101));
    state.heard(event('a', 'firing', 101));
    same([told(state), state.firing[0].text, state.firing[0].severity], [['a 1'], 'text', 'critical']);
    state.answered(body(102, [active('a', 'x', 101)]));
    same([told(state), state.firing[0].items[0].series.tags.host], [['a 1'], 'x']);
    state.heard(event('a', 'ok', 103));
    same([told(state), ended(state)], [[], ['a 101-103 value']]);
    state.answered(body(104, [], [over('a', 'x', 101, 103)]));
    same(ended(state), ['a 101-103 value']);
  },
  'alerts_state.js: of an alert on several series an end is not guessed': async (m, same) => {
    const state = new m.AlertsState();
    state.answered(body(100, [active('a', 'x', 1), active('a', 'y', 2)]));
    state.heard(event('a', 'ok', 101));
    same(told(state), ['a 2']);
  },
  'alerts_state.js: what a broadcaster that was started anew does not know stays in the list': async (m, same) => {
    const state = new m.AlertsState();
    state.answered(body(100, [active('a', 'x', 90)], [over('b', 'x', 10, 20)]));
    state.answered(body(200, []));
    same(ended(state), ['a 90-200 unknown', 'b 10-20 value']);
    state.answered(body(300, [active('a', 'x', 250)], []));
    same([told(state), ended(state)], [['a 1'], ['a 90-200 unknown', 'b 10-20 value']]);
  },
  'alerts_state.js: what is too much to be listed is counted, and not taken for over': async (m, same) => {
    const state = new m.AlertsState();
    const rules = (firing) => [{ alert: 'a', firing }, { alert: 'b', firing: 1 }];
    state.answered(body(100, [active('a', 'x', 1), active('a', 'y', 2), active('b', 'x', 3)], [], { rules: rules(2) }));
    same([state.unlisted, state.firing.map(({ alert, count }) => `${alert} ${count}`)], [0, ['b 1', 'a 2']]);
    state.answered(body(101, [active('a', 'x', 1), active('b', 'x', 3)], [], { rules: rules(5), active_total: 6 }));
    same([state.unlisted, told(state), state.firing.map(({ count }) => count), ended(state)], [4, ['b 1', 'a 1'], [1, 5], []]);
    state.heard({ alert: 'a', severity: 'warning', state: 'ok', time: 101.5, text: '' });
    same([told(state), ended(state)], [['b 1', 'a 1'], []]);
    state.answered(body(102, [active('b', 'x', 3)], [], { rules: rules(0), active_total: 1 }));
    same([state.unlisted, told(state), ended(state)], [0, ['b 1'], ['a 1-102 unknown']]);
  },
  'alerts_state.js: the text is the one with which it was first told': async (m, same) => {
    const state = new m.AlertsState();
    state.answered(body(100, [active('a', 'x', 90, { text: 'is 95' })]));
    state.answered(body(101, [active('a', 'x', 90, { text: 'is 97', value: 97 })]));
    same([state.firing[0].text, state.firing[0].items[0].value], ['is 95', 97]);
    state.answered(body(102, [active('a', 'x', 101, { text: 'is 99' })]));
    same(state.firing[0].text, 'is 99');
  },
  'alerts_state.js: where nothing can be asked, the gauge says what fires': async (m, same) => {
    const state = new m.AlertsState();
    state.counted('a', 'warning', 1, 5, 'a: hot');
    same(told(state), []);
    state.unanswered();
    state.counted('a', 'warning', 1, 5, 'a: hot');
    state.counted('a', 'warning', 2, 6, 'a: hot');
    same([told(state), state.firing[0].text], [['a 1'], 'hot']);
    state.counted('a', 'warning', 0, 7, '');
    same([told(state), ended(state)], [[], ['a 5-7 value']]);
  },
  'alerts_state.js: the title, and what is news': async (m, same) => {
    const state = new m.AlertsState();
    same(m.titleOf(state.firing, 'Shop · S'), 'Shop · S');
    state.answered(body(100, [active('a', 'x', 1), active('b', 'x', 2, { severity: 'critical' }), active('b', 'y', 3, { severity: 'critical' })]));
    same(m.titleOf(state.firing, 'Shop · S'), '(2) ⚠ b · Shop · S');
    const { began, ended: gone } = m.changes(new Map([['a', { alert: 'a' }], ['z', { alert: 'z' }]]), state.firing);
    same([began.map(({ alert }) => alert), gone.map(({ alert }) => alert)], [['b'], ['z']]);
  },
  'alerts_rule.js: a condition in words': async (m, same) => {
    const condition = { above: null, below: null, clear: null, for_s: 0, silent_for_s: null, rate: false };
    const text = (more, unit = null) => m.conditionText({ ...condition, ...more }, unit).replaceAll(/\s/g, ' ');
    same(text({ above: 0.4, for_s: 5, clear: 0.3 }, 's'), 'above 400 ms for 5 s, until 300 ms');
    same(text({ above: 5, below: 1 }), 'above 5 or below 1');
    same(text({ above: 10, rate: true }, 'B'), 'rises above 10 B/s');
    same(text({ silent_for_s: 90 }), 'silent for 2 min');
    same(text({ below: 0, silent_for_s: 10 }), 'below 0; or silent for 10 s');
  },
  'alerts_rule.js: what is entered becomes the table of an alert, and back': async (m, same) => {
    const entered = { metric: 'cpu', tags: { host: 'web-?' }, when: 'above', value: '0.4', seconds: '5', clear: '', severity: 'critical', message: ' ', webhook: '' };
    same(m.tableOf(entered), { metric: 'cpu', tags: { host: 'web-?' }, above: 0.4, for: '5s', severity: 'critical' });
    same(m.tableOf({ ...entered, tags: {}, value: '-1e-9', seconds: '0', clear: '-2', message: 'x', webhook: 'http://a/b' }), { metric: 'cpu', above: -1e-9, clear: -2, severity: 'critical', message: 'x', webhook: 'http://a/b' });
    same(m.tableOf({ ...entered, tags: {}, when: 'silent', value: '7', clear: '1', seconds: '0.5' }), { metric: 'cpu', silent_for: '0.5s', severity: 'critical' });
    const rule = { metric: 'cpu', tags: { host: 'web-?' }, severity: 'critical', message: null, condition: { above: 0.4, below: null, clear: null, for_s: 5, silent_for_s: null, rate: false } };
    same(m.enteredOf(rule), { ...entered, message: '' });
    same([m.isPlain(rule), m.isPlain({ condition: { ...rule.condition, below: 0 } }), m.isPlain({ condition: { ...rule.condition, rate: true } }), m.isPlain({ condition: { ...rule.condition, above: null, below: 0, rate: true } })], [true, false, true, false]);
    const rising = { ...rule, condition: { ...rule.condition, rate: true } };
    same(m.tableOf(m.enteredOf(rising)), { metric: 'cpu', tags: { host: 'web-?' }, above: 0.4, for: '5s', rate: true, severity: 'critical' });
  },
  'alerts_rule.js: a threshold is suggested that nothing passes': async (m, same) => {
    same([m.suggestion([0.1, 0.55], 'above'), m.suggestion([10, 10], 'above'), m.suggestion([], 'above'), m.suggestion([0, 0], 'above')], [0.62, 11, 0, 0]);
    same([m.suggestion([100, 200], 'below'), m.suggestion([-5, 5], 'below')], [85, -6.5]);
    same(m.previewOf([1, 5, 9], { when: 'above', value: '4' }), { low: 1, high: 9, passing: 2 });
    same(m.previewOf([1, 5, 9], { when: 'below', value: '' }), { low: 1, high: 9, passing: 0 });
  },
  'alerts_panels.js: a rule has a line for each side, where its values are what is shown': async (m, same) => {
    const condition = { above: 5, below: 1, rate: false };
    same(m.limitsOf([{ alert: 'a', severity: 'critical', condition }, { alert: 'b', severity: 'info', condition: { above: null, below: 0, rate: false } }]), [{ above: 5, level: 'bad', name: 'a' }, { below: 1, level: 'bad', name: 'a' }, { below: 0, level: 'warn', name: 'b' }]);
    const series = {};
    same([m.shownAs(undefined, series), m.shownAs({ how: {}, places: new Map() }, series), m.shownAs({ how: {}, places: new Map([[series, {}]]) }, series), m.shownAs({ how: { aggregate: 'sum' }, places: new Map() }, series)], ['itself', 'itself', 'rate', 'aggregate']);
  },
};
