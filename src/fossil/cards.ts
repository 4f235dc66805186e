import type { Bytes } from '../lib/file-bytes.ts';
import type { ArtifactName } from './artifact-name.ts';

/**
 * The cards of Fossil's sync protocol, in both directions (`www/sync.wiki` of Fossil; docs/reference/fossil-cards.md).
 * Texts are as people know them: what travels "fossilized" is decoded here. Payloads are views of the message they came in.
 * @typeParam Payload of files: where a message may be in a file, its payloads are there, too
 */
export type Card<Payload extends Bytes = Uint8Array> =
  | LoginCard
  | { readonly card: 'push' | 'pull'; readonly serverCode: string; readonly projectCode: string }
  | CloneCard
  /** The position that a clone has to ask for next; 0 when it has everything. Only servers send it. */
  | { readonly card: 'clone_seqno'; readonly position: number }
  | FileCard<Payload>
  | CompressedFileCard<Payload>
  | { readonly card: 'igot'; readonly name: ArtifactName; readonly isPrivate: boolean }
  | { readonly card: 'gimme'; readonly name: ArtifactName }
  | UnversionedFileCard<Payload>
  | UnversionedIgotCard
  | { readonly card: 'uvgimme'; readonly name: string }
  | { readonly card: 'cookie'; readonly value: string }
  | { readonly card: 'reqconfig'; readonly name: string }
  | { readonly card: 'config'; readonly name: string; readonly content: Uint8Array }
  | PragmaCard
  /** `text` is what the token says; show it with `readable` of tokens.ts. */
  | { readonly card: 'message' | 'error'; readonly text: string }
  | { readonly card: 'comment'; readonly text: string }
  | { readonly card: 'unknown'; readonly line: string }
  | TableCard;

/** Who sends the message, proven with a secret (login.ts). */
export interface LoginCard {
  readonly card: 'login';
  readonly user: string;
  readonly nonce: string;
  readonly signature: string;
}

/**
 * A wish for everything from a position on. Without arguments, or with some that are no numbers, it is the one of
 * version 1. A position that is no number from 0 on is undefined: Fossil begins at the first artifact then.
 */
export interface CloneCard {
  readonly card: 'clone';
  readonly version: number;
  readonly position: number | undefined;
}

/** An artifact: its content, or with a `source` a delta against that artifact (delta.ts). */
export interface FileCard<Payload extends Bytes = Uint8Array> {
  readonly card: 'file';
  readonly name: ArtifactName;
  readonly source?: ArtifactName;
  readonly payload: Payload;
  /** A `private` card came before it. */
  readonly isPrivate: boolean;
}

/** The same with a payload as it is stored: four bytes of size, big-endian, and a zlib stream (compression.ts). */
export interface CompressedFileCard<Payload extends Bytes = Uint8Array> {
  readonly card: 'cfile';
  readonly name: ArtifactName;
  readonly source?: ArtifactName;
  /** Size in bytes of the content, even where the payload is a delta. Stock Fossil does not check it. */
  readonly size: number;
  readonly payload: Payload;
  readonly isPrivate: boolean;
}

/** A file without history. `content` is there unless it is deleted (flag 1) or left out (flag 4). */
export interface UnversionedFileCard<Payload extends Bytes = Uint8Array> {
  readonly card: 'uvfile';
  readonly name: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** Undefined for a file that was deleted. */
  readonly hash: ArtifactName | undefined;
  readonly size: number;
  readonly flags: number;
  readonly content?: Payload;
}

/** What a server has of an unversioned file. */
export interface UnversionedIgotCard {
  readonly card: 'uvigot';
  readonly name: string;
  readonly time: number;
  readonly hash: ArtifactName | undefined;
  readonly size: number;
}

/** A remark that those who do not know it ignore (pragmas.ts). */
export interface PragmaCard {
  readonly card: 'pragma';
  readonly name: string;
  readonly args: readonly string[];
}

/** The cards of the table extension. Cairn alone knows them, so they are read only where a peer asked for it. */
export type TableCard =
  | {
      readonly card: 'schema';
      readonly table: string;
      readonly version: number;
      readonly hash: string;
      readonly time: number;
      readonly content: Uint8Array;
    }
  | { readonly card: 'xigot'; readonly table: string; readonly key: string; readonly time: number }
  | { readonly card: 'xgimme'; readonly table: string; readonly key: string }
  | {
      readonly card: 'xrow' | 'xdelete';
      readonly table: string;
      readonly key: string;
      readonly time: number;
      readonly content: Uint8Array;
    };

/** Flag of an `uvfile` card: the file was deleted. */
export const UV_DELETED = 1;
/** Flag of an `uvfile` card: its content is left out. */
export const UV_NO_CONTENT = 4;
