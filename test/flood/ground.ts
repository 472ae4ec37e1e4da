import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Handle } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { Directory } from '../../src/node/directory/directory.ts'
import { verifyIntroduction } from '../../src/node/directory/introduction.ts'
import { ownIntroduction } from '../../src/node/directory/own-introduction.ts'
import { openStore } from '../../src/node/files/open-store.ts'
import { type Identity, openIdentity } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type EventStoreDbServer, startServer } from '../support/eventstoredb-server/server.ts'
import { ask } from '../support/https.ts'
import { configure, type NodeParty, newParty, until } from '../support/node-party.ts'
import type { Strained } from './node-process.ts'

/** How long an honest change may take in a flood, in generous terms. Seconds. */
const CHANGE_SECONDS = 20

const environment = readEnvironment({ ...process.env, CONCORDATA_LOG_LEVEL: 'info' })

interface Member {
  readonly party: NodeParty
  readonly identity: Identity
  readonly introduction: string
}

/** What the honest members had of a flood. */
export interface Changes {
  settled: number
  failed: number
  slowestMs: number
}

/**
 * A node under attack, ana's, and an honest one, ben's, each in a process of its own, with a contract of the two. Mallory is an
 * approved party without a node: whatever a test sends in her name.
 */
export class Ground {
  readonly ana: NodeParty
  readonly mallory: Member
  readonly contract: string
  /** Where ana's store is on one. */
  readonly server: EventStoreDbServer | undefined
  /** Characters that ana's node has logged. */
  logged = 0
  readonly #ben: NodeParty
  readonly #child: ChildProcess
  readonly #stops: (() => unknown)[]

  private constructor(
    [ana, ben, mallory]: readonly [Member, Member, Member],
    contract: string,
    child: ChildProcess,
    server: EventStoreDbServer | undefined,
    stops: (() => unknown)[],
  ) {
    this.ana = ana.party
    this.#ben = ben.party
    this.mallory = mallory
    this.contract = contract
    this.#child = child
    this.server = server
    this.#stops = stops
    child.stderr?.on('data', (text: Buffer) => {
      this.logged += text.length
    })
  }

  /** `onServer`: ana's store is on the double of EventStoreDB, which runs here. */
  static async open(onServer = false): Promise<Ground> {
    const root = await mkdtemp(join(tmpdir(), 'flood-'))
    const stops: (() => unknown)[] = [() => rm(root, { recursive: true, force: true, maxRetries: 5 })]
    const server = onServer ? await startServer(join(root, 'server')) : undefined
    if (server !== undefined) stops.push(() => server.close())
    const members: Member[] = []
    for (const handle of ['ana', 'ben', 'mallory']) {
      const party = await newParty(root, handle)
      if (handle === 'ana')
        await configure(party, { partners: ['*.example', '127.0.0.1'], ...(server && { store: { url: server.url } }) })
      const configuration = await readConfiguration(party.data, environment)
      const identity = await openIdentity(configuration, environment)
      members.push({ party, identity, introduction: await ownIntroduction(configuration, identity, systemClock) })
    }
    const [ana, ben, mallory] = members as [Member, Member, Member]
    await approves(ana, [ben, mallory])
    await approves(ben, [ana])
    const [child] = await Promise.all(
      [ana, ben].map(async ({ party }) => {
        const started = fork(new URL('node-process.ts', import.meta.url), [party.data], {
          stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
          env: { ...process.env, CONCORDATA_LOG_LEVEL: 'info' },
        })
        stops.push(() => ended(started))
        started.stderr?.resume()
        await Promise.race([
          once(started, 'message'),
          once(started, 'exit').then(() => Promise.reject(new Error('the node ended'))),
        ])
        return started
      }),
    )
    const { contract } = (await ana.party.call('POST', '/api/Contract', { title: 'of two' })).body
    const at = `/api/Contract/${contract}`
    await ana.party.call('POST', `${at}/Invitations`, { party: 'ben' })
    await until('the invitation', async () => (await ben.party.call('GET', at)).body?.standing === 'invited')
    await ben.party.call('POST', `${at}/Acceptance`)
    const written = await ana.party.call('POST', `/new-api/${contract}`, { A: '1' })
    if (written.status !== 201 && written.status !== 200) throw new Error(`the first change: ${written.status}`)
    return new Ground([ana, ben, mallory], contract, child as ChildProcess, server, stops)
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop()
  }

  /** Of ana's node, since this was asked last. */
  async strain(): Promise<Strained> {
    const told = once(this.#child, 'message')
    this.#child.send('tell')
    return (await told)[0] as Strained
  }

  /** An exchange call of mallory. */
  exchange(body: string) {
    const { identity } = this.mallory
    return ask(this.ana.endpoint, identity.tls, { from: 'mallory', to: 'ana', body: Buffer.from(body) })
  }

  /** Ben changes something, again and again, until it is over. */
  async changes(isOver: () => boolean): Promise<Changes> {
    const changes: Changes = { settled: 0, failed: 0, slowestMs: 0 }
    for (let nth = 0; nth === 0 || !isOver(); nth++) {
      const began = performance.now()
      const value = `${nth} ${Date.now()}`
      const { status } = await this.#ben.call('PUT', `/new-api/${this.contract}/A`, value, `wait=${CHANGE_SECONDS}`)
      if (status === 200) changes.settled++
      else changes.failed++
      changes.slowestMs = Math.max(changes.slowestMs, performance.now() - began)
    }
    return changes
  }
}

async function approves({ party }: Member, others: readonly Member[]): Promise<void> {
  const store = await openStore(await readConfiguration(party.data, environment), () => {})
  const directory = await Directory.open(store.events, systemClock)
  for (const { introduction, identity } of others) {
    await directory.introduce(verifyIntroduction(introduction))
    await directory.approve(identity.card.handle as Handle, partyFingerprint(identity.card))
  }
  directory.close()
  await store.close()
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
