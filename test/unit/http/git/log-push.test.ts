import { expect, it } from 'vitest';
import { logPush } from '../../../../src/http/git/log-push.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { createLogger } from '../../../../src/observability/logger.ts';

const REQUEST = { requestId: 'r', client: '192.0.2.1', repository: 'o/i', seconds: 1 };

it.each([
  ['a failure of the server', { err: new CairnError('unavailable', 'the disk is full') }, 40],
  ['a refusal that the client can mend', { reason: 'missing necessary objects' }, 30],
  ['a push', {}, 30],
])('%s is logged at its level', (_, extra, level) => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line: string) => void lines.push(line) });
  const summary = {
    refs: [],
    accepted: 0,
    refused: 1,
    refusals: [],
    packBytes: 0,
    manifest: undefined,
    ...extra,
  };
  logPush(log, summary, { kind: 'anyone' }, REQUEST);
  expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ msg: 'push', level })]);
});
