import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommitGraph } from '../git/index.ts';
import type { Digest } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { idLength, type RepositoryView } from './repository-view.ts';

/** Bytes of a graph that is read, some 250,000 commits, and of all that are kept. */
const LARGEST = 24 * 1024 * 1024;
const KEPT = 32 * 1024 * 1024;

const graphs = new LruMap<Digest, Promise<CommitGraph | undefined>>(KEPT);

/**
 * The commit-graph that the last fold has stored.
 * @returns undefined if there is none, or it is very large, or cannot be read: then git finds out
 */
export function commitGraphOf(view: RepositoryView): Promise<CommitGraph | undefined> {
  const { graph } = view.manifest;
  if (graph === undefined || graph.size > LARGEST) return Promise.resolve(undefined);
  const kept = graphs.get(graph.digest);
  if (kept !== undefined) return kept;
  const reading = read(view, graph.size).catch(() => {
    graphs.delete(graph.digest);
    return undefined;
  });
  graphs.set(graph.digest, reading, graph.size);
  return reading;
}

async function read(view: RepositoryView, size: number): Promise<CommitGraph | undefined> {
  const content = await readFile(join(await view.gitDir(), 'objects/info/commit-graph'));
  // Of a damaged copy nothing is remembered.
  if (content.length !== size) throw new CairnError('corrupt', 'the commit-graph does not have its size');
  return CommitGraph.parse(content, idLength(view));
}
