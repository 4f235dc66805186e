/** Claims the folder given, says what came of it in one line, and keeps the claim until it is killed or its input ends. */
import { claimFolder } from '../../../build/modules/object-store/file/folder-ownership.js';

try {
  const ownership = await claimFolder(process.argv[2] ?? '');
  process.stdout.write('owner\n');
  process.stdin.resume();
  process.stdin.once('end', () => ownership.release());
} catch (error) {
  process.stdout.write(`refused: ${error.message}\n`);
}
