// How many photos a threshold files, and how many of those are right; drawn from held-out photos.

import { svg } from '../page/dom.js';

const WIDTH = 720;
const HEIGHT = 230;
const LEFT = 62; // space for `100 %` in the large type of a narrow screen
const RIGHT = 26;
const BOTTOM = 26;

const x = (threshold) => LEFT + threshold * (WIDTH - LEFT - RIGHT);
const y = (share) => 10 + (1 - share) * (HEIGHT - BOTTOM - 10);

export function at(curve, threshold) {
  let found = curve[0];
  for (const point of curve) if (point[0] <= threshold + 1e-9) found = point;
  return { coverage: found[1], precision: found[2] };
}

// Without held-out photos: a calibrated model is right as often as it is sure.
export function expected(confidences) {
  const points = [];
  for (let step = 0; confidences.length && step <= 100; step += 1) {
    const sure = confidences.filter((confidence) => confidence >= step / 100);
    const right = sure.reduce((sum, confidence) => sum + confidence, 0);
    points.push([step / 100, sure.length / confidences.length, sure.length ? right / sure.length : 1]);
  }
  return points;
}

export function draw(curve, threshold) {
  const line = (index, name) =>
    svg('path', { class: name, d: curve.map((point, i) => `${i ? 'L' : 'M'}${x(point[0]).toFixed(1)} ${y(point[index]).toFixed(1)}`).join('') });
  const picture = svg('svg', { class: 'curve', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': 'Share of photos filed, and share of those that are right, by threshold' });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    picture.append(svg('line', { class: 'axis', x1: LEFT, x2: WIDTH - RIGHT, y1: y(share), y2: y(share) }));
    picture.append(svg('text', { x: LEFT - 6, y: y(share) + 4, 'text-anchor': 'end' }, `${100 * share} %`));
    picture.append(svg('text', { x: x(share), y: HEIGHT - 6, 'text-anchor': 'middle' }, share.toFixed(2)));
  }
  const here = svg('line', { class: 'here', x1: x(threshold), x2: x(threshold), y1: 10, y2: HEIGHT - BOTTOM });
  picture.append(line(1, 'filed'), line(2, 'right'), here);
  picture.moveTo = (value) => {
    here.setAttribute('x1', x(value));
    here.setAttribute('x2', x(value));
  };
  return picture;
}
