import { vi } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { programEnd } from '../../src/cli/program-end.ts';
import { SERVICE_KEY_FILE } from './build-once.ts';
import type { CommandResult } from './git-client.ts';

/** A command of Cairn that runs in this process. */
export interface RunningCommand {
  /** What was printed so far. */
  readonly stdout: () => string;
  /** What was said and logged so far. */
  readonly stderr: () => string;
  /** Resolves when the command has ended; never rejects. */
  readonly ended: Promise<CommandResult>;
  /** Does what the first Ctrl-C does. */
  stop(): void;
}

/** Where nobody who runs the tests keeps a key. */
const NO_HOME = '/nonexistent';

/**
 * Runs a command as `main.ts` does, without the second that a process of its own takes to load everything. What only a process
 * can show is not shown: its exit code, its signals, a command line that cannot be read. One command at a time: standard error
 * is one for all.
 * @param environment the settings. `HOME` and variables of AWS are put into the environment of this process meanwhile, where
 * Node.js and the SDK look for them.
 */
export function startCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningCommand {
  const stop = new AbortController();
  let [stdout, stderr] = ['', ''];
  for (const [name, value] of Object.entries({ HOME: NO_HOME, ...environment })) {
    if (name === 'HOME' || name.startsWith('AWS_')) vi.stubEnv(name, value);
  }
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const command = commandLine({
    environment,
    print: (text) => {
      stdout += `${text}\n`;
    },
    warn: (text) => {
      stderr += `cairn: warning: ${text}\n`;
    },
    signal: stop.signal,
  });
  const run = async (): Promise<CommandResult> => {
    let exitCode = 0;
    try {
      await command.parseAsync(args, { from: 'user' });
    } catch (thrown) {
      const end = programEnd(thrown);
      exitCode = end.exitCode;
      stderr += end.words;
    } finally {
      spy.mockRestore();
      vi.unstubAllEnvs();
    }
    return { exitCode, stdout, stderr };
  };
  return { stdout: () => stdout, stderr: () => stderr, ended: run(), stop: () => stop.abort() };
}

/** Runs a command in this process to its end, see {@link startCommand}. */
export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return startCommand(args, environment).ended;
}

/** A server that {@link startCommand} runs. */
export interface ServerCommand extends AsyncDisposable {
  readonly url: string;
  readonly log: () => string;
}

/** Runs `cairn serve` in this process, open to everybody, until it is disposed of. Throws with its words when it does not listen. */
export async function serveCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerCommand> {
  const command = startCommand(['serve', '--port', '0', ...args], {
    CAIRN_ACCESS: 'open',
    CAIRN_SERVICE_KEY: SERVICE_KEY_FILE,
    ...environment,
  });
  let over = false;
  void command.ended.then(() => {
    over = true;
  });
  const listening = () => /^listening on (\S+)$/m.exec(command.stdout())?.[1];
  await vi.waitUntil(() => over || listening() !== undefined, { timeout: 60_000, interval: 20 });
  const url = listening();
  if (url === undefined) throw new Error(`the server ended:\n${(await command.ended).stderr}`);
  return {
    url,
    log: command.stderr,
    [Symbol.asyncDispose]: async () => {
      command.stop();
      await command.ended;
    },
  };
}
