import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { standingOfRequest } from '../../../src/contracts/requests/progress.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { decodeSigned } from '../../../src/events/statement-codec.ts'
import { AttentionList } from '../../../src/projections/queries/attention.ts'
import { draftReadModel } from '../../../src/projections/read-model.ts'
import { rebuildContract, rebuildReadModel, replay } from '../../../src/projections/rebuild.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import type { Store } from '../../../src/store/port.ts'
import { CONTRACTS_STREAM } from '../../../src/store/streams.ts'
import { Recorder } from '../../support/busy-contract.ts'
import { both } from '../../support/engine-2.ts'
import { allOf, contractFoundedBy, market, marketWith, owes, Player, talk } from '../../support/market.ts'
import { dumpReadModel } from '../../support/read-model-dump.ts'
import { ruledMarket } from '../../support/ruled-market.ts'

const NOW = Date.parse('2026-01-01T01:00:00.000Z')

/** Of what the store holds, an hour after all that the players have said. */
async function attentionOf(t: Test, store: Store, limit = 100) {
  const dir = await mkdtemp(join(tmpdir(), 'attention-'))
  const database = draftReadModel(join(dir, 'read-model.sqlite'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const { failures } = await replay(database, store.events)
  t.same(failures, [])
  const found = new AttentionList(database).read({ self: 'ben' as Handle, now: NOW, overdueAfterMs: 60_000, limit })
  database.close()
  return found
}

async function recorded(...players: Player[]) {
  const store = openMemoryStore()
  const [first] = players as [Player]
  const recorder = await Recorder.open(store, first.contract as Uid, first.card, first.state.ledger.engines)
  await recorder.hears(...allOf(first))
  return { store, recorder }
}

t.test('where all is well there is nothing to look at', async (t) => {
  const players = market('ana', 'ben')
  const { store } = await recorded(...players)
  for (const { count, items } of Object.values(await attentionOf(t, store))) t.same([count, items], [0, []])
})

t.test('a conflict, with its path and who is in it', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const { store, recorder } = await recorded(ana)
  const said = [ana.proposes('0.0', 'one'), ben.proposes('0.0', 'another')]
  ana.hears(said[1] as never)
  ben.hears(said[0] as never)
  for (let rounds = 0; rounds < 3; rounds++) {
    for (const [one, other] of [
      [ana, ben],
      [ben, ana],
    ] as const) {
      const next = one.says()
      said.push(next)
      other.hears(next)
    }
  }
  await recorder.hears(...said)
  const { conflicts } = await attentionOf(t, store)
  t.match(conflicts, { count: 1, items: [{ contract: ana.contract, title: 'test', path: 'A', by: ['ana', 'ben'] }] })
  t.notMatch(JSON.stringify(conflicts), /another/, 'no values')
})

t.test('for whom a request waits: the same as the engine says', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const { store, recorder } = await recorded(ana)
  const check = async (what: string, of: readonly string[]) => {
    const { overdue } = await attentionOf(t, store)
    const [first] = overdue.items
    t.match(first, { waitsFor: { what, of }, time: '2026-01-01T00:00:00.000Z' }, `${what} of ${of}`)
    const [handle = '', seq = '', index = ''] = first?.request.split('.') ?? []
    const ref = { handle: handle as typeof ana.handle, seq: Number(seq), index: Number(index) }
    t.match(standingOfRequest(recorder.state, ref, undefined)?.waitsFor, { what, of })
  }
  const hear = async (from: Player, said: ReturnType<Player['says']>, ...others: Player[]) => {
    await recorder.hears(said)
    for (const other of others.length > 0 ? others : players) if (other !== from) other.hears(said)
  }
  await hear(ana, ana.tentatively({ type: 'AddField', parent: '0', name: 'C', field: { type: 'text' } }))
  await check('answer', ['ben', 'cleo'])
  await hear(ben, ben.says())
  await check('answer', ['cleo'])
  await hear(cleo, cleo.says())
  await check('decision', ['ana'])
  const [open] = ana.state.ledger.open
  const request = { handle: ana.handle, seq: open?.statement.seq ?? 0, index: 0 }
  await hear(ana, ana.says({ decided: [{ request, decision: 'confirmed' }] }))
  await check('head', ['ben', 'cleo'])
  await hear(ben, ben.says())
  await check('head', ['cleo'])
  const { behind } = await attentionOf(t, store)
  t.match(behind, { count: 1, items: [{ party: 'cleo' }] }, 'who has signed for less')
  await hear(cleo, cleo.says())
  t.equal((await attentionOf(t, store)).overdue.count, 0, 'it has settled')
})

t.test('what members refused, and why', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const { store, recorder } = await recorded(ana)
  const asked = ana.proposes('0.0', 'much')
  ben.hears(asked)
  const request = { handle: ana.handle, seq: asked.statement.seq, index: 0 }
  const answers = [ben.says({ refusals: [{ request, code: 'person' }] })]
  ana.hears(...answers)
  answers.push(ana.says())
  ben.hears(answers[1] as never)
  answers.push(ben.says())
  await recorder.hears(asked, ...answers)
  const { refusals } = await attentionOf(t, store)
  t.match(refusals, {
    count: 1,
    items: [{ request: `ana.${asked.statement.seq}.0`, by: [{ handle: 'ben', code: 'person' }] }],
  })
})

t.test('who signed two statements for one place, and whose head is not that of the ledger', async (t) => {
  const [ana, eve] = market('ana', 'eve')
  const { store, recorder } = await recorded(ana)
  const said = eve.proposes('0.0', 'one')
  const fork = decodeSigned(
    eve.forges(said, (statement) => Object.assign(statement, { time: '2026-01-01T00:00:01.000Z' })),
  )
  await recorder.hears(said)
  await recorder.hears(fork)
  const { misbehaviour } = await attentionOf(t, store)
  t.match(misbehaviour, { count: 1, items: [{ kind: 'equivocation', party: 'eve', seq: said.statement.seq }] })
  await store.events.append(`evidence-${ana.contract}`, 'any', [
    { type: 'DivergenceSeen', data: canonicalJson({ party: 'eve', seq: 1, theirs: {}, ours: {} }) },
  ])
  const both = (await attentionOf(t, store, 1)).misbehaviour
  t.equal(both.count, 2)
  t.equal(both.items.length, 1, 'of many the first few')
})

t.test('of a contract that was given up nothing is shown, until it is held again', async (t) => {
  const [ana, eve] = market('ana', 'eve')
  const { store, recorder } = await recorded(ana)
  const said = eve.proposes('0.0', 'one')
  const fork = eve.forges(said, (statement) => Object.assign(statement, { time: '2026-01-01T00:00:01.000Z' }))
  await recorder.hears(said)
  await recorder.hears(decodeSigned(fork))
  const count = async () => {
    const { overdue, misbehaviour } = await attentionOf(t, store)
    return [overdue.count, overdue.items.length, misbehaviour.count]
  }
  t.same(await count(), [1, 1, 1])
  const mallory = new Player('mallory', undefined, contractFoundedBy('mallory'))
  const held = async ({ contract, card }: Player, insteadOf: Uid) => {
    const founder = { handle: card.handle, signing: card.keys.signing }
    const data = canonicalJson({ contract, founder, from: card.handle, insteadOf })
    await store.events.append(CONTRACTS_STREAM, 'any', [{ type: 'ContractHeld', data }])
  }
  await held(mallory, ana.contract)
  t.same(await count(), [0, 0, 0])
  await held(ana, mallory.contract)
  t.same(await count(), [1, 1, 1])
  const dir = await mkdtemp(join(tmpdir(), 'attention-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'read-model.sqlite')
  await rebuildReadModel(path, store.events)
  const whole = dumpReadModel(path)
  for (const { contract } of [ana, mallory]) await rebuildContract(path, store.events, contract)
  t.same(dumpReadModel(path), whole, 'also where one is folded anew by itself')
})

t.test('an upgrade of the engine that waits for votes, with who has none', async (t) => {
  const players = marketWith(both, 'ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  const votes = (player: Player, to: number) => {
    player.requests({ type: 'UpgradeEngine', to })
    talk(players, owes)
  }
  const upgrades = async () => (await attentionOf(t, (await recorded(ana)).store)).upgrades
  votes(ana, 3)
  votes(ben, 2)
  votes(ana, 2)
  t.match(await upgrades(), {
    count: 1,
    items: [
      {
        title: 'test',
        engine: 1,
        votes: [
          { by: 'ben', to: 2 },
          { by: 'ana', to: 2 },
        ],
        waitsFor: ['cleo'],
      },
    ],
  })
  votes(cleo, 2)
  t.same(await upgrades(), { count: 0, items: [] }, 'it has taken place')
})

t.test('with a party its vote for an engine goes', async (t) => {
  const players = market('ana', 'ben', 'cleo')
  const [ana, ben, cleo] = players
  ben.requests({ type: 'UpgradeEngine', to: 2 })
  talk(players, owes)
  ben.requests({ type: 'Resign' })
  talk([ana, ben, cleo], owes)
  t.same((await attentionOf(t, (await recorded(ana)).store)).upgrades, { count: 0, items: [] })
})

t.test('a value that waits for others’ votes is shown to whom a rule notifies, until it has them', async (t) => {
  const who = { fields: [], parties: ['cleo'] }
  const telling = (notify: string[]) => ({ at: '0.0', body: { kind: 'validation', who, notify } })
  const told = async (player: Player) => (await attentionOf(t, (await recorded(player)).store)).notices
  const { players } = ruledMarket(['ana', 'ben', 'cleo'], telling(['ben']))
  const [ana, , cleo] = players
  ana.proposes('0.1', 'nobody votes on it')
  ana.proposes('0.0', 'x')
  const proposal = `ana.${ana.seq - 1}.0.0`
  talk(players, owes)
  t.same(await told(ana), {
    count: 1,
    items: [{ contract: ana.contract, title: 'test', path: 'A', proposal, by: 'ana', waitsFor: ['cleo'] }],
  })
  cleo.requests({ type: 'CastVote', field: '0.0', proposal, vote: 'yes' })
  talk(players, owes)
  t.same(await told(ana), { count: 0, items: [] })
  const others = ruledMarket(['ana', 'ben', 'cleo'], telling(['ana']))
  others.founder.proposes('0.0', 'x')
  talk(others.players, owes)
  t.same(await told(others.founder), { count: 0, items: [] }, 'it notifies another')
})
