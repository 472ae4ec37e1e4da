/**
 * Every code that an error of Concordata can carry, with what it means. A code, once released, keeps its meaning.
 * docs/errors.md is made from this table (a test compares them); `api/problem.ts` gives each its HTTP status.
 */
export const errorCodes = {
  internal: 'A fault of the software itself; the log has the details.',

  statement_malformed: 'The statement does not have the form that docs/protocol.md gives.',
  statement_not_canonical: 'The bytes are not the canonical JSON (RFC 8785) of what they say.',
  statement_too_large: 'The statement, or a part of it, exceeds a limit of the contract.',
  statement_wrong_contract: 'The statement belongs to another contract.',
  statement_unknown_party: 'The causal past of the statement has no invitation of its party.',
  statement_badly_linked: 'The statement does not follow from the statement of its party that is held before it.',
  statement_covers_backwards: 'The frontier of the statement names what its causal past covers already, or its own party.',
  statement_wrong_clock: 'The clock is not one more than the greatest clock that the statement covers.',
  statement_badly_signed: 'The signature is not valid under the key that the party has at this place.',
  statement_not_admitted: 'The statement carries requests, but its causal past does not have the admission of its author.',
  statement_unfit_refusal: 'The statement refuses a request that it does not newly cover, or refuses one twice.',
  statement_unfit_decision: 'The statement decides a request that is not an undecided tentative one of its own party.',
  statement_bad_genesis: 'The first statement of a contract must open it, and be signed with the key that it names.',
  payload_mismatch: 'A payload does not hash to its seal, or no command of the statement names the seal.',
  payload_missing: 'A value that the statement seals did not come with it and is not held.',
  equivocation: 'A party signed two different statements for one place of its feed.',

  merkle_index_out_of_range: 'A Merkle index or size lies outside the tree.',
  merkle_root_mismatch: 'A Merkle proof does not lead to the expected root.',
  merkle_proof_malformed: 'A Merkle proof has the wrong number of hashes, or a hash of the wrong length.',
  note_malformed: 'A signed note does not have the C2SP form.',

  key_not_admissible: 'The public key is not canonical, is of small order, or is not torsion-free.',
  key_file_unreadable: 'The key file is missing, damaged, or the passphrase is wrong.',
} as const

export type ErrorCode = keyof typeof errorCodes

/**
 * The root of all errors that Concordata raises on purpose. `evidence` holds what a person, or a program, needs to
 * act on it (both hashes, both parties, the rule); it never holds values of a contract or secrets.
 */
export class ConcordataError extends Error {
  readonly code: ErrorCode
  readonly evidence: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, evidence: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.evidence = evidence
  }
}
