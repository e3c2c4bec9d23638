/**
 * Put into every page before its own scripts: counts frames, and tells how old samples are when they are painted.
 * `fresh(panel, since)` is the page's own way to say which times later than `since` its first line of a panel now shows.
 */
(() => {
  const probe = { frames: [], ages: [], delays: [], events: [], long: [], panels: 0, fresh: null };
  window.drawingProbe = probe;
  const since = [];
  const channel = new MessageChannel();
  // The task after a frame: what the frame changed has been laid out and painted by then.
  channel.port1.onmessage = () => {
    if (!probe.fresh) return;
    const now = Date.now() / 1000;
    for (let panel = 0; panel < probe.panels; panel++) {
      for (const time of probe.fresh(panel, since[panel] ?? now)) {
        probe.ages.push(now - time);
        since[panel] = Math.max(since[panel] ?? 0, time);
      }
      since[panel] ??= now;
    }
  };
  const frame = (time) => {
    requestAnimationFrame(frame);
    probe.frames.push(time);
    channel.port2.postMessage(0);
  };
  requestAnimationFrame(frame);
  for (const name of ['pointermove', 'pointerdown', 'keydown', 'wheel']) {
    addEventListener(name, (event) => probe.delays.push(performance.now() - event.timeStamp), { capture: true, passive: true });
  }
  const watch = (type, take, more) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, ...more });
  watch('event', (entry) => probe.events.push(entry.duration), { durationThreshold: 16 });
  watch('longtask', (entry) => probe.long.push(entry.duration), {});
  probe.read = () => ({ frames: probe.frames, ages: probe.ages, delays: probe.delays, events: probe.events, long: probe.long });
  probe.clear = () => { for (const list of [probe.frames, probe.ages, probe.delays, probe.events, probe.long]) list.length = 0; };
})();
