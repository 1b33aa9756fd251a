'use strict';
// One clock for all edges: sounds are decoded when they are first wanted and started at the same instant of the
// same audio context, so what plays together is in step to the sample.
const {length, start, sounds} = JSON.parse(document.getElementById('sounds').textContent);
const rows = [...document.querySelectorAll('.edge[data-n]')], heads = [...document.querySelectorAll('.head')];
const play = document.getElementById('play'), clock = document.getElementById('clock');
const player = {context: null, at: 0, began: 0, playing: false, chosen: new Set(rows.length ? [0] : []), tracks: []};
globalThis.player = player;

const now = () => player.playing ? Math.min(player.at + player.context.currentTime - player.began, length) : player.at;

async function track(n) {
  const known = player.tracks[n] ??= {};
  if (known.buffer) return known;
  const raw = Uint8Array.from(atob(sounds[n]), c => c.charCodeAt(0));
  known.loading ??= player.context.decodeAudioData(raw.buffer);
  known.buffer = await known.loading.catch(error => { document.getElementById('deaf').hidden = false; throw error; });
  known.gain = player.context.createGain();
  known.ear = player.context.createAnalyser();
  known.gain.connect(known.ear).connect(player.context.destination);
  return known;
}

function silence(it, when) {
  if (!it?.source) return;
  it.gain.gain.setTargetAtTime(0, when, 0.004);
  it.source.stop(when + 0.03);
  it.source = null;
}

async function follow() {
  // what is chosen sounds, the rest does not; every change happens at one instant for all
  const chosen = [...player.chosen];
  const there = player.playing ? await Promise.all(chosen.map(track)) : [];
  if (player.playing && chosen.some(n => !player.chosen.has(n))) return;
  const when = (player.context?.currentTime ?? 0) + 0.02;
  player.tracks.forEach((it, n) => { if (!player.playing || !player.chosen.has(n)) silence(it, when); });
  for (const it of there) {
    if (it.source) continue;
    const offset = player.at + when - player.began;
    if (offset >= length) continue;
    it.source = player.context.createBufferSource();
    it.source.buffer = it.buffer;
    it.source.connect(it.gain);
    it.gain.gain.cancelScheduledValues(0);
    it.gain.gain.setTargetAtTime(1, when, 0.004);
    it.source.start(when, Math.max(0, offset));
  }
}

async function toggle(on = !player.playing) {
  if (!rows.length || on === player.playing) return;
  if (on) {
    player.context ??= new AudioContext();
    await player.context.resume();
    await Promise.all([...player.chosen].map(track));
    if (player.at >= length - 0.05) player.at = 0;
    player.began = player.context.currentTime;
  } else player.at = now();
  player.playing = on;
  play.textContent = on ? '❚❚' : '▶';
  await follow();
  if (on) requestAnimationFrame(draw);
}

async function go(to) {
  const was = player.playing;
  if (was) await toggle(false);
  player.at = Math.min(Math.max(to, 0), length);
  draw();
  if (was) await toggle(true);
}

function choose(n, more) {
  if (!rows[n]) return;
  if (!more) player.chosen = new Set([n]);
  else if (!player.chosen.delete(n) || !player.chosen.size) player.chosen.add(n);
  rows.forEach((row, i) => row.classList.toggle('lit', player.chosen.has(i)));
  return follow();
}

function draw() {
  const at = now(), shown = at + start;
  clock.textContent = `${Math.floor(shown / 60)}:${(shown % 60).toFixed(1).padStart(4, '0')}`;
  for (const head of heads) head.style.left = `${at / length * 100}%`;
  if (player.playing && at >= length) toggle(false);
  else if (player.playing) requestAnimationFrame(draw);
}

rows.forEach((row, n) => row.querySelector('.hear').addEventListener('click', event => choose(n, event.shiftKey)));
for (const see of document.querySelectorAll('.see')) see.addEventListener('click', event => {
  const box = see.getBoundingClientRect();
  go((event.clientX - box.left) / box.width * length);
});
play?.addEventListener('click', () => toggle());
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const one = Math.max(0, [...player.chosen][0] ?? 0);
  if (event.key === ' ') toggle();
  else if (/^[1-9]$/.test(event.key)) choose(Number(event.key) - 1, false);
  else if (event.key === 'ArrowDown') choose(Math.min(one + 1, rows.length - 1), false);
  else if (event.key === 'ArrowUp') choose(Math.max(one - 1, 0), false);
  else return;
  event.preventDefault();
});
if (rows.length) { choose(0, false); draw(); }
