import { expect, it } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { OPTIONS, type Option } from '../../src/config/options.ts';

/** `npm run docs:configuration` writes the page anew. */
const PAGE = '../../docs/reference/configuration.md';

const COMMANDS = commandLine({
  environment: {},
  print: () => undefined,
  warn: () => undefined,
  signal: AbortSignal.abort(),
}).commands;

/** The commands of each scope, told by an option that only it has. */
const SCOPES: Readonly<Record<Option['commands'], string>> = {
  all: commandsWith('--store'),
  serve: commandsWith('--port'),
  client: commandsWith('--server'),
};

it('the configuration page equals what the table of options generates', async () => {
  await expect(configurationPage(OPTIONS)).toMatchFileSnapshot(PAGE);
});

it('no two options share a flag or a variable, and each variable is named after its flag', () => {
  const options: readonly Option[] = OPTIONS;
  expect(new Set(options.map((option) => option.name)).size).toBe(options.length);
  for (const { name, variable, value } of options) {
    const words = name.toUpperCase().replaceAll('-', '_');
    // `KEY` alone would look like the key itself, which is in no variable.
    expect([`CAIRN_${words}`, value === '<file>' ? `CAIRN_${words}_FILE` : '']).toContain(variable);
  }
});

it('the configuration page names every command that works on a store, `bundle` as well (issue 11, point 26)', () => {
  expect(SCOPES.all).toContain('`cairn bundle`');
  expect(SCOPES.all.split(', ')).toHaveLength(6);
});

function commandsWith(flag: string): string {
  return COMMANDS.filter(({ options }) => options.some(({ long }) => long === flag))
    .map((command) => `\`cairn ${command.name()}\``)
    .join(', ');
}

function configurationPage(options: readonly Option[]): string {
  return `<!-- Written by \`npm run docs:configuration\` from src/config/options.ts: change it there. -->

# Configuration

Every setting has a flag and an environment variable. A flag wins over the variable, the variable over the default. All of
them are checked at start: a value that makes no sense stops Cairn with one line that names the flag or the variable.

Sizes are whole numbers with \`B\`, \`KiB\`, \`MiB\`, \`GiB\` or \`TiB\`, bytes without a unit. Times are whole seconds.

## Settings

${options.map(section).join('\n')}
## Variables that belong to others

An S3 store also takes what the AWS tools take: credentials from the standard chain (\`AWS_ACCESS_KEY_ID\` and
\`AWS_SECRET_ACCESS_KEY\`, \`AWS_PROFILE\` with the shared files, the instance or container role), \`AWS_REGION\` when
\`--s3-region\` is not given, and \`AWS_ENDPOINT_URL_S3\` when \`--s3-endpoint\` is not given. Credentials are never flags: other
users of the machine could read them in the list of processes.

Any other variable whose name begins with \`CAIRN_\` sets nothing. \`cairn serve\` names it in a warning in its log at start, other
commands on standard error, with the setting that was probably meant.

\`CAIRN_GIT_TRACE2_EVENT\` is passed on to git as \`GIT_TRACE2_EVENT\`, to see what the git processes of a server do. Nothing
else of the environment but \`PATH\` reaches git.
`;
}

function section({ name, variable, value, default: standard, description, commands }: Option): string {
  const flag = value === undefined ? `--${name}` : `--${name} ${value}`;
  return `### \`${flag}\`

${description}

- Variable: \`${variable}\`
- Default: ${standard === '' ? 'none' : `\`${standard}\``}
- Known to: ${SCOPES[commands]}
`;
}
