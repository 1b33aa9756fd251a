'use strict';
const table = document.getElementById('points'), body = table.tBodies[0];
function light(n) {
  for (const it of document.querySelectorAll('.lit')) it.classList.remove('lit');
  if (n) for (const it of document.querySelectorAll(`[data-n="${n}"]`)) it.classList.add('lit');
}
for (const it of document.querySelectorAll('[data-n]')) {
  it.addEventListener('pointerenter', () => light(it.dataset.n));
  it.addEventListener('pointerleave', () => light(null));
}
table.tHead.querySelectorAll('button').forEach((button, column) => button.addEventListener('click', () => {
  const down = button.dataset.way === '↑';
  for (const other of table.tHead.querySelectorAll('button')) delete other.dataset.way;
  button.dataset.way = down ? '↓' : '↑';
  const value = row => { const cell = row.cells[column], v = cell.dataset.v ?? cell.textContent;
    return v !== '' && !isNaN(v) ? [0, Number(v)] : [1, v]; };
  const order = (a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);
  [...body.rows].sort((a, b) => (down ? -1 : 1) * order(value(a), value(b))).forEach(row => body.append(row));
}));
