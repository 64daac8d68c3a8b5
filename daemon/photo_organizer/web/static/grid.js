// The photos in groups. Only what can be seen is in the document, however many there are.

import { el } from './dom.js';
import { pack, rowAt } from './layout.js';
import { Selection } from './selection.js';
import { tile } from './tile.js';

const BEYOND = 900; // pixels above and below the window that are there already

export class PhotoGrid {
  constructor({ label, wholeGroups, describe, onchange, onopen }) {
    this.selection = new Selection({ wholeGroups });
    this.describe = describe;
    this.onchange = onchange;
    this.photos = {};
    this.groups = [];
    this.rows = el('div', { class: 'rows', role: 'presentation' });
    this.element = el(
      'div',
      { class: 'grid', role: 'listbox', 'aria-multiselectable': 'true', 'aria-label': label, tabindex: '0' },
      this.rows,
    );
    this.drawn = new Map();
    this.kept = new Map();
    this.element.addEventListener('scroll', () => this.draw(), { passive: true });
    this.element.addEventListener('click', (event) => this.clicked(event));
    this.element.addEventListener('dblclick', (event) => {
      const id = this.idAt(event);
      if (id) onopen(id);
    });
    this.element.addEventListener('dragstart', (event) => this.dragged(event));
    this.element.addEventListener('pointerdown', () => { this.isPressed = true; });
    for (const end of ['pointerup', 'pointercancel', 'dragend']) {
      document.addEventListener(end, (event) => { this.isPressed &&= end === 'pointercancel' && event.pointerType === 'mouse'; });
    }
    new ResizeObserver(() => this.arrange()).observe(this.element);
  }

  // Waits until no photo is being dragged: one that is drawn anew would be let go.
  async released() {
    while (this.isPressed) await new Promise((resolve) => { setTimeout(resolve, 50); });
  }

  show(groups, photos) {
    this.groups = groups;
    this.photos = photos;
    const focus = this.selection.focus;
    const group = groups.find((one) => one.photos.includes(focus)) ?? groups[0] ?? null;
    const stays = group && group.photos.includes(focus);
    this.selection.group = null;
    this.selection.enter(group, stays ? focus : (group?.photos[0] ?? null));
    this.arrange();
    this.reveal();
    this.changed();
  }

  // Lays everything out anew; after photos came or went.
  arrange() {
    const style = getComputedStyle(this.element);
    const width = this.element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (width <= 0) return;
    this.plan = pack(this.groups, width);
    this.rows.style.height = `${this.plan.height + 24}px`;
    this.kept = new Map([...this.rows.querySelectorAll('.tile')].map((element) => [element.id, element]));
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
    this.draw();
    this.kept.clear();
  }

  // The tile of a photo; the one that was there before, whose picture is loaded, where that shows the same.
  tileOf(id) {
    const photo = this.photos[id];
    const state = { selected: this.selection.has(id), focused: id === this.selection.focus };
    const before = this.kept.get(`p-${id}`);
    if (!before || before.photoMark !== photo.mark) {
      const made = tile(id, photo, state);
      made.photoMark = photo.mark;
      return made;
    }
    before.setAttribute('aria-selected', String(state.selected));
    before.classList.toggle('focused', state.focused);
    return before;
  }

  draw() {
    if (!this.plan) return;
    const { rows } = this.plan;
    const top = this.element.scrollTop;
    const wanted = new Set();
    for (let index = rowAt(rows, top - BEYOND); index < rows.length; index += 1) {
      if (rows[index].top > top + this.element.clientHeight + BEYOND) break;
      wanted.add(index);
    }
    for (const [index, element] of this.drawn) {
      if (wanted.has(index)) continue;
      element.remove();
      this.drawn.delete(index);
    }
    for (const index of wanted) {
      if (this.drawn.has(index)) continue;
      const element = this.drawRow(rows[index]);
      this.drawn.set(index, element);
      const next = [...this.drawn.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
      this.rows.insertBefore(element, next === undefined ? null : this.drawn.get(next));
    }
  }

  drawRow({ top, tile: size, items }) {
    const row = el('div', { class: 'row-of-groups', role: 'presentation' });
    row.style.top = `${top}px`;
    row.style.gap = '12px';
    for (const { group, across, width } of items) row.append(this.drawGroup(group, across, width, size));
    return row;
  }

  drawGroup(group, across, width, size) {
    const { title, detail } = this.describe(group);
    const isCurrent = group === this.selection.group;
    const tiles = el('div', { class: 'tiles', role: 'presentation' });
    tiles.style.gridTemplateColumns = `repeat(${across}, ${size}px)`;
    for (const id of group.photos) tiles.append(this.tileOf(id));
    const element = el(
      'div',
      { class: isCurrent ? 'photo-group current' : 'photo-group', role: 'group', 'aria-label': [title, detail].filter(Boolean).join(', ') },
      el('div', { class: 'group-head', role: 'presentation', title: [title, detail].filter(Boolean).join(', ') }, el('b', {}, title), detail ? el('span', {}, detail) : null),
      tiles,
    );
    element.style.width = `${width}px`;
    return element;
  }

  // Shows focus and selection as they are now, without drawing anything anew.
  mark() {
    for (const element of this.rows.querySelectorAll('.tile')) {
      const id = element.dataset.photo;
      element.setAttribute('aria-selected', String(this.selection.has(id)));
      element.classList.toggle('focused', id === this.selection.focus);
    }
    for (const element of this.rows.querySelectorAll('.photo-group')) {
      const first = element.querySelector('.tile')?.dataset.photo;
      element.classList.toggle('current', Boolean(first && this.selection.group?.photos.includes(first)));
    }
    const focus = this.selection.focus;
    if (focus && document.getElementById(`p-${focus}`)) this.element.setAttribute('aria-activedescendant', `p-${focus}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  changed() {
    this.mark();
    this.onchange();
  }

  order() {
    return this.groups.flatMap((group) => group.photos);
  }

  groupOf(id) {
    return this.groups.find((group) => group.photos.includes(id)) ?? null;
  }

  go(id, { extend = false } = {}) {
    const group = this.groupOf(id);
    if (!group) return;
    if (extend) {
      this.selection.extend(id, this.order());
      this.selection.group = group;
    } else this.selection.enter(group, id);
    this.reveal();
    this.changed();
  }

  step(by, options) {
    const order = this.order();
    const at = order.indexOf(this.selection.focus);
    const next = order[Math.min(order.length - 1, Math.max(0, at + by))];
    if (next) this.go(next, options);
  }

  stepGroup(by) {
    const at = this.groups.indexOf(this.selection.group);
    const next = this.groups[Math.min(this.groups.length - 1, Math.max(0, at + by))];
    if (next) this.go(next.photos[0]);
  }

  // To the photo above or below, by what is on the screen.
  stepLine(by, options) {
    const from = document.getElementById(`p-${this.selection.focus}`)?.getBoundingClientRect();
    if (!from) return this.step(by, options);
    const middle = (from.left + from.right) / 2;
    let best = null;
    for (const element of this.rows.querySelectorAll('.tile')) {
      const box = element.getBoundingClientRect();
      const down = by * (box.top - from.top);
      if (down < 20) continue;
      const cost = down * 4 + Math.abs((box.left + box.right) / 2 - middle);
      if (!best || cost < best.cost) best = { cost, id: element.dataset.photo };
    }
    return best ? this.go(best.id, options) : undefined;
  }

  // Scrolls so that the focus can be seen, its group from the beginning where that fits.
  reveal() {
    const row = this.plan?.rows.find(({ items }) => items.some(({ group }) => group === this.selection.group));
    if (!row) return;
    const height = this.element.clientHeight;
    const { scrollTop } = this.element;
    const fits = row.height < height - 40;
    if (fits && (row.top < scrollTop || row.top + row.height > scrollTop + height)) {
      this.element.scrollTop = Math.max(0, row.top - Math.min(40, (height - row.height) / 3));
    } else if (!fits) {
      this.draw();
      const element = document.getElementById(`p-${this.selection.focus}`);
      if (element) element.scrollIntoView({ block: 'nearest' });
      else this.element.scrollTop = row.top;
    }
    this.draw();
  }

  idAt(event) {
    return event.target.closest('.tile')?.dataset.photo ?? null;
  }

  clicked(event) {
    const id = this.idAt(event);
    if (!id) return;
    const group = this.groupOf(id);
    const onCheck = Boolean(event.target.closest('.check')) || event.ctrlKey || event.metaKey;
    if (event.shiftKey) return this.go(id, { extend: true });
    if (group === this.selection.group || onCheck) {
      if (group !== this.selection.group && onCheck) this.selection.group = group;
      this.selection.focus = id;
      this.selection.toggle(id);
      return this.changed();
    }
    return this.go(id);
  }

  dragged(event) {
    const id = this.idAt(event);
    if (!id) return;
    if (!this.selection.has(id)) {
      this.selection.group = null;
      this.selection.enter(this.groupOf(id), id);
      if (!this.selection.has(id)) this.selection.toggle(id);
      this.changed();
    }
    event.dataTransfer.setData('application/x-photos', 'selection');
    event.dataTransfer.effectAllowed = 'move';
  }
}
