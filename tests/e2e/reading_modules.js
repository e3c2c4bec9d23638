/** Checks of what reading charts, and taking them elsewhere, consists of; test_dashboard_modules.py runs each in a browser. */

const ring = async (pairs) => {
  const { Ring } = await import('/client/rings.js');
  const made = new Ring(1000);
  for (const [time, value] of pairs) made.push(time, value);
  return made;
};

export const checks = {
  'view.js: a range is looked back at until somebody wants to be live': async (m, same) => {
    const view = new m.View(() => 1000, () => 0);
    view.set(false, 60, '');
    view.advance();
    same([view.state, view.from, view.to, view.isLive], ['live', 940, 1000, true]);
    same([view.zoomTo(950, 960), view.state, view.from, view.to, view.width, view.isLive], [true, 'looking back', 950, 960, 10, false]);
    view.live();
    same([view.state, view.range], ['live', null]);
    same([view.zoomTo(5, 5.001), view.zoomTo(6, 5), view.zoomTo(NaN, 1), view.state], [false, false, false, 'live']);
    view.set(true, 60, '');
    same([view.state, view.isLive], ['paused', false]);
  },
  'view.js: panning stops at what is newest, and goes on from there': async (m, same) => {
    const view = new m.View(() => 1000, () => 0);
    const moves = [];
    view.onMoved = ({ range, at }, replace) => { moves.push([at, replace]); view.show(range); };
    view.set(false, 60, ''); view.advance();
    view.pan(0.5); same(view.range, null);
    view.pan(-0.5); same([view.from, view.to], [910, 970]);
    view.pan(-1); same([view.from, view.to], [850, 910]);
    view.pan(1); view.pan(1); same([view.from, view.to], [940, 1000]);
    view.pan(0.1); same(view.state, 'live');
    same(moves.map(([, replace]) => replace), [false, false, true, true, true, false]);
    view.zoomTo(900, 920); view.zoomBy(2); same([view.from, view.to], [890, 930]);
    view.zoomTo(980, 1000); view.zoomBy(2); same([view.from, view.to], [960, 1000]);
    view.zoomBy(0.5); same([view.from, view.to], [970, 990]);
  },
  'moment.js: what part of time is shown is said in words': async (m, same) => {
    const at = Date.UTC(2026, 10, 23, 12, 0, 3) / 1000;
    const view = (parts) => ({ now: () => at + 3600, right: at, from: at - 60, to: at, width: 60, state: 'live', ...parts });
    same(m.momentText(view({})), 'view live');
    same(m.momentText(view({ state: 'paused' })), 'view paused 12:00:03');
    same(m.momentText(view({ state: 'looking back' })), 'looking back 11:59:03–12:00:03');
    same(m.momentText(view({ state: 'looking back', from: at - 0.25, width: 0.25 })), 'looking back 12:00:02.750–12:00:03.000');
    same(m.momentText(view({ state: 'looking back', now: () => at + 86400 })), 'looking back 2026-11-23 11:59:03–12:00:03');
  },
  'crosshair.js: only who is pointed at takes the moment away': async (m, same) => {
    const crosshair = new m.Crosshair();
    const ended = new AbortController();
    let heard = 0;
    crosshair.listen(() => heard++, ended.signal);
    crosshair.point('a', 0.5); crosshair.point('a', 0.5); crosshair.point('b', 0.5); crosshair.leave('a');
    same([heard, crosshair.share, crosshair.source, crosshair.isOn], [2, 0.5, 'b', true]);
    crosshair.leave('b');
    same([heard, crosshair.share, crosshair.isOn], [3, null, false]);
    ended.abort(); crosshair.point('c', 0.1);
    same([heard, crosshair.listeners.size], [3, 0]);
  },
  'crosshair.js: values are read a few times a second': async (m, same) => {
    const crosshair = new m.Crosshair();
    same(crosshair.due(0, true), false);
    crosshair.point('a', 0.5);
    same([crosshair.due(1000, false), crosshair.due(2000, false), crosshair.due(3000, true), crosshair.due(3001, true)], [true, false, true, false]);
    crosshair.leave('a');
    same([crosshair.due(4000, true), crosshair.due(5000, true)], [true, false]);
  },
  'choice.js: what is hidden and what is alone, panel by panel': async (m, same) => {
    const choice = new m.Choice();
    const [one, two] = [['a', 'b', 'c'], ['x', 'y']];
    const shown = (marks) => marks.filter(choice.shown(marks)).join('');
    choice.toggle('b', one); same([shown(one), shown(two)], ['ac', 'xy']);
    choice.toggle('b', one); same(shown(one), 'abc');
    choice.toggle('a', one); choice.isolate('c', one); same([shown(one), shown(two), choice.texts], ['c', 'xy', { hide: '', only: 'c' }]);
    same([...one, 'later'].filter(choice.shown([...one, 'later'])), ['c']);
    choice.toggle('a', one); same(shown(one), 'ac');
    choice.isolate('a', one); choice.isolate('a', one); same([shown(one), choice.texts], ['abc', { hide: '', only: '' }]);
    choice.isolate('a', one); choice.toggle('a', one); same(shown(one), 'abc');
    choice.toggle('a', one); choice.toggle('b', one); same(shown(one), 'c');
    choice.isolate('c', one); same([shown(one), choice.texts], ['abc', { hide: '', only: '' }]);
  },
  'choice.js: marks are short, and nonsense in a URL is nothing': async (m, same) => {
    const marks = Array.from({ length: 2000 }, (_, at) => m.markOf(`shop.latency\n["shop.latency",[["route","/${at}"]]]`));
    same([new Set(marks).size, marks.every((mark) => /^[0-9a-z]{1,7}$/.test(mark)), m.markOf(''), m.markOf('a')], [2000, true, 'ztntfp', '1r9wi7g']);
    const choice = new m.Choice();
    choice.read({ hide: 'a.b..<script>.ZZ.123456789', only: '' });
    same(choice.texts, { hide: 'a.b', only: '' });
    choice.read({ hide: marks.join('.'), only: '' });
    same([choice.hidden.size, choice.texts.hide.length < 2400], [300, true]);
  },
  'navigation.js: what is looked back at, hidden, embedded is in the URL': async (m, same) => {
    const there = (text) => m.placeOf(new URL(text, 'http://x'));
    const back = (text) => m.urlOf(there(text));
    for (const url of ['/?from=1700000000.5&to=1700000060&hide=1x.2y&only=zz&kiosk=1', '/embed?dashboard=shop&window=300&theme=dark&panel=2', '/embed?metric=shop.*']) same(back(url), url);
    same([back('/?from=5&to=4'), back('/?from=5'), back('/?at=9&from=5&to=6'), back('/?hide=A-b&only=%3C&kiosk=2&panel=1&metric=a'), back('/embed?panel=1.5')], ['/', '/', '/?from=5&to=6', '/', '/embed']);
  },
  'losses.js: losses of several lines at one time are one span': async (m, same) => {
    same(m.spansOf([{ lost: [] }, { lost: [] }]), []);
    same(m.spansOf([{ lost: [10, 12, 30, 31] }, { lost: [11, 13] }, { lost: [20, 21] }]), [{ from: 10, to: 13 }, { from: 20, to: 21 }, { from: 30, to: 31 }]);
  },
  'losses.js: strokes stay inside their box': async (m, same) => {
    const numbers = m.hatch(100, 120, 50).match(/-?[\d.]+/g).map(Number);
    const [xs, ys] = [0, 1].map((odd) => numbers.filter((_, at) => at % 2 === odd));
    same([Math.min(...xs) >= 100, Math.max(...xs) <= 120, Math.min(...ys) >= 0, Math.max(...ys) <= 50, xs.length > 10], [true, true, true, true, true]);
  },
  'losses.js: what is known of a loss is said where it was': async (m, same) => {
    const { collect, emptyLine } = await import('/decimate.js');
    const held = await ring([[1, 1], [2, 2]]);
    held.breakLine(30); held.breakLine(7); held.push(5, 5); held.push(6, null); held.push(9, 9);
    const line = emptyLine();
    collect(held, 0, 10, 100, line);
    same(line.lost, [2, 5]);
    const traces = [{ line, series: { ring: held } }];
    same([m.lossAt(traces, 3), m.lossAt(traces, 7), m.lossAt(traces, 1.5), m.lossAt(traces, 1.5, 1)], ['37 samples of all series', '', '', '37 samples of all series']);
    held.breakLine(); held.push(10, 1); collect(held, 0, 11, 100, line);
    same([line.lost, m.lossAt(traces, 9.5)], [[2, 5, 9, 10], 'how many is not known']);
  },
  'decimate.js: losses among many samples are found too': async (m, same) => {
    const held = await ring([]);
    held.capacity = 9000;
    for (let at = 0; at < 6000; at++) { if (at === 2500) held.breakLine(1); held.push(at, at % 9); }
    const line = m.emptyLine();
    m.collect(held, 0, 6000, 100, line);
    same([line.decimated, line.lost], [true, [2499, 2500]]);
  },
  'hover.js: the value under the pointer is that of the nearest sample within reach': async (m, same) => {
    const held = await ring([[10, 1], [20, 2], [30, null]]);
    same([m.valueAt(held, 14, 5), m.valueAt(held, 16, 5), m.valueAt(held, 29, 5), m.valueAt(held, 3, 5) === undefined, m.valueAt(await ring([]), 3, 5) === undefined], [1, 2, NaN, true, true]);
    same(m.reachOf(100, 800), 3);
  },
  'csv.js: cells are texts or numbers, and never a formula': async (m, same) => {
    same(['a', 'a,b', 'a "b"', 'a\nb', '=1+1', '+1', '-1', '@x', '\tx', '=HYPERLINK("http://x","y")', ''].map(m.textCell), ['a', '"a,b"', '"a ""b"""', '"a\nb"', "'=1+1", "'+1", "'-1", "'@x", "'\tx", '"\'=HYPERLINK(""http://x"",""y"")"', '']);
    same([m.columnName('a.b', {}, null), m.columnName('a.b', { z: '1', k: 'x y' }, 'B/s')], ['a.b', 'a.b{k=x y,z=1} [B/s]']);
  },
  'csv.js: a row for each time, numbers to the last digit': async (m, same) => {
    const columns = [{ name: 'a', times: [1, 2.5, 2.5], values: [-0.1, 1e300, 3] }, { name: '=b', times: [0.25, 2.5], values: [NaN, 5e-324] }, { name: 'e', times: [1], values: ['@x'] }];
    same(m.csvLines(columns), [
      "time,unix_s,a,'=b,e\r\n", '1970-01-01T00:00:00.250Z,0.25,,NaN,\r\n', "1970-01-01T00:00:01.000Z,1,-0.1,,'@x\r\n",
      '1970-01-01T00:00:02.500Z,2.5,1e+300,5e-324,\r\n', '1970-01-01T00:00:02.500Z,2.5,3,,\r\n',
    ]);
    same(m.csvLines([]), ['time,unix_s\r\n']);
  },
  'picture.js: the time of a picture has its day and zone': async (m, same) => {
    same([m.rangeText(1700000000, 1700000060), m.rangeText(1700000000, 1700007000)], ['2023-11-14 22:13:20 – 22:14:20 UTC', '2023-11-14 22:13:20 – 2023-11-15 00:10:00 UTC']);
  },
  'embed.js: one panel of a dashboard, or of a metric': async (m, same) => {
    const spec = (title) => ({ title, metric: 'a', tags: {}, kind: 'stat', width: 1, height: 3 });
    same(m.embedded({ panel: 1, metric: '' }, [spec('x'), spec('y')]), [{ ...spec('y'), width: 4, height: 1 }]);
    same([m.embedded({ panel: 9, metric: '' }, [spec('x')]), m.embedded({ panel: null, metric: '' }, null)], [[], []]);
    same(m.embedded({ panel: null, metric: 'shop.*' }, null)[0].metric, 'shop.*');
    same(m.iframeOf({ metric: 'a"<b' }, 'http://x/embed?a=1&b=2').startsWith('<iframe src="http://x/embed?a=1&amp;b=2" title="a&quot;&lt;b"'), true);
  },
};
