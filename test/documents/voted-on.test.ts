import t from 'tap'
import { erasureId } from '../../src/aggregates/contract/erased-values.ts'
import { type RuleTerms, ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { type ContractState, initialState } from '../../src/aggregates/contract/state.ts'
import type { TemplateUse } from '../../src/aggregates/contract/templates/template-book.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { type VotedOn, votedOnBy } from '../../src/documents/voted-on.ts'
import type { Command } from '../../src/events/commands.ts'
import type { ContractEvent } from '../../src/events/contract-events.ts'
import type { ElementId, EngineVersion, Handle, LedgerIndex, Uid } from '../../src/events/ids.ts'

const [ana, ben, cleo] = ['ana', 'ben', 'cleo'] as [Handle, Handle, Handle]
const [one, two] = ['1'.repeat(64), '2'.repeat(64)] as [Hash, Hash]
const field = '0.1' as ElementId
const lock = 7 as LedgerIndex
const engine = (version: number) => version as EngineVersion
const erasure = erasureId([one])
const roles = { buyer: ana }

const members = [ana, ben, cleo].map((handle) => ({ admittedAt: 0, card: { handle } }))
const empty = initialState('u' as Uid)
const opened = { ...empty, parties: { ...empty.parties, members } } as unknown as ContractState

function votedBy(command: Command): VotedOn {
  const voted = votedOnBy({ id: 'x', commands: [command] }, 'ana.1.0')
  if (voted === undefined) throw new Error(`${command.type} votes on nothing`)
  return voted
}

const onEngine = votedBy({ type: 'UpgradeEngine', to: engine(2) })
const onErasure = votedBy({ type: 'EraseValues', seals: [one] })
const against = votedBy({ type: 'KeepValues', erasure })
const onLock = votedBy({ type: 'BreakLock', lock })
const onTemplate = votedBy({ type: 'UpgradeTemplate', element: field, from: one, to: two, roles })
const onPhase = votedBy({ type: 'ReopenEdit' })
const terms: RuleTerms = {
  id: 4,
  at: field,
  ruleSet: 2,
  body: { kind: 'validation', who: { parties: [cleo] } } as never,
}
const hash = ruleHash(terms)
const onRule = votedBy({ type: 'CastVote', rule: 4, hash, vote: 'yes' })
const againstRule = votedBy({ type: 'CastVote', rule: 4, hash, vote: 'no' })
/** A document with the rule, that `by` has drafted. */
const ruled = (yes: readonly Handle[], by = ben, isInForce = false) => ({
  rules: { ...empty.rules, rules: [{ by, isInForce, terms, yes }] },
})

t.test('a vote that all members have to cast names what it is on, and waits for the others', async (t) => {
  const use = (votes: TemplateUse['votes']) => [{ element: field, votes }] as unknown as readonly TemplateUse[]
  const waits: [VotedOn, object, object, readonly string[] | undefined][] = [
    [onEngine, { engine: 2 }, { engineVotes: [] }, undefined],
    [onEngine, { engine: 2 }, { engineVotes: [{ by: ana, to: 2 }] }, ['ben', 'cleo']],
    [onEngine, { engine: 2 }, { engineVotes: [{ by: ana, to: 3 }] }, undefined],
    [
      onEngine,
      { engine: 2 },
      {
        engineVotes: [
          { by: ben, to: 3 },
          { by: ana, to: 2 },
        ],
      },
      ['ben', 'cleo'],
    ],
    [onErasure, { erasure }, {}, undefined],
    [
      onErasure,
      { erasure },
      { erasures: { ...empty.erasures, open: [{ id: erasure, seals: [one], votes: [ben, ana] }] } },
      ['cleo'],
    ],
    [against, { erasure }, {}, undefined],
    [onLock, { lock }, {}, undefined],
    [onLock, { lock }, { lock: { breakVotes: [ana], holder: cleo, index: lock, purpose: 'edit' } }, ['ben']],
    [onLock, { lock }, { lock: { breakVotes: [ana], holder: cleo, index: 8, purpose: 'edit' } }, undefined],
    [onTemplate, { element: field, template: two }, {}, undefined],
    [
      onTemplate,
      { element: field, template: two },
      {
        templates: {
          ...empty.templates,
          uses: use([
            { by: ana, roles, to: two },
            { by: ben, roles: { buyer: ben }, to: two },
          ]),
        },
      },
      ['ben', 'cleo'],
    ],
    [onPhase, { phase: 'edit' }, { rules: { ...empty.rules, reopenVotes: [ana, cleo] } }, ['ben']],
    [onRule, { rule: 4, hash }, ruled([ana]), ['cleo']],
    [onRule, { rule: 4, hash }, ruled([ana, cleo]), []],
    [onRule, { rule: 4, hash }, ruled([]), undefined],
    [onRule, { rule: 4, hash }, ruled([ana, cleo], ben, true), undefined],
    [onRule, { rule: 4, hash }, {}, undefined],
    [againstRule, { rule: 4, hash }, ruled([cleo]), ['ana']],
    [againstRule, { rule: 4, hash }, ruled([ana]), undefined],
    [votedBy({ type: 'CastVote', rule: 4, hash: one, vote: 'yes' }), { rule: 4, hash: one }, ruled([ana]), undefined],
  ]
  for (const [voted, subject, state, expected] of waits) {
    t.same(voted.subject, subject)
    t.same(voted.waitsFor({ ...opened, ...state }, ana), expected, JSON.stringify(subject))
  }
  t.equal(votedOnBy({ id: 'x', commands: [{ type: 'ReleaseLock' }] }, 'ana.1.0'), undefined)
})

t.test('it ends by what the ledger says: with all votes, or for a reason', async (t) => {
  const admitted: ContractEvent = { type: 'PartyAdmitted', handle: 'dov' as Handle, invitation: 1 }
  const resigned = (handle: Handle): ContractEvent => ({ type: 'PartyResigned', handle })
  const upgrade = { element: field, from: one, moved: [], rules: [] }
  const ends: [VotedOn, ContractEvent, 'agreed' | string | undefined][] = [
    [onEngine, { type: 'EngineUpgraded', to: engine(2) }, 'agreed'],
    [onEngine, { type: 'EngineUpgraded', to: engine(3) }, undefined],
    [onEngine, { type: 'EngineVoted', to: engine(2), by: ana }, undefined],
    [onEngine, { type: 'EngineVoted', to: engine(3), by: ana }, 'replaced'],
    [onEngine, { type: 'EngineVoted', to: engine(3), by: ben }, undefined],
    [onErasure, { type: 'ValuesErased', erasure, seals: [one] }, 'agreed'],
    [onErasure, { type: 'ValuesErased', erasure: two, seals: [two] }, undefined],
    [onErasure, { type: 'ValuesKept', erasure, by: ben }, 'turned_down'],
    [against, { type: 'ValuesKept', erasure, by: ana }, 'turned_down'],
    [onErasure, { type: 'ValuesKept', erasure: two, by: ben }, undefined],
    [onLock, { type: 'LockBroken', lock, holder: cleo }, 'agreed'],
    [onLock, { type: 'LockBroken', lock: 8, holder: cleo }, undefined],
    [onLock, { type: 'RecordReleased', lock, holder: cleo }, 'released'],
    [onLock, admitted, undefined],
    [onLock, resigned(ana), 'resigned'],
    [onTemplate, { type: 'TemplateUpgraded', ...upgrade, roles, to: two }, 'agreed'],
    [onTemplate, { type: 'TemplateUpgradeVoted', element: field, from: one, to: two, roles, by: ana }, undefined],
    [onTemplate, { type: 'TemplateUpgradeVoted', element: field, from: one, to: two, roles: {}, by: ana }, 'replaced'],
    [onTemplate, { type: 'ElementRemoved', element: '0' as ElementId }, 'removed'],
    [onTemplate, { type: 'ElementRemoved', element: '0.10' as ElementId }, undefined],
    [onPhase, { type: 'EditReopened' }, 'agreed'],
    [onPhase, { type: 'ReopenVoted', by: ben }, undefined],
    [onRule, { type: 'RulesPublished', ruleSets: [1, 2] }, 'agreed'],
    [onRule, { type: 'RulesPublished', ruleSets: [1] }, undefined],
    [onRule, { type: 'RuleEdited', rule: 4, by: ben, at: field, ruleSet: 2, body: terms.body }, 'replaced'],
    [onRule, { type: 'RuleEdited', rule: 5, by: ben, at: field, ruleSet: 2, body: terms.body }, undefined],
    [onRule, { type: 'RuleVoteCast', rule: 4, hash, by: ana, vote: 'yes' }, undefined],
    [onRule, { type: 'RuleVoteCast', rule: 4, hash, by: ana, vote: 'no' }, 'replaced'],
    [onRule, { type: 'RuleVoteCast', rule: 4, hash, by: cleo, vote: 'no' }, undefined],
    [againstRule, { type: 'RuleVoteCast', rule: 4, hash, by: ana, vote: 'yes' }, 'replaced'],
    [onRule, { type: 'RuleRemoved', rule: 4 }, 'removed'],
    [onRule, { type: 'RuleRemoved', rule: 5 }, undefined],
    [onRule, { type: 'EditReopened' }, 'reopened'],
    [onRule, resigned(ana), 'resigned'],
    [onRule, resigned(ben), undefined],
    [onRule, admitted, undefined],
  ]
  for (const voted of [onEngine, onErasure, onTemplate, onPhase])
    ends.push(
      [voted, admitted, 'member_admitted'],
      [voted, resigned(ana), 'resigned'],
      [voted, resigned(ben), undefined],
    )
  for (const [voted, event, expected] of ends) {
    const end = voted.endedBy(event, ana, { ...opened, ...ruled([]) })
    t.equal(typeof end === 'object' ? end.why : end, expected, JSON.stringify([voted.subject, event]))
  }
})
