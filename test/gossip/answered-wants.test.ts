import t from 'tap'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { ANSWERED_WANTS_MAX, AnsweredWants } from '../../src/gossip/answered-wants.ts'
import type { Wanted } from '../../src/gossip/message.ts'
import { VirtualClock } from '../simulation/virtual-clock.ts'
import { CONTRACT } from '../support/market.ts'

const [BEN, CLEO, DAN] = ['ben', 'cleo', 'dan'] as [Handle, Handle, Handle]

function given(sizeMax?: number) {
  const clock = new VirtualClock()
  const answeredWants = new AnsweredWants(clock, sizeMax)
  /** How many of so many statements, from one on, the peer is answered. */
  const answers = (peer: Handle, count: number, from = 0, value = 0): number => {
    const due = answeredWants.due(peer, CONTRACT, wanted(count, from, value))
    answeredWants.answered(peer, CONTRACT, due)
    return due.length
  }
  const passes = (ms: number) => clock.runUntil(clock.now() + ms)
  return { answeredWants, answers, passes }
}

const wanted = (count: number, from: number, value: number): Wanted[] =>
  Array.from({ length: count }, (_, nth) => ({
    party: BEN,
    seq: from + nth,
    seals: [String(value).padStart(64, '0') as Hash],
  }))

t.test(
  'the pause before the same is looked up again doubles, and begins anew when nobody has asked for long',
  async (t) => {
    const { answers, passes } = given()
    t.equal(answers(BEN, 1), 1)
    for (const pauseMs of [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
      await passes(pauseMs - 1)
      t.equal(answers(BEN, 1), 0)
      await passes(1)
      t.equal(answers(BEN, 1), 1, `after ${pauseMs} ms`)
    }
    await passes(60_000)
    t.equal(answers(BEN, 1), 1)
    await passes(250)
    t.equal(answers(BEN, 1), 1)
  },
)

t.test('what others ask for, other contracts, statements and values are no repetition', async (t) => {
  const { answeredWants, answers } = given()
  t.equal(answers(BEN, 1), 1)
  t.equal(answers(CLEO, 1), 1)
  t.equal(answers(BEN, 1, 1), 1)
  t.equal(answers(BEN, 1, 0, 1), 1)
  t.equal(answeredWants.due(BEN, 'another' as Uid, wanted(1, 0, 0)).length, 1)
  t.equal(answers(BEN, 2), 0)
})

t.test('who asks for more and more is remembered no longer for it, and waits', async (t) => {
  const { answeredWants, answers, passes } = given()
  let looked = 0
  for (let from = 0; from < 3 * ANSWERED_WANTS_MAX; from += 256) looked += answers(BEN, 256, from)
  t.equal(looked, ANSWERED_WANTS_MAX)
  t.equal(answeredWants.size, ANSWERED_WANTS_MAX)
  await passes(60_000)
  t.equal(answers(BEN, 256, 1_000_000), 256, 'until what it asked for is forgotten')
  t.equal(answeredWants.size, 256)
})

t.test('nobody takes the room of others: who has more than its share makes room, and gets nothing new', async (t) => {
  const { answeredWants, answers } = given(12)
  t.equal(answers(BEN, 20), 12)
  t.equal(answers(CLEO, 20), 6)
  t.equal(answeredWants.size, 12)
  t.equal(answers(DAN, 20), 4)
  t.equal(answeredWants.size, 12)
  t.equal(answers(BEN, 20, 100) + answers(BEN, 20), 0)
  answeredWants.drop(BEN)
  answeredWants.drop(CLEO)
  t.equal(answeredWants.size, 4)
  t.equal(answers(DAN, 20, 100), 8)
})
