import { type ArtifactName, parseArtifactName } from './artifact-name.ts';

/**
 * The files that a check-in names by its `F` cards, by their name as it travels. Of a delta check-in these are the files that
 * differ from its baseline.
 * @param content of a check-in; lines that are no whole `F` card are skipped
 */
export function filesOfCheckIn(content: Uint8Array): Map<string, ArtifactName> {
  const files = new Map<string, ArtifactName>();
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  for (const [, name = '', hash = ''] of text.matchAll(/^F ([^ \n]+) ([0-9a-f]{40,64})(?: [^\n]*)?$/gm)) {
    const parsed = parseArtifactName(hash);
    if (parsed !== undefined) files.set(name, parsed);
  }
  return files;
}
