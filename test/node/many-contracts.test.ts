import { readFile, writeFile } from 'node:fs/promises'
import { pino } from 'pino'
import t from 'tap'
import { addParty } from '../../src/cli/party/approve.ts'
import type { Uid } from '../../src/events/ids.ts'
import { configurationPath, readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { type Node, startNode } from '../../src/node/node.ts'
import { type NodeParty, newParty, until } from '../support/node-party.ts'

const environment = readEnvironment({})
const logger = pino({ level: 'silent' })

/** Of all contracts only one is in memory, unless it takes more to go on. */
async function start(party: NodeParty): Promise<Node> {
  const settings = JSON.parse(await readFile(configurationPath(party.data), 'utf8'))
  await writeFile(configurationPath(party.data), JSON.stringify({ ...settings, contractsInMemory: 1 }))
  return startNode(await readConfiguration(party.data, environment), environment, logger)
}

const COUNT = 5

t.test('two nodes that keep one contract in memory share many', async (t) => {
  const root = t.testdir({})
  const [ana, ben] = [await newParty(root, 'ana'), await newParty(root, 'ben')]
  let [anas, bens] = [await start(ana), await start(ben)]
  t.teardown(() => Promise.all([anas.close(), bens.close()]))
  await addParty(ana.data, ben.endpoint, ben.fingerprint.replaceAll(/\W/g, ''))
  await addParty(ben.data, ana.endpoint, ana.fingerprint.replaceAll(/\W/g, ''))
  const uids: Uid[] = []
  for (let n = 0; n < COUNT; n++) {
    const { body } = await ana.call('POST', '/api/Contract', { title: `contract ${n}` })
    uids.push(body.contract)
    await ana.call('POST', `/api/Contract/${body.contract}/Invitations`, { party: 'ben' })
    const at = `/api/Contract/${body.contract}`
    await until('the invitation', async () => (await ben.call('GET', at)).body.standing === 'invited')
    t.match(await ben.call('POST', `${at}/Acceptance`), { status: 200, body: { standing: 'member' } })
    t.match(await ana.call('POST', `/new-api/${body.contract}`, { Rate: `${n}` }), { status: 201 })
  }
  const hasCosigned = async () => {
    const { body } = await ana.call('GET', '/api/Contract')
    return body.every(({ tier }: { tier: number }) => tier === 4)
  }
  const active = ({ contracts }: Node) => [...contracts.cache.active()].length
  await until('the contracts to rest', async () => active(anas) <= 1 && active(bens) <= 1)

  t.test('a change to any of them reaches the other party, and both rest again', async (t) => {
    for (const [n, uid] of uids.entries()) {
      t.match(await ben.call('PUT', `/new-api/${uid}/Rate`, `by ben ${n}`), { status: 200 })
      await until('the change', async () => (await ana.call('GET', `/new-api/${uid}`)).body?.Rate === `by ben ${n}`)
    }
    await until('the contracts to rest', async () => active(anas) <= 1 && active(bens) <= 1)
  })

  t.test('lists, tiers and metrics know of those at rest', async (t) => {
    await until('everybody to have cosigned', hasCosigned)
    const { body } = await ana.call('GET', '/api/Contract')
    t.same(
      body.map(({ title, standing, members }: Record<string, unknown>) => ({ title, standing, members })),
      uids.map((_, n) => ({ title: `contract ${n}`, standing: 'member', members: ['ana', 'ben'] })),
    )
    const headers = { authorization: `Bearer ${ana.token}` }
    await until('the metrics to say that they rest', async () => {
      const metrics = await (await fetch(new URL('/metrics', ana.api), { headers })).text()
      return metrics.includes(`concordata_contracts ${COUNT}\n`) && /concordata_contracts_active [01]\n/.test(metrics)
    })
  })

  t.test('a key is rotated in all of them, also in those at rest', async () => {
    const { body } = await ana.call('POST', '/api/Keys')
    await until('all contracts to follow', async () => {
      const { contracts } = (await ana.call('GET', '/api/Keys')).body
      return contracts.length === COUNT && contracts.every((at: { signing: string }) => at.signing === body.signing)
    })
    await until('the contracts to rest', async () => active(anas) <= 1 && active(bens) <= 1)
  })

  t.test('what a party missed in a contract that rests at both is found and brought', async (t) => {
    await bens.close()
    const missed = await ana.call('PUT', `/new-api/${uids[0]}/Rate`, 'missed', 'respond-async')
    t.equal(missed.status, 202)
    bens = await start(ben)
    await until('ben to have it', async () => (await ben.call('GET', `/new-api/${uids[0]}`)).body?.Rate === 'missed')
  })

  t.test('a start after a stop takes none of them into memory, and they are all there', async (t) => {
    await until('everybody to have cosigned', hasCosigned)
    await anas.close()
    anas = await start(ana)
    t.equal(active(anas), 0)
    t.equal((await ana.call('GET', '/api/Contract')).body.length, COUNT)
    t.match(await ana.call('PUT', `/new-api/${uids[3]}/Rate`, 'after the start'), { status: 200 })
  })
})
