import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { assert } from '../../src/runtime/assert.ts'
import { allOf, type Command, CONTRACT, type Player } from '../support/market.ts'
import { BEN, expression, isBelow, type Put, type RulePlay, type Table } from './rule-table.ts'

/** What a request comes to: `accepted`, or the code with which it is void, the command and what it collides with. */
type Fate = 'accepted' | readonly [code: string, command: number, ...others: string[]]

/** Requests of which each says what it comes to; at the end it has to be so. */
class Fates {
  readonly #table: Table
  readonly #expected = new Map<number, Fate>()

  constructor(table: Table) {
    this.#table = table
  }

  by(player: Player, fate: Fate, ...steps: readonly (Put | Command)[]): void {
    this.#expected.set(this.#table.ana.acknowledged, fate)
    this.#table.asks(player, steps)
  }

  asOneBy(player: Player, fate: Fate, ...steps: readonly (Put | Command)[]): void {
    this.#expected.set(this.#table.ana.acknowledged, fate)
    this.#table.asks(player, steps, true)
  }

  published(fate: Fate, ...ruleSets: number[]): void {
    this.#expected.set(this.#table.ana.acknowledged, fate)
    this.#table.publishes(...ruleSets)
  }

  /** Throws where one has come to something else. */
  assertMet(): void {
    const { acknowledged } = receive(emptyAgreement(CONTRACT), allOf(this.#table.ana))
    for (const [index, fate] of this.#expected) {
      const outcome = acknowledged[index]?.entry.outcome
      const reason = outcome?.kind === 'void' ? outcome.reason : undefined
      const found = reason === undefined ? outcome?.kind : [reason.code, reason.command, ...(reason.with ?? [])]
      const [wanted, is] = [JSON.stringify(fate), JSON.stringify(found)]
      assert(wanted === is, `entry ${index} is ${wanted}, and not ${is}`)
    }
  }
}

const number = { type: 'decimal' }
const whole = { type: 'integer' }
const NOBODY = { blocks: [], ruleSets: [] }
const value = (field: string, value: unknown, audience?: readonly string[]): Put => ({
  field,
  value,
  ...(audience && { audience }),
})
const is = (field: string, text: string) => expression(['ref', field], ['text', text], ['=', 0, 1])
const below = (field: string, bound: string) => ({
  kind: 'constraint',
  condition: isBelow(field, bound),
  severity: 'reject',
})
const copies = (field: string, target: string) => ({ kind: 'assignment', target, expression: expression(['ref', field]) })
const entries = (count: number): Command[] => Array.from({ length: count }, () => ({ type: 'AddEntry', list: '0.4' }))
const times = (count: number, one: Put): Put[] => Array.from({ length: count }, () => one)

/** Which code a request has to which several apply (docs/protocol.md §5.7): each of two alone, then both. */
export const orders: Readonly<Record<string, RulePlay>> = {
  'order-of-rights': {
    about:
      'Access comes before what is governed, both before the lock and the row of the command, each command by itself; then whom a rule asks to vote, which of a change set comes after judging.',
    play(table) {
      const { ana, ben } = table
      const fates = new Fates(table)
      table.orders(
        ana,
        { type: 'AddBlock', parent: '0', name: 'Secret', owner: 'ana' },
        { type: 'AddField', parent: '#0', name: 'Share', field: number, owner: 'ana' },
        { type: 'SetAudience', element: '#0', parties: ['ana'] },
        { type: 'AddField', parent: '0', name: 'Whole', field: whole },
      )
      table.drafts('0.3', { kind: 'access', who: BEN, what: ['propose', 'remove'] })
      table.drafts('0.5', { kind: 'validation', who: BEN })
      table.drafts('0', below('0.2', '100'))
      table.drafts('0', copies('0.2', '0.6'))
      fates.published('accepted')
      const removes = { type: 'RemoveElement', element: '0.3.0' }
      const renames = { type: 'RenameElement', element: '0.3.0', name: 'Sum' }
      const secret = value('0.5.0', '5', ['ana'])
      fates.by(ben, ['rule_governed', 0, '1', '0.3.0'], removes)
      fates.by(ana, ['access_denied', 0, '1', '0.3.0'], value('0.3.0', '5'))
      fates.by(ana, ['access_denied', 0, '1', '0.3.0'], removes)
      fates.by(ana, ['rule_governed', 0, '1', '0.3.0'], renames, removes)
      fates.by(ana, ['access_denied', 0, '1', '0.3.0'], removes, renames)
      fates.by(ana, ['rule_governed', 0, '1', '0.3.0'], { ...renames, name: 'Assessor' })
      fates.by(ben, 'accepted', { type: 'LockRecord', purpose: 'review' })
      fates.by(ana, ['record_locked', 0, 'ben'], value('0.0', 'Mexico'))
      fates.by(ana, ['rule_governed', 0, '1', '0.3.0'], renames)
      fates.by(ana, ['access_denied', 0, '1', '0.3.0'], removes)
      fates.by(ben, 'accepted', { type: 'ReleaseLock' })
      fates.by(ana, ['voter_outside', 0, 'ben'], secret)
      fates.by(ana, ['rule_governed', 1, '1', '0.3.0'], secret, renames)
      fates.by(ana, ['computed_unfit', 0, '4', '0.6'], value('0.2', '1.5'))
      fates.by(ana, ['voter_outside', 1, 'ben'], secret, value('0.2', '1.5'))
      fates.asOneBy(ana, ['voter_outside', 1, 'ben'], secret, value('0.0', 'Mexico'))
      fates.asOneBy(ana, ['rule_broken', 1, '3', '0'], secret, value('0.2', '100'))
      fates.assertMet()
    },
  },
  'order-of-judging': {
    about:
      'What is computed, in its order; then what is proposed where it is switched off or assigned, in the order of the commands; then conditions; all of it on the document as it is agreed, and then on the one with the candidates.',
    play(table) {
      const { ana, ben } = table
      const fates = new Fates(table)
      table.orders(
        ana,
        { type: 'AddRuleSet', name: 'Others' },
        { type: 'AddField', parent: '0', name: 'Whole', field: whole },
        { type: 'AddField', parent: '0', name: 'Twice', field: whole },
        { type: 'AddField', parent: '0', name: 'Ratio', field: number },
        { type: 'AddField', parent: '0', name: 'Rounded', field: whole },
        { type: 'AddField', parent: '0.3', name: 'Copy', field: number },
      )
      table.drafts('0', copies('0.2', '0.5'))
      table.drafts('0', copies('0.3.0', '0.6'))
      table.drafts('0', copies('0.3.0', '0.6'), 2)
      table.drafts('0', copies('0.7', '0.8'))
      table.drafts('0', copies('0.2', '0.3.2'))
      const [off, on] = [{ blocks: ['0.3'], ruleSets: [] }, { blocks: [], ruleSets: [2] }]
      table.drafts('0', { kind: 'trigger', condition: is('0.0', 'Peru'), activates: NOBODY, deactivates: off })
      table.drafts('0', { kind: 'trigger', condition: is('0.0', 'Mexico'), activates: on, deactivates: NOBODY })
      table.drafts('0', below('0.2', '100'))
      table.drafts('0.7', { kind: 'validation', who: BEN })
      fates.published('accepted', 1, 2)
      const [mexico, peru] = [value('0.0', 'Mexico'), value('0.0', 'Peru')]
      const unfit = value('0.2', '1.5')
      fates.by(ben, ['assigned_twice', 0, '0.6', '2', '3'], mexico)
      fates.by(ben, ['computed_unfit', 0, '1', '0.5'], unfit)
      fates.by(ben, ['computed_unfit', 1, '1', '0.5'], mexico, unfit)
      fates.by(ben, ['computed_unfit', 0, '4', '0.8'], value('0.7', '1.5'))
      fates.by(ben, ['assigned_twice', 1, '0.6', '2', '3'], value('0.7', '1.5'), mexico)
      fates.by(ben, ['computed_unfit', 0, '2', '0.6'], value('0.3.0', '1.5'))
      fates.by(ben, ['assigned_twice', 1, '0.6', '2', '3'], value('0.3.0', '1.5'), mexico)
      fates.by(ben, ['element_inactive', 1, '0.3.0'], peru, value('0.3.0', '5'))
      fates.by(ben, ['computed_unfit', 2, '1', '0.5'], peru, value('0.3.0', '5'), unfit)
      fates.by(ben, ['field_assigned', 0, '1', '0.5'], value('0.5', 7))
      fates.by(ben, ['field_assigned', 0, '5', '0.3.2'], value('0.3.2', '7'))
      fates.by(ben, ['element_inactive', 1, '0.3.2'], peru, value('0.3.2', '7'))
      fates.by(ben, ['field_assigned', 2, '1', '0.5'], value('0.5', 7), value('0.3.0', '5'), peru)
      fates.by(ben, ['element_inactive', 2, '0.3.0'], value('0.3.0', '5'), value('0.5', 7), peru)
      fates.by(ben, ['rule_broken', 0, '8', '0'], value('0.2', '100'))
      fates.by(ben, ['field_assigned', 1, '1', '0.5'], value('0.2', '100'), value('0.5', 7))
      fates.by(ana, ['computed_unfit', 0, '4', '0.8'], value('0.7', '1.5'))
      fates.by(ana, ['rule_broken', 1, '8', '0'], value('0.7', '1.5'), value('0.2', '100'))
      fates.assertMet()
    },
  },
  'order-of-publication': {
    about:
      'Of a publication: its own row, then a rule that has no meaning any more, then a circle, then what is assigned twice, then what is required and what is broken, in the order of the rules.',
    play(table) {
      const { ana } = table
      const fates = new Fates(table)
      table.orders(
        ana,
        ...['X', 'Y', 'Z', 'T'].map((name) => ({ type: 'AddField', parent: '0', name, field: number })),
      )
      table.drafts('0', copies('0.6', '0.5'))
      table.drafts('0', copies('0.5', '0.6'))
      table.drafts('0', copies('0.2', '0.8'))
      table.drafts('0', copies('0.2', '0.8'))
      table.drafts('0.1', { kind: 'required', before: 'live' })
      table.drafts('0', below('0.2', '100'))
      table.drafts('0', below('0.7', '5'))
      table.orders(ana, { type: 'RemoveElement', element: '0.7' })
      table.proposes(ana, '0.2', '100')
      table.orders(table.ben, { type: 'CastVote', rule: 7, hash: table.hashOf(7), vote: 'no' })
      fates.published(['rule_vote_missing', 0, '7', 'ben'])
      table.orders(table.ben, { type: 'CastVote', rule: 7, hash: table.hashOf(7), vote: 'yes' })
      fates.published(['rule_unfit', 0, '7'])
      table.removes(7)
      fates.published(['rules_cyclic', 0, '1', '2'])
      table.removes(2)
      fates.published(['assigned_twice', 0, '0.8', '3', '4'])
      table.removes(4)
      fates.published(['required_missing', 0, '5', '0.1'])
      table.removes(5)
      table.drafts('0.1', { kind: 'required', before: 'live' })
      fates.published(['rule_broken', 0, '6', '0'])
      table.proposes(ana, '0.2', '99')
      fates.published(['required_missing', 0, '8', '0.1'])
      table.proposes(ana, '0.1', 'there')
      fates.published('accepted')
      fates.assertMet()
    },
  },
  'order-of-budget': {
    about:
      'A budget that is overspent makes a request void as soon as it is: before what the same look would have found, and after what was found before.',
    limits: { requestSteps: 60, ruleSteps: 10 },
    play(table) {
      const { ana } = table
      const fates = new Fates(table)
      table.orders(
        ana,
        { type: 'AddBlock', parent: '0', name: 'Secret', owner: 'ana' },
        { type: 'AddField', parent: '#0', name: 'Share', field: number, owner: 'ana' },
        { type: 'SetAudience', element: '#0', parties: ['ana'] },
      )
      const counts = expression(['ref', '0.4'], ['call', 'count', 0], ['number', '30'], ['<', 1, 2])
      table.drafts('0', below('0.2', '100'))
      table.drafts('0', { kind: 'constraint', condition: counts, severity: 'reject' })
      table.drafts('0', below('0.3.0', '10'))
      table.drafts('0.0', { kind: 'access', who: { parties: ['ana', 'ben'], fields: [] }, what: ['propose'] })
      table.drafts('0.3.1', { kind: 'access', who: BEN, what: ['propose'] })
      table.drafts('0.5', { kind: 'validation', who: BEN })
      fates.published('accepted')
      const [looked, denied] = [value('0.0', 'Mexico'), value('0.3.1', 'ana')]
      fates.by(ana, ['rule_over_budget', 9, '2', 'ruleSteps'], ...entries(10))
      fates.by(ana, ['rule_broken', 10, '1', '0'], ...entries(10), value('0.2', '100'))
      fates.by(ana, ['rule_over_budget', 10, '2', 'ruleSteps'], ...entries(10), value('0.3.0', '10'))
      fates.by(ana, 'accepted', ...times(20, looked))
      fates.by(ana, ['access_denied', 19, '5', '0.3.1'], ...times(19, looked), denied)
      fates.by(ana, ['rule_over_budget', 20, '5', 'requestSteps'], ...times(20, looked), denied, looked)
      const secret = value('0.5.0', '5', ['ana'])
      fates.by(ana, ['voter_outside', 18, 'ben'], ...times(18, looked), secret)
      fates.by(ana, ['rule_over_budget', 19, '6', 'requestSteps'], ...times(19, looked), secret)
      fates.assertMet()
    },
  },
}
