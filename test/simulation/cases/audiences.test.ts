import t from 'tap'
import { find, memberOf } from '../../../src/aggregates/contract/state.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { type ElementId, type Handle, type ProposalId, requestOf, type Seq } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { decodeMessage, encodeMessage } from '../../../src/gossip/message.ts'
import { groupOf } from '../../../src/store/payload-group.ts'
import { losingValues } from '../lost-values.ts'
import type { Machine } from '../machine.ts'
import { Stage } from './stage.ts'

/** The founder's block, and the field in it. */
const BLOCK = '0.3'
const SECRET = '0.3.0' as ElementId
const OPTIONS = { audiences: 0.1 }
const wait = { payloadWaitMs: 300 }

const setsAudience = (parties: readonly string[]) => ({ type: 'SetAudience', element: BLOCK, parties })

function confides(audience: readonly string[], value = 'for some') {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  const command = { type: 'ProposeValue', field: SECRET, seal: sealed, basis: [], audience }
  return { command, payloads: { [sealed]: payload }, sealed }
}

async function placeAt(stage: Stage, machine: Machine): Promise<{ id: ProposalId; seal: Hash }> {
  const field = find((await stage.live(machine)).state.settling.agreed, SECRET)
  const { id, seal: sealed } = (field?.kind === 'field' ? field.agreed : null) ?? {}
  if (id === undefined || !sealed) throw new Error('the situation is not reached: a value stands')
  return { id, seal: sealed }
}

async function hasIt(stage: Stage, machine: Machine, { id, seal: sealed }: { id: ProposalId; seal: Hash }) {
  const ref = { group: groupOf(requestOf(id)), seal: sealed }
  return (await machine.disk.payload(stage.run.contract, ref)) !== undefined
}

/** What one machine gives another that asks for a value by its seal. */
async function givenTo(stage: Stage, asking: Machine, asked: Machine, of: { id: ProposalId; seal: Hash }) {
  const { contract, network } = stage.run
  const { handle: party, seq } = requestOf(of.id)
  const wants = new Map([[contract, [{ party, seals: [of.seal], seq }]]])
  const body = encodeMessage(new Map([[contract, {}]]), [], [], { wants, waits: new Map() })
  const answer = decodeMessage(await stage.comesOf(network.call(asking.address, asked.address, body)))
  const given = [...answer.payloads, ...answer.statements].flatMap(({ payloads }) => Object.keys(payloads))
  return { gives: given.includes(of.seal), statements: answer.statements.length }
}

t.test('a member of the audience dies with the only copy: it is refused, and nobody waits for good', async (t) => {
  const stage = await Stage.with({ ana: wait, ben: wait, cleo: wait }, OPTIONS)
  const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
  await stage.does(ana, setsAudience(['ana', 'ben']))
  const { mark } = ben.disk
  stage.run.network.mangle = losingValues(stage.run.sources.of('values'), { loss: 1, forgery: 0 })
  const { command, payloads, sealed } = confides(['ana', 'ben'])
  const { length } = await stage.feedOf('ben')
  await stage.workload.submit(ben, command, { payloads })
  await stage.until('ana has the request, and asks in vain', async () => {
    const { state, wants } = await stage.live(ana)
    return (state.feeds.get('ben' as Handle)?.size ?? 0) > length && wants.some(({ seals }) => seals.includes(sealed))
  })
  stage.cutOff(ben)
  await stage.setBack(ben, mark, true)
  stage.cutOff(ben)
  stage.run.network.mangle = (text) => text
  t.notOk(
    await ben.disk.payload(stage.run.contract, {
      group: groupOf({ handle: ben.handle, seq: length as Seq }),
      seal: sealed,
    }),
    'the only copy is gone',
  )
  await stage.until('cleo, who is not meant, has answered', async () =>
    (await stage.feedOf('cleo')).some(({ seen }) => (seen['ben' as Handle]?.seq ?? 0) >= length),
  )
  await stage.ends()
  for (const machine of [ana, ben, cleo]) {
    const entry = (await stage.entriesAt(machine)).find(
      ({ request: { handle, seq } }) => handle === 'ben' && seq === length,
    )
    t.match(entry?.outcome, { kind: 'refused', by: [{ handle: 'ana', code: 'payload_missing' }] })
  }
  await stage.does(ben, confides(['ana', 'ben'], 'once more').command, confides(['ana', 'ben'], 'once more').payloads)
  await stage.ends()
})

t.test(
  'who is admitted under audiences, and asks for what is not for it, gets nothing; once in the audience it gets it from whoever is up',
  async (t) => {
    const stage = await Stage.with({ ana: {}, ben: {} }, OPTIONS, ['cleo'])
    const [ana, ben, cleo] = stage.machines('ana', 'ben', 'cleo')
    await stage.does(ana, setsAudience(['ana', 'ben']))
    const { command, payloads } = confides(['ana', 'ben'])
    await stage.does(ben, command, payloads)
    const value = await placeAt(stage, ben)
    await stage.letIn()
    t.ok(memberOf((await stage.live(cleo)).state.settling.agreed, cleo.handle), 'given: it is a member')
    t.same(await placeAt(stage, cleo), value, 'which knows that it is there')
    for (const asked of [ana, ben]) {
      const { gives, statements } = await givenTo(stage, cleo, asked, value)
      t.equal(gives, false)
      t.ok(statements > 0, 'given: all else is given')
      t.equal((await givenTo(stage, asked === ana ? ben : ana, asked, value)).gives, true, 'and to its audience')
    }
    t.equal(await hasIt(stage, cleo, value), false)
    await stage.does(ana, setsAudience(['ana', 'ben', 'cleo']))
    stage.faults.crash(ben)
    await stage.until('cleo has it', () => hasIt(stage, cleo, value))
    t.notOk(ben.isUp, 'and not from its author')
    await stage.ends()
  },
)
