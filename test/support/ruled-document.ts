import type { ContractEvent } from '../../src/events/contract-events.ts'
import { assert } from '../../src/runtime/assert.ts'
import { block, type Document, field, given, openedBy } from './document.ts'
import { Party } from './document-party.ts'
import type { WrittenRule } from './written-rule.ts'

export const broker = new Party('broker')
export const lead = new Party('lead')
export const follower = new Party('follower')
export const decimal = { type: 'decimal' } as const
export const money = { type: 'money', currency: 'GBP' } as const
export const pounds = (amount: string) => ({ amount, currency: 'GBP' })

/** Drafted by the broker in one rule set, voted by the others, and in force. */
export function inForce(
  document: Document,
  ...rules: readonly (readonly [path: string, rule: WrittenRule])[]
): Document {
  const voted = ready(document, ...rules)
  const published = voted.when(broker.publishes(1))
  assert(published.fate === 'accepted', `given: the rules are in force: ${JSON.stringify(published.fate)}`)
  return published
}

export function ready(document: Document, ...rules: readonly (readonly [path: string, rule: WrittenRule])[]): Document {
  const drafted = document.when(broker.addsRuleSet('Terms'), ...rules.map(([path, rule]) => broker.drafts(path, rule)))
  assert(
    drafted.fates.every((fate) => fate === 'accepted'),
    'given: the rules are drafted',
  )
  const others = drafted.handles.filter((handle) => handle !== 'broker')
  const parties = [lead, follower].filter(({ handle }) => others.includes(handle))
  return drafted.when(...rules.flatMap((_, place) => parties.map((party) => party.votesOnRule(place + 1))))
}

export function typesOf(events: readonly ContractEvent[]): string[] {
  return events.map(({ type }) => type)
}

export const both = openedBy(broker, lead)
export const shares = given(both, field('Share', decimal), field('Limit', decimal))

export const slip = given(
  both,
  field('Sum', money),
  field('Rate', decimal),
  field('Premium', money),
  field('Tax', money),
)
export const premium = ['', { assign: 'Sum * Rate', to: 'Premium' }] as const
export const tax = ['', { assign: '(Premium * 0.12) ', to: 'Tax' }] as const

export const tracts = given(
  both,
  field('Country'),
  block('Tax Form'),
  field('Tax Form/Number'),
  field('Total', decimal),
)
export const form = ['', { trigger: 'Country = "Mexico"', activates: { blocks: ['Tax Form'] } }] as const

export const claim = given(
  openedBy(broker, lead, follower),
  block('Claim'),
  field('Claim/Amount', decimal),
  field('Assessor', { type: 'party' }),
)
