/**
 * A conversion in a process that kills itself, `kill -9`, at one of the reports of progress, or after some time. Runs what was
 * built.
 *
 * Arguments: repository, work folder, file with the refs (JSON), the report to die at (from 1; 0 for none), and the
 * milliseconds after which to die (0 for never). Prints the result, and how many reports there were.
 */
import { readFileSync } from 'node:fs';
import { Git } from '../../build/modules/git-process/git.js';
import { convertHistory } from '../../build/modules/mirror/convert/convert-history.js';

const [, , gitDir, folder, refsFile, ordinal, milliseconds] = process.argv;

const die = () => process.kill(process.pid, 'SIGKILL');
if (Number(milliseconds) > 0) setTimeout(die, Number(milliseconds)).unref();

let reports = 0;
const report = () => {
  if (++reports === Number(ordinal)) die();
};
const converted = await convertHistory(
  {
    git: new Git({ binary: 'git', home: '/nonexistent' }),
    gitDir,
    folder,
    signal: new AbortController().signal,
    observer: { began: report, advanced: report, held: report },
    bounds: { checkpointObjects: 25 },
  },
  { refs: JSON.parse(readFileSync(refsFile, 'utf8')) },
);
console.log(JSON.stringify({ reports, converted }));
