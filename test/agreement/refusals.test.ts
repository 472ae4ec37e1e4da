import t from 'tap'
import { isDead } from '../../src/agreement/foreseen.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { market, owes, talk } from '../support/market.ts'

const REQUESTS = 300
/** Whoever looks for one request among the refusals of all reads so many more. */
const READS_EACH_MAX = 20

/** A statement whose refusals are counted as they are read. */
function counted(said: SignedStatement): { said: SignedStatement; reads: () => number } {
  let reads = 0
  const refusals = said.statement.refusals.map(({ request, ...why }) => ({
    ...why,
    get request() {
      reads++
      return request
    },
  }))
  return { said: { ...said, statement: { ...said.statement, refusals } }, reads: () => reads }
}

t.test('that many requests of a statement are refused takes time linear in them', async (t) => {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const requests = Array.from({ length: REQUESTS }, (_, n) =>
    ana.request([{ type: 'AddBlock', parent: '0', name: `block ${n}` }]),
  )
  const asked = ana.says({ requests })
  ben.hears(asked)
  const of = asked.statement
  const refs = requests.map((_, index) => ({ handle: of.party, index, seq: of.seq }))
  const { said, reads } = counted(ben.says({ refusals: refs.map((request) => ({ code: 'person', request })) }))
  cleo.hears(asked, said)
  for (const [index, ref] of refs.entries()) t.ok(isDead(ref, of.requests[index] as (typeof requests)[0], cleo.state))
  ana.hears(said, cleo.says())
  talk([ana, cleo], owes)
  const refused = ana.state.ledger.log.size
  t.ok(refused > REQUESTS)
  t.ok(reads() <= READS_EACH_MAX * REQUESTS, `${reads()} reads`)
})
