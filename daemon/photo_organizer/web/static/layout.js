// Where each group goes: as many side by side as fit, so that thousands of single photos waste no room.

export const CAPTION = 54; // pixels below a tile, see .guesses
const HEAD = 26;
const PADDING = 8;
const GAP = 8; // between tiles
const APART = 12; // between groups

export function tileSize(width) {
  const wanted = width < 560 ? 92 : width < 1100 ? 148 : 164;
  const columns = Math.max(2, Math.floor((width + APART) / (wanted + PADDING * 2 + APART)));
  return Math.floor((width + APART) / columns) - PADDING * 2 - APART;
}

// Rows with their top and height; each holds groups with the number of columns that they take.
export function pack(groups, width) {
  const tile = tileSize(width);
  const rows = [];
  let row = null;
  let top = 4; // the ring around the current group
  const close = () => {
    if (!row) return;
    rows.push(row);
    top += row.height + APART;
    row = null;
  };
  const most = Math.max(1, Math.floor((width - PADDING * 2 + GAP) / (tile + GAP)));
  for (const group of groups) {
    const across = Math.min(group.photos.length, most);
    const lines = Math.ceil(group.photos.length / across);
    const wide = across * (tile + GAP) - GAP + PADDING * 2 + APART;
    if (row && row.width + wide > width + APART + 1) close();
    row ??= { top, height: 0, width: 0, items: [] };
    row.items.push({ group, across, width: wide - APART });
    row.width += wide;
    row.height = Math.max(row.height, HEAD + PADDING * 2 + lines * (tile + CAPTION + GAP) - GAP);
  }
  close();
  return { rows, tile, height: top };
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
