import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Handle } from '../../src/events/ids.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { readConfiguration, readEnvironment } from '../../src/node/config/configuration.ts'
import { verifyIntroduction } from '../../src/node/directory/introduction.ts'
import { ownIntroduction } from '../../src/node/directory/own-introduction.ts'
import { openIdentity } from '../../src/node/identity/identity.ts'
import { type Node, startNode } from '../../src/node/node.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { CONTRACTS_STREAM, DIRECTORY_STREAM, INVITATIONS_STREAM, OUTBOX_STREAM } from '../../src/store/streams.ts'
import { configure, type NodeParty, newParty } from '../support/node-party.ts'
import type { TlsIdentity } from '../support/tls.ts'
import { watchRoutes } from '../support/watch-routes.ts'

/** A node on real sockets, and an approved party that means no good. */
export interface World {
  readonly honest: NodeParty
  readonly node: Node
  readonly endpoint: string
  readonly hostile: { readonly tls: TlsIdentity; readonly introduction: string }
  /** Of the inward API, as the app itself has registered them: `GET /api/Party`. */
  readonly routes: readonly string[]
  /** What users and parties have brought about, to be compared: notes that a node signs by itself are none of it. */
  done(): Promise<string>
  /** What the node has logged as a fault of its own. */
  readonly faults: readonly unknown[]
  close(): Promise<void>
}

const PLENTY = 1_000_000

export async function openWorld(): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'fuzz-world-'))
  const environment = readEnvironment({ CONCORDATA_LOG_LEVEL: 'silent' })
  const [honest, hostile] = [await newParty(root, 'honest'), await newParty(root, 'hostile')]
  // What is to be found is behind the limits, which have tests of their own.
  await configure(honest, {
    inwardLimits: { callerCallsPerSecond: PLENTY, addressFailuresPerMinute: PLENTY, callerConnectionsMax: PLENTY },
    outwardLimits: { partyCallsPerSecond: PLENTY, strangerCallsPerMinute: PLENTY },
  })
  const routes = new Map<string, string | undefined>()
  const faults: unknown[] = []
  const logger = pino(
    { level: 'error' },
    {
      // Alarms about others carry no `err`: they are meant to be raised here.
      write: (line) => void (JSON.parse(line).err !== undefined && faults.push(JSON.parse(line))),
    },
  )
  const stop = watchRoutes(routes)
  const node = await startNode(await readConfiguration(honest.data, environment), environment, logger)
  stop()
  const theirs = await readConfiguration(hostile.data, environment)
  const identity = await openIdentity(theirs, environment)
  const introduction = await ownIntroduction(theirs, identity, systemClock)
  await node.directory.introduce(verifyIntroduction(introduction))
  await node.directory.approve('hostile' as Handle, partyFingerprint(identity.card))
  return {
    honest,
    node,
    endpoint: node.endpoint as string,
    hostile: { tls: { ...identity.tls, fingerprint: identity.certificate, commonName: 'hostile' }, introduction },
    routes: [...routes.keys()],
    async done() {
      const streams = [CONTRACTS_STREAM, DIRECTORY_STREAM, INVITATIONS_STREAM, OUTBOX_STREAM]
      const ends = await Promise.all(streams.map((stream) => node.store.events.lastRevision(stream)))
      const summaries = await node.contracts.summaries()
      return JSON.stringify([ends, summaries.map(({ contract, size }) => [contract, size])])
    },
    faults,
    async close() {
      await node.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}
