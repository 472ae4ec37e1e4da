import type { HeldState } from '../../agreement/state.ts'
import { SEEN_PARTY_BYTES, STATEMENT_FRAME_BYTES } from '../../events/limits.ts'

/** How much of what is left is kept from a single request, so that refusals and decisions have room beside it. */
const KEPT_SHARE = 1 / 4
const KEPT_BYTES_MAX = 64 * 1024

/** How many bytes the next statement of a party can have for refusals, decisions and requests together. */
export function roomIn({ ledger }: HeldState): number {
  const { limits, parties } = ledger.document
  // Who has left says nothing that is still to be seen, but for a last word or two.
  const speaking = parties.members.length + parties.invitations.length
  return Math.max(0, limits.statementBytes - STATEMENT_FRAME_BYTES - speaking * SEEN_PARTY_BYTES)
}

/** The largest request that a statement of this contract can carry, in bytes of JSON. */
export function requestBytesMax(state: HeldState): number {
  const room = roomIn(state)
  return Math.floor(room - Math.min(KEPT_BYTES_MAX, room * KEPT_SHARE))
}

/** What a member of a list adds to a statement, in bytes: JSON has the same members as canonical JSON, so the same size. */
export function bytesIn(member: unknown): number {
  return Buffer.byteLength(JSON.stringify(member)) + 1
}
