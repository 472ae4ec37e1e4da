import { type Hash, hashCanonical } from '../crypto/hash.ts'
import { type Handle, type LedgerIndex, requestKey, type Seq } from '../events/ids.ts'
import { sealOf, valueSealsOf } from '../events/seal.ts'
import type { Payload, Statement } from '../events/statement.ts'
import type { Checklist } from './checklist.ts'
import { isOfContent, type StoredContents } from './contents.ts'
import { type AuditedGroup, type AuditSource, isStoreCorrupt } from './source.ts'

/** What is known of a seal that a statement names. */
interface Named {
  /** A value that a request was judged by, which has to be there. What people say need not be, nor what came to nothing. */
  readonly isNeeded: boolean
  /** What the first text of it was, once one has been seen. */
  seen?: Spelling
}

/** `exact`: the very text that was sealed. `otherwise`: the same value in other words of JSON. `another`: another value, or none. */
type Spelling = 'exact' | 'otherwise' | 'another'

/** Which seals the stored statements name, by group. */
export class NamedSeals {
  readonly #groups = new Map<string, Map<Hash, Named>>()
  /** Of requests, by their keys. */
  readonly #values = new Map<string, { readonly group: string; readonly seals: ReadonlySet<Hash> }>()
  readonly #damagedFeeds = new Set<string>()
  #erased: ReadonlySet<Hash> = new Set()

  add(party: Handle, seq: Seq, seal: Hash): void {
    const group = `${party}.${seq}`
    const seals = this.#groups.get(group) ?? new Map<Hash, Named>()
    seals.set(seal, { isNeeded: false })
    this.#groups.set(group, seals)
  }

  /** The values that the requests of a statement name. */
  addValues({ party, seq, requests }: Statement): void {
    for (const [index, request] of requests.entries()) {
      const seals = valueSealsOf([request])
      if (seals.size === 0) continue
      this.#values.set(requestKey({ handle: party, seq, index }), { group: `${party}.${seq}`, seals })
    }
  }

  /** What rules compute at a ledger index. `isNeeded`: the entry has settled, so it is durable. */
  addComputed(index: LedgerIndex, seals: Iterable<Hash>, isNeeded: boolean): void {
    for (const seal of seals) {
      const group = `computed-${index}`
      const named = this.#groups.get(group) ?? new Map<Hash, Named>()
      named.set(seal, { isNeeded })
      this.#groups.set(group, named)
    }
  }

  /** The request of that key was judged by its values: they have to be there. */
  need(request: string): void {
    const values = this.#values.get(request)
    if (values === undefined) return
    this.needIn(values.group, values.seals)
  }

  /** These of a group have to be there. */
  needIn(group: string, seals: Iterable<Hash>): void {
    const named = this.#groups.get(group)
    for (const seal of seals) named?.set(seal, { ...named.get(seal), isNeeded: true })
  }

  /** All members have voted that nobody keeps them. */
  erased(seals: ReadonlySet<Hash>): void {
    this.#erased = seals
  }

  isErased(seal: Hash): boolean {
    return this.#erased.has(seal)
  }

  /** What its statements name is not known then. */
  feedDamaged(party: Handle): void {
    this.#damagedFeeds.add(party)
  }

  isOfDamagedFeed(group: string): boolean {
    return this.#damagedFeeds.has(group.slice(0, group.lastIndexOf('.')))
  }

  of(group: string): Map<Hash, Named> | undefined {
    return this.#groups.get(group)
  }

  *missing(): Generator<{ readonly group: string; readonly seal: Hash }> {
    for (const [group, seals] of this.#groups) {
      for (const [seal, { isNeeded, seen }] of seals)
        if (isNeeded && seen === undefined && !this.#erased.has(seal)) yield { group, seal }
    }
  }
}

/**
 * Compares all that stands in the store with its seals, text by text, and with what the statements name. The node itself would not
 * notice most of it: it asks for what it knows of, and takes JSON apart.
 */
export async function verifyPayloads(
  source: AuditSource,
  named: NamedSeals,
  contents: StoredContents,
  checklist: Checklist,
): Promise<void> {
  const groups = new Set<string>()
  let leftOver = 0
  let kept = 0
  try {
    for await (const stored of source.groups()) {
      if (groups.has(stored.group)) {
        checklist.damaged(
          'payloads',
          'payload_shadowed',
          placeOf(stored),
          'another row stands there for the same group',
        )
      }
      groups.add(stored.group)
      for (const fault of stored.faults) checklist.damaged('payloads', 'payload_unreadable', placeOf(stored), fault)
      if (isOfContent(stored.group)) {
        contents.took(stored, checklist)
        kept += stored.entries.filter(([seal]) => named.isErased(seal)).length
        continue
      }
      kept += stored.entries.filter(([seal]) => named.isErased(seal)).length
      for (const [seal, text] of stored.entries) leftOver += verifyEntry(source, named, checklist, stored, seal, text)
    }
  } catch (error) {
    if (!isStoreCorrupt(error)) throw error
    checklist.damaged('payloads', error.code, { kind: 'store' }, error.message)
    checklist.notChecked('payloads', 'those behind what cannot be read')
    return
  }
  for (const { group, seal } of named.missing()) {
    const place = { kind: 'payloads', group, seal } as const
    checklist.damaged(
      'payloads',
      'payload_missing',
      place,
      'the value that a statement seals, or a rule has computed, is not there',
    )
  }
  contents.verify(checklist, (seal) => named.isErased(seal))
  if (leftOver > 0) checklist.remark('payloads', `${leftOver} left over by writes that did not come to their end`)
  if (kept > 0) checklist.remark('payloads', `${kept} stand there that all members have voted to erase`)
}

/** 1: it is left over; 0: it is not. */
function verifyEntry(
  { isAtomic }: AuditSource,
  named: NamedSeals,
  checklist: Checklist,
  stored: AuditedGroup,
  seal: Hash,
  text: string,
): 0 | 1 {
  const place = placeOf(stored, seal)
  const spelling = spellingOf(seal, text)
  if (spelling === 'otherwise') {
    checklist.damaged('payloads', 'payload_misspelt', place, 'the text says what was sealed, in another spelling')
  }
  if (spelling === 'another') {
    checklist.damaged('payloads', 'payload_mismatch', place, 'the text is not what its seal stands for')
  }
  const of = named.of(stored.group)?.get(seal)
  if (of === undefined) {
    if (named.isOfDamagedFeed(stored.group)) return 0
    if (!isAtomic && spelling === 'exact') return 1
    checklist.damaged(
      'payloads',
      'payload_orphaned',
      place,
      'no statement that is stored names the seal, and no rule has computed it',
    )
    return 0
  }
  if (of.seen === undefined) of.seen = spelling
  else if (of.seen === 'exact' && spelling === 'exact') {
    checklist.damaged('payloads', 'payload_doubled', place, 'the text stands there twice')
  } else {
    checklist.damaged('payloads', 'payload_shadowed', place, 'two texts stand there for the one seal')
  }
  return 0
}

function placeOf({ group }: AuditedGroup, seal?: Hash) {
  return { kind: 'payloads', group, ...(seal !== undefined && { seal }) } as const
}

/** Attacker-controlled, where the store is: `text`, whole. */
export function spellingOf(seal: Hash, text: string): Spelling {
  if (hashCanonical('seal', text) === seal) return 'exact'
  try {
    return sealOf(JSON.parse(text) as Payload) === seal ? 'otherwise' : 'another'
  } catch {
    return 'another'
  }
}
