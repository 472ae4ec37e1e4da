import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { rulesToPublish } from '../../src/aggregates/contract/rules/rule-commands.ts'
import { schemaOf } from '../../src/aggregates/contract/rules/rule-schema.ts'
import { type ContractState, find, memberOf } from '../../src/aggregates/contract/state.ts'
import { compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { type ElementId, type Handle, parentIdOf, ROOT } from '../../src/events/ids.ts'
import type { SeededRandom } from './seeded-random.ts'

interface Command {
  readonly type: string
  readonly [key: string]: unknown
}

/** The fields that rules of the simulated contract are about, by the order in which it adds them. */
export interface Places {
  readonly first: ElementId
  readonly second: ElementId
  /** Of a list's prototype. */
  readonly entry: ElementId
  readonly computed: ElementId
}

interface Drafted {
  readonly at: ElementId
  readonly body: object
}

/** What a member does next so that rules come into force, judge, and are put out of force again. */
export function ruleWork(
  state: ContractState,
  self: Handle,
  places: Places,
  random: SeededRandom,
): Command | undefined {
  const { phase, rules } = state
  if (memberOf(state, self) === undefined || find(state, places.computed) === undefined) return undefined
  if (phase === 'live') {
    const candidate = find(state, places.second)
    const open =
      candidate?.kind === 'field' ? candidate.candidates.find((one) => one.voters?.includes(self)) : undefined
    if (open !== undefined && random.chance(0.6)) {
      const vote = random.chance(0.8) ? 'yes' : 'no'
      return { type: 'CastVote', field: places.second, proposal: open.id, vote }
    }
    return random.chance(0.1) || rules.reopenVotes.length > 0 ? { type: 'ReopenEdit' } : undefined
  }
  if (rules.ruleSets.length === 0) return { type: 'AddRuleSet', name: 'terms' }
  const bodies = bodiesOf(state, places)
  const said = rules.rules.length
  // What they would be about has been removed or renamed.
  if (bodies.length === 0) return undefined
  if (said < bodies.length) {
    const { at, body } = bodies[said] as Drafted
    return { type: 'DraftRule', at, ruleSet: 1, body }
  }
  if (random.chance(0.03)) return { type: 'EditRule', rule: 1, ruleSet: 1, body: bodies[0]?.body }
  const unvoted = rules.rules.find(({ by, yes }) => by !== self && !yes.includes(self))
  if (unvoted !== undefined) {
    return { type: 'CastVote', rule: unvoted.terms.id, hash: ruleHash(unvoted.terms), vote: 'yes' }
  }
  const published = rulesToPublish(state, [1]).map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
  return { type: 'PublishRules', ruleSets: [1], rules: published }
}

/** What a member has to say on change sets that are open: a vote that it is asked for, or that its own is withdrawn. */
export function changeSetWork(state: ContractState, self: Handle, random: SeededRandom): Command | undefined {
  if (memberOf(state, self) === undefined) return undefined
  const asked = state.changeSets.find(({ voters, yes }) => voters.includes(self) && !yes.includes(self))
  if (asked !== undefined && random.chance(0.9)) {
    const vote = random.chance(0.85) ? 'yes' : 'no'
    return { type: 'CastVote', request: asked.request, vote }
  }
  const own = state.changeSets.find(({ request }) => request.handle === self)
  return own !== undefined && random.chance(0.1) ? { type: 'WithdrawChangeSet', request: own.request } : undefined
}

/** One of each kind that computes, judges or asks for votes. */
function bodiesOf(state: ContractState, { first, second, computed, entry }: Places): Drafted[] {
  const [one, other] = [first, second].map((id) => `\`${find(state, id)?.name ?? ''}\``)
  const list = 'list.field'
  const expression = (text: string, block: ElementId = ROOT) => {
    const compiled = compile(text, schemaOf(state), { block })
    return isCompiled(compiled) ? compiled.ast : undefined
  }
  const assigned = expression(`${one} + ${other}`)
  const counted = expression(`count(${list}[item != null]) <= 3`)
  const prototype = parentIdOf(entry)
  const long = expression(`string length(outer.${one}) < 9 or field = outer.${other}`, prototype)
  if (assigned === undefined || counted === undefined || long === undefined) return []
  return [
    { at: ROOT, body: { kind: 'assignment', target: computed, expression: assigned } },
    { at: ROOT, body: { kind: 'constraint', condition: counted, severity: 'reject' } },
    { at: prototype, body: { kind: 'constraint', condition: long, severity: 'warn' } },
    { at: second, body: { kind: 'validation', who: { parties: [], fields: [] } } },
  ]
}
