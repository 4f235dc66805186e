import { z } from 'zod';

/** An output of a cell. */
export type NotebookOutput =
  | { readonly is: 'text'; readonly text: string; readonly isError: boolean }
  /** An image that a page may contain: its URL has the data. */
  | { readonly is: 'picture'; readonly url: string }
  /** HTML, scripts and the like: nothing of it is shown. */
  | { readonly is: 'left-out'; readonly type: string };

export interface NotebookCell {
  readonly is: 'code' | 'markdown' | 'raw';
  readonly source: string;
  /** The number in front of code that was run. */
  readonly count: number | undefined;
  readonly outputs: readonly NotebookOutput[];
}

export interface Notebook {
  /** As the notebook names it. */
  readonly language: string;
  readonly cells: readonly NotebookCell[];
  /** Whether cells, outputs or parts of them are left out. */
  readonly cut: boolean;
}

export const MOST_CELLS = 500;
const MOST_OUTPUTS = 50;
/** Characters of a cell's source, and of a text that it prints. */
const SOURCE = 50_000;
const PRINTED = 10_000;
/** Characters of all pictures together, in base64. */
const PICTURES = 4 * 1024 * 1024;

/** A text, or its lines. */
const textSchema = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))]).catch('');
const outputSchema = z.object({
  output_type: z.string(),
  text: textSchema.optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  traceback: z.array(z.string()).optional(),
});
const cellSchema = z.object({
  cell_type: z.enum(['code', 'markdown', 'raw']),
  source: textSchema.default(''),
  execution_count: z.number().nullish().catch(undefined),
  outputs: z.array(z.unknown()).optional().catch(undefined),
});
const notebookSchema = z.object({
  nbformat: z.number().int().min(4),
  cells: z.array(z.unknown()),
  metadata: z
    .object({
      language_info: z.object({ name: z.string() }).optional().catch(undefined),
      kernelspec: z.object({ language: z.string() }).optional().catch(undefined),
    })
    .catch({}),
});

/** Image types without scripts. SVG is not one of them. */
const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/gif'] as const;

/**
 * Reads a Jupyter notebook (nbformat 4). Its HTML, scripts and widgets are left out; texts and pictures remain.
 * @param text untrusted
 * @returns undefined if it is not a notebook
 */
export function readNotebook(text: string): Notebook | undefined {
  const read = notebookSchema.safeParse(parseJson(text));
  if (!read.success) return undefined;
  const { cells, metadata } = read.data;
  const budget = { pictures: PICTURES, cut: cells.length > MOST_CELLS };
  const shown = cells.slice(0, MOST_CELLS).flatMap((cell) => readCell(cell, budget));
  const language = metadata.language_info?.name ?? metadata.kernelspec?.language ?? 'python';
  return { language: language.slice(0, 50), cells: shown, cut: budget.cut };
}

interface Budget {
  pictures: number;
  cut: boolean;
}

function readCell(value: unknown, budget: Budget): NotebookCell[] {
  const read = cellSchema.safeParse(value);
  if (!read.success) return [];
  const { cell_type: is, source, execution_count: count, outputs = [] } = read.data;
  if (source.length > SOURCE || outputs.length > MOST_OUTPUTS) budget.cut = true;
  return [
    {
      is,
      source: shortened(source, SOURCE),
      count: typeof count === 'number' && Number.isSafeInteger(count) ? count : undefined,
      outputs: outputs.slice(0, MOST_OUTPUTS).flatMap((output) => readOutput(output, budget)),
    },
  ];
}

function readOutput(value: unknown, budget: Budget): NotebookOutput[] {
  const read = outputSchema.safeParse(value);
  if (!read.success) return [];
  const { output_type: kind, text, data = {}, traceback } = read.data;
  const print = (printed: string, isError = false): NotebookOutput[] => {
    if (printed.length > PRINTED) budget.cut = true;
    return printed === '' ? [] : [{ is: 'text', text: shortened(withoutColours(printed), PRINTED), isError }];
  };
  if (kind === 'stream') return print(text ?? '');
  if (kind === 'error') return print((traceback ?? []).join('\n'), true);
  const picture = PICTURE_TYPES.find((type) => type in data);
  if (picture !== undefined) {
    const base64 = textSchema.parse(data[picture]).replace(/\s/g, '');
    budget.pictures -= base64.length;
    if (budget.pictures < 0) budget.cut = true;
    else if (/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
      return [{ is: 'picture', url: `data:${picture};base64,${base64}` }];
  }
  const plain = textSchema.parse(data['text/plain'] ?? '');
  if (plain !== '') return print(plain);
  const [type] = Object.keys(data);
  return type === undefined ? [] : [{ is: 'left-out', type: type.slice(0, 100) }];
}

/** Without what colours a terminal. */
function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escapes begin with this character
  return text.slice(0, 4 * PRINTED).replace(/\x1b\[[\d;]*[A-Za-z]/g, '');
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No notebook.
    return undefined;
  }
}
