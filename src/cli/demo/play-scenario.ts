import type { RefusingRule } from '../../documents/refusing-rule.ts'
import {
  elementsOf,
  isField,
  isList,
  type Scenario,
  type ScenarioBlock,
  withContracts,
} from '../../scenario/scenario.ts'
import type { ScenarioStep } from '../../scenario/scenario-form.ts'
import { ApiProblem } from '../api-client.ts'
import { entryArrives } from './opening.ts'
import { DemoFailed, type ReachableParty } from './party-process.ts'
import { RulesOf } from './scenario-rules.ts'
import { shownValue } from './shown.ts'

/** Where a scenario is played. */
export interface Stage {
  readonly contract: string
  readonly parties: readonly ReachableParty[]
  /** UIDs of contracts that values name by `{"$contract": name}`. */
  readonly others?: Readonly<Record<string, string>>
  /** A line of narration. */
  readonly tell: (line: string) => void
}

/** Where in the ledger a request stands, if it was one. */
interface Placed {
  readonly index?: number
  readonly request?: string
}

const PATIENT = { prefer: 'wait=30' }

/**
 * The first party drafts the document; then all do what the steps say, one after another, over their own nodes' API. Throws DemoFailed
 * where something becomes of a step that the scenario does not say.
 */
export async function playScenario(scenario: Scenario, stage: Stage): Promise<void> {
  const play = new Play(scenario, stage)
  await play.draftDocument()
  for (const step of scenario.steps) await play.carryOut(step)
}

class Play {
  readonly #scenario: Scenario
  readonly #stage: Stage
  readonly #rules: RulesOf
  readonly #changeSets = new Map<string, string>()
  /** Of the last entry: who goes on has it. */
  #index = 0

  constructor(scenario: Scenario, stage: Stage) {
    this.#scenario = scenario
    this.#stage = stage
    this.#rules = new RulesOf(scenario, `/api/Contract/${stage.contract}`)
  }

  async draftDocument(): Promise<void> {
    const { document, types } = this.#scenario
    const first = this.#stage.parties[0] as ReachableParty
    for (const { name, ...type } of types)
      await this.#call(first, 'PUT', `${this.#api}/Types/${encodeURIComponent(name)}`, type)
    this.#placed(await this.#call(first, 'POST', this.#root, document))
    this.#stage.tell(`${first.name} drafts the document: ${countFields(document)} fields`)
  }

  async carryOut(step: ScenarioStep): Promise<void> {
    const party = this.#party(step.by)
    await entryArrives(party, this.#stage.contract, this.#index)
    const began = performance.now()
    const refusal = await this.#attempt(step, party)
    const ms = Math.round(performance.now() - began)
    const what = `${party.name}: ${step.say}`
    if (refusal === undefined) this.#stage.tell(`${what} (${extentOf(step, this.#scenario)} in ${ms} ms)`)
    else {
      this.#stage.tell(what)
      for (const line of refusal) this.#stage.tell(`  ${line}`)
    }
    if (step.flags !== undefined) await this.#compareFlags(step.flags, party)
    for (const { at, by, is } of step.reads ?? []) await this.#compareValue(this.#party(by ?? step.by), at, is)
  }

  /** Why it was refused, as the step expects it; undefined: it took effect, as expected. */
  async #attempt(step: ScenarioStep, party: ReachableParty): Promise<readonly string[] | undefined> {
    const { refused } = step
    try {
      await this.#do(step, party)
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      const { code, rule, index } = problemOf(error)
      const by = rule === undefined ? undefined : this.#rules.nameOf(rule.number)
      if (refused?.code !== code || refused.rule !== by) {
        throw new DemoFailed('demo_failed', `${party.name} ${step.say}: ${error.message}`, { code }, { cause: error })
      }
      this.#placed({ index })
      return this.#rules.told(code, rule)
    }
    if (refused === undefined) return undefined
    throw new DemoFailed('demo_failed', `${party.name} ${step.say}: nobody refuses it`, { code: refused.code })
  }

  async #do(step: ScenarioStep, party: ReachableParty): Promise<void> {
    if ('rules' in step) this.#placed({ index: await this.#rules.carryOut(step.rules, party) })
    else if ('propose' in step) {
      const { about, changeSet, propose: changes } = step
      const body = { changes: this.#withContracts(changes), ...(about && { about }) }
      const { request, ...placed } = await this.#call(party, 'POST', `${this.#api}/ChangeSets`, body)
      this.#changeSets.set(changeSet, request as string)
      this.#placed(placed)
    } else if ('vote' in step) {
      const { about, changeSet, vote } = step
      const path = `${this.#api}/ChangeSets/${this.#changeSets.get(changeSet)}/Votes`
      this.#placed(await this.#call(party, 'POST', path, { vote, ...(about && { about }) }))
    } else this.#placed(await this.#write(step, party))
  }

  #write(
    step: Exclude<ScenarioStep, { rules: unknown } | { changeSet: unknown }>,
    party: ReachableParty,
  ): Promise<Placed> {
    if ('set' in step)
      return this.#call(party, 'PUT', this.#urlOf(step.at ?? ''), this.#withContracts(nested(step.set)))
    if ('add' in step) return this.#call(party, 'POST', this.#urlOf(step.at), this.#withContracts(step.add))
    if ('remove' in step) return this.#call(party, 'DELETE', this.#urlOf(step.at))
    const { at } = step
    if ('reveal' in step) return this.#call(party, 'POST', `${this.#api}/Disclosures`, { at })
    const { audience: parties, until } = step
    return this.#call(party, 'PUT', `${this.#api}/Audiences`, { at, parties, ...(until !== undefined && { until }) })
  }

  async #compareFlags(expected: readonly string[], party: ReachableParty): Promise<void> {
    const flags = await this.#rules.flagged(party)
    const names = [...new Set(flags.map(({ name }) => name))]
    if (names.toSorted().join() !== expected.toSorted().join()) {
      throw new DemoFailed(
        'demo_failed',
        `flagged is ${names.join(', ') || 'nothing'}, not ${expected.join(', ') || 'nothing'}`,
      )
    }
    for (const { name, at } of flags) this.#stage.tell(`  flagged for everybody to see: ${name}, at ${at}`)
    if (flags.length === 0) this.#stage.tell('  nothing is flagged any more')
  }

  async #compareValue(party: ReachableParty, at: string, expected: string | null): Promise<void> {
    await entryArrives(party, this.#stage.contract, this.#index)
    const value = await party.client.call('GET', this.#urlOf(at), undefined, { accept: 'application/json' })
    const read = shownValue(value)
    const path = at.replaceAll('/', ' / ')
    if (read !== expected)
      throw new DemoFailed('demo_failed', `${party.name} reads ${read}, not ${expected}, at ${path}`)
    this.#stage.tell(`  ${party.name} reads ${path}: ${read ?? 'not for it, nor for its node'}`)
  }

  #party(handle: string): ReachableParty {
    const party = this.#stage.parties.find((one) => one.handle === handle)
    if (party === undefined) throw new DemoFailed('demo_failed', `${handle} is not on the contract`)
    return party
  }

  #withContracts(value: unknown): unknown {
    return withContracts(value, (name) => this.#stage.others?.[name])
  }

  #placed({ index }: Placed): void {
    this.#index = Math.max(this.#index, index ?? 0)
  }

  async #call({ client }: ReachableParty, method: string, path: string, body?: unknown): Promise<Placed> {
    return (await client.call(method, path, body, PATIENT)) as Placed
  }

  #urlOf(path: string): string {
    return path === '' ? this.#root : `${this.#root}/${path.split('/').map(encodeURIComponent).join('/')}`
  }

  get #root(): string {
    return `/new-api/${this.#stage.contract}`
  }

  get #api(): string {
    return `/api/Contract/${this.#stage.contract}`
  }
}

interface ShownProblem {
  readonly code: string
  readonly index: number
  readonly rule?: RefusingRule
}

function problemOf({ evidence }: ApiProblem): ShownProblem {
  return evidence as unknown as ShownProblem
}

function extentOf(step: ScenarioStep, { rules }: Scenario): string {
  if ('set' in step) return `${countValues(step.set)} values, agreed by all`
  if ('add' in step) return `${countValues(step.add)} values, agreed by all`
  if ('propose' in step) return `${step.propose.length} changes as one, before all`
  if ('rules' in step) return `${rules.length} rules`
  return 'agreed by all'
}

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null || 'currency' in value || 'contract' in value) return 1
  return Object.values(value).reduce((sum: number, member) => sum + countValues(member), 0)
}

/** What one entry of each list has, counted as well. */
function countFields(block: ScenarioBlock): number {
  return elementsOf(block).reduce((sum, [, element]) => sum + countIn(element), 0)
}

function countIn(element: ScenarioBlock[string]): number {
  if (isField(element)) return 1
  return isList(element) ? countIn(element.$list.entry) : countFields(element)
}

/** `{ 'A/B': 1, 'A/C': 2 }` → `{ A: { B: 1, C: 2 } }` */
export function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('/')
    const last = names.pop() as string
    let block = root
    for (const name of names) {
      block[name] ??= {}
      block = block[name] as Record<string, unknown>
    }
    block[last] = value
  }
  return root
}
