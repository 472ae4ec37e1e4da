import { type Hash, hashJson } from '../../../crypto/hash.ts'
import type { ElementId, Handle, LedgerIndex } from '../../../events/ids.ts'
import type { RuleBody } from '../../../events/rule.ts'

/** Rules that come into force together, and are switched together. */
export interface RuleSet {
  /** In the order of the ledger, from 1. */
  readonly id: number
  readonly name: string
}

/** What parties vote on, by its hash: nothing else is published than what they have read. */
export interface RuleTerms {
  readonly id: number
  /** It governs this element and all below; of a list's prototype: each entry. */
  readonly at: ElementId
  /** Null: a trigger, which no rule set switches. */
  readonly ruleSet: number | null
  readonly body: RuleBody
  /** Seal of what its author says about it. */
  readonly about?: Hash
}

export interface Rule {
  readonly terms: RuleTerms
  /** Who drafted it, or edited it last. */
  readonly by: Handle
  /** Who has voted YES on what it says now, in the order of the votes. */
  readonly yes: readonly Handle[]
  readonly isInForce: boolean
}

/** All rules of a contract: an immutable value, the same one until one of them changes. */
export interface RuleBook {
  readonly ruleSets: readonly RuleSet[]
  /** Those that are there, in the order of their ids. */
  readonly rules: readonly Rule[]
  /** The id of the next rule: that of one that was removed is never given again. */
  readonly nextRule: number
  /** Ledger index since which rules are, or are not, in force as they are now. */
  readonly since: LedgerIndex
  /** Of members that want the rules out of force, in the order of their votes. */
  readonly reopenVotes: readonly Handle[]
}

export const noRules: RuleBook = { ruleSets: [], rules: [], nextRule: 1, since: 0, reopenVotes: [] }

const hashes = new WeakMap<RuleTerms, Hash>()

export function ruleHash(terms: RuleTerms): Hash {
  const known = hashes.get(terms)
  if (known !== undefined) return known
  const hash = hashJson('rule', terms)
  hashes.set(terms, hash)
  return hash
}

const bookHashes = new WeakMap<RuleBook, Hash>()

/** Over all rules; computed once for each book. */
export function ruleBookHash(book: RuleBook): Hash {
  const known = bookHashes.get(book)
  if (known !== undefined) return known
  const { nextRule, reopenVotes, rules, ruleSets, since } = book
  const hash = hashJson('rules', {
    nextRule,
    reopenVotes,
    ruleSets,
    rules: rules.map(({ by, isInForce, terms, yes }) => ({ by, hash: ruleHash(terms), isInForce, yes })),
    since,
  })
  bookHashes.set(book, hash)
  return hash
}

export function ruleNumbered({ rules }: RuleBook, id: number): Rule | undefined {
  return rules.find(({ terms }) => terms.id === id)
}

export function ruleSetNumbered({ ruleSets }: RuleBook, id: number): RuleSet | undefined {
  return ruleSets.find((ruleSet) => ruleSet.id === id)
}

export function withRule(book: RuleBook, id: number, change: (rule: Rule) => Rule | undefined): RuleBook {
  return { ...book, rules: book.rules.flatMap((rule) => (rule.terms.id === id ? (change(rule) ?? []) : rule)) }
}

/** What triggers have switched off. */
export interface Inactive {
  /** In the order of their ids, as texts. */
  readonly blocks: readonly ElementId[]
  readonly ruleSets: readonly number[]
}

export const allActive: Inactive = { blocks: [], ruleSets: [] }

/** A condition that does not hold, of a rule that only warns, or that could make nothing void. */
export interface Flag {
  readonly rule: number
  /** The block that it is evaluated at: of an entry, where there is one for each. */
  readonly at: ElementId
}
