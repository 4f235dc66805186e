import type { StoreKind } from '../cairn.ts';
import { fullClone, gitClone, shallowClone } from './clone.ts';
import { incrementalFetch } from './fetch.ts';
import { lsRemote, lsRemoteRaw } from './ls-remote.ts';
import { oneGibibyte } from './one-gib.ts';
import { pushOneCommit } from './push.ts';
import type { RowGroup } from './row.ts';

/** Every row there is, in the order of the report. */
export function allRows(): RowGroup[] {
  return [...rowsOf('file'), ...rowsOf('s3')];
}

function rowsOf(store: StoreKind): RowGroup[] {
  return [
    lsRemote(store),
    lsRemoteRaw(store),
    fullClone(store, 'medium'),
    fullClone(store, 'medium', 'bitmapped'),
    fullClone(store, 'small'),
    gitClone(store, 'full'),
    shallowClone(store),
    gitClone(store, 'shallow'),
    incrementalFetch(store),
    pushOneCommit(store, 'medium'),
    pushOneCommit(store, 'small'),
    oneGibibyte(store),
  ];
}
