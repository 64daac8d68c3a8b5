// Which key files a photo in which category: 1 to 9 and 0 for the first ten, a letter for the others.

const DIGITS = '1234567890';
const TAKEN = new Set('asznrvyu'); // keys of the page itself

export function categoryKeys(categories) {
  const keys = new Map();
  const used = new Set(TAKEN);
  categories.slice(0, DIGITS.length).forEach((name, index) => keys.set(DIGITS[index], name));
  for (const name of categories.slice(DIGITS.length)) {
    const letters = [...name.toLowerCase(), ...'bcdefghijklmopqtwx'];
    const key = letters.find((letter) => /^[a-z]$/.test(letter) && !used.has(letter));
    if (!key) break; // the rest is found with /
    used.add(key);
    keys.set(key, name);
  }
  return keys;
}

export const keyOf = (keys, category) => [...keys].find(([, name]) => name === category)?.[0];

export const HELP = [
  [['←', '→', '↑', '↓'], 'go from photo to photo'],
  [['1', '…', '0'], 'file what is selected in that category'],
  [['Enter'], 'accept the suggestion'],
  [['Space'], 'select a photo, or take it out of the selection'],
  [['Shift', '→'], 'select from here to there'],
  [['A'], 'select the whole group, or nothing'],
  [['S'], 'skip the group for now'],
  [['J', 'K'], 'next group, group before'],
  [['Z'], 'undo'],
  [['/'], 'find a category'],
  [['N'], 'file in a new category'],
  [['V'], 'view the photo large'],
  [['Y'], 'in Filed: all of these are right; in Learning: the label is right'],
  [['?'], 'this list'],
];
