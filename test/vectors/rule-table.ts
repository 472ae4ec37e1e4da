import { find } from '../../src/aggregates/contract/state.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import { type RuleTerms, ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { defaultLimits, type Limits } from '../../src/events/limits.ts'
import type { RuleBody } from '../../src/events/rule.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import { type Command, marketOf, owes, Player, talk } from '../support/market.ts'

/** A value for a field. */
export interface Put {
  readonly field: string
  readonly value: unknown
  readonly audience?: readonly string[]
}

/** Founds its contract with limits of its own. */
class Founder extends Player {
  readonly #limits: Partial<Limits>

  constructor(handle: string, limits: Partial<Limits>) {
    super(handle)
    this.#limits = limits
  }

  override opening(): Command {
    return { ...super.opening(), limits: { ...defaultLimits, ...this.#limits } }
  }
}

/**
 * Two members of a document with the texts A (0.0) and B (0.1), the number Rate (0.2), the block Claim (0.3) with the number Amount
 * (0.3.0) and the party Assessor (0.3.1), and the list Lines (0.4) of blocks with the numbers Written (0) and Signed (1).
 */
export class Table {
  readonly ana: Player
  readonly ben = new Player('ben')
  #rules: RuleTerms[] = []
  #drafted = 0

  /** `limits`: those of the contract that are not as they are by default. */
  constructor(limits: RulePlay['limits'] = {}) {
    this.ana = new Founder('ana', limits)
    marketOf([this.ana, this.ben])
    const number = { type: 'decimal' }
    this.orders(
      this.ana,
      { type: 'AddField', parent: '0', name: 'Rate', field: number },
      { type: 'AddBlock', parent: '0', name: 'Claim' },
      { type: 'AddField', parent: '#1', name: 'Amount', field: number },
      { type: 'AddField', parent: '#1', name: 'Assessor', field: { type: 'party' } },
      { type: 'AddList', parent: '0', name: 'Lines', entry: 'block', entriesMax: 10 },
      { type: 'AddField', parent: '#4.0', name: 'Written', field: number },
      { type: 'AddField', parent: '#4.0', name: 'Signed', field: number },
      { type: 'AddRuleSet', name: 'Terms' },
    )
  }

  orders(player: Player, ...commands: Command[]): void {
    player.requests(...commands)
    this.talk()
  }

  /** Having seen what stands there. */
  proposes(player: Player, field: string, value: unknown): void {
    player.proposes(field, value, { basis: this.standingAt(field) })
    this.talk()
  }

  /** In one request, having seen what stands there. */
  fills(player: Player, values: Readonly<Record<string, unknown>>): void {
    this.asks(player, Object.entries(values).map(([field, value]) => ({ field, value })))
  }

  /** In one request: values, having seen what stands there, and commands. */
  asks(player: Player, steps: readonly (Put | Command)[], isChangeSet = false): void {
    const payloads: Record<Hash, Payload> = {}
    const commands = steps.map((step): Command => {
      if ('type' in step) return step
      const { field, value, ...more } = step as Put
      const sealed = seal(value, new Uint8Array(16))
      payloads[sealed.seal] = sealed.payload
      return { type: 'ProposeValue', field, seal: sealed.seal, basis: this.standingAt(field), ...more }
    })
    const request = player.request(commands)
    player.says({ requests: [isChangeSet ? { ...request, changeSet: true } : request], payloads })
    this.talk()
  }

  empties(player: Player, field: string): void {
    this.orders(player, { type: 'EmptyField', field, basis: this.standingAt(field) })
  }

  standingAt(id: string): string[] {
    const field = find(this.ana.state.ledger.document, id as ElementId)
    return field?.kind === 'field' ? standingAt(field).map((one) => one.id) : []
  }

  talk(): void {
    talk([this.ana, this.ben], owes)
  }

  /** By ana; ben votes for it. A trigger is in no rule set. */
  drafts(at: string, body: object, set = 1): void {
    const ruleSet = (body as RuleBody).kind === 'trigger' ? null : set
    const terms = { id: ++this.#drafted, at: at as ElementId, ruleSet, body: body as RuleBody }
    this.#rules.push(terms)
    this.orders(this.ana, { type: 'DraftRule', at, ruleSet, body })
    this.orders(this.ben, { type: 'CastVote', rule: terms.id, hash: ruleHash(terms), vote: 'yes' })
  }

  hashOf(rule: number): Hash {
    return ruleHash(this.#rules.find(({ id }) => id === rule) as RuleTerms)
  }

  removes(rule: number): void {
    this.#rules = this.#rules.filter(({ id }) => id !== rule)
    this.orders(this.ana, { type: 'RemoveRule', rule })
  }

  /** All rules that there are, in these rule sets and none. */
  publishes(...ruleSets: number[]): void {
    const rules = this.#rules.map((terms) => ({ rule: terms.id, hash: ruleHash(terms) }))
    this.orders(this.ana, { type: 'PublishRules', ruleSets: ruleSets.length === 0 ? [1] : ruleSets, rules })
  }
}

export const expression = (...nodes: unknown[][]) => ({ language: 1, nodes })
export const isBelow = (field: string, bound: string) => expression(['ref', field], ['number', bound], ['<', 0, 1])
export const BEN = { parties: ['ben'], fields: [] }

/** What is played on a table of its own. `limits`: those of its contract that are not as they are by default. */
export interface RulePlay {
  readonly about: string
  readonly limits?: Partial<Limits>
  play(table: Table): void
}
