import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Block, ContractState, Element } from '../../src/aggregates/contract/state.ts'
import { naiveRoot } from './naive-merkle.ts'

/**
 * The record hash from the whole document, element for element, keeping nothing: the oracle of the tests of it, with no
 * line in common with src/aggregates and src/merkle. Hashes are hexadecimal text.
 */
export function naiveRecordHash(state: ContractState): string {
  const { contract, title, engine, engineSince, engineVotes, phase, charter, limits, parties, lock, document } = state
  const members = hash('members', parties)
  return hash('record', {
    contract,
    title,
    engine,
    engineSince,
    engineVotes,
    phase,
    charter,
    limits,
    members,
    lock,
    document: naiveElementHash(document),
  })
}

function naiveElementHash(element: Element): string {
  const { id, name, namedBy, owner, kind } = element
  const named = { id, name, namedBy, owner, kind }
  if (element.kind === 'field') {
    return hash('element', { ...named, field: element.field, agreed: element.agreed, candidates: element.candidates })
  }
  const children = { size: element.children.slots, root: naiveRoot(slotsOf(element)) }
  return hash('element', { ...named, list: element.list, children })
}

function slotsOf({ children }: Block): string[] {
  return Array.from({ length: children.slots }, (_, ordinal) => {
    const child = children.get(ordinal)
    return sha256(Buffer.from(child === undefined ? '00' : `00${naiveElementHash(child)}`, 'hex'))
  })
}

function hash(domain: string, value: unknown): string {
  return sha256(`concordata/v1/${domain}\n${canonicalize(value)}`)
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
