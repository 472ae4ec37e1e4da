import { type Hash, hashJson } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle, LedgerIndex } from '../../events/ids.ts'

/** What some members want erased, and not all of them yet. */
export interface OpenErasure {
  /** Its name: the hash of its seals. */
  readonly id: Hash
  /** In ascending order. */
  readonly seals: readonly Hash[]
  /** Who has voted for it, in the order of the votes. */
  readonly votes: readonly Handle[]
}

/** What the parties of a contract do not hold any more, by common consent, or are asked to give up. */
export interface Erasures {
  readonly open: readonly OpenErasure[]
  /** The seals of all that was erased, in the order of the ledger. To rules it reads `null`. */
  readonly erased: readonly Hash[]
  /** Ledger index of the last erasure; null: there was none. */
  readonly newest: LedgerIndex | null
}

export const noErasures: Erasures = { erased: [], newest: null, open: [] }

interface WithErasures {
  readonly erasures: Erasures
}

const erasedSets = new WeakMap<Erasures['erased'], ReadonlySet<Hash>>()

/** The seals of all that was erased. */
export function erasedIn({ erasures: { erased } }: WithErasures): ReadonlySet<Hash> {
  const known = erasedSets.get(erased)
  if (known !== undefined) return known
  const seals = new Set(erased)
  erasedSets.set(erased, seals)
  return seals
}

export function isErased(state: WithErasures, seal: Hash): boolean {
  return state.erasures.erased.length > 0 && erasedIn(state).has(seal)
}

const hashes = new WeakMap<Erasures, Hash>()

/** Over all erasures; computed once for each. */
export function erasuresHash(erasures: Erasures): Hash {
  const known = hashes.get(erasures)
  if (known !== undefined) return known
  const hash = hashJson('erasures', erasures)
  hashes.set(erasures, hash)
  return hash
}

/** How an erasure of these seals is named, in whatever order they are given. */
export function erasureId(seals: readonly Hash[]): Hash {
  return hashJson('erasure', seals.toSorted())
}

export function withErasureVote(
  erasures: Erasures,
  { erasure: id, seals, by }: Extract<ContractEvent, { type: 'ErasureVoted' }>,
): Erasures {
  const { open } = erasures
  const known = open.find((erasure) => erasure.id === id)
  if (known === undefined) return { ...erasures, open: [...open, { id, seals, votes: [by] }] }
  return { ...erasures, open: open.map((one) => (one === known ? { ...one, votes: [...one.votes, by] } : one)) }
}

export function withoutErasure(erasures: Erasures, erasure: Hash): Erasures {
  return { ...erasures, open: erasures.open.filter(({ id }) => id !== erasure) }
}

export function withErased(
  { open, erased }: Erasures,
  { seals, erasure }: Extract<ContractEvent, { type: 'ValuesErased' }>,
  index: LedgerIndex,
): Erasures {
  return { erased: [...erased, ...seals], newest: index, open: open.filter(({ id }) => id !== erasure) }
}

/** Who goes has no vote any more; what nobody else wants is no erasure. */
export function withoutVotesOf(erasures: Erasures, handle: Handle): Erasures {
  if (!erasures.open.some(({ votes }) => votes.includes(handle))) return erasures
  const open = erasures.open.map((one) => ({ ...one, votes: one.votes.filter((voter) => voter !== handle) }))
  return { ...erasures, open: open.filter(({ votes }) => votes.length > 0) }
}
