import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** The version in package.json. It is found by the name of the package, because the build moves this module. */
export const VERSION: string = (load('cairn/package.json') as { version: string }).version;
