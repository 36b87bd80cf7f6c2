'use strict';
// Keeps the page as it is now: takes the pieces that /events sends, says how long ago times are, filters the companies and draws the plot.
(() => {
  const byId = (id) => document.getElementById(id);
  const list = byId('entities');
  const search = byId('search');
  const onlyWrong = byId('only-wrong');
  const parts = new Map();
  const note = (element) => parts.set(element.dataset.part, element);
  document.querySelectorAll('[data-part]').forEach(note);

  const inWords = (ms) => {
    const seconds = Math.round(Math.abs(ms) / 1000);
    return seconds < 60
      ? `${seconds} s`
      : seconds < 7200
        ? `${Math.floor(seconds / 60)} min`
        : seconds < 259200
          ? `${Math.floor(seconds / 3600)} h`
          : `${Math.floor(seconds / 86400)} days`;
  };
  const ago = (ms) => (ms >= 0 ? `${inWords(ms)} ago` : `in ${inWords(ms)}`);
  const setText = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const tellTimes = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll('time')) {
      element.title ||= element.textContent;
      const ms = now - Date.parse(element.dateTime);
      setText(element, 'lasts' in element.dataset ? `for ${inWords(ms)}` : ago(ms));
    }
    for (const element of document.querySelectorAll('meter[data-since]'))
      element.value = Math.min(element.max, Math.max(0, (now - Date.parse(element.dataset.since)) / 1000));
  };

  const filter = () => {
    const words = search.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    for (const element of list.children) {
      const text = `${element.dataset.entity} ${element.querySelector('.badge').textContent}`.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      element.hidden = !fits || (onlyWrong.checked && !element.classList.contains('wrong'));
      if (!element.hidden) shown++;
    }
    const all = list.children.length;
    const companies = all === 1 ? 'company' : 'companies';
    setText(byId('found'), shown === all ? `${all} ${companies}` : `${shown} of ${all} ${companies}`);
  };
  search.addEventListener('input', filter);
  onlyWrong.addEventListener('change', filter);
  byId('filter').addEventListener('submit', (event) => event.preventDefault());
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !(event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === 'Escape' && event.target === search) {
      search.value = '';
      filter();
    }
  });

  /** Puts a piece in the place of the one before it; what a person has opened stays open, and the focus where it is. */
  const put = ({ name, version, html }) => {
    const before = parts.get(name);
    if (before?.dataset.v === version) return false;
    const template = document.createElement('template');
    template.innerHTML = html;
    const element = template.content.firstElementChild;
    if (before === undefined) list.append(element);
    else {
      const details = before.querySelector('details');
      if (details !== null) element.querySelector('details').open = details.open;
      const hadFocus = before.contains(document.activeElement) ? document.activeElement.className : null;
      const [from, to] = [before.querySelector('.scroll'), element.querySelector('.scroll')];
      before.replaceWith(element);
      if (from !== null && to !== null) to.scrollTop = from.scrollTop;
      if (hadFocus !== null) element.querySelector(hadFocus === 'scroll' ? '.scroll' : 'summary')?.focus();
    }
    note(element);
    return true;
  };
  /** The worst first. Nothing is moved that stands where it should. */
  const sort = () => {
    const sorted = [...list.children].sort(
      (one, other) => one.dataset.rank - other.dataset.rank || (one.dataset.entity < other.dataset.entity ? -1 : 1),
    );
    sorted.forEach((element, index) => {
      if (list.children[index] !== element) list.insertBefore(element, list.children[index]);
    });
  };

  let plot = null;
  const draw = () => {
    const place = byId('plot');
    const facts = JSON.parse(parts.get('requests').dataset.plot);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    // Each series stands on those before it, so the highest is drawn first.
    let below = facts.minutes.map(() => 0);
    const stacked = facts.series.map((series) => {
      below = below.map((sum, index) => sum + series.values[index]);
      return { ...series, values: below };
    });
    stacked.reverse();
    const data = [facts.minutes, ...stacked.map(({ values }) => values)];
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    };
    const top = Math.max(facts.limit ?? 0, 10, ...below);
    plot?.destroy();
    plot = new uPlot(
      {
        width: place.clientWidth,
        height: 220,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true }, y: { range: [0, top * 1.05] } },
        axes: [
          { ...axis, values: '{HH}:{mm}' },
          { ...axis, size: 46 },
        ],
        series: [
          {},
          ...stacked.map(({ asker }) => ({
            fill: colour(`--${asker}`),
            width: 0,
            points: { show: false },
            paths: uPlot.paths.bars({ size: [0.9, 100], align: 1 }),
          })),
        ],
        hooks: {
          draw: [
            (self) => {
              if (facts.limit === null) return;
              const y = self.valToPos(facts.limit, 'y', true);
              self.ctx.save();
              self.ctx.strokeStyle = colour('--wrong');
              self.ctx.setLineDash([6, 4]);
              self.ctx.beginPath();
              self.ctx.moveTo(self.bbox.left, y);
              self.ctx.lineTo(self.bbox.left + self.bbox.width, y);
              self.ctx.stroke();
              self.ctx.restore();
            },
          ],
        },
      },
      data,
      place,
    );
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  new ResizeObserver(() => {
    const { clientWidth } = byId('plot');
    if (plot !== null && clientWidth !== plot.width) plot.setSize({ width: clientWidth, height: 220 });
  }).observe(byId('plot'));

  const take = ({ changed, gone }) => {
    const replaced = changed.filter(put).map(({ name }) => name);
    for (const name of gone) {
      parts.get(name)?.remove();
      parts.delete(name);
    }
    if (replaced.length === 0 && gone.length === 0) return;
    sort();
    filter();
    tellTimes();
    if (replaced.includes('requests')) draw();
  };

  const live = byId('live');
  const say = (state, words) => {
    live.className = state;
    setText(live, words);
  };
  const connect = () => {
    const source = new EventSource('/events');
    source.onopen = () => say('on', 'Live');
    source.onmessage = ({ data }) => take(JSON.parse(data));
    source.onerror = () => {
      say('off', 'Not connected: what is shown may be old');
      // The browser tries again by itself, unless it was refused.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 30000);
    };
  };

  draw();
  filter();
  tellTimes();
  setInterval(tellTimes, 5000);
  connect();
})();
