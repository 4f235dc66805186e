import sanitize from 'sanitize-html';
import {
  anchorUrl,
  fileUrl,
  linkTarget,
  type MarkdownPlace,
  pageUrl,
  prefixedId,
  rawUrl,
} from './markdown-links.ts';
import { TextIds } from './text-ids.ts';

/** The elements that remain. All other tags are left out; scripts and styles with what is in them. */
const TAGS =
  `a abbr b bdi bdo blockquote br caption cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i
  img input ins kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub summary sup table tbody td tfoot th
  thead time tr tt u ul var wbr`.split(/\s+/);

const ALIGNED = ['div', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'img', 'p', 'table', 'td', 'th', 'tr'];

/** The attributes that remain, by element. Values that need a look have one in {@link cleanAttributes}. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  '*': ['align', 'class', 'dir', 'id', 'lang', 'title'],
  a: ['href', 'rel', 'aria-label'],
  div: ['tabindex'],
  details: ['open'],
  img: ['src', 'alt', 'width', 'height', 'loading'],
  input: ['type', 'disabled', 'checked', 'aria-label'],
  li: ['value'],
  ol: ['start', 'reversed'],
  pre: ['tabindex'],
  td: ['colspan', 'rowspan'],
  th: ['colspan', 'rowspan', 'scope'],
};

/** Classes that the renderer gives. Others have no meaning here, or a wrong one. */
const CLASSES =
  /^(?:hljs-[\w-]+|language-[\w+#.-]+|anchor|alert|alert-(?:note|tip|important|warning|caution|title)|task|outside|scroll|footnotes|back)$/;
/** What numbers may be. Browsers take thousands of columns for as many cells. */
const NUMBERS: Readonly<Record<string, number>> = {
  width: 4_000,
  height: 4_000,
  colspan: 50,
  rowspan: 200,
  start: 1e9,
  value: 1e9,
};
/** Elements within elements; deeper ones lose their tags. */
const DEPTH = 60;

type Attributes = Record<string, string>;

/** What is known of a text beside its place. */
export interface CleaningOptions {
  /** URLs of this server that links name as `known:<number>`. */
  readonly known?: readonly string[];
  /** The ids of the page. Absent: the text stands for itself. */
  readonly ids?: TextIds;
}

/**
 * Removes from HTML what a page must not contain: scripts, styles, forms, everything loaded from another host, and ids that another
 * element has. Links and images are resolved in the repository; an image elsewhere becomes a link to it.
 * @param html untrusted
 */
export function cleanHtml(
  html: string,
  place: MarkdownPlace,
  { known = [], ids = new TextIds() }: CleaningOptions = {},
): string {
  /** Links that are open: there is no link in a link. */
  let links = 0;
  const open = (name: string) => {
    if (name === 'a') links++;
  };
  const close = (name: string) => {
    if (name === 'a') links--;
  };
  return sanitize(html, {
    allowedTags: TAGS,
    allowedAttributes: { ...ATTRIBUTES } as Record<string, string[]>,
    // Checked by the transformations, which also make URLs without a host.
    allowedSchemes: ['http', 'https', 'mailto', 'nostr'],
    allowProtocolRelative: false,
    // No style passes. The package that reads them is not even there: see `join-modules.mjs`.
    parseStyleAttributes: false,
    nestingLimit: DEPTH,
    onOpenTag: open,
    onCloseTag: close,
    transformTags: {
      a: (tagName, attributes) => ({ tagName, attribs: cleanLink(attributes, place, known) }),
      img: (_, attributes) => cleanPicture(attributes, place, links > 0),
      input: (_, attributes) => cleanInput(attributes),
      '*': (tagName, attributes) => ({
        tagName,
        attribs: withOwnId(cleanAttributes(tagName, attributes), place, ids),
      }),
    },
  });
}

/** A box of a list of tasks. No other input is kept: there is no form that it could belong to. */
function cleanInput({ type, checked, 'aria-label': label }: Attributes): sanitize.Tag {
  if (type?.toLowerCase() !== 'checkbox') return { tagName: 'span', attribs: {} };
  const state = checked === undefined ? {} : { checked: '' };
  return {
    tagName: 'input',
    attribs: { type: 'checkbox', disabled: '', ...state, 'aria-label': label ?? 'Task' },
  };
}

function cleanLink(attributes: Attributes, place: MarkdownPlace, known: readonly string[] = []): Attributes {
  const { href, rel: _, name, id, ...rest } = attributes;
  const anchor = id ?? name;
  const kept = anchor === undefined ? rest : { ...rest, id: anchor };
  const page = known[Number(/^known:(\d{1,6})$/.exec(href ?? '')?.[1] ?? -1)];
  if (page !== undefined) return { ...kept, href: page };
  const target = href === undefined ? undefined : linkTarget(href, place.folder);
  switch (target?.is) {
    case undefined:
      return kept;
    case 'anchor':
      return { ...kept, href: anchorUrl(target.fragment, place.ids) };
    case 'path':
      return { ...kept, href: fileUrl(place, target.path, target.fragment) };
    case 'page': {
      const url = pageUrl(place, target.path, target.fragment);
      return url === undefined ? kept : { ...kept, href: url };
    }
    case 'outside':
      return { ...kept, href: target.url, rel: 'nofollow ugc noopener' };
  }
}

/** A picture of the repository stays one. Any other is not loaded: its words remain, with a link to it if that is possible. */
function cleanPicture(attributes: Attributes, place: MarkdownPlace, isLinked: boolean): sanitize.Tag {
  const { src = '', alt, ...rest } = attributes;
  const target = linkTarget(src, place.folder);
  const words = alt?.trim() || lastName(src) || 'picture';
  const url = rawUrl(place, target);
  if (url !== undefined) {
    const attribs = { ...rest, src: url, alt: words, loading: 'lazy' };
    return { tagName: 'img', attribs };
  }
  if (target?.is === 'outside' && !isLinked) {
    return { tagName: 'a', attribs: cleanLink({ href: target.url, class: 'outside' }, place), text: words };
  }
  return { tagName: 'span', attribs: { class: 'outside' }, text: words };
}

/** The last part of a URL's path, for people. */
function lastName(url: string): string {
  return /([^/\\?#]{1,100})(?:[?#]|$)/.exec(url.startsWith('data:') ? '' : url.slice(0, 2_000))?.[1] ?? '';
}

/** The id of an element is its own on the page, or it has none. */
function withOwnId({ id, ...rest }: Attributes, { ids: prefix }: MarkdownPlace, ids: TextIds): Attributes {
  if (id === undefined || id === '') return rest;
  const own = prefixedId(id, prefix);
  return ids.take(own) ? { id: own, ...rest } : rest;
}

function cleanAttributes(tagName: string, attributes: Attributes): Attributes {
  const clean: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    const kept = cleanAttribute(tagName, name, value);
    if (kept !== undefined) clean[name] = kept;
  }
  return clean;
}

/** @returns undefined for a value that is not kept */
function cleanAttribute(tagName: string, name: string, value: string): string | undefined {
  const most = NUMBERS[name];
  if (most !== undefined)
    return /^\d{1,10}%?$/.test(value) && Number.parseInt(value, 10) <= most ? value : undefined;
  switch (name) {
    case 'class':
      return (
        value
          .split(/\s+/)
          .filter((word) => CLASSES.test(word))
          .slice(0, 4)
          .join(' ') || undefined
      );
    case 'align':
      return ALIGNED.includes(tagName) && /^(?:left|right|center)$/i.test(value)
        ? value.toLowerCase()
        : undefined;
    case 'tabindex':
      return value === '0' ? value : undefined;
    case 'dir':
      return /^(?:ltr|rtl|auto)$/i.test(value) ? value : undefined;
    case 'lang':
      return /^[a-z0-9-]{1,35}$/i.test(value) ? value : undefined;
    case 'scope':
      return /^(?:row|col)$/.test(value) ? value : undefined;
    case 'title':
    case 'alt':
    case 'aria-label':
      return value.slice(0, 1_000);
    default:
      return value;
  }
}
