import type { AgreementState } from '../agreement/state.ts'

/** Clock, contract, head, key, note, party, prev, seq, time and all the names, in bytes; they take less. */
const FRAME_BYTES = 2048
/** A place in `seen` without its handle. */
const SEEN_BYTES = 128
/** Of what is left, so much is kept from a single request, so that refusals and decisions have room beside it. */
const KEPT_SHARE = 1 / 4
const KEPT_BYTES_MAX = 64 * 1024

/** How many bytes the next statement of a party can have for refusals, decisions and requests together. */
export function roomIn({ ledger, feeds }: AgreementState): number {
  let room = ledger.document.limits.statementBytes - FRAME_BYTES
  for (const handle of feeds.keys()) room -= handle.length + SEEN_BYTES
  return Math.max(0, room)
}

/** The largest request that a statement of this contract can carry, in bytes of JSON. */
export function requestBytesMax(state: AgreementState): number {
  const room = roomIn(state)
  return Math.floor(room - Math.min(KEPT_BYTES_MAX, room * KEPT_SHARE))
}

/** What a member of a list adds to a statement, in bytes: JSON has the same members as canonical JSON, so the same size. */
export function bytesIn(member: unknown): number {
  return Buffer.byteLength(JSON.stringify(member)) + 1
}
