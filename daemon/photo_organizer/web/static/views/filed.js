// Filed: what was filed lately, the least sure first; wrong ones are moved, right ones confirmed.

import { get } from '../page/api.js';
import { actions } from '../page/actions.js';
import { counted, dayOf, el, percent } from '../page/dom.js';
import { complain, toast } from '../page/toast.js';
import { Triage } from '../photos/triage.js';

const SCREENFUL = 24;

export class FiledView {
  constructor() {
    this.right = el('button', { type: 'button', class: 'primary', onclick: () => this.confirm(), 'aria-keyshortcuts': 'y' }, 'All of these are right', el('kbd', {}, 'Y'));
    const undo = el('button', { type: 'button', onclick: () => actions.undo(), 'aria-keyshortcuts': 'z' }, 'Undo', el('kbd', {}, 'Z'));
    const skip = el('button', { type: 'button', onclick: () => this.triage.grid.stepGroup(1), 'aria-keyshortcuts': 's' }, 'Next', el('kbd', {}, 'S'));
    this.triage = new Triage({
      label: 'Photos filed lately',
      wholeGroups: false,
      describe: (group) => this.describe(group),
      suggestion: () => null,
      note: (id) => this.note(id),
      buttons: [this.right, skip, undo],
    });
    this.triage.onchange = () => this.changed();
    this.category = el('select', { 'aria-label': 'Category', onchange: () => this.load() });
    this.batch = el('select', { 'aria-label': 'Batch', onchange: () => this.load() });
    this.title = el('h1', {}, 'Filed');
    this.empty = el('div', { class: 'empty', hidden: true }, el('h2', {}, 'Nothing to check here'), el('p', {}, 'Every photo that was filed lately is confirmed or moved.'));
    this.triage.list.append(
      el('div', { class: 'bar' }, this.title, el('label', {}, el('span', {}, 'Category'), this.category), el('label', {}, el('span', {}, 'Batch'), this.batch)),
      this.triage.grid.element,
      this.empty,
    );
    this.element = this.triage.element;
  }

  describe(group) {
    const least = this.triage.grid.photos[group.photos[0]]?.confidence ?? 0;
    return { title: group.category, detail: `${counted(group.photos.length, 'photo')} · from ${percent(least)}` };
  }

  note(id) {
    const photo = this.triage.grid.photos[id];
    return `${photo.by === 'you' ? 'Filed by you' : 'Filed'} in ${photo.category} · ${dayOf(photo.time)}`;
  }

  async load() {
    const query = new URLSearchParams();
    if (this.category.value) query.set('category', this.category.value);
    if (this.batch.value) query.set('batch', this.batch.value);
    try {
      const [{ photos }, { batches }] = await Promise.all([get(`/api/filed?${query}`), get('/api/activity')]);
      this.fill(this.category, 'All categories', this.triage.categories.map((name) => [name, name]));
      this.fill(this.batch, 'All batches', batches.filter(({ undoable }) => undoable).slice(0, 40).map((batch) => [batch.id, batch.id]));
      this.show(photos.filter(({ confirmed, by }) => !confirmed && by !== 'you'));
      this.triage.grid.element.focus({ preventScroll: true });
    } catch (error) {
      complain(error);
    }
  }

  fill(select, all, values) {
    const before = select.value;
    select.replaceChildren(el('option', { value: '' }, all), ...values.map(([value, name]) => el('option', { value }, name)));
    select.value = values.some(([value]) => value === before) ? before : '';
  }

  // A category's photos together, a screenful in a group; the least sure screenful first.
  show(photos) {
    const byCategory = new Map();
    for (const photo of photos) byCategory.set(photo.category, [...(byCategory.get(photo.category) ?? []), photo]);
    const groups = [];
    for (const [category, all] of byCategory) {
      for (let at = 0; at < all.length; at += SCREENFUL) {
        const part = all.slice(at, at + SCREENFUL);
        groups.push({ category, photos: part.map(({ id }) => id), least: part[0].confidence });
      }
    }
    groups.sort((a, b) => a.least - b.least);
    this.listed = true;
    this.triage.grid.show(groups, Object.fromEntries(photos.map((photo) => [photo.id, photo])));
  }

  changed() {
    const number = this.triage.grid.count;
    this.title.textContent = number ? `Filed · ${counted(number, 'photo')} to check` : 'Filed';
    this.empty.hidden = number > 0 || !this.listed;
    this.triage.grid.element.hidden = !this.empty.hidden;
    this.right.disabled = !this.triage.selection.group;
  }

  async confirm() {
    const { group } = this.triage.selection;
    if (!group) return;
    const ids = [...group.photos];
    const places = this.triage.take(ids);
    const back = () => this.triage.putBack(Object.fromEntries(places.photos), places);
    const action = actions.confirm(ids, back);
    try {
      const { confirmed } = await action.done;
      toast(`${counted(confirmed, 'photo')} confirmed in ${group.category}`, { action: 'Undo', key: 'Z', onaction: () => actions.undo(action) });
    } catch (error) {
      back();
      complain(error);
    }
  }

  key(key) {
    if (key === 'y') this.confirm();
    else if (key === 's') this.triage.grid.stepGroup(1);
    else return false;
    return true;
  }
}
