import { createHash } from 'node:crypto'
import t from 'tap'
import type { Hash } from '../../src/crypto/hash.ts'
import { hashFromBytes } from '../../src/crypto/hash.ts'
import { CONTENT_PIECE_BYTES } from '../../src/events/attachments/content.ts'
import { contentOf, pieceProof, piecesOf, verifyPiece } from '../../src/merkle/content-tree.ts'
import { leafHash } from '../../src/merkle/hashing.ts'
import { bytesWith } from '../support/attachments.ts'
import { naiveRoot } from '../support/naive-merkle.ts'

const naiveLeaf = (piece: Uint8Array) => createHash('sha256').update(Uint8Array.of(0)).update(piece).digest('hex')

t.test('a content is named by the root over its pieces, and each piece proves to be one of it', async (t) => {
  for (const pieces of [1, 2, 3, 5, 8, 9]) {
    const bytes = bytesWith(pieces)
    const content = contentOf(bytes)
    const parts = [...piecesOf(bytes)]
    t.same([content.bytes, parts.length], [bytes.length, pieces])
    t.equal(content.hash, naiveRoot(parts.map(naiveLeaf)))
    const leaves = parts.map((part) => hashFromBytes(leafHash(part)))
    for (const [index, part] of parts.entries()) {
      const piece = { bytes: part, index, proof: pieceProof(leaves, index) }
      t.equal(hashFromBytes(verifyPiece(piece, content)), leaves[index])
      const altered = Uint8Array.from(part)
      altered[part.length - 1] = (altered[part.length - 1] as number) ^ 1
      t.throws(() => verifyPiece({ ...piece, bytes: altered }, content), { code: 'merkle_root_mismatch' })
      t.throws(() => verifyPiece({ ...piece, bytes: part.subarray(1) }, content), { code: 'merkle_root_mismatch' })
      t.throws(() => verifyPiece({ ...piece, index: pieces }, content), { code: 'merkle_index_out_of_range' })
      if (pieces > 1) {
        t.throws(() => verifyPiece({ ...piece, index: (index + 1) % pieces }, content))
        t.throws(() => verifyPiece({ ...piece, proof: piece.proof.slice(1) }, content))
      }
    }
  }
})

t.test('a piece has the length that its place gives, whatever tree is named', async (t) => {
  const short = new Uint8Array(10)
  const leaf = hashFromBytes(leafHash(short))
  const content = { bytes: CONTENT_PIECE_BYTES, hash: leaf as Hash }
  t.throws(() => verifyPiece({ bytes: short, index: 0, proof: [] }, content), { code: 'merkle_proof_malformed' })
})
