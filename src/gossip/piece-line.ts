import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { base64url, fromBase64url } from '../crypto/bytes.ts'
import type { Hash } from '../crypto/hash.ts'
import { CONTENT_PIECE_BYTES, type ContentName } from '../events/attachments/content.ts'
import { CountSchema, type Handle, HandleSchema, HashSchema, type Seq, type Uid, UidSchema } from '../events/ids.ts'
import type { Piece } from '../merkle/content-tree.ts'

/** Pieces that the sender lacks of a content which a statement names: `count` of them, from `from` on. */
export interface WantedPieces {
  readonly content: ContentName
  readonly count: number
  readonly from: number
  readonly party: Handle
  readonly seq: Seq
}

/** A piece of a content of a contract, as it comes: whether it belongs there, its holder verifies. */
export interface PieceLine extends Piece {
  readonly contract: Uid
  readonly content: ContentName
}

/** Pieces that one message may want in all. More is for the next. */
export const WANTED_PIECES_MAX = 16

const closed = { additionalProperties: false }
export const WantedPiecesSchema = Type.Array(
  Type.Object(
    {
      content: HashSchema,
      count: Type.Integer({ minimum: 1, maximum: WANTED_PIECES_MAX }),
      from: CountSchema,
      party: HandleSchema,
      seq: CountSchema,
    },
    closed,
  ),
  { minItems: 1, maxItems: WANTED_PIECES_MAX },
)

/** A content of version 1 has so few pieces that no proof is longer. */
const PROOF_HASHES_MAX = 32
const BASE64_CHARACTERS_MAX = Math.ceil((CONTENT_PIECE_BYTES * 4) / 3)

const lineForm = Compile(
  Type.Object(
    {
      bytes: Type.String({ minLength: 2, maxLength: BASE64_CHARACTERS_MAX }),
      content: HashSchema,
      of: UidSchema,
      piece: CountSchema,
      proof: Type.Array(HashSchema, { maxItems: PROOF_HASHES_MAX }),
    },
    closed,
  ),
)

/** How a line with a piece begins. */
export const PIECE_LINE_START = '{"bytes":'

export function encodePiece({ contract, content, bytes, index, proof }: PieceLine): string {
  const hashes = proof.map((hash) => `"${hash}"`).join(',')
  return `{"bytes":"${base64url(bytes)}","content":"${content}","of":"${contract}","piece":${index},"proof":[${hashes}]}`
}

/** Attacker-controlled: `parsed`, beyond that it is JSON in bounds. Undefined: it is no piece. */
export function pieceIn(parsed: unknown): PieceLine | undefined {
  if (!lineForm.Check(parsed)) return undefined
  const bytes = fromBase64url(parsed.bytes)
  if (bytes === undefined) return undefined
  const { content, of, piece, proof } = parsed
  return { bytes, content: content as ContentName, contract: of as Uid, index: piece, proof: proof as Hash[] }
}
