import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiClient, apiClient } from '../../src/cli/api-client.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { readApiToken } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { introduce, untilApproved } from '../support/processes-together.ts'
import { until } from '../support/unchecked-party.ts'
import { Child } from './child.ts'
import { FIELDS } from './measure.ts'
import { Side } from './side.ts'

/** The least programs, each of which has met the first; the first has met all. */
export async function startFloor(base: string, size: number): Promise<Side> {
  const children = Array.from({ length: size }, () => new Child('./floor-party.ts'))
  const cards = await Promise.all(
    children.map(async (child, place) => {
      const dir = join(base, String(place))
      await mkdir(dir, { recursive: true })
      return child.ask({ kind: 'start', dir })
    }),
  )
  const [first, ...others] = children as [Child, ...Child[]]
  await first.ask({ kind: 'meet', others: cards.slice(1) })
  for (const other of others) await other.ask({ kind: 'meet', others: cards.slice(0, 1) })
  return new Side(children)
}

interface Started {
  readonly handle: string
  readonly dir: string
  readonly endpoint: string
  readonly child: Child
  readonly client: ApiClient
}

/** Parties of ours, all members of one contract with its fields. */
export async function startOurs(base: string, size: number): Promise<Side> {
  const started = await Promise.all(
    Array.from({ length: size }, async (_, place): Promise<Started> => {
      const handle = `party-${place}`
      const dir = join(base, handle)
      const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
      await createIdentity(dir, { handle: handle as Handle, name: handle, endpoint, api }, systemClock)
      const child = new Child('./concordata-party.ts')
      await child.ask({ kind: 'start', dir })
      return { handle, dir, endpoint, child, client: apiClient(api, await readApiToken(dir)) }
    }),
  )
  // A store has one writer at a time: each party meets the others one after another, all parties at once.
  const eachOf = (act: (one: Started) => Promise<unknown>) => Promise.all(started.map(act))
  const othersThan = (one: Started) => started.filter((other) => other !== one)
  await eachOf(async (one) => {
    for (const other of othersThan(one)) await introduce(one, other)
  })
  await eachOf(async (one) => {
    for (const { handle } of othersThan(one)) await untilApproved(one, handle)
  })
  const [first, ...others] = started as [Started, ...Started[]]
  const { contract } = (await first.client.call('POST', '/api/Contract', { title: 'bench' })) as { contract: Uid }
  for (const { handle } of others) {
    await first.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: handle })
  }
  await Promise.all(
    others.map(async ({ handle, client }) => {
      await until(`${handle} to be invited`, async () => {
        const all = (await client.call('GET', '/api/Contract')) as { contract: string; standing: string }[]
        return all.some((held) => held.contract === contract && held.standing === 'invited')
      })
      await client.call('POST', `/api/Contract/${contract}/Acceptance`, undefined, { prefer: 'wait=60' })
    }),
  )
  const fields = Array.from({ length: FIELDS }, (_, n) => [`field ${n}`, { $field: { type: 'text' } }])
  await first.client.call('POST', `/new-api/${contract}`, Object.fromEntries(fields), { prefer: 'wait=60' })
  return new Side(
    started.map(({ child }) => child),
    { contract },
  )
}
