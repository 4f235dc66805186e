import type { StoreKind } from '../cairn.ts';
import { cloneCpu, cloneKinds, gitClone, rawClones } from './clone.ts';
import { incrementalFetch } from './fetch.ts';
import { lsRemote, lsRemoteRaw } from './ls-remote.ts';
import { oneGibibyte } from './one-gib.ts';
import { pushOneCommit, pushOneCommitCpu, pushSigned } from './push.ts';
import { hundredThousandEvents } from './relay-100k.ts';
import { storeEvents } from './relay-store.ts';
import type { RowGroup } from './row.ts';

/** Every row there is, in the order of the report. */
export function allRows(): RowGroup[] {
  return [...rowsOf('file'), hundredThousandEvents(), ...rowsOf('s3')];
}

function rowsOf(store: StoreKind): RowGroup[] {
  const { full, fullAgainstBitmap, fullSmall, shallow } = cloneKinds;
  return [
    lsRemote(store),
    lsRemoteRaw(store),
    rawClones(store, full),
    cloneCpu(store, full),
    rawClones(store, fullAgainstBitmap),
    cloneCpu(store, fullAgainstBitmap),
    rawClones(store, fullSmall),
    gitClone(store, full),
    rawClones(store, shallow),
    cloneCpu(store, shallow),
    gitClone(store, shallow),
    incrementalFetch(store),
    pushOneCommit(store, 'medium'),
    pushOneCommitCpu(store, 'medium'),
    pushOneCommit(store, 'small'),
    pushSigned(store),
    oneGibibyte(store),
    storeEvents(store),
  ];
}
