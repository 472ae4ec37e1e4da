import t from 'tap'
import { contractReferenceText } from '../../src/events/values/contract-reference.ts'
import { bindingAuthority, reinsuranceSlip } from '../../src/scenario/worked-contracts.ts'
import { marketOf } from '../support/market-nodes.ts'
import { figuresAgree, played } from '../support/worked-contracts.ts'

t.test(
  'a slip is placed by its rules and endorsed, and a coverholder binds what it reinsures',
  { timeout: 240_000 },
  async (t) => {
    const [slip, agreement] = [reinsuranceSlip(), bindingAuthority()]
    const market = await marketOf(
      t,
      agreement.parties.map(({ handle }) => handle),
    )
    const placed = await played(slip, market)
    const bound = await played(agreement, market, { 'reinsurance-slip': placed.contract })
    figuresAgree(t, 'reinsurance-slip', slip, placed)
    figuresAgree(t, 'binding-authority', agreement, bound)

    t.test('a refusal says by which rule, and with which values, those of an entry that is not there', async (t) => {
      const from = placed.told.findIndex((line) => line.includes('tries to write more'))
      t.match(placed.told.slice(from + 1, from + 4), [
        /refused by rule \d+, "line at most 75", at Security Details \/ Lines \/ 0: /,
        /where Security Details \/ Lines \/ 2 \/ Insurers Written Line is 80$/,
        /writes its line/,
      ])
    })

    t.test('and those that rules have computed on the way', async (t) => {
      const from = bound.told.findIndex((line) => line.includes('tries to bind beyond the premium income limit'))
      t.match(bound.told[from + 2], /where Premium Income \/ Percentage of Limit is 100\.0003$/)
    })

    t.test('the agreement names the slip, and the place in it', async (t) => {
      for (const { client } of bound.parties) {
        const path = `/new-api/${bound.contract}/Reinsurance/Slip`
        const reference = { contract: placed.contract, path: 'Security Details' }
        t.same(await client.call('GET', path, undefined, { accept: 'application/json' }), reference)
        t.equal(await client.call('GET', path, undefined, { accept: 'text/plain' }), contractReferenceText(reference))
      }
    })
  },
)
