import type { FossilState, HashPolicy } from '../../repository/fossil/fossil-manifest.ts';
import type { Round } from './round.ts';

/** Groups of configuration that hold what a project is called and how it names artifacts. */
const PROJECT_GROUPS = new Set(['/all', '/project']);

const POLICY_NUMBERS: Readonly<Record<HashPolicy, number>> = {
  sha1: 0,
  auto: 1,
  sha3: 2,
  'sha3-only': 3,
  'shun-sha1': 4,
};

/**
 * Answers requests for configuration: the name of the project and its hash policy, and nothing else. Stock servers also tell
 * users, scripts and shunned names; none of these leaves Cairn.
 */
export function sendConfiguration({ bag, request, reply, context }: Round): void {
  if (!context.rights.read) return;
  const asked = new Set(request.configurations);
  const time = Math.floor(context.clock.now() / 1000);
  for (const [name, value] of settingsOf(bag.state)) {
    const inGroup = [...asked].some((group) => PROJECT_GROUPS.has(group));
    if (!inGroup && !asked.has(name)) continue;
    const content = Buffer.from(`${time} ${quote(name)} value ${quote(value)}`);
    reply.add({ card: 'config', name: '/config', content });
  }
}

function settingsOf({ projectName, hashPolicy }: FossilState): readonly (readonly [string, string])[] {
  const name: readonly (readonly [string, string])[] =
    projectName === '' ? [] : [['project-name', projectName]];
  return [...name, ['hash-policy', String(POLICY_NUMBERS[hashPolicy])]];
}

/** As SQL quotes a text. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
