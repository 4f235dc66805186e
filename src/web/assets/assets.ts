import { sha256 } from '../../lib/digest.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** A file that pages load. Its name has a digest of its content, so it never changes. */
export interface Asset {
  /** Below the path of the base URL. */
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

export const STYLE_SHEET = asset('page', 'css', 'text/css; charset=utf-8', STYLE);
export const PAGE_SCRIPT = asset('page', 'js', 'text/javascript; charset=utf-8', SCRIPT);

const ASSETS: ReadonlyMap<string, Asset> = new Map([STYLE_SHEET, PAGE_SCRIPT].map((one) => [one.path, one]));

/** @param path the raw path of a request */
export function findAsset(path: string): Asset | undefined {
  return ASSETS.get(path);
}

function asset(name: string, extension: string, type: string, body: string): Asset {
  return { path: `/assets/${name}.${sha256(body).slice(0, 16)}.${extension}`, type, body };
}
