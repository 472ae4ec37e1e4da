import { type Hash, hashToBytes } from '../crypto/hash.ts'
import { CONTENT_PIECE_BYTES, type Content, pieceLength, piecesIn } from '../events/attachments/content.ts'
import { assert } from '../runtime/assert.ts'
import { malformed } from './errors.ts'
import { leafHash } from './hashing.ts'
import { verifyInclusion } from './inclusion.ts'
import { MerkleLog } from './merkle-log.ts'

/** The tree of a content whose pieces have these leaf hashes (32 bytes each). */
export function contentTree(leaves: readonly Uint8Array[]): MerkleLog {
  return MerkleLog.empty.appendAll(leaves)
}

/** The pieces of some bytes, in order. */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CONTENT_PIECE_BYTES) yield bytes.subarray(at, at + CONTENT_PIECE_BYTES)
}

/** How bytes are named that are a content. Requires one at least. */
export function contentOf(bytes: Uint8Array): Content {
  assert(bytes.length > 0, 'a content has a byte at least')
  const leaves = Array.from(piecesOf(bytes), (piece) => leafHash(piece))
  return { bytes: bytes.length, hash: contentTree(leaves).root() }
}

/** That a piece is the one at that place of a content, and no other. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly index: number
  readonly proof: readonly Hash[]
}

/**
 * Attacker-controlled: the piece, whole; the content is what a signed value, or a signed command, names. The leaf hash. Throws
 * MerkleIndexOutOfRange, MerkleProofMalformed, MerkleRootMismatch.
 */
export function verifyPiece({ bytes, index, proof }: Piece, content: Content): Uint8Array {
  const size = piecesIn(content)
  const leaf = leafHash(bytes)
  verifyInclusion({ leaf, index, size, proof, root: content.hash })
  if (bytes.length !== pieceLength(content, index))
    throw malformed(`piece ${index} of ${size} has ${bytes.length} bytes`, { index, size, hashes: proof.length })
  return leaf
}

/** The proof of each piece, for `verifyPiece`. Requires a piece that the content has. */
export function pieceProof(leaves: readonly Hash[], index: number): Hash[] {
  return contentTree(leaves.map(hashToBytes)).inclusionProof(index, leaves.length)
}
