import t from 'tap'
import { type ContractState, closedInvitationOf } from '../../../src/aggregates/contract/state.ts'
import type { Policy } from '../../../src/contracts/approvals/policy.ts'
import type { LedgerEntry } from '../../../src/events/ledger-entry.ts'
import { Stage } from './stage.ts'

const TWO_THAT_SIGN = ['receive', 'transmit', 'serve', 'transmit'] as const

t.test('two processes found a contract for one intent once', async (t) => {
  const stage = await Stage.with({ ana: { roles: TWO_THAT_SIGN }, ben: {} })
  const ana = stage.machine('ana')
  for (const place of [1, 3]) t.ok(ana.contractsAt(place)?.has(stage.run.contract), `process ${place} has taken it up`)
  t.equal(ana.contracts?.size, 1)
  const openings = (await stage.feedOf('ana')).filter(({ requests }) =>
    requests.some(({ commands }) => commands.some(({ type }) => type === 'OpenContract')),
  )
  t.equal(openings.length, 1)
  await stage.ends()
  t.notOk(stage.run.counts.accused)
})

t.test('what a lock has made void is asked for again by one of two processes that sign', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: { roles: TWO_THAT_SIGN } })
  const [ana, ben] = stage.machines('ana', 'ben')
  await stage.workload.submit(ana, { type: 'LockRecord', purpose: 'review' })
  await stage.until('ana holds the lock', async () => (await stage.live(ben)).state.settling.agreed.lock !== null)
  const id = `ben ${stage.run.requests + 1}`
  await stage.workload.submit(ben, { type: 'RenameElement', element: '0.0', name: 'another' }, { retry: true })
  const requests = async () =>
    (await stage.feedOf('ben')).flatMap(({ seq, requests }) =>
      requests.flatMap((request, index) => (request.id === id ? [{ seq, index }] : [])),
    )
  const outcomes = async () => {
    const asked = await requests()
    const entries = (await ana.disk.ledgerOf(stage.run.contract)).map((text) => JSON.parse(text) as LedgerEntry)
    return entries
      .filter(({ request }) =>
        asked.some(({ seq, index }) => request.handle === 'ben' && request.seq === seq && request.index === index),
      )
      .map(({ outcome }) => outcome.kind)
  }
  await stage.until('the lock makes it void', async () => (await outcomes()).includes('void'))
  t.same(await outcomes(), ['void'], 'it waits for the lock')
  await stage.workload.submit(ana, { type: 'ReleaseLock' })
  await stage.until('it is agreed', async () => (await outcomes()).includes('accepted'))
  await stage.ends()
  t.same(await outcomes(), ['void', 'accepted'])
})

t.test('what others have stored while a contract was at rest is told to users', async (t) => {
  const stage = await Stage.with({ ana: {}, ben: { roles: ['serve', 'transmit', 'receive'] } }, { passive: true })
  const [ana, ben] = stage.machines('ana', 'ben')
  const { contract } = stage.run
  const isAtRest = () =>
    ben.contracts?.find(contract) === undefined && ben.contracts?.cache.passive(contract) !== undefined
  await stage.until('it is at rest at ben', isAtRest)
  const before = (await ben.disk.ledgerOf(contract)).length
  await stage.workload.write(ana, '0.0')
  let wasAtRest = false
  await stage.until('another process of ben has stored more', async () => {
    wasAtRest ||= isAtRest()
    return (await ben.disk.ledgerOf(contract)).length > before
  })
  t.ok(wasAtRest)
  await stage.ends()
  const told = stage.told.flatMap((line) => / ben settled (.*)/.exec(line)?.[1]?.split(' ').map(Number) ?? [])
  const { length } = await ben.disk.ledgerOf(contract)
  for (let index = before; index < length; index++) t.ok(told.includes(index), `entry ${index} is told`)
})

t.test('an answer that falls due while a turn is under way is given by itself', async (t) => {
  const policy: Policy = [
    { commands: ['GrantElement'], answer: 'ask', forSeconds: 1, otherwise: 'acknowledge', reason: 'nobody was there' },
  ]
  const stage = await Stage.with({ ana: {}, ben: { policy } })
  const [ana, ben] = stage.machines('ana', 'ben')
  const entries = async () => (await stage.live(ana)).state.ledger.log.size
  const before = await entries()
  await stage.workload.submit(ana, { type: 'GrantElement', element: '0.0', to: null })
  await stage.until('ben asks somebody', async () => (await stage.live(ben)).questions.length === 1)
  const due = stage.run.clock.now() + 1_000
  await stage.run.pass(due - stage.run.clock.now() - 2)
  stage.run.network.cut('ana', 'ben')
  await stage.workload.write(ben, '0.1')
  let wasWriting = false
  for (let ms = 0; ms < 6; ms++) {
    await stage.run.pass(0.5)
    wasWriting ||= ben.disk.isWriting && (await stage.live(ben)).questions.length === 1
  }
  t.ok(wasWriting, 'a turn is under way when it falls due')
  await stage.run.pass(300)
  t.same((await stage.live(ben)).questions, [], 'nobody is asked any more')
  await stage.ends()
  t.ok((await entries()) > before)
})

t.test('whoever was turned away asks nobody what it has signed, however often its contract is looked at', async (t) => {
  const roles = [['node'], ['serve', 'transmit', 'receive']] as const
  for (const each of roles) {
    const stage = await Stage.with({ ana: {}, ben: {} }, { passive: true }, ['cleo'])
    const { contract, network } = stage.run
    const [ana, cleo] = stage.machines('ana', 'cleo')
    stage.faults.crash(cleo)
    cleo.runsAs(each)
    await stage.faults.restart(cleo)
    const looked = async () => (await stage.comesOf(cleo.author(contract)))?.state.settling.agreed
    await stage.does(ana, { type: 'InviteParty', party: cleo.card })
    await stage.until('cleo is invited', () => cleo.contracts?.has(contract) ?? false)
    await stage.does(ana, { type: 'WithdrawInvitation', party: cleo.handle })
    const isClosed = (agreed: ContractState | undefined) =>
      agreed !== undefined && closedInvitationOf(agreed, cleo.handle) !== undefined
    await stage.until('cleo knows that it is turned away', async () => isClosed(await looked()))
    await stage.agrees(ana)
    await stage.run.pass(5_000)
    const live = await stage.comesOf(cleo.author(contract))
    t.same([live?.obstacle, live?.awaited], [undefined, []], 'nothing stands in the way of what it does not say')
    let calls = 0
    network.admits = (caller) => {
      if (caller === cleo.address) calls++
      return true
    }
    const { passivated } = cleo
    for (let second = 0; second < 20; second++) {
      await looked()
      await stage.run.pass(1_000)
    }
    t.ok(cleo.passivated - passivated >= 20, 'it is taken up each time')
    t.ok(calls < 20, `${calls} calls in 20 s`)
  }
})
