// The keys that go through the photos and file them, the same in every view with photos.

export function gridKey(triage, key, event) {
  const { grid, selection } = triage;
  const extend = event.shiftKey;
  const steps = {
    ArrowRight: () => grid.step(1, { extend }),
    ArrowLeft: () => grid.step(-1, { extend }),
    ArrowDown: () => grid.stepLine(1, { extend }),
    ArrowUp: () => grid.stepLine(-1, { extend }),
    Home: () => grid.step(-Infinity, { extend }),
    End: () => grid.step(Infinity, { extend }),
    PageDown: () => grid.stepGroup(1),
    PageUp: () => grid.stepGroup(-1),
    j: () => grid.stepGroup(1),
    k: () => grid.stepGroup(-1),
    a: () => {
      selection.toggleGroup();
      grid.changed();
    },
    ' ': () => {
      if (selection.focus) selection.toggle(selection.focus);
      grid.changed();
    },
    v: () => triage.view(),
    n: () => triage.make(),
    '/': () => triage.find(),
    Escape: () => {
      selection.ids.clear();
      grid.changed();
    },
  };
  const act = steps[key] ?? (triage.keys.has(key) ? () => triage.file(triage.keys.get(key)) : null);
  if (!act) return false;
  act();
  return true;
}
