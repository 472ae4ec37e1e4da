import type { Element } from '../../aggregates/contract/document/element.ts'
import { compiledRule } from '../../aggregates/contract/rules/compiled-rule.ts'
import { type Rule, ruleHash, ruleNumbered } from '../../aggregates/contract/rules/rule-book.ts'
import { schemaIdOf } from '../../aggregates/contract/rules/rule-schema.ts'
import { type ContractState, find, membersOf } from '../../aggregates/contract/state.ts'
import { isWithin } from '../../aggregates/rules/schema.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import { type HeldAbouts, heldAbouts } from '../../contracts/requests/held-abouts.ts'
import type { Hash } from '../../crypto/hash.ts'
import { type About, type ShownAbout, shownAbout } from '../../events/about.ts'
import type { CommandOf } from '../../events/commands.ts'
import type { ElementId, Handle, Uid } from '../../events/ids.ts'
import type { RuleBody } from '../../events/rule.ts'
import { recordedAbouts } from '../../projections/queries/recorded-about.ts'
import type { RecordedRuleVote, RuleRecords } from '../../projections/queries/rule-records.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Store } from '../../store/port.ts'
import { AgreedView } from '../agreed-view.ts'
import type { Documents, Wait } from '../documents.ts'
import { elementAt, elementsAt } from '../element-at.ts'
import type { RequestResult } from '../request-result.ts'
import { pathOf, pathsIn, type RuleWritten, ruleBody, ruleWritten } from '../written-rule.ts'
import { ruleText } from './rule-text.ts'

/** There is no rule of that number. Evidence: `contract`, `rule`. */
export class NoSuchRule extends ConcordataError {}

/** A rule as people read it. */
export interface ShownRule {
  readonly number: number
  /** Path of the element that it stands at: it governs that and all below. */
  readonly at: string
  /** Number of its rule set; null for a trigger. */
  readonly ruleSet: number | null
  readonly says: RuleWritten
  /** The same as a sentence. */
  readonly text: string
  /** What its author has to say about it. */
  readonly about?: ShownAbout
  /** What a vote and a publication name. */
  readonly hash: Hash
  readonly by: Handle
  readonly yes: readonly Handle[]
  /** On what it says now. */
  readonly votes: readonly { readonly by: Handle; readonly vote: 'yes' | 'no'; readonly about?: ShownAbout }[]
  /** Those without whose YES it is not published. */
  readonly waitsFor: readonly Handle[]
  readonly isInForce: boolean
  /** Paths at which its condition does not hold. */
  readonly flaggedAt: readonly string[]
}

/** A rule as an element has to do with it. */
export interface ElementRule extends ShownRule {
  /** `governs`: it stands at the element or above; `reads`: its expression reads it; `assigns`: it computes it. */
  readonly relations: readonly Relation[]
}

type Relation = 'governs' | 'below' | 'reads' | 'assigns'

export interface RulesPorts {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Store
  readonly ruleRecords: Pick<RuleRecords, 'of'>
}

interface Said {
  readonly votes: readonly RecordedRuleVote[]
  readonly held: HeldAbouts
  readonly seals: ReadonlySet<Hash>
}

export interface ShownRules {
  readonly phase: ContractState['phase']
  readonly ruleSets: readonly { readonly number: number; readonly name: string; readonly isActive: boolean }[]
  readonly rules: readonly ShownRule[]
  /** Paths of blocks that triggers have switched off. */
  readonly inactive: readonly string[]
  readonly reopenVotes: readonly Handle[]
}

/** The rules of a node's documents in the words of people: drafted, read, voted, published (design §5a). */
export class Rules {
  readonly #contracts: Contracts
  readonly #documents: Documents
  readonly #store: Store
  readonly #records: Pick<RuleRecords, 'of'>

  constructor({ contracts, documents, ruleRecords, store }: RulesPorts) {
    this.#contracts = contracts
    this.#documents = documents
    this.#store = store
    this.#records = ruleRecords
  }

  /** In the agreed view. Throws NoSuchContract. */
  list(uid: Uid): Promise<ShownRules> {
    return this.#contracts.use(uid, async ({ state }) => {
      const { agreed } = state.settling
      const said = await this.#said(uid)
      const { rules, inactive, phase } = agreed
      return {
        phase,
        ruleSets: rules.ruleSets.map(({ id, name }) => ({
          number: id,
          name,
          isActive: !inactive.ruleSets.includes(id),
        })),
        rules: rules.rules.map((rule) => shownRule(rule, agreed, said)),
        inactive: inactive.blocks.map((id) => pathOf(id, agreed)),
        reopenVotes: rules.reopenVotes,
      }
    })
  }

  /** Those that have to do with an element. Throws NoSuchContract, NoSuchPath. */
  at(uid: Uid, names: readonly string[]): Promise<ElementRule[]> {
    return this.#contracts.use(uid, async ({ state }) => {
      const { agreed } = state.settling
      const element = await new AgreedView(agreed, uid, this.#store.payloads).require(names)
      const said = await this.#said(uid)
      return agreed.rules.rules.flatMap((rule) => {
        const relations = relationsOf(rule, element.id, agreed)
        return relations.length === 0 ? [] : { ...shownRule(rule, agreed, said), relations }
      })
    })
  }

  /** One of them. Throws as `at`, and NoSuchRule. */
  async oneAt(uid: Uid, names: readonly string[], number: number): Promise<ElementRule> {
    const rule = (await this.at(uid, names)).find((one) => one.number === number)
    if (rule === undefined) throw noSuchRule(uid, number)
    return rule
  }

  async #bodyOf(says: RuleWritten, at: Element, document: ContractState): Promise<RuleBody> {
    return ruleBody(says, at, document, await elementsAt(pathsIn(says), document, this.#store.payloads))
  }

  /**
   * Remarks on rules and votes, as far as the read model has them, and as far as this node holds what is under their
   * seals.
   */
  async #said(contract: Uid): Promise<Said> {
    const { rules, votes } = this.#records.of(contract)
    const refs = recordedAbouts([...rules, ...votes])
    return {
      votes,
      held: await heldAbouts(this.#store.payloads, contract, refs),
      seals: new Set(refs.map(({ seal }) => seal)),
    }
  }

  addRuleSet(uid: Uid, name: string, wait: Wait): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'AddRuleSet', name }], wait)
  }

  /** Throws NoSuchContract, NoSuchPath, ExpressionUnfit. */
  async draft(
    uid: Uid,
    { at, ruleSet, says, about }: { at: string; ruleSet: number | null; says: RuleWritten; about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    const command = await this.#contracts.use(uid, async ({ state }): Promise<CommandOf<'DraftRule'>> => {
      const { agreed } = state.settling
      const element = await elementAt(at, agreed, this.#store.payloads)
      return { type: 'DraftRule', at: element.id, ruleSet, body: await this.#bodyOf(says, element, agreed) }
    })
    return this.#documents.command(uid, [command], wait, about)
  }

  /** Throws NoSuchContract, NoSuchRule, NoSuchPath, ExpressionUnfit. */
  async edit(
    uid: Uid,
    rule: number,
    { ruleSet, says, about }: { ruleSet: number | null; says: RuleWritten; about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    const command = await this.#contracts.use(uid, async ({ state }): Promise<CommandOf<'EditRule'>> => {
      const { agreed } = state.settling
      const place = ruleNumbered(agreed.rules, rule)?.terms.at
      const element = place && find(agreed, place)
      if (element === undefined) throw noSuchRule(uid, rule)
      return { type: 'EditRule', rule, ruleSet, body: await this.#bodyOf(says, element, agreed) }
    })
    return this.#documents.command(uid, [command], wait, about)
  }

  remove(uid: Uid, rule: number, wait: Wait): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'RemoveRule', rule }], wait)
  }

  /** `hash`: of what was read. */
  vote(
    uid: Uid,
    rule: number,
    { hash, vote, about }: { hash: Hash; vote: 'yes' | 'no'; about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'CastVote', rule, hash, vote }], wait, about)
  }

  /** `rules`: each one that comes into force, as it was read. */
  publish(
    uid: Uid,
    { ruleSets, rules }: { ruleSets: number[]; rules: { rule: number; hash: Hash }[] },
    wait: Wait,
  ): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'PublishRules', ruleSets, rules }], wait)
  }

  reopen(uid: Uid, wait: Wait): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'ReopenEdit' }], wait)
  }
}

function shownRule({ by, isInForce, terms, yes }: Rule, state: ContractState, said: Said): ShownRule {
  const { about, at, id, ruleSet } = terms
  const flags = state.flags.filter(({ rule }) => rule === id)
  const says = ruleWritten(terms, state)
  const hash = ruleHash(terms)
  const shown = (seal: Hash) => (said.seals.has(seal) ? said.held(seal) : shownAbout(seal, undefined))
  const cast = said.votes.filter((vote) => vote.rule === id && vote.hash === hash)
  // The document is newer than the read model, where they differ.
  const counted = yes.map((voter) => cast.find((vote) => vote.by === voter) ?? { by: voter, about: null })
  const votes = [
    ...counted.map((vote) => ({ ...vote, vote: 'yes' as const })),
    ...cast.filter(({ by: voter, vote }) => vote === 'no' && !yes.includes(voter)),
  ]
  return {
    number: id,
    at: pathOf(at, state),
    ruleSet,
    says,
    text: ruleText(says, pathOf(at, state)),
    ...(about !== undefined && { about: shown(about) }),
    hash,
    by,
    yes,
    votes: votes.map(({ about: seal, by: voter, vote }) => ({
      by: voter,
      vote,
      ...(seal !== null && { about: shown(seal) }),
    })),
    waitsFor: membersOf(state)
      .map(({ card }) => card.handle)
      .filter((member) => member !== by && !yes.includes(member)),
    isInForce,
    flaggedAt: flags.map((flag) => pathOf(flag.at, state)),
  }
}

/** Of a rule to an element, or to what is below that. */
function relationsOf({ terms }: Rule, element: ElementId, state: ContractState): Relation[] {
  const id = schemaIdOf(state, element)
  const compiled = compiledRule(terms, state)
  const isHere = (other: ElementId) => isWithin(other, id)
  const reads = compiled.kind === 'fit' && compiled.reads.some((read) => isHere(read.id))
  return [
    ...(isWithin(id, terms.at) ? ['governs' as const] : isHere(terms.at) ? ['below' as const] : []),
    ...(reads ? ['reads' as const] : []),
    ...(terms.body.kind === 'assignment' && isHere(terms.body.target) ? ['assigns' as const] : []),
  ]
}

function noSuchRule(contract: Uid, rule: number): NoSuchRule {
  return new NoSuchRule('no_such_rule', `there is no rule ${rule}`, { contract, rule })
}
