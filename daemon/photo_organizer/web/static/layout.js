// Where each group goes: as many side by side as fit, so that thousands of single photos waste no room.

export const CAPTION = 54; // pixels below a tile, see .guesses
const HEAD = 26;
const PADDING = 8;
const GAP = 8; // between tiles
const APART = 12; // between groups
const MOST_GROWTH = 1.6;

export function tileSize(width) {
  const wanted = width < 560 ? 92 : width < 1100 ? 148 : 164;
  const columns = Math.max(2, Math.floor((width + APART) / (wanted + PADDING * 2 + APART)));
  return Math.floor((width + APART) / columns) - PADDING * 2 - APART;
}

// Rows with their top, height and tile size; each holds groups with the number of columns that they take.
// The tiles of a row grow until it is as wide as the page, within limits; those of the last row do not.
export function pack(groups, width) {
  const least = tileSize(width);
  const rows = [];
  let row = [];
  let top = 4; // the ring around the current group
  const columns = () => row.reduce((sum, { across }) => sum + across, 0);
  const borders = () => row.reduce((sum, { across }) => sum + (across - 1) * GAP + PADDING * 2 + APART, -APART);
  const close = (isLast) => {
    if (!row.length) return;
    const full = Math.floor((width - borders()) / columns());
    const tile = isLast ? Math.min(full, least) : Math.max(least, Math.min(full, Math.round(least * MOST_GROWTH)));
    const lines = Math.max(...row.map((item) => item.lines));
    const height = HEAD + PADDING * 2 + lines * (tile + CAPTION + GAP) - GAP;
    const items = row.map(({ group, across }) => ({ group, across, width: across * (tile + GAP) - GAP + PADDING * 2 }));
    rows.push({ top, height, tile, items });
    top += height + APART;
    row = [];
  };
  const most = Math.max(1, Math.floor((width - PADDING * 2 + GAP) / (least + GAP)));
  for (const group of groups) {
    const lines = Math.ceil(group.photos.length / most);
    const item = { group, lines, across: Math.ceil(group.photos.length / lines) };
    row.push(item);
    if (row.length > 1 && columns() * least + borders() > width) {
      row.pop();
      close(false);
      row.push(item);
    }
  }
  close(true);
  return { rows, height: top };
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
