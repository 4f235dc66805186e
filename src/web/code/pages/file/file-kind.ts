import { rawType } from '../../downloads/raw-headers.ts';

/** How a file is shown, as far as its name tells. */
export type FileKind = 'text' | 'markdown' | 'notebook' | 'table' | 'picture' | 'sound' | 'film' | 'document';

/** @param name of the file, as git has it */
export function fileKind(name: string): FileKind {
  const [, ending = ''] = /\.([a-z0-9]+)$/.exec(name.toLowerCase()) ?? [];
  if (/^(?:md|markdown|mkd|mkdown)$/.test(ending)) return 'markdown';
  if (ending === 'ipynb') return 'notebook';
  if (/^(?:csv|tsv)$/.test(ending)) return 'table';
  const type = rawType(name);
  if (type === 'application/pdf') return 'document';
  switch (type?.split('/')[0]) {
    case 'image':
      return 'picture';
    case 'audio':
      return 'sound';
    case 'video':
      return 'film';
    default:
      return 'text';
  }
}
