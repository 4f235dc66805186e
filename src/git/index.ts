export {
  encodeFetchV0,
  encodeFetchV2,
  encodeLsRefsRequest,
  type PackRequest,
} from './client/fetch-request.ts';
export { type ListedRefs, RefCollector, type UnusableRef } from './client/listed-refs.ts';
export { AdvertisementParser, type ParsedAdvertisement } from './client/parse-advertisement.ts';
export {
  type BundleHeader,
  bundleSignatureLength,
  isBundle,
  parseBundleHeader,
} from './client/parse-bundle-header.ts';
export { type PushReport, ReportParser } from './client/parse-report.ts';
export { emptyPack, encodePushHead, type PushRequestOptions } from './client/push-request.ts';
export type { CommitProof } from './commit-proof.ts';
export {
  type ChangedFile,
  ChangedFilesReader,
  type ChangeStatus,
  type LineTotals,
  SUBMODULE_MODE,
} from './diff/changed-file.ts';
export { type PatchMail, type PatchMailLimits, parsePatchMail } from './diff/patch-mail.ts';
export { type PatchSection, sectionHead, splitPatch } from './diff/patch-sections.ts';
export { type SplitRow, splitRows } from './diff/split-rows.ts';
export {
  countLines,
  type DiffBounds,
  type DiffHunk,
  type DiffLine,
  type FileDiff,
  type Mark,
  parseFileDiff,
} from './diff/unified-diff.ts';
export { wholeFileDiff } from './diff/whole-file-diff.ts';
export { compareWords, markWords, type WordBudget } from './diff/word-marks.ts';
export { parseGitmodules } from './files/gitmodules.ts';
export { LFS_POINTER_SIZE, type LfsPointer, parseLfsPointer } from './files/lfs-pointer.ts';
export { type GrepFile, type GrepLine, parseGrep } from './grep-output.ts';
export { historyLanes, type LaneLine, type LaneRow, type Lanes, MOST_LANES } from './history-lanes.ts';
export { hexLength, isObjectId, isZeroId, type ObjectFormat, zeroId } from './object-id.ts';
export { isObjectType, type ObjectDescription, type ObjectType } from './object-type.ts';
export { type AllowedSigner, allowsGit, parseAllowedSigners } from './objects/allowed-signers.ts';
export { type BlamedCommit, type BlameGroup, parseBlame, unquotePath } from './objects/blame.ts';
export { type Commit, dateInCommit, parseCommit, splitMessage } from './objects/commit.ts';
export { Mailmap, MOST_MAILMAP_LINES, type Named } from './objects/mailmap.ts';
export { type Person, readTime } from './objects/person.ts';
export { readPlainCommit } from './objects/plain-commit.ts';
export {
  type EntryName,
  FOLDER_ENTRY,
  followsPlainly,
  kindOfEntry,
  ODD_ENTRY,
} from './objects/plain-tree.ts';
export { findReferences, type Reference } from './objects/references.ts';
export {
  openPgpKey,
  parseSshSignature,
  readStrings,
  type SignatureKind,
  type SshSignature,
  signatureKind,
  signedContent,
} from './objects/signature.ts';
export { parseTag, type Tag } from './objects/tag.ts';
export { decodeAs, decodeText, likelyEncoding } from './objects/text-encoding.ts';
export { parseTrailers, splitTrailers, type Trailer } from './objects/trailers.ts';
export { findInTree, type TreeEntry, treeEntries } from './objects/tree.ts';
export { encodeBundleHeader } from './packs/bundle-header.ts';
export { CommitGraph, type PathKey } from './packs/commit-graph.ts';
export { applyDelta, DeltaSteps, deltaResultSize } from './packs/delta.ts';
export {
  eachLink,
  eachSubtree,
  eachTag,
  type LinkVisitor,
  type TypedLinkVisitor,
} from './packs/object-links.ts';
export {
  longestEntryHeader,
  PACKED_BLOB,
  PACKED_COMMIT,
  PACKED_DELTA,
  PACKED_TAG,
  PACKED_TREE,
  type PackEntryHeader,
  readPackEntryHeader,
} from './packs/pack-entry.ts';
export { PackFrame } from './packs/pack-frame.ts';
export {
  encodePackHeader,
  isWholeCommit,
  type PackHeader,
  packHeaderLength,
  parsePackHeader,
} from './packs/pack-header.ts';
export { PackIdx, type ReadAt } from './packs/pack-idx.ts';
export {
  encodeServiceHeader,
  encodeV0Advertisement,
  encodeV0Start,
  encodeV2Capabilities,
  type Head,
  type RefEntries,
  type Service,
  type V0Advertisement,
} from './protocol/advertisement.ts';
export { Capabilities, parseCapabilities } from './protocol/capabilities.ts';
export { encodeErrorPacket } from './protocol/error-packet.ts';
export { type FetchRequest, type HistoryLimits, parseFetch } from './protocol/fetch-arguments.ts';
export {
  encodeLsRefs,
  encodeLsRefsHead,
  type LsRefsOptions,
  type LsRefsResponse,
  parseLsRefs,
  wantsHead,
} from './protocol/ls-refs.ts';
export {
  delimiterPacket,
  encodePacket,
  flushPacket,
  maxPayloadLength,
  type Packet,
  type PacketPart,
  PacketReader,
  textOf,
} from './protocol/pkt-line.ts';
export { type CommandRequest, CommandRequestParser } from './protocol/protocol-v2.ts';
export {
  type ReceivedCommand,
  type ReceiveRequest,
  type ReceiveRequestOptions,
  ReceiveRequestParser,
} from './protocol/receive-request.ts';
export { encodeReport, type RefStatus, type StatusReport } from './protocol/report-status.ts';
export { RequestRefusal } from './protocol/request-refusal.ts';
export { ResponseFrames } from './protocol/response-frames.ts';
export { type Band, encodeSideband, keepAlive, largeSideband } from './protocol/sideband.ts';
export { type UploadRequest, UploadRequestParser } from './protocol/upload-request.ts';
export {
  UPLOAD_REQUEST_LIMITS,
  UploadRequestBounds,
  type UploadRequestLimits,
} from './protocol/upload-request-bounds.ts';
export {
  beginUploadResponse,
  encodeUploadResponse,
  endUploadResponse,
  type UploadResponseForm,
  uploadResponseForm,
} from './protocol/upload-response.ts';
export { cloneWants, isCloned, SortedWants, wantSetDigest } from './protocol/want-set.ts';
export { cleanReason } from './reason.ts';
export { LazySegment } from './refs/lazy-segments.ts';
export { encodePackedRefs, packedRefsHeader, packedRefsOf } from './refs/packed-refs.ts';
export { commandKind, type RefCommand } from './refs/ref-command.ts';
export {
  branchesAndTags,
  changedRefs,
  changingRefs,
  countRefsStartingWith,
  differingRefs,
  inSuitableForm,
  mergedRefNames,
  otherRefs,
  type RefMaps,
  refEntries,
  refLines,
  refsPointingAt,
  refsStartingWith,
} from './refs/ref-maps.ts';
export {
  isBranch,
  isBranchOrTag,
  isTag,
  longPartProblem,
  refFormatProblem,
  refNameProblem,
} from './refs/ref-name.ts';
export {
  type ChangingRefNames,
  changingRefNames,
  directoryFileConflict,
  directoryFileConflicts,
  RefNameIndex,
  type RefNames,
} from './refs/ref-name-index.ts';
export { type RefForm, RefPackets } from './refs/ref-packets.ts';
export {
  type KeyedChange,
  maxSegmentBytes,
  packedRefLines,
  type RefChange,
  type RefEntry,
  RefSegment,
  type SegmentSummary,
} from './refs/ref-segment.ts';
export { RefTable, tableOf, type WantedRefs } from './refs/ref-table.ts';
