// Photos, the panel beside them, and the keys: what Review and Filed have in common.

import { announce, counted, el } from '../page/dom.js';
import { categoryKeys } from './keys.js';
import * as dialogs from '../page/dialogs.js';
import { PhotoGrid } from './grid.js';
import { Side } from './side.js';
import { complain, toast } from '../page/toast.js';
import { actions } from '../page/actions.js';

export class Triage {
  // `describe(group)`: title and detail. `suggestion(group)`: a category or null. `note(id)`: a line on a photo.
  constructor({ label, wholeGroups, describe, suggestion, note, buttons, keys = {} }) {
    this.suggestion = suggestion;
    this.note = note;
    this.extraKeys = keys;
    this.categories = [];
    this.keys = new Map();
    this.grid = new PhotoGrid({
      label, wholeGroups, describe,
      onchange: () => this.changed(),
      onopen: (id) => dialogs.viewPhoto(id, this.grid.photos[id]),
    });
    this.side = new Side({
      actions: el('div', { class: 'actions', role: 'toolbar', 'aria-label': 'Actions' }, ...buttons),
      onfile: (category) => this.file(category),
      onfind: () => this.find(),
      onnew: () => this.make(),
      onview: () => this.view(),
    });
    this.list = el('div', { class: 'list' });
    this.element = el('div', { class: 'work' }, this.list, this.side.element);
    this.onchange = () => {};
  }

  setCategories(categories) {
    this.categories = categories;
    this.keys = categoryKeys(categories);
    this.side.setCategories(categories, this.keys);
    this.changed();
  }

  get selection() {
    return this.grid.selection;
  }

  changed() {
    const { group, focus } = this.selection;
    const photo = focus ? this.grid.photos[focus] : null;
    this.side.show(focus, photo, group ? this.suggestion(group) : null, photo ? this.note(focus) : '');
    this.onchange();
  }

  // Files what is selected. The photos leave the screen at once; those that cannot be moved come back.
  async file(category) {
    const ids = this.selection.targets;
    if (!ids.length || !category) return;
    const places = this.take(ids);
    announce(`${counted(ids.length, 'photo')} filed in ${category}`);
    const action = actions.file(ids, category, (photos) => this.putBack(photos, places));
    try {
      const { moved, refused } = await action.done;
      const back = refused.filter(({ gone }) => !gone).map(({ id }) => id);
      if (back.length) this.putBack(Object.fromEntries(places.photos.filter(([id]) => back.includes(id))), places);
      if (refused.length) this.complainOf(refused);
      if (moved.length) this.tellFiled(action, moved.length);
    } catch (error) {
      this.putBack(Object.fromEntries(places.photos), places);
      complain(error);
    }
  }

  tellFiled(action, number) {
    this.forgetToast?.();
    this.forgetToast = toast(`${counted(number, 'photo')} filed in ${action.category}`, {
      action: 'Undo', key: 'Z', onaction: () => actions.undo(action),
    });
  }

  complainOf(refused) {
    const [first] = refused;
    const others = refused.length > 1 ? ` and ${counted(refused.length - 1, 'other')}` : '';
    toast(`Not moved: ${first.name}${others}: ${first.reason}`, { kind: 'bad' });
  }

  // Takes photos off the screen, and remembers where they were.
  take(ids) {
    const gone = new Set(ids);
    const { grid } = this;
    const places = { photos: ids.map((id) => [id, grid.photos[id]]), groups: [] };
    const at = grid.groups.indexOf(this.selection.group);
    grid.groups.forEach((group, index) => {
      if (!group.photos.some((id) => gone.has(id))) return;
      places.groups.push({ group, index, photos: [...group.photos] });
      group.photos = group.photos.filter((id) => !gone.has(id));
    });
    grid.groups = grid.groups.filter((group) => group.photos.length);
    for (const id of ids) delete grid.photos[id];
    this.selection.forget(ids);
    const next = grid.groups[Math.min(Math.max(0, at), grid.groups.length - 1)] ?? null;
    this.selection.group = null;
    this.selection.enter(next, next?.photos[0] ?? null);
    this.grid.redraw();
    return places;
  }

  putBack(photos, places) {
    const back = Object.keys(photos);
    if (!back.length) return;
    const { grid } = this;
    Object.assign(grid.photos, photos);
    const known = new Set();
    for (const { group, index, photos: order } of places.groups) {
      const here = new Set(group.photos);
      group.photos = order.filter((id) => here.has(id) || (id in photos && !grid.groupOf(id)));
      group.photos.forEach((id) => known.add(id));
      if (group.photos.length && !grid.groups.includes(group)) grid.groups.splice(Math.min(index, grid.groups.length), 0, group);
    }
    for (const id of back) {
      if (!known.has(id) && !grid.groupOf(id)) grid.groups.unshift({ photos: [id] });
    }
    this.selection.group = null;
    this.selection.enter(grid.groupOf(back[0]), back[0]);
    this.grid.redraw();
  }

  accept() {
    const { group } = this.selection;
    return group ? this.file(this.suggestion(group)) : undefined;
  }

  find() {
    dialogs.findCategory(this.categories, (name) => this.file(name));
  }

  make() {
    const { targets } = this.selection;
    if (targets.length) dialogs.newCategory(counted(targets.length, 'photo'), (name) => this.file(name));
  }

  view() {
    const { focus } = this.selection;
    if (focus) dialogs.viewPhoto(focus, this.grid.photos[focus]);
  }
}
