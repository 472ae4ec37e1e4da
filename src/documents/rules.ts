import { type Rule, ruleHash, ruleNumbered } from '../aggregates/contract/rules/rule-book.ts'
import { type ContractState, find } from '../aggregates/contract/state.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import type { Hash } from '../crypto/hash.ts'
import type { About } from '../events/about.ts'
import type { CommandOf } from '../events/commands.ts'
import type { Handle, Uid } from '../events/ids.ts'
import { ConcordataError } from '../runtime/errors.ts'
import type { Documents, Wait } from './documents.ts'
import type { RequestResult } from './request-result.ts'
import { elementAt, pathOf, type RuleWritten, ruleBody, ruleWritten } from './written-rule.ts'

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
  /** What a vote and a publication name. */
  readonly hash: Hash
  readonly by: Handle
  readonly yes: readonly Handle[]
  readonly isInForce: boolean
  /** Paths at which its condition does not hold. */
  readonly flaggedAt: readonly string[]
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

  constructor(contracts: Contracts, documents: Documents) {
    this.#contracts = contracts
    this.#documents = documents
  }

  /** In the agreed view. Throws NoSuchContract. */
  list(uid: Uid): Promise<ShownRules> {
    return this.#contracts.use(uid, ({ state }) => {
      const { agreed } = state.settling
      const { rules, inactive, phase } = agreed
      return {
        phase,
        ruleSets: rules.ruleSets.map(({ id, name }) => ({
          number: id,
          name,
          isActive: !inactive.ruleSets.includes(id),
        })),
        rules: rules.rules.map((rule) => shownRule(rule, agreed)),
        inactive: inactive.blocks.map((id) => pathOf(id, agreed)),
        reopenVotes: rules.reopenVotes,
      }
    })
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
    const command = await this.#contracts.use(uid, ({ state }): CommandOf<'DraftRule'> => {
      const { agreed } = state.settling
      const element = elementAt(at, agreed)
      return { type: 'DraftRule', at: element.id, ruleSet, body: ruleBody(says, element, agreed) }
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
    const command = await this.#contracts.use(uid, ({ state }): CommandOf<'EditRule'> => {
      const { agreed } = state.settling
      const place = ruleNumbered(agreed.rules, rule)?.terms.at
      const element = place && find(agreed, place)
      if (element === undefined) throw noSuchRule(uid, rule)
      return { type: 'EditRule', rule, ruleSet, body: ruleBody(says, element, agreed) }
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

export function shownRule({ by, isInForce, terms, yes }: Rule, state: ContractState): ShownRule {
  const { at, id, ruleSet } = terms
  const flags = state.flags.filter(({ rule }) => rule === id)
  return {
    number: id,
    at: pathOf(at, state),
    ruleSet,
    says: ruleWritten(terms, state),
    hash: ruleHash(terms),
    by,
    yes,
    isInForce,
    flaggedAt: flags.map((flag) => pathOf(flag.at, state)),
  }
}

function noSuchRule(contract: Uid, rule: number): NoSuchRule {
  return new NoSuchRule('no_such_rule', `there is no rule ${rule}`, { contract, rule })
}
