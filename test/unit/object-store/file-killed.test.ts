import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readAll } from '../../../src/lib/streams.ts';
import { FileObjectStore } from '../../../src/object-store/file/file.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const WRITER = fileURLToPath(new URL('./writer.mjs', import.meta.url));
const MOST_BYTES = 2_000_000;

/** Lets a process write until it has been answered `answers` times, kills it, and gives the keys it was answered for. */
async function writeAndKill(folder: string, answers: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const keys: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [outcome, key = ''] = line.split(' ');
    expect(['written', 'exists']).toContain(outcome);
    keys.push(key);
    if (keys.length === answers) break;
  }
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  return keys;
}

describe('a store on disk whose process is killed', () => {
  it('has every acknowledged object complete, and no incomplete ones', async () => {
    await using folder = await tempDir();
    const answered = new Set<string>();
    for (const answers of [5, 23, 40]) {
      for (const key of await writeAndKill(folder.path, answers)) answered.add(key);
    }
    const store = await FileObjectStore.open(folder.path);
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    const listed = new Set<string>();
    for await (const { key } of store.list('')) {
      listed.add(key);
      const result = await store.get(key);
      if (!result.found) throw new Error(`${key} is listed, and is not there`);
      const body = await readAll(result.body, MOST_BYTES);
      expect(body.equals(Buffer.alloc(result.size, key))).toBe(true);
    }
    for (const key of answered) expect(listed.has(key), key).toBe(true);
    expect(answered.size).toBeGreaterThan(30);
    // The files that it took over, and the copies.
    const names = await readdir(join(folder.path, 'objects'), { recursive: true });
    expect(names.some((name) => name.endsWith('@bare'))).toBe(true);
    expect(names.some((name) => name.endsWith('@'))).toBe(true);
  });
});
