import { deepStrictEqual, doesNotThrow, throws } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { recordHash } from '../../src/aggregates/contract/record-hash.ts'
import { confirmable } from '../../src/agreement/confirmable.ts'
import { draft, noWishes } from '../../src/agreement/draft.ts'
import { feedOf } from '../../src/agreement/feeds.ts'
import { isWhole, pruned } from '../../src/agreement/history/pruning.ts'
import {
  type AgreementSnapshot,
  SnapshotUnfit,
  type StoredStatements,
  statementsNeeded,
} from '../../src/agreement/history/snapshot.ts'
import { receive } from '../../src/agreement/receive.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import type { Handle } from '../../src/events/ids.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { HistoryPruned } from '../../src/runtime/history-pruned.ts'
import { market, overTheWire, owes, type Player, talk } from '../support/market.ts'
import { snapshotOf, viewFrom } from '../support/snapshots-at-once.ts'

const TIME = '2026-01-01T00:00:00.000Z'

/** What a store that has all of this view gives for the snapshot. */
function storedFor(snapshot: AgreementSnapshot, { feeds }: AgreementState): Map<Handle, StoredStatements> {
  return new Map(
    statementsNeeded(snapshot).map(({ handle, base, noted }) => {
      const feed = feedOf(feeds, handle)
      const kept = [...feed.between(base)].map(overTheWire)
      return [
        handle,
        { kept, noted: noted === undefined ? undefined : overTheWire(feed.get(noted) as SignedStatement) },
      ]
    }),
  )
}

const overJson = (state: AgreementState) => JSON.parse(JSON.stringify(snapshotOf(state))) as AgreementSnapshot

/** The same view, put down and taken up again. */
function throughASnapshot(state: AgreementState, whole: AgreementState): AgreementState {
  const snapshot = overJson(pruned(state))
  const { state: taken, further } = viewFrom(snapshot, storedFor(snapshot, whole), whole.ledger.engines)
  return receive(taken, further).state
}

/** All that a party may say or tell from a view. */
function said(state: AgreementState, handle: Handle) {
  const { settled, agreed, unsettled, signed } = state.settling
  return {
    next: Buffer.from(draft(state, handle, noWishes, TIME).bytesToSign).toString(),
    confirmable: confirmable(state, handle),
    size: state.ledger.log.size,
    root: state.ledger.log.root(),
    record: recordHash(state.ledger.document),
    agreed: recordHash(agreed),
    settled,
    unsettled: unsettled.map(({ text }) => text),
    signed: [...signed].sort(),
    undecided: [...state.undecided].sort(),
    cards: [...state.ledger.cards].sort(),
  }
}

type Step = { readonly who: number; readonly to: number; readonly what: number }
const steps = fc.array(fc.record({ who: fc.nat({ max: 2 }), to: fc.nat({ max: 2 }), what: fc.nat({ max: 11 }) }), {
  minLength: 20,
  maxLength: 120,
})

function take(players: readonly Player[], { who, to, what }: Step, sent: SignedStatement[]): void {
  const player = players[who] as Player
  if (what < 3) sent.push(player.proposes(`0.${what % 2}`, `${what}`, what === 2 ? { exclusive: true } : {}))
  else if (what === 3) {
    const open = [...player.state.undecided].filter(([, handle]) => handle === player.handle)
    if (open.length === 0) {
      sent.push(player.tentatively({ type: 'AddField', parent: '0', name: `n${sent.length}`, field: { type: 'text' } }))
    } else {
      const decided = confirmable(player.state, player.handle).map((request) => ({
        request,
        decision: 'confirmed' as const,
      }))
      sent.push(player.says({ decided }))
    }
  } else if (what === 4) sent.push(player.requests({ type: 'LockRecord', purpose: 'review' }))
  else if (what === 5) sent.push(player.requests({ type: 'RemoveElement', element: `0.${to + 2}` }))
  else if (what < 8) sent.push(player.says())
  else (players[to] as Player).hears(...sent.filter(({ statement }) => what > 9 || statement.party === player.handle))
}

t.test('a view that was put down says what it would have said, to the byte', async () => {
  let forgotten = 0
  let short = 0
  fc.assert(
    fc.property(steps, fc.nat({ max: 2 }), (taken, who) => {
      const players = market('ana', 'ben', 'cleo')
      const player = players[who] as Player
      const sent: SignedStatement[] = []
      for (const step of taken) {
        const whole = player.state
        const put = throughASnapshot(whole, whole)
        if (!isWhole(put)) short++
        deepStrictEqual(said(put, player.handle), said(whole, player.handle))
        take(players, step, sent)
        // What has come since, taken in by the one that was put down.
        try {
          const news = [...player.state.feeds].flatMap(([handle, feed]) => [
            ...feed.between(feedOf(whole.feeds, handle).size),
          ])
          deepStrictEqual(said(receive(put, news).state, player.handle), said(player.state, player.handle))
        } catch (error) {
          if (!(error instanceof HistoryPruned)) throw error
          forgotten++
        }
      }
      talk(players, owes)
    }),
    { numRuns: 40 },
  )
  t.ok(short > 100, 'most of them were without their history')
  t.equal(forgotten, 0, 'and nothing of it was asked for')
})

t.test('of a long contract at rest little is kept', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  for (let n = 0; n < 30; n++) {
    ana.proposes('0.0', `${n}`)
    talk([ana, ben], owes)
  }
  const put = throughASnapshot(ana.state, ana.state)
  t.ok(put.feeds.every((feed) => feed.kept.length <= 9))
  t.notOk(isWhole(put))
  throws(() => [...feedOf(put.feeds, ana.handle)], HistoryPruned)
  throws(() => put.ledger.log.rootAt(3), HistoryPruned)
  t.equal(put.ledger.log.rootAt(put.settling.settled), ana.state.ledger.log.root())
  const twice = throughASnapshot(put, ana.state)
  t.strictSame(overJson(twice), overJson(put), 'put down twice it is the same')
})

t.test('what does not fit what the members have signed is no view', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  for (let n = 0; n < 25; n++) {
    ana.proposes('0.0', `${n}`)
    talk([ana, ben], owes)
  }
  const whole = ana.state
  const snapshot = overJson(pruned(whole))
  const loads = (change: Change | undefined, stored = storedFor(snapshot, whole)) => {
    const changed = structuredClone(snapshot)
    if (change !== undefined) put(changed, ...change)
    return () => viewFrom(changed, stored, whole.ledger.engines)
  }
  doesNotThrow(loads(undefined))
  const changes: Record<string, Change> = {
    'another title': [['agreed', 'title'], 'mine'],
    'a member less': [['agreed', 'parties', 'members', 'length'], 1],
    'another proposal': [['agreed', 'document', 'children', 0, 'agreed', 'by'], 'ben'],
    'an element less': [['agreed', 'document', 'children', 'length'], 1],
    'another leaf': [['ledger', 'log', 'leaves', 2], 'f'.repeat(64)],
    'another root': [['ledger', 'log', 'roots', 0], 'f'.repeat(64)],
    'a longer log': [['settling', 'settled'], whole.settling.settled + 1],
    'another statement': [['feeds', 0, 1, 'kept', 0, 0], 'f'.repeat(64)],
    'no statement': [['feeds', 0, 1, 'kept'], []],
    'no feeds': [['feeds'], 'none'],
  }
  for (const [name, change] of Object.entries(changes)) throws(loads(change), SnapshotUnfit, name)
  t.pass(`${Object.keys(changes).length} changes were found`)
  const lost = storedFor(snapshot, whole)
  lost.set(ben.handle, { kept: [], noted: undefined })
  throws(loads(undefined, lost), SnapshotUnfit, 'the store has lost statements')
  const forged = storedFor(snapshot, whole)
  const bens = forged.get(ben.handle) as StoredStatements
  forged.set(ben.handle, {
    ...bens,
    kept: bens.kept.map((decoded) => ({ ...decoded, signature: `ed25519:${'A'.repeat(86)}` })),
  })
  throws(loads(undefined, forged), SnapshotUnfit, 'a signature was changed in the store')
})

type Change = readonly [path: readonly (string | number)[], value: unknown]

function put(into: unknown, path: Change[0], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]]
  const object = into as Record<string, unknown>
  if (rest.length === 0) object[key] = value
  else put(object[key], rest, value)
}
