// A viewer of queries: one module for notebooks (anywidget), for pages that open from a file, and for frames.
// It is fed with a head (plain JSON) and a blob (typed arrays and thumbnails), made by cir_nb.analysis.viewer.
// Everything that comes from data is put on the page as text, never as markup.

const TYPES = {uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int32: Int32Array, float32: Float32Array,
  float64: Float64Array};
const NOWHERE = 1e9; // the rank of what was not found or not searched
const QUERY_VERDICTS = {b: 'bad caption', r: 'real failure'};
const IMAGE_VERDICT = 'right too';
const SIZES = {wide: {width: 64, height: 80}, narrow: {width: 46, height: 58}};
const OF_ALL = new Set(['outcome', 'rank', 'best', 'hit']); // facets whose recall says nothing: their share is shown
const HELP = [['j or ↓', 'next query'], ['k or ↑', 'query before'], ['PgUp PgDn Home End', 'further'],
  ['Enter', 'open the query'], ['Escape', 'close, leave the search'], ['/', 'search in texts and names'],
  ['b', 'mark it: bad caption'], ['r', 'mark it: real failure'], ['?', 'this help']];

// Texts

// Control characters become visible ones, so that nothing of a text is lost on the page or in a file
const shown = text => String(text ?? '').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g,
  c => String.fromCharCode(c === '\u007f' ? 0x2421 : 0x2400 + c.charCodeAt(0)));
const thousands = new Intl.NumberFormat('en-US'), count = n => thousands.format(n);
const plural = (n, word) => `${count(n)} ${n === 1 ? word : word.replace(/y$/, 'ie') + 's'}`;
const label = name => shown(name).replaceAll('_', ' ');

function number(x, integer) {
  if (x === null || Number.isNaN(x)) return '–';
  if (x >= NOWHERE) return 'not found';
  return integer ? count(x) : String(Number(x.toPrecision(3)));
}

const percent = share => share > 0 && share < .005 ? '<1 %' : `${(100 * share).toFixed(0)} %`;

// A cell of CSV. What a spreadsheet would take for a formula gets an apostrophe before it
export function csvCell(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = shown(value);
  const safe = /^[\s\u0000]*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function interval(hits, n) { // 95 % interval of a share, in percent, as `confidence_interval` of the tables has it
  if (!n) return [0, 100];
  const p = hits / n, padded = (hits + 2) / (n + 4);
  const half = 1.96 * Math.sqrt(padded * (1 - padded) / (n + 4));
  return [Math.max(0, 100 * (p - half)), Math.min(100, 100 * (p + half))];
}

// Elements

function h(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
    else if (key === 'class') e.className = value;
    else if (key === 'text') e.textContent = shown(value);
    else if (key === 'style') Object.assign(e.style, value);
    else e.setAttribute(key, value === true ? '' : value);
  }
  e.append(...children.filter(c => c !== null && c !== undefined && c !== ''));
  return e;
}
const button = (text, onclick, props = {}) => h('button', {type: 'button', onclick, text, ...props});
const pressed = (e, on) => e.setAttribute('aria-pressed', String(on));

// Data

export class Model {
  constructor(head, bytes) {
    this.head = head;
    this.bytes = bytes;
    this.k = head.k;
    this.ids = this.array(head.ids);
    this.refs = this.array(head.refs);
    this.n = this.ids.length;
    this.columns = head.columns.map(c => ({...c, at: c.data ? this.array(c.data) : null,
      start: c.start ? this.array(c.start) : null}));
    this.column = Object.fromEntries(this.columns.map(c => [c.name, c]));
    this.rankings = head.rankings.map(r => ({...r, at: this.array(r.places), score: this.array(r.scores),
      suspected: r.suspected ? this.array(r.suspected) : null}));
    this.targets = {start: this.array(head.targets.start), at: this.array(head.targets.places)};
    this.subset = head.subset ? this.array(head.subset.places) : null;
    this.thumbs = this.array(head.thumbs.start);
    this.urls = new Map();
    this.none = head.none;
    this.row = new Map(Array.from(this.ids, (id, i) => [id, i]));
    const rank = this.column.rank?.at;
    this.hit = Uint8Array.from({length: this.n}, (_, i) => Number(rank ? rank[i] <= this.k : 0));
    const second = this.column.second_rank?.at;
    this.cross = second ? Uint8Array.from({length: this.n}, (_, i) => 2 * this.hit[i] + Number(second[i] <= this.k)) : null;
  }

  array({at, length, type}) { return new TYPES[type](this.bytes.buffer, this.bytes.byteOffset + at, length); }

  codes(column, i) { // of the values that a row has in a list of choices
    if (column.kind === 'several') return column.at.subarray(column.start[i], column.start[i + 1]);
    return column.at[i] < column.values.length ? [column.at[i]] : [];
  }

  value(column, i) { // as text or number; empty where there is none
    if (column.kind === 'several') return Array.from(this.codes(column, i), code => column.values[code]).join(' ');
    if (column.kind === 'category') return column.at[i] < column.values.length ? column.values[column.at[i]] : '';
    return column.kind === 'number' ? column.at[i] : column.values[i];
  }

  text(i) { return this.column.text ? this.value(this.column.text, i) : ''; }

  targetsOf(i) { return this.targets.at.subarray(this.targets.start[i], this.targets.start[i + 1]); }

  hits(ranking, i) { // image numbers, without the padding
    const row = ranking.at.subarray(i * ranking.width, (i + 1) * ranking.width), end = row.indexOf(this.none);
    return end < 0 ? row : row.subarray(0, end);
  }

  haystack(i) { // what free text searches in
    this.haystacks ??= Array.from({length: this.n}, (_, j) => {
      const target = this.targetsOf(j)[0];
      return [this.text(j), this.head.names[this.refs[j]], this.head.names[target] ?? ''].join(' ').toLowerCase();
    });
    return this.haystacks[i];
  }

  url(image) { // of a thumbnail; empty for an image that is not there
    const start = this.thumbs[image], end = this.thumbs[image + 1];
    if (!(end > start)) return '';
    if (!this.urls.has(image)) {
      const base = this.head.thumbs.at;
      const part = this.bytes.subarray(base + start, base + end);
      this.urls.set(image, URL.createObjectURL(new Blob([part], {type: this.head.thumbs.type})));
    }
    return this.urls.get(image);
  }

  release() { for (const url of this.urls.values()) URL.revokeObjectURL(url); }
}

const isChoice = column => column?.kind === 'category' || column?.kind === 'several';

// What a reader has chosen, and its short form in an address: is.outcome=lost&in.rank=11..50&sort=-rank

export const emptyState = () => ({search: '', is: {}, in: {}, cross: [], marked: '', sort: '', open: null});

export function formatState(state) {
  const p = new URLSearchParams();
  if (state.search) p.append('search', state.search);
  for (const [name, values] of Object.entries(state.is)) for (const v of values) p.append(`is.${name}`, v);
  for (const [name, [low, high]] of Object.entries(state.in)) p.append(`in.${name}`, `${low ?? ''}..${high ?? ''}`);
  for (const c of state.cross) p.append('cross', c);
  if (state.marked) p.append('marked', state.marked);
  if (state.sort) p.append('sort', state.sort);
  if (state.open !== null) p.append('open', state.open);
  return p.toString();
}

export function parseState(text, model) {
  const state = emptyState(), number = s => s === '' || Number.isNaN(Number(s)) ? null : Number(s);
  for (const [key, value] of new URLSearchParams(text.replace(/^#/, ''))) {
    const kind = key.slice(0, 2), name = key.slice(3), column = Object.hasOwn(model.column, name) ? model.column[name] : null;
    if (key === 'search' || key === 'marked') state[key] = value;
    else if (key === 'sort' && model.column[value.replace(/^-/, '')]) state.sort = value;
    else if (key === 'open' && model.row.has(Number(value))) state.open = Number(value);
    else if (key === 'cross' && model.cross && '0123'.includes(value)) state.cross.push(Number(value));
    else if (key[2] === '.' && kind === 'is' && isChoice(column)) (state.is[name] ??= []).push(value);
    else if (key[2] === '.' && kind === 'in' && column?.kind === 'number') state.in[name] = value.split('..').map(number);
  }
  return state;
}

// Filters: each has a key and a test of a row. A row that fails one filter only still counts in that filter's own facet

const within = (x, [low, high]) => (low === null || x >= low) && (high === null || x <= high) && !Number.isNaN(x);

function searchTest(model, search) { // every word must occur; -word must not
  const words = search.toLowerCase().match(/-?"[^"]+"|\S+/g) ?? [];
  const parts = words.map(w => ({not: w.length > 1 && w[0] === '-', text: w.replace(/^-(?=.)/, '').replaceAll('"', '')}));
  return i => parts.every(p => model.haystack(i).includes(p.text) !== p.not);
}

function filtersOf(state, model, marks) {
  const filters = [];
  if (state.search.trim()) filters.push({key: 'search', test: searchTest(model, state.search)});
  for (const [name, values] of Object.entries(state.is)) {
    const c = model.column[name], codes = new Set(values.map(v => c.values.indexOf(v)));
    const test = c.kind === 'several' ? i => model.codes(c, i).some(code => codes.has(code)) : i => codes.has(c.at[i]);
    filters.push({key: `is.${name}`, test});
  }
  for (const [name, range] of Object.entries(state.in)) {
    const c = model.column[name];
    filters.push({key: `in.${name}`, test: i => within(c.at[i], range)});
  }
  if (state.cross.length) filters.push({key: 'cross', test: i => state.cross.includes(model.cross[i])});
  if (state.marked) {
    const ids = new Set(marks.filter(m => state.marked === 'any' || m.verdict === state.marked).map(m => m.query));
    filters.push({key: 'marked', test: i => ids.has(model.ids[i])});
  }
  return filters;
}

function applyFilters(model, filters) { // -> rows that pass, and for each row which one filter it fails (-1 none, -2 several)
  const fails = new Int16Array(model.n).fill(-1), rows = [];
  for (let i = 0; i < model.n; i++) {
    for (let f = 0; f < filters.length; f++) {
      if (filters[f].test(i)) continue;
      fails[i] = fails[i] === -1 ? f : -2;
      if (fails[i] === -2) break;
    }
    if (fails[i] === -1) rows.push(i);
  }
  return {rows, fails};
}

function sortRows(rows, sort, model) {
  const c = model.column[sort.replace(/^-/, '')];
  if (!c) return rows;
  const sign = sort[0] === '-' ? -1 : 1;
  if (c.kind === 'text') return rows.sort((a, b) => sign * model.value(c, a).localeCompare(model.value(c, b)) || a - b);
  if (c.kind === 'several') return rows;
  const at = i => c.kind === 'category' && c.at[i] >= c.values.length ? NaN : c.at[i];
  return rows.sort((a, b) => {
    const x = at(a), y = at(b);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return sign * (x - y) || a - b;
  });
}

// Buckets of a number: [low, high, label]

function bucketsOf(column, model) {
  const integer = column.integer, of = (low, high) => low === high ? number(low, integer) : `${number(low, integer)} to ${number(high, integer)}`;
  if (column.rank) {
    const ends = [...new Set([1, model.k, 50, 100])].sort((a, b) => a - b), last = ends.at(-1);
    return [...ends.map((end, i) => [i ? ends[i - 1] + 1 : 1, end, of(i ? ends[i - 1] + 1 : 1, end)]),
      [last + 1, null, `over ${last}`]];
  }
  const values = Array.from(column.at).filter(x => !Number.isNaN(x)).sort((a, b) => a - b), unique = [...new Set(values)];
  if (unique.length <= 6) return unique.map(x => [x, x, number(x, integer)]);
  const at = [0, .25, .5, .75].map(q => values[Math.floor(q * values.length)]), lows = [...new Set(at)];
  return lows.map((low, i) => {
    const next = lows[i + 1];
    const high = next === undefined ? values.at(-1) : integer ? next - 1 : values[values.findLastIndex(x => x < next)];
    return [low, high, of(low, high)];
  });
}

// The viewer. A host has: page (bool), selected(ids), marks(list), state(text), explain(query) or nothing

export class Viewer {
  constructor(root, model, host) {
    Object.assign(this, {root, model, host, state: emptyState(), marks: host.initialMarks ?? [], rows: [], active: 0,
      pool: new Map(), explanations: {...model.head.explanations}, cleanup: []});
    this.facets = [];
    this.build();
    this.watchTheme();
    this.watchSize();
    this.apply(host.initialState ?? '');
  }

  // Layout

  build() {
    const head = this.model.head;
    this.root.classList.add('cir-viewer');
    this.root.setAttribute('data-lm-suppress-shortcuts', 'true'); // JupyterLab leaves keys in here alone
    this.status = h('p', {class: 'status', role: 'status'});
    this.chips = h('div', {class: 'chips', role: 'group', 'aria-label': 'Filters in use'});
    this.search = h('input', {type: 'search', class: 'search', 'aria-label': 'Search in texts and names',
      placeholder: 'search words; -word leaves out', oninput: () => this.change({search: this.search.value})});
    this.list = h('div', {class: 'list', role: 'listbox', tabindex: 0, 'aria-label': 'Queries', onscroll: () => this.draw()},
      this.spacer = h('div', {class: 'spacer', role: 'presentation'}));
    this.list.addEventListener('click', e => this.clicked(e));
    this.nothing = h('div', {class: 'nothing', hidden: true}, h('p', {text: 'No query matches.'}),
      button('Clear all filters', () => this.clear()));
    this.detail = h('section', {class: 'detail', role: 'dialog', 'aria-modal': 'true', tabindex: -1, hidden: true});
    this.help = this.buildHelp();
    this.side = h('aside', {class: 'side', 'aria-label': 'Filters'}, ...this.buildFacets());
    this.toast = h('div', {class: 'toast', role: 'status', 'aria-live': 'polite'});
    this.main = h('div', {class: 'main'}, this.buildTools(), this.chips, this.status,
      h('div', {class: 'frame'}, this.list, this.nothing));
    this.body = h('div', {class: 'body'}, this.side, this.main);
    const notes = (head.notes ?? []).map(text => h('p', {class: 'note', text}));
    this.header = h('header', {}, h('h1', {text: head.title}), h('p', {class: 'about', text: head.about}), ...notes);
    this.root.replaceChildren(this.header, this.body, this.detail, this.help, this.toast);
    const target = this.host.page ? document : this.root, onkey = e => this.key(e);
    target.addEventListener('keydown', onkey);
    this.cleanup.push(() => target.removeEventListener('keydown', onkey));
  }

  buildTools() {
    const {head, column, columns} = this.model;
    this.toggles = [];
    const toggle = (text, on, change, title) => {
      const b = button(text, () => this.change(change(!on())), {title, class: 'extra'});
      this.toggles.push([b, on]);
      return b;
    };
    const is = (name, value) => toggle(`only ${value}`, () => (this.state.is[name] ?? []).includes(value),
      on => ({is: {...this.state.is, [name]: on ? [value] : []}}));
    const only = column.change?.kind === 'category' ? ['gained', 'lost'].filter(v => column.change.values.includes(v)).map(v => is('change', v)) : [];
    if (column.suspected?.kind === 'number') only.push(toggle('only suspected', () => this.state.in.suspected?.[0] === 1,
      on => ({in: {...this.state.in, suspected: on ? [1, null] : undefined}}), 'An image that may be right too comes before the target'));
    only.push(toggle('only marked', () => this.state.marked === 'any', on => ({marked: on ? 'any' : ''})));
    const orders = columns.filter(c => c.kind === 'number' || c.name === 'text').flatMap(c => c.kind === 'text' ?
      [[c.name, `${label(c.name)}, A to Z`]] : c.rank ? [[c.name, `${label(c.name)}, best first`], [`-${c.name}`, `${label(c.name)}, worst first`]] :
        [[c.name, `${label(c.name)}, low first`], [`-${c.name}`, `${label(c.name)}, high first`]]);
    this.order = h('select', {'aria-label': 'Sort by', onchange: () => this.change({sort: this.order.value})},
      h('option', {value: '', text: 'in the order of the data'}), ...orders.map(([value, text]) => h('option', {value, text})));
    this.filterButton = button('Filters', () => this.showSide(!this.root.classList.contains('side-open')),
      {class: 'filters', 'aria-expanded': 'false'});
    return h('div', {class: 'tools', role: 'group', 'aria-label': 'Search, sort, export'}, this.filterButton, this.search,
      h('label', {}, 'Sort ', this.order), ...only,
      ...this.buildActions());
  }

  buildActions() {
    const page = this.host.page, action = (text, onclick, props) => button(text, onclick, {class: 'extra', ...props});
    return [action('Export CSV', () => this.exportCsv(), {title: 'The queries that are shown, as a table'}),
      action(page ? 'Copy link' : 'Copy state', () => this.copyLink()),
      page ? action('Save marks', () => this.saveMarks(), {title: 'A JSON file for cir eval --also-right'}) : null,
      action('◐', () => this.toggleTheme(), {title: 'Light or dark', 'aria-label': 'Light or dark'}),
      action('?', () => this.showHelp(true), {title: 'Keyboard and help', 'aria-label': 'Help', 'aria-keyshortcuts': '?'})];
  }

  buildHelp() {
    const rows = HELP.map(([key, what]) => h('tr', {}, h('th', {scope: 'row', text: key}), h('td', {text: what})));
    return h('section', {class: 'help', role: 'dialog', 'aria-modal': 'true', 'aria-label': 'Keyboard', tabindex: -1, hidden: true},
      h('h2', {text: 'Keyboard'}), h('table', {}, ...rows),
      h('p', {text: 'Every number beside a button is a filter: click it to see its queries, and again to take it back. ' +
        `R@${this.model.k} is the share of queries whose target is among the first ${this.model.k}, with its 95 % interval.`}),
      button('Close', () => this.showHelp(false)));
  }

  // Facets: every value and every bucket is a button with its count and its recall

  buildFacets() {
    const open = new Set(['outcome', 'change', 'category', 'kind', 'rank']);
    const facets = this.model.cross ? [this.buildCross()] : [];
    const first = c => ['outcome', 'rank', 'change', 'category', 'kind'].indexOf(c.name);
    const order = this.model.columns.filter(c => c.kind !== 'text').sort((a, b) => (first(a) + 9) % 9 - (first(b) + 9) % 9);
    for (const c of order) facets.push(isChoice(c) ? this.buildValues(c, open.has(c.name)) : this.buildRange(c, open.has(c.name)));
    return facets;
  }

  facetItem(name, text, onclick) {
    const n = h('span', {class: 'n'}), share = h('span', {class: 'share'}), bar = h('span', {class: 'bar', 'aria-hidden': 'true'});
    const b = h('button', {type: 'button', class: 'value', onclick}, h('bdi', {class: 'name', text}), n, share, bar);
    const ofAll = OF_ALL.has(name);
    return {b, update: (total, hits, most, on, all) => {
      pressed(b, on);
      b.classList.toggle('zero', !total);
      n.textContent = count(total);
      const [low, high] = interval(hits, total), [part, whole] = ofAll ? [total, all] : [hits, total];
      share.textContent = total && (ofAll || this.model.column.rank) ? percent(part / whole) : '';
      b.title = total && this.model.column.rank ?
        `R@${this.model.k} ${(100 * hits / total).toFixed(1)} % (95 % CI ${low.toFixed(1)} to ${high.toFixed(1)}) of ${plural(total, 'query')}` : '';
      bar.style.width = `${100 * total / (most || 1)}%`;
    }};
  }

  summary(c) { // what a facet is called, and what its percentages are
    const unit = OF_ALL.has(c.name) ? 'of these' : this.model.column.rank ? `R@${this.model.k}` : '';
    return h('summary', {}, label(c.name), h('span', {class: 'unit', text: unit}));
  }

  buildValues(c, open) {
    const items = c.values.map((v, code) => ({code, v, ...this.facetItem(c.name, v === '' ? '(none)' : v, () => this.toggleValue(c.name, v))}));
    const key = `is.${c.name}`, most = 12;
    const update = inFacet => {
      const totals = new Uint32Array(c.values.length), hits = new Uint32Array(c.values.length);
      for (const i of inFacet) for (const code of this.model.codes(c, i)) { totals[code]++; hits[code] += this.model.hit[i]; }
      const top = Math.max(0, ...totals), chosen = this.state.is[c.name] ?? [];
      for (const {code, v, update: show} of items) show(totals[code], hits[code], top, chosen.includes(v), inFacet.length);
    };
    const rest = items.slice(most).map(x => x.b);
    for (const b of rest) b.hidden = true;
    const more = rest.length ? button(`all ${items.length}`, () => { for (const b of rest) b.hidden = false; more.remove(); }, {class: 'more'}) : null;
    return this.facet(key, update, h('details', {open}, this.summary(c), h('div', {class: 'values'}, ...items.map(x => x.b), more)));
  }

  buildRange(c, open) {
    const buckets = bucketsOf(c, this.model), key = `in.${c.name}`;
    const same = ([low, high]) => this.state.in[c.name]?.[0] === low && this.state.in[c.name]?.[1] === high;
    const setRange = range => this.change({in: {...this.state.in, [c.name]: range}});
    const items = buckets.map(([low, high, text]) => ({range: [low, high],
      ...this.facetItem(c.name, text, () => setRange(same([low, high]) ? undefined : [low, high]))}));
    const field = (what, at) => h('input', {type: 'number', step: 'any', placeholder: what, 'aria-label': `${label(c.name)} ${what}`,
      onchange: e => {
        const range = [...(this.state.in[c.name] ?? [null, null])];
        range[at] = e.target.value === '' ? null : Number(e.target.value);
        setRange(range.every(x => x === null) ? undefined : range);
      }});
    const fields = [field('from', 0), field('to', 1)];
    const update = inFacet => {
      const totals = new Uint32Array(items.length), hits = new Uint32Array(items.length);
      for (const i of inFacet) {
        const b = items.findIndex(x => within(c.at[i], x.range));
        if (b >= 0) { totals[b]++; hits[b] += this.model.hit[i]; }
      }
      const top = Math.max(...totals);
      items.forEach(({range, update: show}, i) => show(totals[i], hits[i], top, same(range), inFacet.length));
      fields.forEach((f, i) => { f.value = this.state.in[c.name]?.[i] ?? ''; });
    };
    return this.facet(key, update, h('details', {open}, this.summary(c),
      h('div', {class: 'values'}, ...items.map(x => x.b), h('div', {class: 'range'}, ...fields))));
  }

  buildCross() {
    const [a, b] = this.model.rankings.map(r => r.name), k = this.model.k;
    const cell = code => button('', () => this.change({cross: this.state.cross.includes(code) ? [] : [code]}));
    const cells = [3, 2, 1, 0].map(code => [code, cell(code)]);
    const names = {3: 'both find it', 2: 'lost', 1: 'gained', 0: 'both miss it'};
    const update = inFacet => {
      const totals = new Uint32Array(4);
      for (const i of inFacet) totals[this.model.cross[i]]++;
      for (const [code, e] of cells) {
        e.replaceChildren(h('strong', {text: count(totals[code])}), h('span', {text: ` ${names[code]}`}));
        pressed(e, this.state.cross.includes(code));
      }
    };
    const th = (text, scope) => h('th', {scope, text});
    const [both, lost, gained, neither] = cells.map(([, e]) => h('td', {}, e));
    return this.facet('cross', update, h('details', {open: true}, h('summary', {text: `gained and lost at ${k}`}), h('p', {class: 'legend'},
      'rows: ', h('bdi', {text: a}), '; columns: ', h('bdi', {text: b})), h('table', {class: 'cross'},
      h('tr', {}, h('td'), th('found', 'col'), th('missed', 'col')), h('tr', {}, th('found', 'row'), both, lost),
      h('tr', {}, th('missed', 'row'), gained, neither))));
  }

  toggleValue(name, value) {
    const now = this.state.is[name] ?? [];
    this.change({is: {...this.state.is, [name]: now.includes(value) ? now.filter(v => v !== value) : [...now, value]}});
  }

  // State

  apply(text) { // what an address or Python says
    this.change(parseState(text, this.model), true);
  }

  change(part, whole = false) {
    const open = this.state.open;
    Object.assign(this.state, part);
    for (const [name, values] of Object.entries(this.state.is)) if (!values?.length) delete this.state.is[name];
    for (const [name, range] of Object.entries(this.state.in)) if (!range) delete this.state.in[name];
    const onlyOpens = Object.keys(part).length === 1 && 'open' in part;
    if (!onlyOpens) this.refilter();
    if (whole || open !== this.state.open) this.showDetail();
    this.tellState();
  }

  clear() { this.change({...emptyState(), sort: this.state.sort, open: this.state.open}); }

  refilter() {
    const open = this.state.open === null ? -1 : this.model.row.get(this.state.open);
    const filters = filtersOf(this.state, this.model, this.marks);
    const {rows, fails} = applyFilters(this.model, filters);
    this.rows = sortRows(rows, this.state.sort, this.model);
    this.active = Math.max(0, this.rows.indexOf(open));
    this.passed = {filters, fails};
    for (const facet of this.facets) this.updateFacet(facet);
    if (this.search.value !== this.state.search) this.search.value = this.state.search;
    this.order.value = this.state.sort;
    for (const [b, on] of this.toggles) pressed(b, on());
    this.showChips();
    this.showStatus();
    this.nothing.hidden = this.rows.length > 0;
    this.list.hidden = !this.rows.length;
    this.layout();
    this.scrollTo(this.active);
    this.host.selected?.(this.rows.map(i => this.model.ids[i]));
  }

  updateFacet(facet) { // one that is closed waits until it is opened
    const {filters, fails} = this.passed;
    facet.stale = !facet.box.open;
    if (facet.stale) return;
    const f = filters.findIndex(x => x.key === facet.key);
    facet.update(f < 0 ? this.rows : Array.from(fails.keys()).filter(i => fails[i] === -1 || fails[i] === f));
  }

  facet(key, update, box) {
    const facet = {key, update, box};
    box.addEventListener('toggle', () => { if (box.open && facet.stale) this.updateFacet(facet); });
    this.facets.push(facet);
    return box;
  }

  showStatus() {
    const {n, k, hit, column} = this.model, rows = this.rows, hits = rows.reduce((sum, i) => sum + hit[i], 0);
    const [low, high] = interval(hits, rows.length), of = rows.length === n ? '' : ` of ${count(n)}`;
    const recall = column.rank && rows.length ?
      ` · R@${k} ${(100 * hits / rows.length).toFixed(1)} % (95 % CI ${low.toFixed(1)} to ${high.toFixed(1)})` : '';
    this.status.textContent = `${count(rows.length)}${of} ${n === 1 ? 'query' : 'queries'}${recall}`;
  }

  showChips() {
    const chip = (text, change) => button(`${text} ×`, () => this.change(change), {'aria-label': `remove filter ${shown(text)}`, dir: 'auto'});
    const {is, cross, marked} = this.state, names = {3: 'both find it', 2: 'lost', 1: 'gained', 0: 'both miss it'};
    const chips = Object.entries(is).flatMap(([name, values]) => values.map(v =>
      chip(`${label(name)}: ${v || '(none)'}`, {is: {...is, [name]: values.filter(x => x !== v)}})));
    for (const [name, [low, high]] of Object.entries(this.state.in)) {
      const text = low === null ? `to ${high}` : high === null ? `from ${low}` : low === high ? low : `${low} to ${high}`;
      chips.push(chip(`${label(name)}: ${text}`, {in: {...this.state.in, [name]: undefined}}));
    }
    for (const c of cross) chips.push(chip(names[c], {cross: cross.filter(x => x !== c)}));
    if (marked) chips.push(chip(`marked: ${marked}`, {marked: ''}));
    if (chips.length > 1) chips.push(button('Clear all', () => this.clear()));
    this.chips.replaceChildren(...chips);
  }

  tellState() {
    const text = formatState(this.state);
    if (this.host.page) history.replaceState(null, '', text ? `#${text}` : location.href.replace(/#.*/, ''));
    this.host.state?.(text);
  }

  // List: rows of one height, of which only those near the window are there

  layout() {
    const width = this.list.clientWidth || this.main.clientWidth || 800;
    this.narrow = width < 620;
    const size = SIZES[this.narrow ? 'narrow' : 'wide'], beside = this.narrow ? 0 : Math.min(420, 164 + width * .2);
    this.perRow = Math.max(1, Math.floor((width - beside - 26) / (size.width + 6)));
    this.height = this.narrow ? 116 + size.height + 26 : 118;
    this.root.style.setProperty('--query-width', this.narrow ? '100%' : `${beside}px`);
    this.root.style.setProperty('--row-height', `${this.height}px`);
    this.spacer.style.height = `${this.rows.length * this.height}px`;
    for (const e of this.pool.values()) e.remove();
    this.pool.clear();
    this.draw();
  }

  draw() {
    const seen = this.list.clientHeight, top = this.list.scrollTop;
    const first = Math.max(0, Math.floor((top - seen) / this.height));
    const last = Math.min(this.rows.length, Math.ceil((top + 2 * seen) / this.height));
    for (const [at, e] of this.pool) if (at < first || at >= last) { e.remove(); this.pool.delete(at); }
    const fresh = [];
    for (let at = first; at < last; at++) {
      if (this.pool.has(at)) continue;
      const e = this.rowOf(at);
      this.pool.set(at, e);
      fresh.push(e);
    }
    this.spacer.append(...fresh);
    this.showActive();
  }

  picture(image, role, size) {
    const name = this.model.head.names[image], url = this.model.url(image), alt = shown(`${role} ${name}`.trim());
    if (!url) return h('span', {class: 'gone', role: 'img', 'aria-label': `${alt}, not there`, style: size}, 'not there');
    const e = h('img', {src: url, alt, title: shown(name), decoding: 'sync', draggable: 'false'});
    if (size) Object.assign(e.style, {width: `${size.width}px`, height: `${size.height}px`});
    return e;
  }

  roleOf(image, targets, suspected) {
    if (image === targets[0]) return 'target';
    if (targets.includes(image)) return 'another valid target';
    return suspected ? 'suspected' : '';
  }

  rankText(i) {
    const {column} = this.model, rank = column.rank?.at[i], second = column.second_rank?.at[i];
    if (rank === undefined) return '';
    const change = column.change ? ` ${this.model.value(column.change, i)}` : '';
    return second === undefined ? number(rank, true) : `${number(rank, true)} → ${number(second, true)}${change}`;
  }

  rowOf(at) {
    const m = this.model, i = this.rows[at], id = m.ids[i], targets = m.targetsOf(i), size = SIZES[this.narrow ? 'narrow' : 'wide'];
    const queryMarks = this.marks.filter(x => x.query === id);
    const meta = ['category', 'outcome'].map(n => m.column[n] && m.value(m.column[n], i)).filter(Boolean);
    const tile = (image, role, below, cls) => h('figure', {class: `tile ${cls}`}, this.picture(image, role, SIZES.wide), h('figcaption', {text: below}));
    const query = h('div', {class: 'query'}, tile(m.refs[i], 'reference', 'reference', 'reference'),
      h('div', {class: 'words'}, h('p', {class: 'text', dir: 'auto', text: m.text(i).slice(0, 600)}),
        h('p', {class: 'meta', text: [`#${id}`, ...meta, ...queryMarks.slice(0, 2).map(x => `✎ ${x.verdict}`)].join(' · ')})),
      targets.length ? tile(targets[0], 'target', `target, rank ${this.rankText(i)}`, 'target') : null);
    const ranking = m.rankings[0], hits = m.hits(ranking, i), fit = hits.length > this.perRow ? this.perRow : hits.length;
    const found = Array.from(hits.subarray(0, fit), (image, p) => {
      const role = this.roleOf(image, targets, ranking.suspected?.[i * ranking.width + p]);
      const short = {target: 'target', 'another valid target': 'valid', suspected: 'suspected'}[role] ?? '';
      return h('figure', {class: `tile ${short}`}, this.picture(image, `${role} hit ${p + 1}`.trim(), size), h('figcaption', {text: short ? `${p + 1} ${short}` : p + 1}));
    });
    return h('div', {class: 'row', role: 'option', id: `cir-${this.uid}-${at}`, 'data-at': at, 'aria-posinset': at + 1,
      'aria-setsize': this.rows.length, 'aria-label': shown(`Query ${id}, target rank ${this.rankText(i)}, ${meta.join(', ')}: ${m.text(i).slice(0, 200)}`),
      style: {transform: `translateY(${at * this.height}px)`}}, query, h('div', {class: 'hits'}, ...found));
  }

  uid = Math.random().toString(36).slice(2, 8);

  showActive() {
    for (const [at, e] of this.pool) e.setAttribute('aria-selected', String(at === this.active));
    if (this.pool.has(this.active)) this.list.setAttribute('aria-activedescendant', `cir-${this.uid}-${this.active}`);
    else this.list.removeAttribute('aria-activedescendant');
  }

  scrollTo(at) {
    const top = at * this.height, seen = this.list.clientHeight;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    else if (top + this.height > this.list.scrollTop + seen) this.list.scrollTop = top + this.height - seen;
    this.draw();
  }

  clicked(e) {
    const row = e.target.closest('.row');
    if (!row) return;
    this.active = Number(row.dataset.at);
    this.openActive();
  }

  openActive() { if (this.rows.length) this.change({open: this.model.ids[this.rows[this.active]]}); }

  move(by) {
    if (!this.rows.length) return;
    this.active = Math.min(this.rows.length - 1, Math.max(0, this.active + by));
    this.scrollTo(this.active);
    if (this.state.open !== null) this.openActive();
  }

  // One query, large

  showDetail() {
    const id = this.state.open, wasOpen = !this.detail.hidden;
    this.detail.hidden = id === null;
    this.body.inert = this.header.inert = id !== null;
    if (id === null) { if (wasOpen) { this.detail.replaceChildren(); this.list.focus({preventScroll: true}); } return; }
    const i = this.model.row.get(id), at = this.rows.indexOf(i);
    if (at >= 0) { this.active = at; this.scrollTo(at); }
    this.detail.setAttribute('aria-label', `Query ${id}`);
    this.detail.replaceChildren(this.detailTop(i, id, at), this.detailQuery(i, id), ...this.detailHits(i, id), ...this.detailWhy(i, id));
    if (!wasOpen) { this.detail.scrollTop = 0; this.detail.focus({preventScroll: true}); }
  }

  detailTop(i, id, at) {
    const where = at < 0 ? 'not in the selection' : `${count(at + 1)} of ${count(this.rows.length)}`;
    const step = (text, by, name) => button(text, () => this.move(by), {'aria-label': name, disabled: at < 0 || !this.rows[at + by] && this.rows[at + by] !== 0});
    const verdicts = Object.entries(QUERY_VERDICTS).map(([key, verdict]) => button(verdict, () => this.mark(id, '', verdict),
      {'aria-pressed': String(this.isMarked(id, '', verdict)), 'aria-keyshortcuts': key}));
    return h('div', {class: 'top'}, h('h2', {text: `Query ${id}`}), h('span', {class: 'where', text: where}),
      step('← before', -1, 'query before (k)'), step('next →', 1, 'next query (j)'), ...verdicts,
      button('Close', () => this.change({open: null}), {'aria-keyshortcuts': 'Escape', class: 'close'}));
  }

  detailQuery(i, id) {
    const m = this.model, targets = m.targetsOf(i), figure = (image, role) => h('figure', {class: `large ${role}`},
      this.picture(image, role), h('figcaption', {}, h('strong', {text: role}), ' ', h('bdi', {text: m.head.names[image]})));
    const facts = m.columns.filter(c => c.kind !== 'text' && m.value(c, i) !== '').map(c => h('div', {}, h('dt', {text: label(c.name)}),
      h('dd', {dir: 'auto', text: c.kind === 'number' ? number(c.at[i], c.integer) : m.value(c, i)})));
    const unknown = m.head.unknown?.[id] ?? [];
    return h('div', {class: 'asked'}, figure(m.refs[i], 'reference'),
      h('div', {class: 'words'}, this.markedText(m.text(i), unknown),
        unknown.length ? h('p', {class: 'legend'}, 'Underlined with dots: words that the model does not know.') : null,
        h('dl', {class: 'facts'}, ...facts)),
      targets.length ? figure(targets[0], 'target') : h('p', {class: 'legend', text: 'The target of this query is hidden.'}));
  }

  markedText(text, unknown) {
    const known = new Set(unknown.map(w => w.toLowerCase()));
    const parts = known.size ? shown(text).split(/([\p{L}\p{N}_'’-]+)/u) : [shown(text)];
    return h('blockquote', {dir: 'auto'}, ...parts.map(p => known.has(p.toLowerCase()) ? h('mark', {title: 'the model does not know this word', text: p}) : p));
  }

  detailHits(i, id) {
    const m = this.model, targets = m.targetsOf(i), blocks = m.rankings.map((ranking, r) => {
      const hits = m.hits(ranking, i), rank = (r ? m.column.second_rank : m.column.rank)?.at[i];
      const tiles = Array.from(hits, (image, p) => this.hitTile(image, p, ranking, i, id, targets));
      const found = targets.length && hits.includes(targets[0]);
      if (targets.length && !found) tiles.push(h('figure', {class: 'hit target'}, h('figcaption', {text: '…'}), this.picture(targets[0], 'target'),
        h('figcaption', {text: `target, rank ${rank === undefined || Number.isNaN(rank) ? 'unknown' : number(rank, true)}`})));
      return h('section', {}, h('h3', {}, h('bdi', {text: ranking.name}), ` · first ${count(hits.length)}`,
        rank === undefined ? '' : ` · rank of the target: ${number(rank, true)}`), h('div', {class: 'grid'}, ...tiles));
    });
    const subset = m.subset && m.hits({at: m.subset, width: m.head.subset.width}, i);
    if (subset?.length) blocks.push(h('section', {}, h('h3', {text: 'Subset, in the order of the first run'}), h('div', {class: 'grid'},
      ...Array.from(subset, (image, p) => h('figure', {class: `hit ${this.roleOf(image, targets).split(' ')[0]}`}, this.picture(image, `subset ${p + 1}`),
        h('figcaption', {text: `${p + 1} ${this.roleOf(image, targets)}`}))))));
    return blocks;
  }

  hitTile(image, p, ranking, i, id, targets) {
    const name = this.model.head.names[image], score = ranking.score[i * ranking.width + p];
    const role = this.roleOf(image, targets, ranking.suspected?.[i * ranking.width + p]);
    const on = this.isMarked(id, name, IMAGE_VERDICT);
    const tick = image === targets[0] ? null : button(IMAGE_VERDICT, () => this.mark(id, name, IMAGE_VERDICT),
      {class: 'tick', 'aria-pressed': String(on), 'aria-label': shown(`${IMAGE_VERDICT}: hit ${p + 1}, ${name}`)});
    return h('figure', {class: `hit ${role.split(' ')[0]}`}, this.picture(image, `${role} hit ${p + 1}`.trim()),
      h('figcaption', {}, h('strong', {text: p + 1}), ` ${number(score)}`), role ? h('figcaption', {class: 'role', text: role}) : null, tick);
  }

  // Why: words as bars, 7 x 7 maps over the images, the same reference with other texts

  detailWhy(i, id) {
    const why = this.explanations[id];
    if (why?.error) return [h('section', {}, h('h3', {text: 'Why'}), h('p', {class: 'note', text: why.error}))];
    if (why) return [h('section', {class: 'why'}, h('h3', {text: 'Why'}), ...this.whyParts(i, why))];
    if (!this.host.explain) return [];
    const ask = button(why === null ? 'being computed …' : 'Explain this query', () => this.askWhy(id), {disabled: why === null});
    return [h('section', {class: 'why'}, h('h3', {text: 'Why'}), ask)];
  }

  askWhy(id) {
    this.explanations[id] = null;
    this.host.explain(id);
    this.showDetail();
  }

  explained(id, why) {
    this.explanations[id] = why;
    if (this.state.open === id) this.showDetail();
  }

  whyParts(i, why) {
    const parts = [], top = Math.max(1e-12, ...(why.words ?? []).map(w => Math.abs(why.margin - w.margin)));
    if (why.words?.length) parts.push(h('h4', {text: 'Without one word'}), h('p', {class: 'legend', text:
      'What a word does for the margin of the target (its score less that of the best other image), by leaving it out. Bars to the right: the word helps the target; to the left: it hurts.'}),
      h('table', {class: 'bars'}, ...why.words.map(w => this.wordBar(w, why, top))));
    const maps = [[why.reference, this.model.refs[i], 'reference'], [why.candidate?.map, why.candidate?.image,
      why.candidate?.image === this.model.targetsOf(i)[0] ? 'target' : 'candidate']];
    const there = maps.filter(([map, image]) => map && image !== undefined && image !== null);
    if (there.length) parts.push(h('h4', {text: 'A part of the image covered'}), h('p', {class: 'legend', text:
      'Orange with a dot: covering this part lowers the score, so it speaks for the image. Blue: covering it raises the score.'}),
      h('div', {class: 'maps'}, ...there.map(([map, image, role]) => this.heatMap(map, image, role))));
    if (why.swapped?.length) parts.push(h('h4', {text: 'The same reference with another text'}), h('ul', {}, ...why.swapped.map(s =>
      h('li', {}, h('bdi', {text: s.text}), `: rank ${number(s.rank, true)}, margin ${number(s.margin)}`))));
    if (why.notes?.length) parts.push(...why.notes.map(text => h('p', {class: 'legend', text})));
    return parts;
  }

  wordBar(w, why, top) {
    const change = why.margin - w.margin, bar = h('span', {class: change < 0 ? 'less' : 'more', style: {width: `${50 * Math.abs(change) / top}%`}});
    return h('tr', {}, h('th', {scope: 'row', dir: 'auto'}, w.known === false ? h('mark', {title: 'the model does not know this word', text: w.word}) : shown(w.word)),
      h('td', {class: 'track'}, bar), h('td', {text: `without it: rank ${number(why.rank, true)} → ${number(w.rank, true)}, margin ${change < 0 ? '+' : '−'}${number(Math.abs(change))}`}));
  }

  heatMap(map, image, role) {
    const flat = map.flat(), top = Math.max(1e-12, ...flat.map(Math.abs)), most = flat.indexOf(Math.min(...flat)), side = map[0].length;
    const cells = flat.map(x => h('span', {class: x < 0 ? 'down' : 'up', style: {opacity: String(.75 * Math.abs(x) / top)}, title: number(x)}));
    const says = `${role}: covering row ${Math.floor(most / side) + 1}, column ${most % side + 1} lowers the score most`;
    const grid = h('div', {class: 'cells', role: 'img', 'aria-label': says, style: {gridTemplateColumns: `repeat(${side}, 1fr)`}}, ...cells);
    return h('figure', {class: 'map'}, h('div', {class: 'under'}, this.picture(image, role), grid), h('figcaption', {text: role}));
  }

  // Marks: {query, image, verdict}; the image is empty for what is said of the query

  isMarked(query, image, verdict) { return this.marks.some(m => m.query === query && m.image === image && m.verdict === verdict); }

  mark(query, image, verdict) {
    const rest = this.marks.filter(m => !(m.query === query && m.image === image && m.verdict === verdict));
    const added = rest.length === this.marks.length;
    const text = this.model.text(this.model.row.get(query));
    this.setMarks(added ? [...rest, {query, image, verdict}] : rest);
    this.say(`${verdict}: ${added ? 'marked' : 'taken back'}`);
    this.host.marks?.(this.marks);
    return text;
  }

  setMarks(marks) {
    this.marks = marks;
    const focused = document.activeElement, key = this.detail.contains(focused) ? focused.getAttribute('aria-label') || focused.textContent : '';
    if (this.state.marked) this.refilter();
    else this.layout();
    if (this.state.open === null) return;
    this.showDetail();
    const again = key && [...this.detail.querySelectorAll('button')].find(b => (b.getAttribute('aria-label') || b.textContent) === key);
    (again || this.detail).focus({preventScroll: true});
  }

  saveMarks() {
    const m = this.model, when = new Date().toISOString().slice(0, 19) + 'Z';
    const marks = this.marks.map(x => {
      const i = m.row.get(x.query), own = m.head.keys?.[i] ?? String(x.query);
      return {data: m.head.data, split: m.head.split, query: own, ref: m.head.names[m.refs[i]], text: m.text(i), image: x.image,
        verdict: x.verdict, who: x.who ?? '', when: x.when ?? when};
    });
    this.download('marks.json', 'application/json', JSON.stringify(marks, null, 1));
    this.say(`${plural(marks.length, 'mark')} saved`);
  }

  // Export

  csv() {
    const m = this.model, columns = m.columns;
    const head = ['query', ...columns.map(c => c.name), 'reference', 'target', ...m.rankings.map((r, i) => i ? 'second_hits' : 'hits'), 'marks'];
    const lines = this.rows.map(i => {
      const id = m.ids[i], target = m.targetsOf(i)[0];
      const hits = m.rankings.map(r => Array.from(m.hits(r, i).subarray(0, m.k), image => m.head.names[image]).join(' | '));
      const marks = this.marks.filter(x => x.query === id).map(x => x.image ? `${x.verdict}: ${x.image}` : x.verdict).join(' | ');
      return [id, ...columns.map(c => m.value(c, i)), m.head.names[m.refs[i]], m.head.names[target] ?? '', ...hits, marks];
    });
    return [head, ...lines].map(cells => cells.map(csvCell).join(',')).join('\r\n') + '\r\n';
  }

  exportCsv() {
    this.download('queries.csv', 'text/csv', '\ufeff' + this.csv());
    this.say(`${plural(this.rows.length, 'query')} exported`);
  }

  download(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], {type})), a = h('a', {href: url, download: name});
    this.root.append(a);
    a.click();
    a.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  async copyLink() {
    const state = formatState(this.state), text = this.host.page ? location.href.replace(/#.*/, '') + (state ? `#${state}` : '') : state;
    try { await navigator.clipboard.writeText(text); } catch {
      const field = h('textarea', {'aria-hidden': 'true'});
      field.value = text;
      this.root.append(field);
      field.select();
      document.execCommand('copy');
      field.remove();
    }
    this.say('copied');
  }

  say(text) {
    this.toast.textContent = text;
    this.toast.classList.add('on');
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => this.toast.classList.remove('on'), 2500);
  }

  // Keyboard

  key(e) {
    const typing = e.target.closest?.('input, select, textarea'), plain = !e.ctrlKey && !e.metaKey && !e.altKey;
    if (!this.host.page) e.stopPropagation();
    if (!plain || this.host.page && e.target !== document.body && !this.root.contains(e.target)) return;
    if (e.key === 'Escape') return this.escape(e, typing);
    if (typing) { if (e.key === 'Enter' && typing === this.search) this.list.focus(); return; }
    const onButton = e.target.closest?.('button, summary'), page = Math.max(1, Math.floor(this.list.clientHeight / this.height) - 1);
    const moves = {j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
    const arrows = this.state.open !== null && /^(Arrow|Page|Home|End)/.test(e.key); // these scroll the open query
    const acts = {Enter: () => this.openActive(), '/': () => this.search.focus(), '?': () => this.showHelp(true)};
    if (e.key in moves && !arrows) { if (!this.help.hidden) return; this.move(moves[e.key]); }
    else if (e.key in acts && !(onButton && e.key === 'Enter') && !(this.state.open !== null && e.key !== '?')) acts[e.key]();
    else if (e.key in QUERY_VERDICTS && this.rows.length) this.mark(this.state.open ?? this.model.ids[this.rows[this.active]], '', QUERY_VERDICTS[e.key]);
    else return;
    e.preventDefault();
  }

  escape(e, typing) {
    if (!this.help.hidden) this.showHelp(false);
    else if (typing) { if (typing === this.search && this.search.value) this.change({search: ''}); this.list.focus({preventScroll: true}); }
    else if (this.state.open !== null) this.change({open: null});
    else if (this.root.classList.contains('side-open')) this.showSide(false);
    else return;
    e.preventDefault();
  }

  showHelp(on) {
    this.help.hidden = !on;
    this.body.inert = this.header.inert = on || this.state.open !== null;
    this.detail.inert = on;
    if (on) this.help.focus();
    else (this.state.open === null ? this.list : this.detail).focus({preventScroll: true});
  }

  showSide(on) {
    this.root.classList.toggle('side-open', on);
    this.filterButton.setAttribute('aria-expanded', String(on));
  }

  // Surroundings

  theme() { // of whatever page this is in
    const body = document.body, html = document.documentElement;
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === 'false' ? 'dark' : 'light';
    if (body.classList.contains('vscode-dark') || body.classList.contains('vscode-high-contrast')) return 'dark';
    if (body.classList.contains('vscode-light')) return 'light';
    if (html.getAttribute('theme') === 'dark') return 'dark';
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }

  watchTheme() {
    const set = () => { this.root.dataset.theme = this.chosenTheme ?? this.theme(); };
    const media = matchMedia('(prefers-color-scheme: dark)'), watch = new MutationObserver(set);
    media.addEventListener('change', set);
    watch.observe(document.body, {attributes: true, attributeFilter: ['data-jp-theme-light', 'class']});
    this.cleanup.push(() => { media.removeEventListener('change', set); watch.disconnect(); });
    set();
  }

  toggleTheme() { this.chosenTheme = this.root.dataset.theme = this.root.dataset.theme === 'dark' ? 'light' : 'dark'; }

  watchSize() {
    const fit = () => {
      this.root.classList.toggle('small', this.root.clientWidth < 820);
      this.layout();
      this.scrollTo(this.active);
    };
    const watch = new ResizeObserver(fit);
    watch.observe(this.root);
    this.cleanup.push(() => watch.disconnect());
    this.root.classList.toggle('small', this.root.clientWidth < 820);
  }

  destroy() {
    for (const undo of this.cleanup) undo();
    this.model.release();
  }
}

// Hosts

// In a notebook: the head and the blob are traits, and so is what a reader chooses
function render({model, el}) {
  const view = model.get('blob'), bytes = new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  const root = h('div');
  el.append(root);
  const save = {};
  const later = (name, value) => { // a slow kernel hears of the last of several changes
    clearTimeout(save[name]);
    save[name] = setTimeout(() => { model.set(name, value); model.save_changes(); }, 60);
  };
  const host = {page: false, initialMarks: model.get('marks'), initialState: model.get('state'),
    selected: ids => later('selected_queries', Array.from(ids)), marks: marks => later('marks', marks), state: text => later('state', text),
    explain: model.get('can_explain') ? query => model.send({type: 'explain', query}) : null};
  const viewer = new Viewer(root, new Model(model.get('head'), bytes), host);
  const onMarks = () => { if (JSON.stringify(model.get('marks')) !== JSON.stringify(viewer.marks)) viewer.setMarks(model.get('marks')); };
  const onState = () => { if (model.get('state') !== formatState(viewer.state)) viewer.apply(model.get('state')); };
  const onMessage = message => { if (message?.type === 'explained') viewer.explained(message.query, message.explanation); };
  model.on('change:marks', onMarks);
  model.on('change:state', onState);
  model.on('msg:custom', onMessage);
  return () => {
    model.off('change:marks', onMarks);
    model.off('change:state', onState);
    model.off('msg:custom', onMessage);
    viewer.destroy();
  };
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

// On a page of its own: head and blob stand in it, marks stay in this browser until they are saved
export function startPage() {
  const part = id => document.getElementById(id), head = JSON.parse(part('cir-head').textContent);
  const model = new Model({...head, page: true}, fromBase64(part('cir-blob').textContent.trim()));
  part('cir-blob').remove();
  const place = `cir-marks-${head.key}`;
  let marks = head.marks ?? [];
  try { marks = JSON.parse(localStorage.getItem(place)) ?? marks; } catch { /* this browser keeps nothing for files */ }
  const host = {page: true, initialMarks: marks, initialState: location.hash,
    marks: now => { try { localStorage.setItem(place, JSON.stringify(now)); } catch { /* likewise */ } }};
  const viewer = new Viewer(part('cir-root'), model, host);
  addEventListener('hashchange', () => viewer.apply(location.hash));
  viewer.list.focus({preventScroll: true});
  performance.mark('cir-ready');
  return viewer;
}

export default {render};
