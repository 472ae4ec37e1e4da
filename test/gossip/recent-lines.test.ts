import t from 'tap'
import { encodeToPassOn } from '../../src/events/statement-codec.ts'
import { KEPT_CHARACTERS_MAX, RecentLines } from '../../src/gossip/recent-lines.ts'
import { market } from '../support/market.ts'

t.test('lines are kept for the next peer up to a bound, each as its statement is', async (t) => {
  const [ana] = market('ana')
  const lines = new RecentLines()
  const said = ana.proposes('0.0', 'new')
  t.equal(lines.of(said), encodeToPassOn(said))
  const many = Array.from({ length: 40 }, () => ana.proposes('0.0', 'x'.repeat(300_000)))
  for (const one of many) {
    t.equal(lines.of(one), encodeToPassOn(one))
    t.ok(lines.characters <= KEPT_CHARACTERS_MAX)
  }
  t.ok(lines.characters > KEPT_CHARACTERS_MAX / 2)
  const completed = { ...said, payloads: {} }
  t.equal(lines.of(completed), encodeToPassOn(completed), 'without its value it is another line')
})
