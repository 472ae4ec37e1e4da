import t from 'tap'
import { pruned } from '../../src/agreement/history/pruning.ts'
import { stateAt } from '../../src/agreement/history/replay.ts'
import { type AgreementSnapshot, statementsNeeded } from '../../src/agreement/history/snapshot.ts'
import { receive } from '../../src/agreement/receive.ts'
import { type AgreementState, emptyAgreement } from '../../src/agreement/state.ts'
import { settledHead } from '../../src/contracts/signing/cosigned-notes.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { both, NAME_RESERVED, onlyFirst } from '../support/engine-2.ts'
import { allOf, CONTRACT, marketWith, overTheWire, owes, Player, talk } from '../support/market.ts'
import { snapshotOf, viewFrom } from '../support/snapshots-at-once.ts'

const addsReserved = { type: 'AddField', parent: '0', name: 'x-Rate', field: { type: 'text' } }

/** Three members, with something before the upgrade and something after it. */
function upgraded(): [Player, Player, Player] {
  const players = marketWith(both, 'ana', 'ben', 'cleo')
  const [ana] = players
  ana.requests(addsReserved)
  talk(players, owes)
  for (const player of players) {
    player.requests({ type: 'UpgradeEngine', to: 2 })
    talk(players, owes)
  }
  ana.requests({ ...addsReserved, name: 'x-Late' })
  ana.requests({ ...addsReserved, name: 'Late' })
  talk(players, owes)
  return players
}

const entriesOf = ({ state }: { state: AgreementState }) =>
  receive(
    emptyAgreement(CONTRACT, state.ledger.engines),
    [...state.feeds.values()].flatMap((feed) => [...feed]),
  ).acknowledged

/** What everybody has to agree on. */
function said({ ledger, settling, contract, ...rest }: AgreementState) {
  return {
    root: ledger.log.root(),
    record: ledger.engines.recordHash(ledger.document),
    settled: settledHead({ ledger, settling, contract, ...rest }),
    diverged: settling.divergences,
  }
}

t.test('each engine judges its part of the ledger', async (t) => {
  const players = upgraded()
  const entries = entriesOf(players[0]).slice(-5)
  t.match(
    entries.map(({ entry, document }) => [entry.outcome, document.engine]),
    [
      [{ kind: 'accepted' }, 1],
      [{ kind: 'accepted' }, 1],
      [{ kind: 'accepted' }, 2],
      [{ kind: 'void', reason: { code: NAME_RESERVED, command: 0 } }, 2],
      [{ kind: 'accepted' }, 2],
    ],
  )
  const [last] = entries.slice(2)
  t.equal(
    last?.entry.record,
    both.of(2).recordHash(last?.document as never),
    'the new one hashes the entry that led to it',
  )
  t.match(last?.document, { addedByEngine2: 0 }, 'and has made of the state what it is to be')
  for (const { state } of players) {
    t.same(said(state), said(players[0].state))
    t.equal(state.settling.settled, state.ledger.log.size)
  }
})

t.test('whoever takes the feeds in anew, in whatever order, comes to the same bytes', async (t) => {
  const [ana, ben] = upgraded()
  const statements = allOf(ben)
  const expected = said(ana.state)
  t.same(said(receive(emptyAgreement(CONTRACT, both), statements).state), expected)
  let state = emptyAgreement(CONTRACT, both)
  let waiting: readonly SignedStatement[] = []
  for (const statement of statements.toReversed()) ({ state, waiting } = receive(state, [...waiting, statement]))
  t.same(said(state), expected)
  t.same(
    said(
      stateAt(
        ana.state,
        state.feeds.map((feed) => feed.size - 1),
      ),
    ),
    expected,
  )
})

t.test('a snapshot is taken up by the engine of its place, before, at and after the switch', async (t) => {
  const players = marketWith(both, 'ana', 'ben')
  const [ana, ben] = players
  const through = (state: AgreementState, whole: AgreementState): AgreementState => {
    const snapshot = JSON.parse(JSON.stringify(snapshotOf(pruned(state)))) as AgreementSnapshot
    const stored = new Map(
      statementsNeeded(snapshot).map(({ handle, base, noted }) => {
        const kept = [...(whole.feeds.get(handle)?.between(base) ?? [])].map(overTheWire)
        const note = noted === undefined ? undefined : whole.feeds.get(handle)?.get(noted)
        return [handle, { kept, noted: note && overTheWire(note) }]
      }),
    )
    const { state: taken, further } = viewFrom(snapshot, stored, both)
    return receive(taken, further).state
  }
  const moves = [
    () => ana.requests({ type: 'UpgradeEngine', to: 2 }),
    () => ben.requests({ type: 'UpgradeEngine', to: 2 }),
    () => ana.requests({ ...addsReserved, name: 'x-Late' }),
    () => ben.requests({ ...addsReserved, name: 'Late' }),
  ]
  for (const move of moves) {
    const before = ana.state
    move()
    for (let heard = 0; heard < 4; heard++) {
      for (const player of players) for (const other of players) player.hears(...allOf(other))
      t.same(said(through(ana.state, ana.state)), said(ana.state))
      t.same(said(through(before, ana.state)), said(ana.state), 'and goes on across it')
      const speaker = players.find(owes)
      if (speaker === undefined) break
      speaker.says()
    }
  }
  t.match(ana.state.settling.agreed, { engine: 2, addedByEngine2: 1 })
})

t.test('who lacks an engine takes in nothing that leads to it, and says which it lacks', async (t) => {
  const [ana] = upgraded()
  const { state, unjudged, refused } = receive(emptyAgreement(CONTRACT, onlyFirst), allOf(ana))
  t.same(refused, [])
  t.match(unjudged, [{ error: { code: 'engine_unknown', engine: 2, evidence: { engine: 2, engines: [1] } } }])
  t.equal(state.ledger.document.engine, 1)
  const votes = state.ledger.document.engineVotes.map(({ by }) => by)
  t.same(votes, ['ana', 'ben'], 'up to the last vote everything is as with the others')
  t.equal(state.ledger.log.root(), ana.state.ledger.log.rootAt(state.ledger.log.size))
})

t.test('who lacks it signs nothing that would lead there', async (t) => {
  const players = marketWith(both, 'ana', 'ben')
  const [ana, ben] = players
  ana.requests({ type: 'UpgradeEngine', to: 2 })
  talk(players, owes)
  const vote = ben.requests({ type: 'UpgradeEngine', to: 2 })
  // Its operator has put an older version in the place of that with which it voted.
  const old = new Player('ana', ana.keys, undefined, onlyFirst)
  old.hears(...allOf(ana), vote)
  t.throws(() => old.says(), { code: 'engine_unknown', engine: 2 })
})

t.test('nor does it take in a contract that is opened in another engine than those it has', async (t) => {
  const ana = new Player('ana', undefined, undefined, both)
  const opening = ana.requests({ ...ana.opening(), engine: 2 })
  t.match(ana.state.settling.agreed, { engine: 2, isOpen: true })
  const { taken, unjudged } = receive(emptyAgreement(CONTRACT, onlyFirst), [opening])
  t.same(taken, [])
  t.match(unjudged, [{ error: { code: 'engine_unknown', engine: 2 } }])
})
