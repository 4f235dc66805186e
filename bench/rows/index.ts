import type { StoreKind } from '../cairn.ts';
import { PAGE_KINDS, type PageKind } from '../pages/page-urls.ts';
import { archive } from './archive.ts';
import { besideCrawler } from './beside-crawler.ts';
import { cloneCpu, cloneKinds, gitClone, rawClones, rawClonesOfNewStates } from './clone.ts';
import { coldClone } from './cold.ts';
import { incrementalFetch } from './fetch.ts';
import { firstPushesChecked, firstPushLarge, firstPushMany, firstPushMidsize } from './first-push.ts';
import {
  fossilCheckIn,
  fossilFirstPush,
  fossilManyWireClones,
  fossilStockClone,
  fossilWireClone,
} from './fossil.ts';
import { fossilColdClone, fossilColdFirstPush } from './fossil-cold.ts';
import { importRepository } from './import.ts';
import { lsRemote, lsRemoteRaw } from './ls-remote.ts';
import { manyClones, manyLargeClones } from './many-clients.ts';
import { manyPushers, manyPushersOnSlowSwaps } from './many-pushers.ts';
import { manyPushes } from './many-pushes.ts';
import { manyRefs } from './many-refs.ts';
import { mirrorBetweenHosts } from './mirror.ts';
import { oneGibibyte } from './one-gib.ts';
import { coldPage, overviewPage, repeatedPage } from './pages.ts';
import { pushOneCommit, pushOneCommitCpu, pushSigned } from './push.ts';
import { hundredThousandEvents, millionEvents } from './relay-100k.ts';
import { storeEvents } from './relay-store.ts';
import type { RowGroup } from './row.ts';

/** Every row there is, in the order of the report. */
export function allRows({ pushes }: Growth): RowGroup[] {
  return [
    ...rowsOf('file'),
    manyClones(),
    manyLargeClones(),
    manyPushers(),
    manyPushersOnSlowSwaps(),
    manyPushes(pushes),
    manyRefs(),
    mirrorBetweenHosts('medium'),
    mirrorBetweenHosts('large'),
    mirrorBetweenHosts('big'),
    hundredThousandEvents(),
    millionEvents(),
    ...rowsOf('s3'),
  ];
}

const pageKinds = Object.keys(PAGE_KINDS) as PageKind[];

/** How far the row goes that grows a repository. */
export interface Growth {
  readonly pushes: number;
}

function rowsOf(store: StoreKind): RowGroup[] {
  const { full, fullAgainstBitmap, fullSmall, fullUnfolded, fullAfterPush, shallow, shallowRepeated } =
    cloneKinds;
  return [
    lsRemote(store),
    lsRemoteRaw(store),
    rawClones(store, full),
    cloneCpu(store, full),
    rawClones(store, fullAgainstBitmap),
    cloneCpu(store, fullAgainstBitmap),
    rawClones(store, fullSmall),
    rawClones(store, fullUnfolded),
    rawClonesOfNewStates(store, fullAfterPush),
    coldClone(store),
    gitClone(store, full),
    rawClonesOfNewStates(store, shallow),
    rawClones(store, shallowRepeated),
    cloneCpu(store, shallowRepeated),
    gitClone(store, shallowRepeated),
    incrementalFetch(store),
    pushOneCommit(store, 'medium'),
    pushOneCommitCpu(store, 'medium'),
    pushOneCommit(store, 'small'),
    pushSigned(store),
    firstPushMany(store),
    firstPushMidsize(store),
    firstPushLarge(store),
    ...firstPushesChecked(store),
    importRepository('medium', store),
    importRepository('large', store),
    importRepository('big', store),
    oneGibibyte(store),
    storeEvents(store),
    overviewPage(store),
    ...pageKinds.flatMap((kind) => [coldPage(store, kind), repeatedPage(store, kind)]),
    archive(store),
    besideCrawler(store),
    fossilWireClone(store),
    fossilManyWireClones(store),
    fossilColdClone(store),
    fossilStockClone(store),
    fossilFirstPush(store),
    fossilColdFirstPush(store),
    fossilCheckIn(store),
  ];
}
