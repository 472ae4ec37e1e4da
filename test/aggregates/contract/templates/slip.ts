import { definitionHash } from '../../../../src/events/type-definition.ts'
import { block, field, given, openedBy } from '../../../support/document.ts'
import { broker, decimal, follower, lead, money } from '../../../support/ruled-document.ts'

const share = {
  base: 'decimal',
  constraint: { maximum: '1', minimum: '0' },
  hints: { display: 'percent' },
  name: 'Share',
} as const

/** A slip with all that a template can have. */
export const slip = given(
  openedBy(broker, lead, follower),
  broker.defines('Share', 'decimal', share),
  block('Slip'),
  field('Slip/Sum', money),
  field('Slip/Gone'),
  field('Slip/Premium', money),
  broker.addsBlock('Slip/Brokerage', { owner: broker.handle }),
  broker.addsField('Slip/Brokerage/Rate', decimal),
  broker.setsAudience('Slip/Brokerage', [broker, lead]),
  broker.addsList('Slip/Lines', { entriesMax: 5, key: { field: { type: 'party' }, name: 'Insurer' } }),
  broker.addsField('Slip/Lines/0/Signed', { definition: definitionHash(share), type: 'custom' }),
  broker.removes('Slip/Gone'),
  broker.arranges('Slip', [4, 0]),
  broker.addsRuleSet('Elsewhere'),
  broker.addsRuleSet('Terms'),
  broker.drafts('Slip', { assign: 'Sum * 0.1', to: 'Slip/Premium' }, 2),
  broker.drafts('Slip', { constraint: 'sum(Lines.Signed) <= 1' }, 2),
  broker.drafts('Slip', { validation: { parties: ['follower', 'lead'] } }, 2),
  broker.drafts('Slip', {
    trigger: 'Sum.amount > 5',
    activates: { blocks: ['Slip/Brokerage'], ruleSets: [2] },
  }),
)
/** With the same parties, and nothing in it. */
export const empty = given(openedBy(broker, lead, follower))
