/** The oldest Node.js that the packages of Cairn run on: execa 9 imports `addAbortListener`. */
const OLDEST = { major: 20, minor: 5 };

/**
 * Tells why a version of Node.js cannot run Cairn.
 * @param version as in `process.versions.node`
 * @returns a text for the user; undefined if the version is new enough
 */
export function nodeVersionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined;
  return `Cairn needs Node.js ${OLDEST.major}.${OLDEST.minor} or newer, and this is ${version}`;
}
