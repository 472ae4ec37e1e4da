import { type Hash, hashJson } from '../../crypto/hash.ts'
import { elementHash } from './element-hash.ts'
import type { ContractState, Parties } from './state.ts'

const keptParties = new WeakMap<Parties, Hash>()
const keptRecords = new WeakMap<ContractState, Hash>()

/** The hash of the whole document with its members: after one change O(depth · log fan-out) hashing. */
export function recordHash(state: ContractState): Hash {
  const known = keptRecords.get(state)
  if (known !== undefined) return known
  const { contract, title, engine, engineSince, engineVotes, phase, charter, limits, parties, lock, document } = state
  const hash = hashJson('record', {
    contract,
    title,
    engine,
    engineSince,
    engineVotes,
    phase,
    charter,
    limits,
    members: partiesHash(parties),
    lock,
    document: elementHash(document),
  })
  keptRecords.set(state, hash)
  return hash
}

function partiesHash(parties: Parties): Hash {
  const known = keptParties.get(parties)
  if (known !== undefined) return known
  const hash = hashJson('members', parties)
  keptParties.set(parties, hash)
  return hash
}
