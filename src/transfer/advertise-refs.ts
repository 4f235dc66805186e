import {
  encodeLsRefs,
  encodeServiceHeader,
  encodeV0Advertisement,
  encodeV2Capabilities,
  type LsRefsOptions,
  type ObjectFormat,
  type Service,
} from '../git/index.ts';
import type { RepositoryState } from '../repository/manifest.ts';
import type { UploadCapabilities } from './upload-capabilities.ts';

/** Protocol version a client asked for; receive-pack has no version 2 and answers as version 0. */
export type ProtocolVersion = 0 | 1 | 2;

/** What receive-pack here understands. Cairn takes pushes in itself, so this list is its own. */
const RECEIVE_CAPABILITIES =
  'report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta push-options';

/** Answers that need no git process and no objects: all of them are made from a manifest. */
export class Advertiser {
  private readonly upload: Record<ObjectFormat, UploadCapabilities>;
  private readonly agent: string;

  /** @param agent how Cairn names itself to clients, without spaces */
  constructor(upload: Record<ObjectFormat, UploadCapabilities>, agent: string) {
    this.upload = upload;
    this.agent = agent;
  }

  /** The answer to `info/refs` with protocol v2: what the server can do. Needs nothing of the repository but its format. */
  v2Capabilities(format: ObjectFormat): Buffer {
    return encodeV2Capabilities([
      `agent=${this.agent}`,
      ...this.upload[format].v2,
      `object-format=${format}`,
    ]);
  }

  /** The answer to `info/refs` with protocol v0 or v1, service header included. */
  refs(service: Service, version: ProtocolVersion, state: RepositoryState): Buffer {
    const format = state.objectFormat;
    const shared = `object-format=${format} agent=${this.agent}`;
    const oid = state.refs.get(state.head);
    const symref = oid === undefined ? '' : `symref=HEAD:${state.head} `;
    const advertisement = encodeV0Advertisement({
      service,
      version: version === 1 ? 1 : 0,
      format,
      refs: state.refs,
      peeled: state.peeled,
      head: { target: state.head, oid },
      capabilities:
        service === 'git-upload-pack'
          ? `${this.upload[format].v0} ${symref}${shared}`
          : `${RECEIVE_CAPABILITIES} ${shared}`,
    });
    return Buffer.concat([encodeServiceHeader(service), advertisement]);
  }

  /** The answer to the v2 command `ls-refs`. */
  lsRefs(state: RepositoryState, options: LsRefsOptions): Buffer {
    return encodeLsRefs({
      refs: state.refs,
      peeled: state.peeled,
      head: { target: state.head, oid: state.refs.get(state.head) },
      options,
    });
  }
}
