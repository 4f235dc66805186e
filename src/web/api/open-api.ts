import { z } from 'zod';
import type { ListedPage } from '../code/code-page.ts';
import type { ListedFossilPage } from '../fossil/fossil-page.ts';
import { FRONT, frontSchema } from '../front/front-json.ts';
import { rootOf } from '../layout.ts';
import { ownerSchema } from '../nostr/owner/owner-json.ts';

/** The version of OpenAPI that the description is in. Its schemas are JSON Schema as zod writes it. */
const OPEN_API = '3.1.0';
const OWNER = {
  name: 'owner',
  in: 'path',
  required: true,
  description: 'npub of the owner',
  schema: { type: 'string' },
};
const IDENTIFIER = {
  name: 'identifier',
  in: 'path',
  required: true,
  description: 'of the repository, percent-encoded',
  schema: { type: 'string' },
};

/** Answers to who asks for very much, and when others do. */
const TOO_MUCH = {
  429: { description: 'your address has asked for very much; see Retry-After' },
  503: { description: 'the server has too much to do; see Retry-After' },
};

/** What the description says of a page. */
export type DescribedPage = Pick<ListedPage, 'word' | 'description' | 'schema'>;

/** What the placeholders in paths stand for. */
const PARAMETERS: Readonly<Record<string, string>> = {
  revision: 'a branch, a tag or the id of a commit; names may have slashes',
  path: 'names of folders and of a file, percent-encoded, with slashes between them, which may be encoded, too; may be empty',
  id: 'whole id of an object',
  tag: 'name of a tag; may have slashes',
  artifact: 'whole hash of an artifact of Fossil; where a check-in is meant, also `tip`, the newest one',
  event: 'id of an event, in hex',
  ref: 'a branch, a tag, or the whole name of a ref; may be empty',
};

/**
 * Describes the API in the words of OpenAPI: every page of a repository, also available as JSON.
 * @param base the public base URL of the service
 * @param pages of repositories of git
 * @param fossilPages of repositories of Fossil
 */
export function openApi(
  base: string,
  pages: readonly DescribedPage[],
  fossilPages: readonly ListedFossilPage[] = [],
): Record<string, unknown> {
  return {
    openapi: OPEN_API,
    info: {
      title: 'Cairn',
      version: '1',
      description:
        'Every page of a repository as JSON: the same URL, with the header Accept: application/json. Read only. ' +
        'Errors are objects with error.kind and error.message.',
    },
    servers: [{ url: rootOf(base) === '' ? '/' : rootOf(base) }],
    paths: Object.fromEntries([
      ['/', frontItem()],
      ['/{owner}', ownerItem()],
      ...pages.map((page) => [`/{owner}/{identifier}/${page.description.path}`, pathItem(page)]),
      ...fossilPages.map((page) => [
        `/fossil/{owner}/{identifier}${page.word === '' ? '' : `/${page.description.path}`}`,
        pathItem(page, page.word === '' ? 'fossil' : `fossil-${page.word}`),
      ]),
    ]),
  };
}

function ownerItem(): Record<string, unknown> {
  const summary =
    'What is known here about a key: what it says of itself, its repositories, what it did lately';
  return {
    get: {
      operationId: 'owner',
      summary,
      parameters: [OWNER],
      responses: {
        200: {
          description: summary,
          content: { 'application/json': { schema: z.toJSONSchema(ownerSchema) } },
        },
        304: { description: 'not modified: what If-None-Match names is current' },
        404: { description: 'nothing is known about this key' },
        ...TOO_MUCH,
      },
    },
  };
}

function frontItem(): Record<string, unknown> {
  const { summary, query } = FRONT;
  return {
    get: {
      operationId: 'repositories',
      summary,
      parameters: inQuery(query),
      responses: {
        200: {
          description: summary,
          content: { 'application/json': { schema: z.toJSONSchema(frontSchema) } },
        },
        304: { description: 'not modified: what If-None-Match names is current' },
        ...TOO_MUCH,
      },
    },
  };
}

function inQuery(query: Readonly<Record<string, string>>): readonly Record<string, unknown>[] {
  return Object.entries(query).map(([name, meaning]) => ({
    name,
    in: 'query',
    required: false,
    description: meaning,
    schema: { type: 'string' },
  }));
}

function pathItem(
  { word, description, schema }: Pick<ListedPage, 'description' | 'schema'> & { readonly word: string },
  operationId = word === '' ? 'overview' : word,
): Record<string, unknown> {
  const { summary, path, query = {} } = description;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: PARAMETERS[name] ?? name,
    schema: { type: 'string' },
  }));
  return {
    get: {
      operationId,
      summary,
      parameters: [OWNER, IDENTIFIER, ...inPath, ...inQuery(query)],
      responses: {
        200: {
          description: summary,
          content: { 'application/json': { schema: z.toJSONSchema(schema) } },
        },
        302: { description: 'another page has what is asked for, or its URL has a whole id: see Location' },
        304: { description: 'not modified: what If-None-Match names is current' },
        ...(Object.keys(query).length === 0
          ? {}
          : { 400: { description: 'a parameter of the query makes no sense' } }),
        404: { description: 'no such repository, none that you may read, or nothing there' },
        413: { description: 'larger than what is sent' },
        ...TOO_MUCH,
      },
    },
  };
}
