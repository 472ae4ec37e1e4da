import t from 'tap'
import { groupedByStatement, receivePayloads, receivingPayloads } from '../../src/agreement/receive.ts'
import { seal } from '../../src/events/seal.ts'
import { market } from '../support/market.ts'

t.test('the values of one statement are taken in in several steps, with the same result', async (t) => {
  const [ana, ben] = market('ana', 'ben')
  const sealed = Array.from({ length: 50 }, (_, n) => seal(`value ${n}`, new Uint8Array(16).fill(n)))
  const commands = sealed.map(({ seal }) => ({ type: 'ProposeValue', field: '0.0', seal, basis: [] }))
  const payloads = Object.fromEntries(sealed.map(({ seal, payload }) => [seal, payload]))
  const said = ana.says({ requests: commands.map((command) => ana.request([command])), payloads })
  const reception = ben.hears({ ...said, payloads: {} })
  const { party, seq } = said.statement
  const arrived = [{ party, seq, payloads }]
  const steps = receivingPayloads(reception, groupedByStatement(arrived), ben.handle)
  let count = 0
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) count++
  t.ok(count >= 4, `${count} times others have their turn`)
  t.strictSame(step.value.completions, receivePayloads(reception, arrived, ben.handle).completions)
  t.equal(Object.keys(step.value.completions[0]?.payloads ?? {}).length, sealed.length)
})
