// Review: what the model was not sure of, in groups that one decision covers.

import { get } from '../page/api.js';
import { actions } from '../page/actions.js';
import { counted, dayOf, el, percent, svg } from '../page/dom.js';
import { complain, toast } from '../page/toast.js';
import { Triage } from '../photos/triage.js';

const ORDERS = {
  sure: ['Surest first', (a, b) => b.confidence - a.confidence],
  unsure: ['Least sure first (teaches most)', (a, b) => a.confidence - b.confidence],
  large: ['Largest groups first', (a, b) => b.photos.length - a.photos.length],
  new: ['Newest first', (a, b) => b.time - a.time],
};

// The category that the photos of a group point to most, and how surely.
export function suggested(group, photos) {
  const sums = new Map();
  for (const id of group.photos) {
    for (const [category, share] of photos[id]?.top ?? []) sums.set(category, (sums.get(category) ?? 0) + share);
  }
  let best = null;
  for (const [category, sum] of sums) if (!best || sum > best.sum) best = { category, sum };
  return best ? { category: best.category, confidence: best.sum / group.photos.length } : { category: null, confidence: 0 };
}

export class ReviewView {
  constructor() {
    this.accept = el('button', { type: 'button', class: 'primary', onclick: () => this.triage.accept(), 'aria-keyshortcuts': 'Enter' });
    const skip = el('button', { type: 'button', onclick: () => this.skip(), 'aria-keyshortcuts': 's' }, 'Skip', el('kbd', {}, 'S'));
    const all = el('button', { type: 'button', onclick: () => this.selectGroup(), 'aria-keyshortcuts': 'a' }, 'All', el('kbd', {}, 'A'));
    const undo = el('button', { type: 'button', onclick: () => actions.undo(), 'aria-keyshortcuts': 'z' }, 'Undo', el('kbd', {}, 'Z'));
    this.triage = new Triage({
      label: 'Photos in Review',
      wholeGroups: true,
      describe: (group) => this.describe(group),
      suggestion: (group) => suggested(group, this.triage.grid.photos).category,
      note: (id) => dayOf(this.triage.grid.photos[id].time),
      buttons: [this.accept, all, skip, undo],
    });
    this.triage.onchange = () => this.changed();
    for (const kind of ['pointerdown', 'keydown']) {
      this.triage.grid.element.addEventListener(kind, () => { this.touched = true; });
    }
    this.order = el('select', { 'aria-label': 'Order of the groups', onchange: () => this.sort() });
    for (const [value, [name]] of Object.entries(ORDERS)) this.order.append(el('option', { value }, name));
    this.title = el('h1', {}, 'Review');
    this.reload = el('button', { type: 'button', class: 'small', hidden: true, onclick: () => this.load(), 'aria-keyshortcuts': 'r' }, el('span'), el('kbd', {}, 'R'));
    this.empty = el('div', { class: 'empty', hidden: true }, tick(), el('h2', {}, 'Nothing waits in Review'), el('p', {}, 'Photos that the model is not sure of will be here.'));
    this.triage.list.append(el('div', { class: 'bar' }, this.title, this.reload, el('label', {}, el('span', {}, 'Order'), this.order)), this.triage.grid.element, this.empty);
    this.element = this.triage.element;
    this.waiting = 0;
  }

  describe(group) {
    const { category, confidence } = suggested(group, this.triage.grid.photos);
    const date = dayOf(this.triage.grid.photos[group.photos[0]].time);
    if (group.photos.length === 1) return { title: date, detail: category ? '' : 'no suggestion' };
    return { title: category ? `${category} ${percent(confidence)}` : 'No suggestion', detail: `${group.photos.length} photos · ${date}` };
  }

  async load() {
    try {
      const answer = await get(this.listed === undefined ? '/api/review?first' : '/api/review');
      this.touched = false;
      this.incomplete = !answer.complete;
      if (!actions.stack.length) this.triage.selection.focus = null; // nobody is at work: from the beginning
      this.triage.grid.show(this.ordered(answer), answer.photos);
      this.listed = Object.keys(answer.photos).length;
      this.reload.hidden = true;
      this.changed();
      this.triage.grid.element.focus({ preventScroll: true });
      if (this.incomplete) await this.addRest(new Set(Object.keys(answer.photos)));
    } catch (error) {
      complain(error);
    }
  }

  // The photos after those of the first screens, which may have been moved already.
  async addRest(first) {
    const answer = await get('/api/review');
    await this.triage.grid.released();
    this.incomplete = false;
    const { grid } = this.triage;
    if (!this.touched && !actions.stack.length) {
      grid.show(this.ordered(answer), answer.photos);
    } else {
      const isNew = (id) => !first.has(id) && !(id in grid.photos);
      const rest = { photos: {}, groups: answer.groups.map((ids) => ids.filter(isNew)).filter((ids) => ids.length) };
      for (const id of rest.groups.flat()) rest.photos[id] = answer.photos[id];
      grid.groups.push(...this.ordered({ ...answer, groups: rest.groups }));
      Object.assign(grid.photos, rest.photos);
      if (!grid.selection.group) grid.show(grid.groups, grid.photos);
      else this.triage.grid.redraw();
    }
    this.listed = Object.keys(grid.photos).length;
    this.changed();
  }

  ordered({ groups, photos }) {
    const all = groups.map((ids) => ({
      photos: ids, time: photos[ids[0]].time, confidence: suggested({ photos: ids }, photos).confidence,
    }));
    return all.sort(ORDERS[this.order.value][1]);
  }

  sort() {
    const { grid } = this.triage;
    for (const group of grid.groups) group.confidence = suggested(group, grid.photos).confidence;
    const groups = [...grid.groups].sort(ORDERS[this.order.value][1]);
    grid.selection.focus = null;
    grid.element.scrollTop = 0;
    grid.show(groups, grid.photos);
    grid.element.focus();
  }

  // The server has found the look-alikes: shown at once, unless somebody is at work already. An offer of more
  // photos stays: taking it shows the new groups, too.
  regroup() {
    if (this.incomplete) return;
    if (this.triage.grid.groups.length === 0 || (!this.touched && !actions.stack.length)) this.load();
    else if (this.offers !== 'more' || this.reload.hidden) this.offer('Show the new groups', 'groups');
  }

  setWaiting(number) {
    this.waiting = number;
    this.compare();
  }

  // Whether photos have come that are not on the screen. Not told while ours are on their way.
  compare() {
    if (actions.pending || this.incomplete || this.listed === undefined) return;
    const more = this.waiting - this.triage.grid.count;
    if (more > 0) this.offer(`Show ${counted(more, 'more photo')}`);
    else if (this.offers === 'more') this.reload.hidden = true;
  }

  offer(text, what = 'more') {
    this.offers = what;
    this.reload.firstElementChild.textContent = text;
    this.reload.hidden = false;
  }

  changed() {
    const { grid, selection } = this.triage;
    const number = grid.count;
    const { group, targets } = selection;
    this.title.textContent = number ? `Review · ${counted(number, 'photo')}` : 'Review';
    this.empty.hidden = number > 0 || this.listed === undefined;
    grid.element.hidden = !this.empty.hidden;
    const category = group ? this.triage.suggestion(group) : null;
    this.accept.disabled = !category;
    const what = targets.length > 1 ? counted(targets.length, 'photo') : 'this photo';
    const text = category ? `File ${what} in ${category}` : 'No suggestion';
    this.accept.replaceChildren(el('span', { title: text }, text), el('kbd', {}, 'Enter'));
  }

  skip() {
    const { grid, selection } = this.triage;
    const at = grid.groups.indexOf(selection.group);
    if (at < 0) return;
    this.touched = true;
    const [group] = grid.groups.splice(at, 1);
    grid.groups.push(group);
    const next = grid.groups[Math.min(at, grid.groups.length - 1)];
    selection.group = null;
    selection.enter(next, next.photos[0]);
    this.triage.grid.redraw();
    if (next === group) toast('That was the only group');
  }

  selectGroup() {
    this.triage.selection.toggleGroup();
    this.triage.grid.changed();
  }

  key(key) {
    if (key === 's') this.skip();
    else if (key === 'r' && !this.reload.hidden) this.load();
    else if (key === 'Enter') this.triage.accept();
    else return false;
    return true;
  }
}

function tick() {
  return svg('svg', { viewBox: '0 0 48 48', fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'aria-hidden': 'true' },
    svg('circle', { cx: 24, cy: 24, r: 20 }), svg('path', { d: 'M15 25l6 6 12-13' }));
}
