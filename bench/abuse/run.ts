/**
 * `npm run bench:abuse`: strangers attack a server at default settings that has 2 GiB of memory together with its git
 * processes, while its owner pushes and clones. The report says how much slower that is than without them.
 */
import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../../src/lib/errors.ts';
import { gitUrl } from '../../src/nostr/repository-url.ts';
import { announce, fileStore, serveCairn } from '../cairn.ts';
import { ownerKey } from '../owner.ts';
import { settled } from '../process-figures.ts';
import { endEverything, killEverything } from '../processes.ts';
import { Stage } from '../stage.ts';
import { ATTACKS, type Attack, type Target } from './attacks.ts';
import { HonestUser } from './honest.ts';
import { limitMemory, type MemoryLimit, watchPeak } from './memory-limit.ts';

const MEMORY = 2 * 2 ** 30;
/** Pushes and clones for each figure. */
const ROUNDS = 12;
/** Milliseconds for which an attack goes on before it is measured: what it fills is then full. */
const BEFORE = 5_000;
/** The most times slower that an honest user may be. */
const GOAL = 2;

async function main(only: readonly string[]): Promise<number> {
  const attacks = ATTACKS.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
  const stage = await Stage.open();
  process.on('exit', killEverything);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void endEverything().then(() => process.exit(1)));
  }
  const limit = limitMemory(MEMORY);
  try {
    return await underAttack(stage, limit, attacks);
  } finally {
    await stage.close();
    killEverything();
    await limit.close();
  }
}

async function underAttack(stage: Stage, limit: MemoryLimit, attacks: readonly Attack[]): Promise<number> {
  const folder = stage.scratch('attacked');
  const server = await serveCairn(folder, fileStore(folder), [], limit.wrapper);
  try {
    const lines = [`memory: ${MEMORY / 2 ** 20} MiB, ${limit.kind}`];
    let met = true;
    for (const [number, attack] of attacks.entries()) {
      // A repository for each attack: what one has filled would keep the next one out.
      const identifier = `honest-${number}`;
      await announce(server.url, identifier);
      const honest = await HonestUser.begin(stage, gitUrl(server.url, ownerKey, identifier));
      await honest.work(3);
      const { line, passed } = await measured(attack, { url: server.url, identifier }, honest, server.pid);
      await honest.check();
      process.stderr.write(`${line}\n`);
      lines.push(line);
      met &&= passed;
    }
    const killed = limit.killed();
    const alive = existsSync(`/proc/${server.pid}`);
    lines.push(`alive: ${alive}, killed for memory: ${killed}, mirror clones and fsck: fine`);
    process.stdout.write(`${lines.join('\n')}\n`);
    return met && killed === 0 && alive ? 0 : 1;
  } finally {
    await server.stop();
  }
}

/** The same work alone, beside an attack, and alone again: what else the machine does falls on both. */
async function measured(
  attack: Attack,
  target: Target,
  honest: HonestUser,
  pid: number,
): Promise<{ readonly line: string; readonly passed: boolean }> {
  await settled(pid);
  const before = await honest.work(ROUNDS);
  const stop = new AbortController();
  // Every stranger listens.
  setMaxListeners(0, stop.signal);
  const peak = watchPeak(pid);
  const attacked = attack.run(target, stop.signal);
  await setTimeout(BEFORE);
  const beside = await honest.work(ROUNDS);
  stop.abort();
  const answered = await attacked;
  const bytes = peak.stop();
  await settled(pid);
  const after = await honest.work(ROUNDS);
  const ratio = (kind: 'push' | 'clone') => beside[kind] / ((before[kind] + after[kind]) / 2);
  const failures = [...before.failures, ...beside.failures, ...after.failures];
  const passed = ratio('push') <= GOAL && ratio('clone') <= GOAL && failures.length === 0;
  const figures = `push ${ratio('push').toFixed(2)} ×, clone ${ratio('clone').toFixed(2)} ×, peak ${Math.round(bytes / 2 ** 20)} MiB`;
  const told = failures.length === 0 ? '' : `\n  FAILED ${failures.length}: ${failures[0]}`;
  return { line: `${passed ? 'met   ' : 'MISSED'} ${attack.name}: ${figures}\n  ${answered}${told}`, passed };
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`abuse: ${messageOf(error)}\n`);
    process.exitCode = 1;
  },
);
