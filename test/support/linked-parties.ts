import type { Test } from 'tap'
import type { PartyProcess } from '../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../src/contracts/replica/live-contract.ts'
import type { Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Peer } from '../../src/gossip/replica-port.ts'
import { EdgelessParty } from './edgeless-party.ts'
import { until } from './node-party.ts'
import { together } from './two-parties.ts'

export type Party = readonly [PartyProcess, EdgelessParty]

/** What becomes on the way of a line with a statement and its values. */
type Way = (line: string) => string

export const asItIs: Way = (line) => line
export const withoutValues: Way = (line) =>
  line.replace(/^\{"payloads":\{.*?\},"signature"/, '{"payloads":{},"signature"')
export const withOtherValues: Way = (line) => line.replaceAll('"value":"true"', '"value":"false"')
export const withoutAnything: Way = (line) => withoutValues(line).replace(/^\{"contract":.*$/, '')

/** The way between two parties; what becomes of lines on it each way is for the test to say. */
export class Link {
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

export async function party(t: Test, handle: string, payloadWaitMs: number): Promise<Party> {
  const its = new EdgelessParty(t, handle)
  return [await its.start('node', { payloadWaitMs }), its]
}

export function asks(process: PartyProcess, uid: Uid, id: string, command: object, payloads = {}, more = {}) {
  return process.contracts.use(uid, (live) => {
    const request = { id, commands: [command as { type: string }], ...('timeoutMs' in more ? { tentative: true } : {}) }
    return live.submit({ request: request as never, payloads, ...more })
  })
}

export function proposes(process: PartyProcess, uid: Uid, value: string, more = {}) {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  return asks(process, uid, value, command, { [sealed]: payload }, more)
}

export const liveAt = (process: PartyProcess, uid: Uid): Promise<LiveContract> =>
  process.contracts.use(uid, (live) => live)

/** Ana's and ben's contract, with a field. Cleo is known to both. */
export async function given(t: Test, payloadWaitMs = 20_000) {
  const [ana, ben, cleo] = (await Promise.all(
    ['ana', 'ben', 'cleo'].map((handle) => party(t, handle, payloadWaitMs)),
  )) as [Party, Party, Party]
  const links = { ben: new Link(ana, ben), cleo: new Link(ana, cleo), others: new Link(ben, cleo) }
  const uid = await together(ana[0], ben[0])
  const field = { type: 'AddField', parent: '0', name: 'F', field: { type: 'text' } }
  await (await asks(ana[0], uid, 'field', field)).verdict
  return { ana, ben, cleo, links, uid }
}

export async function invited({ ana, cleo, uid }: Awaited<ReturnType<typeof given>>) {
  await (await asks(ana[0], uid, 'cleo', { type: 'InviteParty', party: cleo[1].card })).verdict
  await until('the contract', async () => cleo[0].contracts.has(uid))
  const agreed = async () => (await liveAt(cleo[0], uid)).state.settling.agreed
  await until('the invitation', async () => (await agreed()).parties.invitations.length === 1)
}

export async function admitted(all: Awaited<ReturnType<typeof given>>) {
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
