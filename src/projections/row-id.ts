import { assert } from '../runtime/assert.ts'

/** Rows of one table that a contract can have. */
export const LOCAL_IDS = 2 ** 32
/** Contracts whose ids stay exact as a JavaScript number. */
const CONTRACTS_MAX = 2 ** 21

/**
 * Local numeric ids: the contract's number (its place in the `contracts` stream, from 1) times 2^32, plus the row's place
 * in the contract, from 1, in ledger order. So no id depends on what else the node holds or on when it was folded, and
 * all rows of a contract stand together: from `base + 1` to below `base + 2^32` (decision 0096).
 */
export function baseOf(contractNumber: number): number {
  assert(contractNumber > 0 && contractNumber < CONTRACTS_MAX, 'a contract number leaves its ids exact')
  return contractNumber * LOCAL_IDS
}
