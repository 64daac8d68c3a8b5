// Which photo has the focus, and which ones are selected. Entering a group selects all of it, where that is
// wanted: one key then files it.

export class Selection {
  constructor({ wholeGroups }) {
    this.wholeGroups = wholeGroups;
    this.focus = null;
    this.ids = new Set();
    this.anchor = null;
    this.group = null;
  }

  enter(group, id) {
    const isNew = group !== this.group;
    this.group = group;
    this.focus = id;
    this.anchor = id;
    if (isNew) this.ids = new Set(this.wholeGroups && group ? group.photos : []);
  }

  // What a key acts on: the selection, or else the photo in focus.
  get targets() {
    if (!this.group) return [];
    const chosen = this.group.photos.filter((id) => this.ids.has(id));
    const others = [...this.ids].filter((id) => !this.group.photos.includes(id));
    const all = [...chosen, ...others];
    return all.length ? all : this.focus ? [this.focus] : [];
  }

  has(id) {
    return this.ids.has(id);
  }

  toggle(id) {
    if (this.ids.has(id)) this.ids.delete(id);
    else this.ids.add(id);
    this.anchor = id;
  }

  toggleGroup() {
    const all = this.group && this.group.photos.every((id) => this.ids.has(id));
    this.ids = new Set(all || !this.group ? [] : this.group.photos);
  }

  // From where the selection began to `id`, in the order of the page.
  extend(id, order) {
    const [from, to] = [order.indexOf(this.anchor), order.indexOf(id)].sort((a, b) => a - b);
    this.ids = new Set(order.slice(Math.max(0, from), to + 1));
    this.focus = id;
  }

  forget(ids) {
    ids.forEach((id) => this.ids.delete(id));
  }
}
