import t from 'tap'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { isUpToDate, visibleTo } from '../../src/gossip/exchange.ts'
import { market, owes, talk } from '../support/market.ts'

t.test(
  'who has resigned sees what leads up to everybody’s true signature under that, whoever lied before',
  async (t) => {
    const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
    const before = ben.state
    const said = ben.says()
    const lie = ben.forges(said, (statement) => {
      statement.head = { ...said.statement.head, size: 99, root: 'f'.repeat(64) }
    })
    ben.state = before
    ben.hears(decodeSigned(lie))
    const resignation = cleo.requests({ type: 'Resign', reason: 'terminated' })
    ben.hears(resignation)
    const covers = ben.says()
    ana.hears(decodeSigned(lie), resignation, covers)
    const signs = ana.says()
    cleo.hears(decodeSigned(lie), covers, signs)
    cleo.says()
    ben.hears(signs)
    const signsLast = ben.says()
    talk([ana, ben, cleo], owes)
    const resigned = ana.settled
    t.equal(resigned, ana.acknowledged)
    const visible = visibleTo(ana.state, cleo.handle)
    t.equal(visible?.get(ben.handle), signsLast.statement.seq, 'not just up to the lie')
    t.equal(cleo.settled, resigned)
    ana.proposes('0.0', 'among ourselves')
    talk([ana, ben], owes)
    t.equal(ana.settled, resigned + 1)
    const past = cleo.state.feeds.map((feed) => feed.size - 1)
    t.ok(isUpToDate(ana.state, cleo.handle, past), 'and nothing of what comes later')
  },
)
