import type { RefusingRule } from '../../documents/refusing-rule.ts'
import type { ShownRule, ShownRules } from '../../documents/rules/rules.ts'
import type { RuleWritten } from '../../documents/written-rule.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { ScenarioStep } from '../../scenario/scenario-form.ts'
import type { ReachableParty } from './party-process.ts'
import { shownPath, shownValue } from './shown.ts'

export interface ShownFlag {
  readonly name: string
  readonly at: string
}

/** The rules of a scenario on a contract. */
export class RulesOf {
  readonly #scenario: Scenario
  /** Path of the contract. */
  readonly #api: string
  /** Those of the rules, by their numbers from 1. */
  #names: readonly string[] = []

  constructor(scenario: Scenario, api: string) {
    this.#scenario = scenario
    this.#api = api
  }

  nameOf(number: number): string {
    return this.#names[number - 1] ?? String(number)
  }

  /** The index of the last entry that it came to. */
  async carryOut(what: Extract<ScenarioStep, { rules: unknown }>['rules'], party: ReachableParty): Promise<number> {
    switch (what) {
      case 'draft':
        return this.#draft(party)
      case 'agree': {
        const others = (await this.#list(party)).filter(({ by }) => by !== party.handle)
        const vote = ({ hash, number }: ShownRule) => this.#post(party, `Rules/${number}/Votes`, { hash, vote: 'yes' })
        return Math.max(...(await Promise.all(others.map(vote))))
      }
      case 'publish': {
        const rules = (await this.#list(party)).map(({ number, hash }) => ({ rule: number, hash }))
        const ruleSets = this.#scenario.ruleSets.map((_, place) => place + 1)
        return this.#post(party, 'Publications', { ruleSets, rules })
      }
      case 'reopen':
        return this.#post(party, 'Reopenings')
    }
  }

  /** Rule sets one after another, since rules name them by number; rules at once, which are numbered as they come into the ledger. */
  async #draft(party: ReachableParty): Promise<number> {
    const { rules, ruleSets } = this.#scenario
    for (const name of ruleSets) await this.#post(party, 'RuleSets', { name })
    const drafted = await Promise.all(
      rules.map(async ({ name, ...rule }) => {
        const index = await this.#post(party, 'Rules', { ...rule, about: { title: name } })
        return { index, name }
      }),
    )
    this.#names = drafted.toSorted((one, other) => one.index - other.index).map(({ name }) => name)
    return Math.max(...drafted.map(({ index }) => index))
  }

  /** What is flagged, and where, as a party sees it. */
  async flagged(party: ReachableParty): Promise<ShownFlag[]> {
    const rules = await this.#list(party)
    return rules.flatMap(({ number, flaggedAt }) =>
      flaggedAt.map((at) => ({ name: this.nameOf(number), at: shownPath(at) })),
    )
  }

  /** A refusal as its author's people read it. */
  told(code: string, rule: RefusingRule | undefined): string[] {
    if (rule === undefined) return [`refused: ${code}`]
    const { at, inputs, number, says } = rule
    return [
      `refused by rule ${number}, "${this.nameOf(number)}", at ${shownPath(at) || 'the root'}: ${wordsOf(says)}`,
      ...inputs.map(({ path, value }) => `  where ${shownPath(path)} is ${shownValue(value) ?? 'empty'}`),
    ]
  }

  async #list({ client }: ReachableParty): Promise<readonly ShownRule[]> {
    const { rules } = (await client.call('GET', `${this.#api}/Rules`)) as ShownRules
    return rules
  }

  async #post({ client }: ReachableParty, to: string, body?: unknown): Promise<number> {
    const { index } = (await client.call('POST', `${this.#api}/${to}`, body, { prefer: 'wait=30' })) as {
      index: number
    }
    return index
  }
}

/** What a rule says, in a line. */
function wordsOf(says: RuleWritten): string {
  switch (says.kind) {
    case 'constraint':
      return says.condition
    case 'assignment':
      return `${shownPath(says.target)} is ${says.expression}`
    case 'access':
      return `to ${says.what.join(', ')} is for ${whoOf(says.who)}`
    default:
      return says.kind
  }
}

function whoOf({ fields = [], parties = [] }: Extract<RuleWritten, { kind: 'access' }>['who']): string {
  return [...parties, ...fields.map((field) => `whom ${shownPath(field)} names`)].join(', ') || 'nobody'
}
