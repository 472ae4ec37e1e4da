import { type Hash, hashFromBytes, hashJson } from '../../crypto/hash.ts'
import { definitionHash } from '../../events/type-definition.ts'
import { changeSetsHash } from './change-sets/change-set.ts'
import { audiencesHash } from './document/audiences.ts'
import { storedHash } from './document/element-hash.ts'
import type { Types } from './document/types.ts'
import { erasuresHash } from './erased-values.ts'
import { ruleBookHash } from './rules/rule-book.ts'
import type { ContractState, Parties } from './state.ts'
import { templatesHash } from './templates/template-book.ts'

const keptParties = new WeakMap<Parties, Hash>()
const keptRecords = new WeakMap<ContractState, Hash>()

/** The hash of the whole document with its members: after one change O(depth · log fan-out) hashing (decision 0015). */
export function recordHash(state: ContractState): Hash {
  const known = keptRecords.get(state)
  if (known !== undefined) return known
  const hash = hashJson('record', recordOf(state))
  keptRecords.set(state, hash)
  return hash
}

/** What the hash is taken over, with members in canonical order. */
export function recordOf(state: ContractState): object {
  const { audiences, changeSets, charter, contract, document, engine, engineSince, engineVotes, erasures } = state
  const { flags, inactive, limits, lock, parties, phase, rules, templates, title, types } = state
  return {
    audiences: audiencesHash(audiences),
    changeSets: changeSetsHash(changeSets),
    charter,
    contract,
    document: storedHash(document),
    engine,
    engineSince,
    engineVotes,
    erasures: erasuresHash(erasures),
    flags,
    inactive,
    limits,
    lock,
    members: partiesHash(parties),
    phase,
    rules: ruleBookHash(rules),
    templates: templatesHash(templates),
    title,
    types: typesOf(types),
  }
}

/** A tree as that of a block, with a leaf for each definition. */
function typesOf({ defined }: Types): object {
  return { root: hashFromBytes(defined.root(definitionHash)), size: defined.slots }
}

function partiesHash(parties: Parties): Hash {
  const known = keptParties.get(parties)
  if (known !== undefined) return known
  const hash = hashJson('members', parties)
  keptParties.set(parties, hash)
  return hash
}
