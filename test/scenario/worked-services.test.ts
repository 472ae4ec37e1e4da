import t from 'tap'
import { carHireAgreement, sharedRecords } from '../../src/scenario/worked-contracts.ts'
import { marketOf } from '../support/market-nodes.ts'
import { figuresAgree, played } from '../support/worked-contracts.ts'

t.test('cars are hired by rates that all have agreed to', { timeout: 240_000 }, async (t) => {
  const scenario = carHireAgreement()
  const market = await marketOf(
    t,
    scenario.parties.map(({ handle }) => handle),
  )
  figuresAgree(t, 'car-hire-agreement', scenario, await played(scenario, market))
})

t.test('a patient shares her records until she withdraws her consent', { timeout: 240_000 }, async (t) => {
  const scenario = sharedRecords()
  const market = await marketOf(
    t,
    scenario.parties.map(({ handle }) => handle),
  )
  figuresAgree(t, 'shared-records', scenario, await played(scenario, market))
})
