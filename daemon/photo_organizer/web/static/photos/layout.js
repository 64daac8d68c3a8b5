// Where each group goes: as many side by side as fit, so that thousands of single photos take little space.
// Everything is computed; nothing here asks the browser where something is, which would cost a layout.

const CAPTION = 54; // pixels below a tile, see .guesses
const HEAD = 26;
const PADDING = 8;
const GAP = 8; // between tiles
const APART = 12; // between groups
const TOP = 4; // the ring around the current group
const MOST_GROWTH = 1.6;

export function tileSize(width) {
  const wanted = width < 560 ? 92 : width < 1100 ? 148 : 164;
  const columns = Math.max(2, Math.floor((width + APART) / (wanted + PADDING * 2 + APART)));
  return Math.floor((width + APART) / columns) - PADDING * 2 - APART;
}

// The plan: rows with their top, height, tile size and groups, and the row of each group.
// The tiles of a row grow until it is as wide as the page, within limits; those of the last row do not.
export function pack(groups, width) {
  const least = tileSize(width);
  const most = Math.max(1, Math.floor((width - PADDING * 2 + GAP) / (least + GAP)));
  const rows = [];
  const rowOf = new Map();
  let top = TOP;
  let items = [];
  let columns = 0;
  let borders = -APART;
  const close = (isLast) => {
    if (!items.length) return;
    const full = Math.floor((width - borders) / columns);
    const tile = isLast ? Math.min(full, least) : Math.max(least, Math.min(full, Math.round(least * MOST_GROWTH)));
    const row = { index: rows.length, top, tile, items, height: 0 };
    let lines = 0;
    let left = 0;
    for (const item of items) {
      item.left = left;
      item.width = item.across * (tile + GAP) - GAP + PADDING * 2;
      left += item.width + APART;
      lines = Math.max(lines, item.lines);
      rowOf.set(item.group, row);
    }
    row.height = HEAD + PADDING * 2 + lines * (tile + CAPTION + GAP) - GAP;
    rows.push(row);
    top += row.height + APART;
    items = [];
    columns = 0;
    borders = -APART;
  };
  for (const group of groups) {
    const lines = Math.ceil(group.photos.length / most);
    const across = Math.ceil(group.photos.length / lines);
    const border = (across - 1) * GAP + PADDING * 2 + APART;
    if (items.length && (columns + across) * least + borders + border > width) close(false);
    items.push({ group, lines, across, left: 0, width: 0 });
    columns += across;
    borders += border;
  }
  close(true);
  return { rows, rowOf, height: top };
}

// The first row that reaches below `y`.
export function rowAt(rows, y) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].top + rows[middle].height < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Where the tile of a group's photo is: its top, its height, and the middle between left and right.
export function placeOf(row, item, index) {
  const line = Math.floor(index / item.across);
  const top = row.top + HEAD + PADDING + line * (row.tile + CAPTION + GAP);
  const left = item.left + PADDING + (index % item.across) * (row.tile + GAP);
  return { top, height: row.tile + CAPTION, middle: left + row.tile / 2 };
}

// The photo in the line above (`by` is -1) or below (1) that is nearest; null at either end.
export function nextLine(plan, group, id, by) {
  const row = plan.rowOf.get(group);
  const own = row?.items.find((item) => item.group === group);
  if (!own) return null;
  const from = placeOf(row, own, group.photos.indexOf(id));
  let best = null;
  for (const near of [row, plan.rows[row.index + by]]) {
    for (const item of near?.items ?? []) {
      item.group.photos.forEach((other, index) => {
        const to = placeOf(near, item, index);
        const distance = by * (to.top - from.top);
        if (distance <= 0) return;
        const cost = distance * 4 + Math.abs(to.middle - from.middle);
        if (!best || cost < best.cost) best = { cost, id: other };
      });
    }
  }
  return best?.id ?? null;
}
