import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { apiClient } from '../../src/cli/api-client.ts'
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
  const cards: unknown[] = []
  for (const [place, child] of children.entries()) {
    const dir = join(base, String(place))
    await mkdir(dir, { recursive: true })
    cards.push(await child.ask({ kind: 'start', dir }))
  }
  const [first, ...others] = children as [Child, ...Child[]]
  await first.ask({ kind: 'meet', others: cards.slice(1) })
  for (const other of others) await other.ask({ kind: 'meet', others: cards.slice(0, 1) })
  return new Side(children)
}

/** Parties of ours, all members of one contract with its fields. */
export async function startOurs(base: string, size: number): Promise<Side> {
  const started = await Promise.all(
    Array.from({ length: size }, async (_, place) => {
      const handle = `party-${place}`
      const dir = join(base, handle)
      const [endpoint, api] = [`https://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
      await createIdentity(dir, { handle: handle as Handle, name: handle, endpoint, api }, systemClock)
      const child = new Child('./concordata-party.ts')
      await child.ask({ kind: 'start', dir })
      return { handle, dir, endpoint, child, client: apiClient(api, await readApiToken(dir)) }
    }),
  )
  for (const one of started) {
    for (const other of started) if (one !== other) await introduce(one, other)
  }
  for (const one of started) {
    for (const other of started) if (one !== other) await untilApproved(one, other.handle)
  }
  const [first, ...others] = started as [(typeof started)[number], ...typeof started]
  const { contract } = (await first.client.call('POST', '/api/Contract', { title: 'bench' })) as { contract: Uid }
  for (const { handle, client } of others) {
    await first.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: handle })
    await until(`${handle} to be invited`, async () => {
      const all = (await client.call('GET', '/api/Contract')) as { contract: Uid; standing: string }[]
      return all.some((held) => held.contract === contract && held.standing === 'invited')
    })
    await client.call('POST', `/api/Contract/${contract}/Acceptance`, undefined, { prefer: 'wait=60' })
  }
  const fields = Array.from({ length: FIELDS }, (_, n) => [`field ${n}`, { $field: { type: 'text' } }])
  await first.client.call('POST', `/new-api/${contract}`, Object.fromEntries(fields), { prefer: 'wait=60' })
  return new Side(
    started.map(({ child }) => child),
    { contract },
  )
}
