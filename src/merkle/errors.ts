import { ConcordataError } from '../runtime/errors.ts'

/** An index or a size that the tree does not have, or no such number at all. Evidence: what was asked for. */
export class MerkleIndexOutOfRange extends ConcordataError {}

/** Too many or too few hashes, or something that is no SHA-256 hash. Evidence: the sizes, and how many hashes came. */
export class MerkleProofMalformed extends ConcordataError {}

/** Somebody vouches for another tree. Evidence: `expected` and `computed`, the roots; the sizes. */
export class MerkleRootMismatch extends ConcordataError {}

export function malformed(message: string, evidence: Record<string, unknown>): MerkleProofMalformed {
  return new MerkleProofMalformed('merkle_proof_malformed', message, evidence)
}

export function rootMismatch(message: string, evidence: Record<string, unknown>): MerkleRootMismatch {
  return new MerkleRootMismatch('merkle_root_mismatch', message, evidence)
}

/** Throws MerkleIndexOutOfRange unless it is an integer, 0 <= value <= max. */
export function requireWithin(name: 'index' | 'size', value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return
  const message = `${name} ${value} is not in 0..${max}`
  throw new MerkleIndexOutOfRange('merkle_index_out_of_range', message, { [name]: value, max })
}
