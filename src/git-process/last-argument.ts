import type { Program } from './memory-limit.ts';

/**
 * Node passes arguments as UTF-8, and a path is any bytes. So a shell is given digits, and makes the argument of them. The dot
 * keeps line feeds at the end, which `$(…)` drops.
 */
const WITH_ARGUMENT = `last=$(printf "$1."); shift; exec "$@" "\${last%.}"`;

/**
 * Adds a last argument of any bytes but NUL.
 * @param argument absent: the program as it is
 */
export function withLastArgument(program: Program, argument: Uint8Array | undefined): Program {
  if (argument === undefined) return program;
  const digits = Array.from(argument, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return { file: '/bin/sh', args: ['-c', WITH_ARGUMENT, 'sh', digits, program.file, ...program.args] };
}
