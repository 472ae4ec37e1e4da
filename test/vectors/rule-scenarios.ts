import { orders } from './rule-order-scenarios.ts'
import { BEN, expression, isBelow, type RulePlay, Table } from './rule-table.ts'

/** One for each kind of rule, and one for the way back. */
const scenarios: Readonly<Record<string, RulePlay>> = {
  constraint: {
    about: 'A condition that is false makes a request void; one that only warns is flagged, and cleared; null passes.',
    play(table) {
      table.drafts('0', { kind: 'constraint', condition: isBelow('0.2', '100'), severity: 'reject' })
      table.drafts('0.3', { kind: 'constraint', condition: isBelow('0.3.0', '10'), severity: 'warn' })
      table.publishes()
      for (const [field, value] of [
        ['0.2', '100'],
        ['0.2', '99'],
        ['0.3.0', '10'],
        ['0.3.0', '9'],
      ] as const) {
        table.proposes(table.ana, field, value)
      }
    },
  },
  'request-time': {
    about: 'A condition on the time of a request is judged by the lower median of what its author and who answers claim.',
    play(table) {
      const { ana, ben } = table
      const deadline = expression(['call', 'request time'], ['date-time', '2026-06-30T12:00:00Z'], ['<', 0, 1])
      table.drafts('0.2', { kind: 'constraint', condition: deadline, severity: 'reject' })
      table.publishes()
      const [early, late] = ['2026-06-30T11:59:59.999Z', '2026-06-30T12:00:00.000Z'] as const
      for (const [value, byAna, byBen, field] of [
        ['1', early, early, '0.2'],
        ['2', late, early, '0.2'],
        ['3', late, late, '0.2'],
        ['4', late, late, '0.3.0'],
      ] as const) {
        ana.time = byAna
        ben.time = byBen
        table.proposes(ana, field, value)
      }
    },
  },
  assignment: {
    about: 'What is computed follows what it reads, in each entry of a list; where something is missing there is no value.',
    play(table) {
      const product = expression(['ref', '0.4.0.0'], ['ref', '0.2'], ['*', 0, 1])
      table.drafts('0', { kind: 'assignment', target: '0.4.0.1', expression: product })
      table.publishes()
      table.orders(table.ana, { type: 'AddEntry', list: '0.4' }, { type: 'AddEntry', list: '0.4' })
      table.proposes(table.ana, '0.4.1.0', '12.50')
      table.proposes(table.ben, '0.2', '0.1')
      table.proposes(table.ana, '0.4.2.0', '40')
      table.proposes(table.ben, '0.4.1.1', '1')
      table.empties(table.ben, '0.2')
      table.orders(table.ana, { type: 'RemoveElement', element: '0.4.1' })
    },
  },
  entries: {
    about:
      'Entries that are fields are computed, and judged, one by one; a list in an entry reads that entry; a change in one is no change in another.',
    play(table) {
      const { ana } = table
      const number = { type: 'decimal' }
      table.orders(
        ana,
        { type: 'AddField', parent: '0.4.0', name: 'Premium', field: number },
        { type: 'AddList', parent: '0.4.0', name: 'Instalments', entry: number, entriesMax: 10 },
        { type: 'AddList', parent: '0.4.0', name: 'Taxes', entry: 'block', entriesMax: 10 },
        { type: 'AddField', parent: '0.4.0.4.0', name: 'Rate', field: number },
        { type: 'AddField', parent: '0.4.0.4.0', name: 'Due', field: number },
      )
      const [premium, instalments, taxes] = ['0.4.0.2', '0.4.0.3', '0.4.0.4']
      const split = expression(['ref', premium], ['ref', instalments], ['call', 'count', 1], ['/', 0, 2])
      const due = expression(['ref', `${taxes}.0.0`], ['ref', premium], ['*', 0, 1])
      const counted = expression(['ref', `${instalments}.0`], ['ref', '0.2'], ['<=', 0, 1])
      table.drafts('0', { kind: 'assignment', target: `${instalments}.0`, expression: split })
      table.drafts('0', { kind: 'assignment', target: `${taxes}.0.1`, expression: due })
      table.drafts(`${instalments}.0`, { kind: 'constraint', condition: counted, severity: 'reject' })
      table.publishes()
      for (const line of ['0.4.1', '0.4.2']) {
        table.orders(
          ana,
          { type: 'AddEntry', list: '0.4' },
          ...['3', '3', '4'].map((list) => ({ type: 'AddEntry', list: `${line}.${list}` })),
        )
        table.fills(ana, { [`${line}.2`]: '100', [`${line}.4.1.0`]: '0.1' })
      }
      table.proposes(ana, '0.2', '75')
      table.proposes(ana, '0.4.1.2', '150')
      table.proposes(ana, '0.4.2.2', '151')
      table.proposes(ana, '0.4.2.3.1', '1')
      table.orders(ana, { type: 'RemoveElement', element: '0.4.2.3.1' })
      table.empties(ana, '0.4.1.2')
    },
  },
  access: {
    about: 'Whoever is not named has no right; a field of the document names parties, too; nobody named is nobody let in.',
    play(table) {
      table.drafts('0.3', { kind: 'access', who: { parties: [], fields: ['0.3.1'] }, what: ['propose', 'add'] })
      table.proposes(table.ana, '0.3.1', 'ben')
      table.publishes()
      table.proposes(table.ana, '0.3.0', '5')
      table.proposes(table.ben, '0.3.0', '6')
      table.orders(table.ana, { type: 'AddField', parent: '0.3', name: 'Note', field: { type: 'text' } })
      table.empties(table.ben, '0.3.1')
    },
  },
  validation: {
    about: 'A value waits for the votes that a rule asks for: one is voted in, one is turned down, one is that of who is asked.',
    play(table) {
      table.drafts('0.3', { kind: 'validation', who: BEN })
      table.publishes()
      const vote = (vote: 'yes' | 'no') => {
        const proposal = table.standingAt('0.3.0').at(-1)
        table.orders(table.ben, { type: 'CastVote', field: '0.3.0', proposal, vote })
      }
      table.proposes(table.ana, '0.3.0', '5')
      vote('yes')
      table.proposes(table.ana, '0.3.0', '6')
      vote('no')
      table.proposes(table.ben, '0.3.0', '7')
    },
  },
  'votes-switched-on': {
    about: 'What a request switches on asks for votes on the values of the same request; and its access rules count.',
    play(table) {
      const none = { blocks: [], ruleSets: [] }
      const condition = expression(['ref', '0.0'], ['text', 'Mexico'], ['=', 0, 1])
      const activates = { blocks: ['0.3'], ruleSets: [] }
      table.drafts('0', { kind: 'trigger', condition, activates, deactivates: none })
      table.drafts('0.3.0', { kind: 'validation', who: BEN })
      table.drafts('0.3.1', { kind: 'access', who: BEN, what: ['propose'] })
      table.publishes()
      table.fills(table.ana, { '0.0': 'Mexico', '0.3.0': '5' })
      table.empties(table.ben, '0.0')
      table.fills(table.ana, { '0.0': 'Mexico', '0.3.1': 'ana' })
    },
  },
  required: {
    about: 'What is required keeps rules from coming into force, and a rule set from being active until it is there.',
    play(table) {
      table.drafts('0.2', { kind: 'required', before: 'live' })
      table.drafts('0.3', { kind: 'required', before: 1 })
      table.drafts('0', { kind: 'constraint', condition: isBelow('0.2', '100'), severity: 'reject' })
      table.publishes()
      table.proposes(table.ana, '0.2', '50')
      table.publishes()
      table.proposes(table.ana, '0.2', '500')
      table.proposes(table.ben, '0.3.0', '1')
      table.proposes(table.ben, '0.3.1', 'ana')
      table.proposes(table.ana, '0.2', '50')
      table.proposes(table.ben, '0.3.1', 'ana')
      table.empties(table.ben, '0.3.0')
      table.proposes(table.ana, '0.2', '500')
    },
  },
  single: {
    about: 'Of two values at one moment the later is void; of two in a row both are agreed.',
    play(table) {
      table.drafts('0.0', { kind: 'single' })
      table.publishes()
      table.ana.proposes('0.0', 'Mexico')
      table.ben.proposes('0.0', 'Chile')
      table.talk()
      table.proposes(table.ana, '0.0', 'Peru')
    },
  },
  trigger: {
    about: 'A block is active while its condition holds: else nobody proposes there, and rules read nothing from it.',
    play(table) {
      const condition = expression(['ref', '0.0'], ['text', 'Mexico'], ['=', 0, 1])
      const none = { blocks: [], ruleSets: [] }
      table.drafts('0', {
        kind: 'trigger',
        condition,
        activates: { blocks: ['0.3'], ruleSets: [] },
        deactivates: none,
      })
      const copied = expression(['ref', '0.3.0'])
      table.drafts('0', { kind: 'assignment', target: '0.2', expression: copied })
      table.publishes()
      table.proposes(table.ana, '0.3.0', '5')
      table.proposes(table.ana, '0.0', 'Mexico')
      table.proposes(table.ana, '0.3.0', '5')
      table.proposes(table.ana, '0.0', 'Chile')
    },
  },
  reopening: {
    about: 'With a vote of all no rule is in force, and the votes on rules are gone: an edited one is voted and published anew.',
    play(table) {
      const body = { kind: 'constraint', condition: isBelow('0.2', '100'), severity: 'reject' }
      table.drafts('0', body)
      table.publishes()
      table.orders(table.ben, { type: 'EditRule', rule: 1, ruleSet: 1, body })
      table.orders(table.ana, { type: 'ReopenEdit' })
      table.orders(table.ben, { type: 'ReopenEdit' })
      table.publishes()
      table.orders(table.ben, { type: 'EditRule', rule: 1, ruleSet: 1, body })
      table.publishes()
      table.orders(table.ben, { type: 'RemoveRule', rule: 1 })
    },
  },
}

export const ruledPlays = Object.fromEntries(
  Object.entries({ ...scenarios, ...orders }).map(([name, { about, limits, play }]) => [
    `rule-${name}`,
    {
      about,
      play() {
        const table = new Table(limits)
        play(table)
        return { all: table.ana }
      },
    },
  ]),
)
