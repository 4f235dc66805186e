/**
 * Runs a command on a machine that stands still again and again: all its processes are stopped for up to a second at a time. Tests that
 * depend on the speed of the machine fail so, without any load on it. Linux only.
 *
 *     node test/stand-still.mjs npx vitest run test/integration/relay-socket.test.ts
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds for a stop, and between two of them. */
const STOPPED = [300, 1_000];
const RUNNING = [400, 1_500];
/** Milliseconds for the command to start. */
const BEGIN = 3_000;

const between = ([least, most]) => least + Math.random() * (most - least);

/** A process and all below it, whatever sessions and groups they are in. */
function family(root) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function parentOf(pid) {
  try {
    // `<pid> (<name>) <state> <parent> …`, and the name may hold anything.
    return Number(/.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

function send(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}

const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: 'inherit' });
const ended = new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
let over = false;
void ended.then(() => {
  over = true;
});
// Who is stopped would not hear it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    child.kill(signal);
    send(family(child.pid), 'SIGCONT');
  });
}
await sleep(BEGIN);
while (!over) {
  const pids = family(child.pid);
  send(pids, 'SIGSTOP');
  await sleep(between(STOPPED));
  send(pids, 'SIGCONT');
  await sleep(between(RUNNING));
}
process.exitCode = await ended;
