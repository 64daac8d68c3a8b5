// The photos in groups. Only what can be seen is in the document, however many there are; and a key changes
// the elements without asking the browser where they are, so that no key waits for a layout.

import { GroupElement } from './group.js';
import { el } from '../page/dom.js';
import { nextLine, pack, placeOf, rowAt } from './layout.js';
import { Selection } from './selection.js';

const BEYOND = 900; // pixels above and below the window that are there already
const BELOW = 24; // pixels below the last row

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
    this.drawn = new Map(); // group: its element
    this.size = { width: 0, height: 0 };
    this.top = 0; // how far it is scrolled
    this.element.addEventListener('scroll', () => this.scrolled(), { passive: true });
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
    new ResizeObserver(([{ contentRect }]) => this.resized(contentRect)).observe(this.element);
  }

  get count() {
    return this.groups.reduce((sum, { photos }) => sum + photos.length, 0);
  }

  // Waits until no photo is being dragged: one that is drawn anew would be let go.
  async released() {
    while (this.isPressed) await new Promise((resolve) => { setTimeout(resolve, 50); });
  }

  resized({ width, height }) {
    if (!width) return; // another view is shown
    const isWider = width !== this.size.width;
    this.size = { width, height };
    this.top = this.element.scrollTop;
    if (isWider) this.arrange();
    else this.draw();
    this.mark();
  }

  scrolled() {
    this.top = this.element.scrollTop;
    this.draw();
    this.mark();
  }

  scrollTo(top) {
    if (top === this.top) return;
    this.element.scrollTop = top;
    this.top = Math.max(0, Math.min(top, this.plan.height + BELOW - this.size.height));
  }

  show(groups, photos) {
    this.groups = groups;
    this.photos = photos;
    const focus = this.selection.focus;
    const group = groups.find((other) => other.photos.includes(focus)) ?? groups[0] ?? null;
    const stays = group && group.photos.includes(focus);
    this.selection.group = null;
    this.selection.enter(group, stays ? focus : (group?.photos[0] ?? null));
    this.redraw();
  }

  // After photos came or went.
  redraw() {
    this.arrange();
    this.reveal();
    this.changed();
  }

  arrange() {
    if (!this.size.width) return;
    this.plan = pack(this.groups, this.size.width);
    this.rows.style.height = `${this.plan.height + BELOW}px`;
    this.top = Math.max(0, Math.min(this.top, this.plan.height + BELOW - this.size.height));
    this.draw();
  }

  // Brings the elements in line with the plan; those of groups that are drawn already stay as they are.
  draw() {
    if (!this.plan) return;
    const { rows } = this.plan;
    const wanted = new Map();
    for (let index = rowAt(rows, this.top - BEYOND); index < rows.length; index += 1) {
      if (rows[index].top > this.top + this.size.height + BEYOND) break;
      for (const item of rows[index].items) wanted.set(item.group, [rows[index], item]);
    }
    const tiles = new Map();
    for (const [group, drawn] of this.drawn) {
      if (wanted.has(group) && drawn.isOf(group, this.photos)) continue;
      drawn.tiles.forEach((tile) => tiles.set(tile.id, tile)); // its pictures are loaded
      drawn.element.remove();
      this.drawn.delete(group);
    }
    let next = this.rows.firstElementChild;
    for (const [group, [row, item]] of wanted) {
      let drawn = this.drawn.get(group);
      if (!drawn) {
        drawn = new GroupElement(group, this.describe(group), this.photos, tiles);
        this.drawn.set(group, drawn);
      }
      drawn.place(row, item);
      if (drawn.element === next) next = next.nextElementSibling;
      else this.rows.insertBefore(drawn.element, next);
    }
  }

  // Shows focus and selection as they are now.
  mark() {
    const { focus } = this.selection;
    let active = null;
    for (const [group, drawn] of this.drawn) {
      drawn.mark(this.selection, group === this.selection.group);
      if (group.photos.includes(focus)) active = `p-${focus}`;
    }
    if (active) this.element.setAttribute('aria-activedescendant', active);
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
    const { group, focus } = this.selection;
    const id = this.plan && nextLine(this.plan, group, focus, by);
    if (id) this.go(id, options);
  }

  // Scrolls so that the focus can be seen, its group from the beginning where that fits.
  reveal() {
    const { group, focus } = this.selection;
    const row = this.plan?.rowOf.get(group);
    if (!row) return;
    const { height } = this.size;
    const isWithin = (top, tall) => top >= this.top && top + tall <= this.top + height;
    if (row.height < height - 40) {
      if (!isWithin(row.top, row.height)) this.scrollTo(Math.max(0, row.top - Math.min(40, (height - row.height) / 3)));
    } else {
      const item = row.items.find((other) => other.group === group);
      const place = placeOf(row, item, Math.max(0, group.photos.indexOf(focus)));
      if (place.top < this.top) this.scrollTo(place.top - 8);
      else if (place.top + place.height > this.top + height) this.scrollTo(place.top + place.height + 8 - height);
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
    if (event.shiftKey) this.go(id, { extend: true });
    else if (group === this.selection.group || onCheck) {
      this.selection.group = group;
      this.selection.focus = id;
      this.selection.toggle(id);
      this.changed();
    } else this.go(id);
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
