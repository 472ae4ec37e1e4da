import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { ChildTree } from '../../src/aggregates/contract/document/child-tree.ts'
import type { Entry, Own, StoredElement } from '../../src/aggregates/contract/document/element.ts'
import type { RuleBook } from '../../src/aggregates/contract/rules/rule-book.ts'
import type { ContractState } from '../../src/aggregates/contract/state.ts'
import { naiveRoot } from './naive-merkle.ts'

/**
 * The record hash from the whole document, element for element, keeping nothing: the oracle of the tests of it, with no
 * line in common with src/aggregates and src/merkle. Hashes are hexadecimal text.
 */
export function naiveRecordHash(state: ContractState): string {
  const { contract, title, engine, engineSince, engineVotes, phase, charter, limits, parties, lock, types, document } =
    state
  const { audiences, changeSets, erasures, flags, inactive, rules, templates } = state
  const members = hash('members', parties)
  return hash('record', {
    audiences: hash('audiences', audiences),
    contract,
    title,
    engine,
    engineSince,
    engineVotes,
    erasures: hash('erasures', erasures),
    templates: hash('templates', {
      arriving: templates.arriving.map(({ texts, ...piece }) => ({
        ...piece,
        digest: texts.reduce<string | null>((before, text) => hash('template', { before, text }), null),
      })),
      held: templates.held.map((held) => held.hash),
      uses: templates.uses.map((use) => hash('template', use)),
    }),
    phase,
    charter,
    limits,
    members,
    types: naiveSlots(types.defined, ({ name, base, constraint, hints }) =>
      hash('type', { name, base, constraint, hints }),
    ),
    lock,
    changeSets: hash(
      'changesets',
      changeSets.map(({ commands, ...set }) => ({ ...set, commands: hash('changeset', commands) })),
    ),
    flags,
    inactive,
    rules: naiveRulesHash(rules),
    document: naiveElementHash(document),
  })
}

function naiveRulesHash({ nextRule, reopenVotes, rules, ruleSets, since }: RuleBook): string {
  const said = rules.map(({ by, isInForce, terms, yes }) => ({ by, isInForce, yes, hash: hash('rule', terms) }))
  return hash('rules', { nextRule, reopenVotes, ruleSets, since, rules: said })
}

function naiveElementHash(element: StoredElement): string {
  const { id, name, namedBy, owner, kind } = element
  const named = { id, name, namedBy, owner, kind }
  switch (element.kind) {
    case 'field':
      return hash('element', { ...named, field: element.field, agreed: element.agreed, candidates: element.candidates })
    case 'block': {
      const order = element.order && hash('element', { kind: 'order', order: element.order })
      return hash('element', { ...named, order, children: naiveSlots(element.children, naiveElementHash) })
    }
    case 'list': {
      const { entries, entriesMax, keyed, prototype } = element
      const parts = { entries: naiveOwnHash(entries), prototype: naiveElementHash(prototype) }
      return hash('element', { ...named, ...parts, entriesMax, keyed })
    }
  }
}

function naiveEntryHash({ id, addedBy, own }: Entry): string {
  return hash('element', { id, kind: 'entry', addedBy, own: own && naiveOwnHash(own) })
}

function naiveOwnHash(own: Own): string {
  const { id, kind } = own
  if (own.kind === 'standing') return hash('element', { id, kind, agreed: own.agreed, candidates: own.candidates })
  if (own.kind === 'children') return hash('element', { id, kind, children: naiveSlots(own.tree, naiveOwnHash) })
  const { count, tree } = own
  return hash('element', { id, kind, count, entries: naiveSlots(tree, naiveEntryHash) })
}

function naiveSlots<Child>(tree: ChildTree<Child>, hashOf: (child: Child) => string) {
  const leaves = Array.from({ length: tree.slots }, (_, ordinal) => {
    const child = tree.get(ordinal)
    return sha256(Buffer.from(child === undefined ? '00' : `00${hashOf(child)}`, 'hex'))
  })
  return { size: tree.slots, root: naiveRoot(leaves) }
}

function hash(domain: string, value: unknown): string {
  return sha256(`concordata/v1/${domain}\n${canonicalize(value)}`)
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
