import t from 'tap'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import { field, given, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'

const [ana, ben, cleo, dov] = ['ana', 'ben', 'cleo', 'dov'].map((handle) => new Party(handle)) as [
  Party,
  Party,
  Party,
  Party,
]
const document = given(openedBy(ana, ben, cleo), field('Rate'))

t.test('a contract is opened in the engine that it names, and is edited', async (t) => {
  t.match(document.state, { engine: 1, engineSince: 0, engineVotes: [], phase: 'edit' })
})

t.test('it goes on in another engine with the last member’s vote, and not before', async (t) => {
  const voted = document.when(ben.upgrades(2), ana.upgrades(2))
  t.match(voted.state, {
    engine: 1,
    engineVotes: [
      { by: 'ben', to: 2 },
      { by: 'ana', to: 2 },
    ],
  })
  const upgraded = voted.when(cleo.upgrades(2))
  t.match(upgraded.state, { engine: 2, engineSince: upgraded.entries.length - 1, engineVotes: [] })
  t.same(upgraded.events, [
    { type: 'EngineVoted', to: 2, by: 'cleo' },
    { type: 'EngineUpgraded', to: 2 },
  ])
})

t.test(
  'votes for different engines stand beside each other, one of each member: the newer takes its place',
  async (t) => {
    const voted = document.when(ana.upgrades(2), ben.upgrades(3), cleo.upgrades(3))
    t.same(voted.state.engineVotes, [
      { by: 'ana', to: 2 },
      { by: 'ben', to: 3 },
      { by: 'cleo', to: 3 },
    ])
    t.equal(voted.state.engine, 1)
    t.equal(voted.when(ben.upgrades(2), cleo.upgrades(2)).state.engine, 2)
    t.equal(voted.when(ana.upgrades(3)).state.engine, 3)
  },
)

t.test('nobody votes twice for the same, nor for an engine that is not newer', async (t) => {
  const voted = document.when(ana.upgrades(2))
  t.same(voted.when(ana.upgrades(2)).fate, { code: 'already_voted', command: 0 })
  t.same(voted.when(ana.upgrades(1)).fate, { code: 'engine_not_newer', command: 0, with: ['1'] })
  for (const to of [0, -1, 1.5, '2', null, 2 ** 53]) {
    t.match(voted.when(ana.orders({ type: 'UpgradeEngine', to } as never)).fate, { code: 'command_malformed' })
  }
})

t.test('a vote stands alone in its request: what came after it might be judged by another engine', async (t) => {
  const both = together(ana.proposes('Rate', '1'), ana.upgrades(2))
  t.same(document.when(both).fate, { code: 'command_not_alone', command: 1 })
})

t.test('a member that goes takes its vote with it', async (t) => {
  const left = document.when(ben.upgrades(2), ben.resigns())
  t.same(left.state.engineVotes, [])
  t.equal(left.when(ana.upgrades(2)).state.engine, 1)
  t.equal(left.when(ana.upgrades(2), cleo.upgrades(2)).state.engine, 2)
})

t.test('with the last member that has not voted the last vote goes that was missing', async (t) => {
  const left = document.when(ana.upgrades(2), cleo.upgrades(2), ben.resigns())
  t.equal(left.state.engine, 2)
  t.same(left.events, [
    { type: 'PartyResigned', handle: 'ben' },
    { type: 'EngineUpgraded', to: 2 },
  ])
  const bulkhead = document.when(ana.upgrades(2), cleo.upgrades(3), ben.resigns())
  t.equal(bulkhead.state.engine, 1, 'unless those that stay mean different engines')
  t.equal(document.when(ben.resigns()).state.engine, 1, 'or nobody has voted')
  const alone = given(openedBy(ana)).when(ana.resigns())
  t.equal(alone.state.engine, 1)
})

t.test('an admission leaves no vote: the newcomer has a say in each', async (t) => {
  const admitted = document.when(ana.upgrades(2), ben.upgrades(2), ana.invites(dov), ana.admits(dov))
  t.same(admitted.state.engineVotes, [])
  t.equal(admitted.when(cleo.resigns(), dov.resigns()).state.engine, 1, 'so who goes is not led into another engine')
  t.equal(admitted.when(...[ana, ben, cleo, dov].map((member) => member.upgrades(2))).state.engine, 2)
})

t.test('nobody is admitted on a head from before the upgrade', async (t) => {
  const invited = document.when(ana.invites(dov))
  const { head } = invited
  const upgraded = invited.when(ana.upgrades(2), ben.upgrades(2), cleo.upgrades(2))
  t.same(upgraded.when(ana.admits(dov, { head })).fate, { code: 'terms_changed', command: 0 })
  t.equal(upgraded.when(ana.admits(dov)).fate, 'accepted', 'but on one that has it')
  t.equal(invited.when(ana.upgrades(2)).when(ana.admits(dov, { head })).fate, 'accepted', 'votes alone change nothing')
})

t.test('while another holds the lock nobody votes', async (t) => {
  t.same(document.when(ben.locks(), ana.upgrades(2)).fate, { code: 'record_locked', command: 0, with: ['ben'] })
  t.equal(document.when(ben.locks(), ben.upgrades(2)).fate, 'accepted')
})

t.test('the engine and the votes for another are a part of the record', async (t) => {
  const voted = document.when(ana.upgrades(2))
  t.not(recordHash(voted.state), recordHash(document.state))
  t.not(recordHash(voted.when(ana.upgrades(3)).state), recordHash(voted.state))
  t.not(recordHash({ ...document.state, engine: 2 }), recordHash(document.state))
})
