import t, { type Test } from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import type { Proposal } from '../../../src/aggregates/contract/values/standing.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { ElementId, Uid } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import type { Peer } from '../../../src/gossip/replica-port.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { refOf } from '../../../src/store/payload-group.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { until } from '../../support/node-party.ts'
import { together } from '../../support/two-parties.ts'

type Party = readonly [PartyProcess, EdgelessParty]

/** What becomes on the way of a line with a statement and its values. */
type Way = (line: string) => string

const asItIs: Way = (line) => line
const withoutValues: Way = (line) => line.replace(/^\{"payloads":\{.*?\},"signature"/, '{"payloads":{},"signature"')
const withOtherValues: Way = (line) => line.replaceAll('"value":"true"', '"value":"false"')
const withoutAnything: Way = (line) => withoutValues(line).replace(/^\{"contract":.*$/, '')

/** The way between two parties; what becomes of lines on it each way is for the test to say. */
class Link {
  there = asItIs
  back = asItIs

  constructor([one, its]: Party, [other, theirs]: Party) {
    const peerOf = (process: PartyProcess, of: EdgelessParty, caller: EdgelessParty, isThere: boolean): Peer => ({
      handle: of.card.handle,
      signingKey: of.card.keys.signing,
      exchange: async (body) => {
        const { handle, keys } = caller.card
        const from = { handle, signingKey: keys.signing, exchange: () => Promise.reject() }
        const ways = isThere ? [this.there, this.back] : [this.back, this.there]
        const [to, from_] = ways as [Way, Way]
        return carried(await process.gossip.answer(from, carried(body, to)), from_)
      },
    })
    one.gossip.setPeer(peerOf(other, theirs, its, true))
    other.gossip.setPeer(peerOf(one, its, theirs, false))
  }
}

function carried(text: string, way: Way): string {
  return text
    .split('\n')
    .map(way)
    .filter((line) => line !== '')
    .join('\n')
}

async function party(t: Test, handle: string, payloadWaitMs: number): Promise<Party> {
  const its = new EdgelessParty(t, handle)
  return [await its.start('node', { payloadWaitMs }), its]
}

function asks(process: PartyProcess, uid: Uid, id: string, command: object, payloads = {}, more = {}) {
  return process.contracts.use(uid, (live) => {
    const request = { id, commands: [command as { type: string }], ...('timeoutMs' in more ? { tentative: true } : {}) }
    return live.submit({ request: request as never, payloads, ...more })
  })
}

function proposes(process: PartyProcess, uid: Uid, value: string, more = {}) {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  return asks(process, uid, value, command, { [sealed]: payload }, more)
}

const liveAt = (process: PartyProcess, uid: Uid): Promise<LiveContract> => process.contracts.use(uid, (live) => live)

/** Ana's and ben's contract, with a field. Cleo is known to both. */
async function given(t: Test, payloadWaitMs = 20_000) {
  const [ana, ben, cleo] = (await Promise.all(
    ['ana', 'ben', 'cleo'].map((handle) => party(t, handle, payloadWaitMs)),
  )) as [Party, Party, Party]
  const links = { ben: new Link(ana, ben), cleo: new Link(ana, cleo), others: new Link(ben, cleo) }
  const uid = await together(ana[0], ben[0])
  const field = { type: 'AddField', parent: '0', name: 'F', field: { type: 'text' } }
  await (await asks(ana[0], uid, 'field', field)).verdict
  return { ana, ben, cleo, links, uid }
}

async function invited({ ana, cleo, uid }: Awaited<ReturnType<typeof given>>) {
  await (await asks(ana[0], uid, 'cleo', { type: 'InviteParty', party: cleo[1].card })).verdict
  await until('the contract', async () => cleo[0].contracts.has(uid))
  const agreed = async () => (await liveAt(cleo[0], uid)).state.settling.agreed
  await until('the invitation', async () => (await agreed()).parties.invitations.length === 1)
}

async function admitted(all: Awaited<ReturnType<typeof given>>) {
  const { ana, ben, cleo, uid } = all
  await invited(all)
  await cleo[0].contracts.accept(uid)
  cleo[0].gossip.carry(uid)
  for (const [process] of [ana, ben, cleo]) {
    await until('three members', async () => {
      const { state } = await liveAt(process, uid)
      return state.settling.agreed.parties.members.length === 3
    })
  }
  return all
}

t.test('what an author keeps from a member, the others give it', async (t) => {
  const { ana, cleo, links, uid } = await admitted(await given(t))
  links.cleo.there = withoutAnything
  const { verdict } = await proposes(ana[0], uid, 'true')
  t.match(await verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  const { document } = (await liveAt(cleo[0], uid)).state.ledger
  const { agreed: proposal } = find(document, '0.0' as ElementId) as Field
  const kept = await cleo[1].store.payloads.get(uid, [refOf(proposal as Proposal)])
  t.match([...kept.values()], [/"true"/])
})

t.test(
  'an author dies with the only copy, and comes back without it: the request is refused, and all goes on',
  async (t) => {
    const { ana, ben, links, uid } = await given(t, 500)
    links.ben.there = withoutAnything
    await proposes(ana[0], uid, 'true')
    await until('ben to hold it', async () => (await liveAt(ben[0], uid)).wants.length === 1)
    await ana[0].close()
    const store = openMemoryStore()
    t.teardown(() => store.close())
    const again = await ana[1].start('node', { store, guard: memoryGuard(), payloadWaitMs: 500 })
    new Link([again, ana[1]], ben)
    const live = () => liveAt(again, uid)
    await until(
      'ana to have her feed back',
      async () => again.contracts.has(uid) && (await live()).obstacle === undefined,
    )
    t.match(await (await proposes(again, uid, 'once more')).verdict, { outcome: { kind: 'accepted' } })
    const { feeds, ledger } = (await live()).state
    t.equal(ledger.lacking, undefined)
    const refusals = [...(feeds.get(ben[1].card.handle) ?? [])].flatMap(({ statement }) => statement.refusals)
    t.match(refusals, [{ code: 'payload_missing' }])
  },
)

t.test('what nobody gives is refused in its time, and the contract goes on', async (t) => {
  const { ana, ben, links, uid } = await given(t, 300)
  links.ben.there = withoutAnything
  const { verdict } = await proposes(ana[0], uid, 'true')
  t.match(await verdict, { outcome: { kind: 'refused', by: [{ handle: 'ben', code: 'payload_missing' }] } })
  links.ben.there = asItIs
  t.match(await (await proposes(ben[0], uid, 'another')).verdict, { outcome: { kind: 'accepted' } })
  t.match(await (await proposes(ana[0], uid, 'again')).verdict, { outcome: { kind: 'accepted' } })
})

t.test('a false value is dropped, who sent it is named, and the true one is asked for', async (t) => {
  const { ana, cleo, links, uid } = await admitted(await given(t))
  links.cleo.there = withOtherValues
  const { verdict } = await proposes(ana[0], uid, 'true')
  t.match(await verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  const named = cleo[1].told as { code?: string; evidence?: object }[]
  t.ok(
    named.some(({ code }) => code === 'payload_mismatch'),
    canonicalJson(named.map(({ code }) => code ?? null)),
  )
})

t.test('the author is told that a value is missing where its request waits', async (t) => {
  const { ana, ben, links, uid } = await given(t)
  links.ben.there = withoutAnything
  const held = { kind: 'timed out', waitingFor: ['ben'], why: { ben: 'payload' } }
  const { verdict } = await proposes(ana[0], uid, 'true', { timeoutMs: 2_000 })
  const holdUp = async () => (await liveAt(ben[0], uid)).holdUpOf(ben[1].card.handle)
  await until('ben to lack it', async () => (await holdUp()) === 'payload')
  t.match(await (await proposes(ben[0], uid, 'mine', { timeoutMs: 200 })).verdict, held, 'so is who lacks it')
  t.match(await verdict, held)
  await until(
    'what is withdrawn to hold nothing up',
    async () => (await liveAt(ana[0], uid)).holdUpOf(ben[1].card.handle) === undefined,
  )
})

t.test('who is invited cannot join as long as values are missing', async (t) => {
  const all = await given(t)
  const { ana, cleo, links, uid } = all
  links.cleo.there = withoutAnything
  links.others.there = withoutAnything
  const { verdict } = await proposes(ana[0], uid, 'true')
  await verdict
  await (await asks(ana[0], uid, 'cleo', { type: 'InviteParty', party: cleo[1].card })).verdict
  await until('the contract', async () => cleo[0].contracts.has(uid))
  await until('what it lacks', async () => (await liveAt(cleo[0], uid)).wants.length === 1)
  // The invitation itself stands behind what is missing.
  await t.rejects(cleo[0].contracts.accept(uid), { code: 'not_invited' })
  links.cleo.there = asItIs
  const agreed = async () => (await liveAt(cleo[0], uid)).state.settling.agreed
  await until('the invitation', async () => (await agreed()).parties.invitations.length === 1)
  links.cleo.there = withoutAnything
  await (await proposes(ana[0], uid, 'more')).verdict
  await until('what it lacks', async () => (await liveAt(cleo[0], uid)).wants.length === 1)
  await t.rejects(cleo[0].contracts.accept(uid), { code: 'payload_missing' })
  links.others.there = asItIs
  await until('it to be given', async () => (await liveAt(cleo[0], uid)).wants.length === 0)
  await cleo[0].contracts.accept(uid)
})
