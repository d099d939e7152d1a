/**
 * Many viewers of a poll's public feed in one process: notes when each of them was first told of each
 * marker, a vote for an option that nothing else votes for. Arguments: the feed's address, the marker
 * option, the viewers, the markers. On any line of input it tells what it saw, and ends.
 */
import { writeFileSync } from 'node:fs';

const [address = '', option = '', viewersText = '', markersText = '', file = ''] =
  process.argv.slice(2);
const viewers = Number(viewersText);
const markers = Number(markersText);
const CONNECTING_MAX = 128;

/** Arrival of marker m at viewer v, ms since the Unix epoch, at v * markers + m. */
const arrivals = new Float64Array(viewers * markers).fill(Number.NaN);
const sockets: WebSocket[] = [];
let closed = 0;
let messages = 0;

/** All viewers get the same words: they are read once. */
let lastText = '';
let lastMarkers = 0;

function markersIn(text: string): number {
  if (text === lastText) return lastMarkers;
  const message = JSON.parse(text) as {
    results?: { options: readonly { id: string; votes: number }[] };
  };
  lastText = text;
  lastMarkers = message.results?.options.find(({ id }) => id === option)?.votes ?? 0;
  return lastMarkers;
}

function connect(viewer: number): Promise<void> {
  const socket = new WebSocket(address);
  sockets.push(socket);
  let told = 0;
  let isGreeted = false;
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error(`Viewer ${viewer} could not connect.`));
    socket.onclose = () => {
      closed += 1;
    };
    socket.onmessage = ({ data }) => {
      const now = Date.now();
      messages += 1;
      if (!isGreeted) resolve();
      isGreeted = true;
      for (const shown = markersIn(data as string); told < shown; told += 1) {
        arrivals[viewer * markers + told] = now;
      }
    };
  });
}

for (let first = 0; first < viewers; first += CONNECTING_MAX) {
  const until = Math.min(viewers, first + CONNECTING_MAX);
  await Promise.all(Array.from({ length: until - first }, (_, at) => connect(first + at)));
}
console.log(`ready ${viewers}`);
const before = messages;
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
process.stdin.once('data', () => {
  const cpu = process.cpuUsage(cpuBefore);
  const elapsedMs = performance.now() - startedAt;
  const cpuPercent = Math.round((cpu.user + cpu.system) / 10 / elapsedMs);
  writeFileSync(file, arrivals);
  console.log(`saw ${JSON.stringify({ messages: messages - before, closed, cpuPercent })}`);
  for (const socket of sockets) socket.terminate();
  process.stdin.destroy();
});
