import { expect, it, vi } from 'vitest';
import { runCommand } from '../../helpers/command.ts';

it.each([
  ['serv', 'unknown command \'serv\' (Did you mean serve?): see "cairn --help"', 1],
  ['repo lst', 'unknown command \'lst\' (Did you mean list?): see "cairn repo --help"', 1],
  ['repo list --jsn', 'unknown option \'--jsn\' (Did you mean --json?): see "cairn repo list --help"', 1],
  ['repo --store file:x log', 'missing required argument \'repository\': see "cairn repo log --help"', 1],
  [
    'serve now',
    'too many arguments for \'serve\'. Expected 0 arguments but got 1: see "cairn serve --help"',
    1,
  ],
  ['announce x --name', 'option \'--name <text>\' argument missing: see "cairn announce --help"', 1],
  ['--store x', 'unknown option \'--store\': see "cairn --help"', 1],
  ['fossil clone', 'missing required argument \'url\': see "cairn fossil clone --help"', 5],
  ['fossil password', 'missing required argument \'repository\': see "cairn fossil password --help"', 1],
  ['mirror syn', 'unknown command \'syn\' (Did you mean sync?): see "cairn mirror --help"', 5],
  ['mirror add a', 'missing required argument \'name\': see "cairn mirror add --help"', 5],
  ['help nonsense', 'unknown command \'nonsense\': see "cairn --help"', 1],
  ['help repo nonsense', 'unknown command \'nonsense\': see "cairn repo --help"', 1],
  ['help repo list nonsense', 'unknown command \'nonsense\': see "cairn repo list --help"', 1],
  ['repo help nonsense', 'unknown command \'nonsense\': see "cairn repo --help"', 1],
  ['help mirror nonsense', 'unknown command \'nonsense\': see "cairn mirror --help"', 5],
  ['import', 'missing required argument \'source\': see "cairn import --help"', 5],
])('cairn %s', async (words, problem, exitCode) => {
  expect(await runCommand(words.split(' '))).toEqual({ exitCode, stdout: '', stderr: `cairn: ${problem}\n` });
});

it.each(['mirror sync', 'mirror add', 'import', 'fossil clone', 'fossil pull'])(
  'cairn %s --json: one document, also if arguments are missing',
  async (words) => {
    const { exitCode, stdout, stderr } = await runCommand([...words.split(' '), '--json']);
    const { outcome, problem } = JSON.parse(stdout) as { outcome: string; problem: string };
    expect({ exitCode, outcome }).toEqual({ exitCode: 5, outcome: 'configuration' });
    expect(stderr).toBe(`cairn: ${problem}\n`);
  },
);

it.each(['mirror sync a b', 'mirror add a b c', 'mirror', 'import a b/c', 'fossil clone a b'])(
  'cairn %s --json=yes: one document that says what is wrong with it',
  async (words) => {
    for (const flag of ['--json=yes', '--json=']) {
      const { exitCode, stdout, stderr } = await runCommand([...words.split(' '), flag]);
      expect({ exitCode, document: JSON.parse(stdout) }).toEqual({
        exitCode: 5,
        document: {
          command: null,
          outcome: 'configuration',
          problem: expect.stringContaining(`unknown option '${flag}'`),
        },
      });
      expect(stderr).toBe(`cairn: ${JSON.parse(stdout).problem}\n`);
    }
  },
);

it.each([
  ['help', 'Usage: cairn [options] [command]'],
  ['help serve', 'Usage: cairn serve'],
  ['help repo', 'Usage: cairn repo '],
  ['help repo list', 'Usage: cairn repo list'],
  ['repo help list', 'Usage: cairn repo list'],
  ['help mirror sync', 'Usage: cairn mirror sync'],
])('cairn %s prints the same as --help', async (words, begin) => {
  const printed = async (command: readonly string[]) => {
    let text = '';
    const writing = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
      text += String(part);
      return true;
    });
    try {
      expect(await runCommand(command)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    } finally {
      writing.mockRestore();
    }
    return text;
  };
  const asked = await printed(words.split(' '));
  expect(asked.startsWith(begin)).toBe(true);
  const named = words.split(' ').filter((word) => word !== 'help');
  expect(asked).toBe(await printed([...named, '--help']));
});

it('numbers are whole and decimal in every command', async () => {
  for (const text of ['0', '-1', '1.5', '1e3', '0x10', ' 5', '', 'x', '9007199254740993']) {
    for (const command of ['repo log aa/b', 'events --server http://127.0.0.1:1']) {
      const { exitCode, stderr } = await runCommand([...command.split(' '), '--limit', text]);
      expect(exitCode).toBe(1);
      expect(stderr).toBe(`cairn: --limit is ${JSON.stringify(text)}: expected a whole number from 1\n`);
    }
  }
});
