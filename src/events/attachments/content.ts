import type { Hash } from '../../crypto/hash.ts'

/**
 * A sequence of bytes that is named by its hash: the root of an RFC 9162 tree whose leaves are its pieces
 * (merkle/content-tree.ts). It travels and is kept piece by piece, never in a statement, a payload or an event (decision 0127).
 */
export interface Content {
  readonly bytes: number
  readonly hash: Hash
}

/** The length of all pieces but the last, in bytes. Fixed for version 1: the hash of a content depends on it. */
export const CONTENT_PIECE_BYTES = 128 * 1024

/**
 * Under what a content is kept, asked for and given in a contract: the seal of the value that names it, so that it is for those who
 * may have the value, and goes when that is erased; of one that a command names for everybody its hash.
 */
export type ContentName = Hash

export interface NamedContent extends Content {
  readonly name: ContentName
}

/** Requires one byte at least. */
export function piecesIn({ bytes }: Pick<Content, 'bytes'>): number {
  return Math.ceil(bytes / CONTENT_PIECE_BYTES)
}

/** Requires a piece that the content has. */
export function pieceLength({ bytes }: Pick<Content, 'bytes'>, piece: number): number {
  return Math.min(CONTENT_PIECE_BYTES, bytes - piece * CONTENT_PIECE_BYTES)
}
