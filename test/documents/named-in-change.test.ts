import t from 'tap'
import { type RuleTerms, ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { type ContractState, initialState } from '../../src/aggregates/contract/state.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { namedIn } from '../../src/documents/past/named-in-change.ts'
import type { ContractEvent } from '../../src/events/contract-events.ts'
import type { ElementId, Handle, Uid } from '../../src/events/ids.ts'

const ana = 'ana' as Handle
const hash = '1'.repeat(64) as Hash
const request = { handle: ana, seq: 4, index: 1 }
const proposal = 'ana.2.0.0'
const body = { kind: 'access', who: { parties: [ana], fields: [] }, what: ['propose'] } as const
const terms = { id: 3, at: '0' as ElementId, ruleSet: 1, body } as unknown as RuleTerms
const nothing = initialState('u' as Uid)
const ruled: ContractState = {
  ...nothing,
  rules: { ...nothing.rules, rules: [{ by: ana, isInForce: false, terms, yes: [] }] },
}
const said = { rule: 3, hash: ruleHash(terms), text: 'at the record, propose only by ana', at: [''] }

t.test('a change says which vote, rule, change set, erasure, engine, lock or template it is about', async (t) => {
  for (const [type, members, named] of [
    ['ValueProposed', { proposal }, { proposal }],
    ['ProposalAgreed', { proposal }, { proposal }],
    ['CandidateEnded', { proposal, why: 'turned_down' }, { proposal }],
    ['VoteCast', { proposal, vote: 'no' }, { proposal, vote: 'no' }],
    ['ValueComputed', { proposal, rule: 3 }, { proposal, rule: 3 }],
    ['ChangeSetProposed', { request }, { changeSet: 'ana.4.1' }],
    ['ChangeSetVoteCast', { request, vote: 'yes' }, { changeSet: 'ana.4.1', vote: 'yes' }],
    ['ChangeSetEnded', { request, why: 'turned_down' }, { changeSet: 'ana.4.1' }],
    ['RuleSetAdded', { ruleSet: 1, name: 'Money' }, { ruleSet: 1, name: 'Money' }],
    ['RuleEdited', { rule: 3, at: '0', ruleSet: 1, body, by: ana }, said],
    ['RuleVoteCast', { rule: 3, hash: said.hash, vote: 'yes' }, { ...said, vote: 'yes' }],
    ['RulesPublished', { ruleSets: [1] }, { ruleSets: [1] }],
    ['RuleSetSwitched', { ruleSet: 1, active: false }, { ruleSet: 1 }],
    ['RuleFlagged', { rule: 3, at: '0' }, { rule: 3, at: [''] }],
    ['ErasureVoted', { erasure: hash }, { erasure: hash }],
    ['ValuesKept', { erasure: hash }, { erasure: hash }],
    ['EngineVoted', { to: 2 }, { engine: 2 }],
    ['LockBreakVoted', { lock: 7 }, { lock: 7 }],
    ['TemplateUpgradeVoted', { to: hash }, { template: hash }],
    ['BlockAdded', { element: '0.1', name: 'A' }, {}],
  ] as const)
    t.same(namedIn({ type, ...members } as unknown as ContractEvent, { before: nothing, after: ruled }), named, type)
})

t.test('what a rule said is told of one that is removed, and not of one that says something else since', async (t) => {
  const removed = { type: 'RuleRemoved', rule: 3 } as ContractEvent
  t.same(namedIn(removed, { before: ruled, after: nothing }), said)
  const vote = { type: 'RuleVoteCast', rule: 3, hash, by: ana, vote: 'yes' } as ContractEvent
  t.same(namedIn(vote, { before: ruled, after: ruled }), { rule: 3, hash, vote: 'yes' })
  const gone = { type: 'RuleDrafted', rule: 3, at: '0.9', ruleSet: 1, body, by: ana } as unknown as ContractEvent
  t.match(namedIn(gone, { before: nothing, after: nothing }), { rule: 3, at: ['0.9'] }, 'an element that is gone')
})
