import t from 'tap'
import type { Payloads } from '../../../src/events/statement.ts'
import { encodeMessage } from '../../../src/gossip/message.ts'
import { attached, bytesWith } from '../../support/attachments.ts'
import { Stage } from './stage.ts'

t.test(
  'a file that nobody brings, beside a member that takes nothing of what it lacks: no call follows another at once',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {}, cleo: {} })
    const { network } = stage.run
    const [ana, ben, cleo] = [stage.machine('ana'), stage.machine('ben'), stage.machine('cleo')]
    stage.faults.crash(cleo)
    // As somebody who is on another branch of a feed: whatever it is sent, it says that it holds nothing.
    network.attach(cleo.address, async () => encodeMessage(new Map(), [], []))
    const { seal, payload } = attached(bytesWith(3))
    const payloads = { [seal]: payload } as Payloads
    await stage.workload.submit(ana, { type: 'ProposeValue', field: '0.0', seal, basis: [] }, { payloads })
    const looked = async () => (await stage.live(ben)).contents.fetching.lacksPiecesOf(ana.handle)
    await stage.until('ben looks for it', looked)
    const before = network.calls
    await stage.run.pass(8_000)
    const { contents, state } = await stage.live(ben)
    t.ok(contents.lacksAny(state), 'it lacks it all the while')
    t.ok(network.calls - before < 150, `${network.calls - before} calls in 8 s`)
  },
)
