import { HASH_PATTERN, type Hash } from '../crypto/hash.ts'
import type { ContentName } from '../events/attachments/content.ts'
import {
  computedAt,
  HANDLE_PATTERN,
  type Handle,
  isComputed,
  type LedgerIndex,
  type ProposalId,
  requestOf,
  type Seq,
} from '../events/ids.ts'
import { assert } from '../runtime/assert.ts'

/** The opened seal as it is kept: canonical JSON of `{ salt, value }`. */
export interface PayloadEntry {
  readonly seal: Hash
  readonly text: string
}

/** Where a payload is kept: its group, and in it its seal. */
export interface PayloadRef {
  readonly group: PayloadGroup
  readonly seal: Hash
}

declare const groupBrand: unique symbol
/**
 * What is kept together of a contract: `<handle>.<seq>`, the payloads that a statement seals, or `computed-<index>`, those that
 * rules compute at a ledger index, or `content-<name>.<number>`, a piece of a content, or behind the last one the hashes of all of them.
 * A proposal's id begins with the place of its statement, so its group is known without a search (decision 0062).
 */
export type PayloadGroup = string & { readonly [groupBrand]: true }

/** The most that a group holds: a statement brings less. As `bytesInGroup` counts. */
export const GROUP_BYTES_MAX = 32 * 1024 * 1024
/** What an entry takes beside its text: its seal, and how long the text is. */
const ENTRY_BYTES = 80

const handle = HANDLE_PATTERN.slice(1, -1)
const COMPUTED = 'computed-'
const CONTENT = 'content-'
const name = HASH_PATTERN.slice(1, -1)
const groupForm = new RegExp(`^(?:${handle}\\.|${COMPUTED}|${CONTENT}${name}\\.)(?:0|[1-9][0-9]{0,15})$`)

/** The group of the payloads that a statement seals. */
export function groupOf({ handle, seq }: { readonly handle: Handle; readonly seq: Seq }): PayloadGroup {
  return `${handle}.${seq}` as PayloadGroup
}

/** The group of what rules compute at a ledger index. */
export function computedGroup(index: LedgerIndex): PayloadGroup {
  return `${COMPUTED}${index}` as PayloadGroup
}

/** The group of a piece of a content; of the number of its pieces that of their hashes. */
export function contentGroup(name: ContentName, number: number): PayloadGroup {
  return `${CONTENT}${name}.${number}` as PayloadGroup
}

/** Where the value of a proposal is kept. `revealedBy`: key of the request that brought it, where that is another than its own. */
export function refOf({
  id,
  revealedBy,
  seal,
}: {
  readonly id: ProposalId
  readonly revealedBy?: string
  readonly seal: Hash
}): PayloadRef {
  return { group: isComputed(id) ? computedGroup(computedAt(id)) : groupOf(requestOf(revealedBy ?? id)), seal }
}

/** Where the values that statements of one party seal are kept. */
export function refsIn(handle: Handle, sealed: readonly { readonly seq: Seq; readonly seal: Hash }[]): PayloadRef[] {
  return sealed.map(({ seq, seal }) => ({ group: groupOf({ handle, seq }), seal }))
}

export function assertGroup(group: PayloadGroup): void {
  assert(groupForm.test(group), 'a group is <handle>.<seq>, computed-<index> or content-<name>.<number>')
}

/**
 * Groups of one series are numbered: those of a party by the places of its statements, the computed ones by ledger index, those of
 * a content by its pieces.
 * Requires a group.
 */
export function placeOf(group: PayloadGroup): { readonly series: string; readonly number: number } {
  // No handle has a full stop in it.
  const stop = group.indexOf('.')
  const series = stop < 0 ? COMPUTED : group.slice(0, stop + 1)
  return { series, number: Number(group.slice(series.length)) }
}

export function byGroup(refs: readonly PayloadRef[]): Map<PayloadGroup, Set<Hash>> {
  const groups = new Map<PayloadGroup, Set<Hash>>()
  for (const { group, seal } of refs) {
    const seals = groups.get(group)
    if (seals === undefined) groups.set(group, new Set([seal]))
    else seals.add(seal)
  }
  return groups
}

/**
 * What `get` has of these, in their order. A store says it by seal alone, and what one statement lacks may be held of another that seals
 * the same value: each seal is asked for once at a time.
 */
export async function textsInOrder(
  refs: readonly PayloadRef[],
  get: (refs: readonly PayloadRef[]) => Promise<ReadonlyMap<Hash, string>>,
): Promise<readonly (string | undefined)[]> {
  const met = new Map<Hash, number>()
  const rounds: PayloadRef[][] = []
  const roundOf = refs.map((ref) => {
    const round = met.get(ref.seal) ?? 0
    met.set(ref.seal, round + 1)
    const refsOfRound = rounds[round]
    if (refsOfRound === undefined) rounds[round] = [ref]
    else refsOfRound.push(ref)
    return round
  })
  const found: ReadonlyMap<Hash, string>[] = []
  for (const round of rounds) found.push(await get(round))
  return refs.map(({ seal }, place) => found[roundOf[place] as number]?.get(seal))
}

/** By series, then by number. */
export function bySeries(refs: readonly PayloadRef[]): Map<string, Map<number, Hash[]>> {
  const found = new Map<string, Map<number, Hash[]>>()
  for (const { group, seal } of refs) {
    const { series, number } = placeOf(group)
    const numbers = found.get(series) ?? new Map<number, Hash[]>()
    found.set(series, numbers)
    const seals = numbers.get(number)
    if (seals === undefined) numbers.set(number, [seal])
    else seals.push(seal)
  }
  return found
}

/** The first of each seal that is not held yet. */
export function newAmong(
  held: ReadonlyMap<Hash, string> | undefined,
  entries: readonly PayloadEntry[],
): Map<Hash, string> {
  const added = new Map<Hash, string>()
  for (const { seal, text } of entries) if (!held?.has(seal) && !added.has(seal)) added.set(seal, text)
  return added
}

export function bytesInGroup(entries: ReadonlyMap<Hash, string>): number {
  let bytes = 0
  for (const text of entries.values()) bytes += ENTRY_BYTES + Buffer.byteLength(text)
  return bytes
}
