import type { ReceivedArtifact } from '../../src/repository/fossil/prepared-artifacts.ts';
import { type FossilHostOptions, fossilHost } from './fossil-host.ts';
import { FossilRequests } from './fossil-requests.ts';
import { FossilRig, type FossilRigOptions } from './fossil-rig.ts';

/** A repository with some artifacts, and a client that sends single requests to its server. */
export interface Rounds {
  readonly rig: FossilRig;
  readonly requests: FossilRequests;
  /** Another server over the same store, or the same one with other options. */
  with(options: FossilHostOptions, rig?: FossilRig): FossilRequests;
}

export async function startRounds(
  artifacts: readonly ReceivedArtifact[] = [],
  options: FossilHostOptions & { readonly rig?: FossilRigOptions } = {},
): Promise<Rounds> {
  const rig = await new FossilRig(options.rig).create();
  if (artifacts.length > 0) await rig.push(artifacts);
  const { projectCode } = (await rig.bag()).state;
  const another = (other: FossilHostOptions, over = rig) =>
    new FossilRequests(fossilHost(over.repository, { clock: rig.clock, ...other }), projectCode);
  return { rig, requests: another(options), with: another };
}
