import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { createApi } from '../api/app.ts'
import { carry, participantsOf } from '../contracts/carrying.ts'
import { Contracts } from '../contracts/contracts.ts'
import { KeyRotation } from '../contracts/key-rotation.ts'
import type { LiveContract } from '../contracts/live-contract.ts'
import { defaultTiming, Gossip } from '../gossip/gossip.ts'
import { openReceiver, type Receiver } from '../gossip/transport/receiver.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { systemRandom } from '../runtime/random.ts'
import type { Store } from '../store/port.ts'
import { DIRECTORY_STREAM } from '../store/streams.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import type { Configuration, Environment } from './configuration.ts'
import { Directory } from './directory.ts'
import { guardDirectory, openGuardFiles } from './guard-files.ts'
import { type Identity, openIdentity, readApiToken } from './identity.ts'
import { type Introduction, verifyIntroduction } from './introduction.ts'
import { lockDataDirectory } from './lock.ts'
import { Metrics } from './metrics.ts'
import { openStore } from './open-store.ts'
import { ownIntroduction } from './own-introduction.ts'
import { Peers } from './peers.ts'
import { reportTo, watch } from './reporting.ts'

/** How long a write waits for unanimity when the client says nothing. Milliseconds. */
const DEFAULT_WAIT_MS = 10_000
/** How long the store may take to answer before the node is not ready. Milliseconds. */
const READY_TIMEOUT_MS = 2_000
/** Random bytes of a salt (design §3). */
const SALT_BYTES = 16

/** One party's software, all roles in one process. */
export interface Node {
  readonly identity: Identity
  readonly contracts: Contracts
  readonly directory: Directory
  readonly store: Store
  /** Where it listens: outward, and inward. */
  readonly endpoint: string
  readonly api: string
  /** Rejects when the node cannot go on. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** Starts everything that `concordata node` runs, in the order in which one part needs the other. */
export async function startNode(
  configuration: Configuration,
  environment: Environment,
  logger: FastifyBaseLogger,
): Promise<Node> {
  const closing = new Closing()
  try {
    return await start(configuration, environment, logger, closing)
  } catch (error) {
    await closing.close()
    throw error
  }
}

async function start(
  configuration: Configuration,
  environment: Environment,
  logger: FastifyBaseLogger,
  closing: Closing,
): Promise<Node> {
  const { dir } = configuration
  closing.add(lockDataDirectory(dir))
  const identity = await openIdentity(configuration, environment)
  const outward = { tls: identity.tls, introduction: await ownIntroduction(configuration, identity) }
  const store = await openStore(configuration)
  closing.add(() => store.close())
  const directory = await Directory.open(store.events, systemClock)
  closing.add(() => directory.close())
  const contracts = await Contracts.open({
    store,
    signer: identity.signer,
    signerOf: (publicKey) => identity.keys.signerOf(publicKey),
    clock: systemClock,
    random: systemRandom,
    guard: openGuardFiles(guardDirectory(dir)),
    policy: configuration.acknowledgement,
    card: identity.card,
    uidOf: (number) => identity.uids.encode(number),
    newRequestId: () => randomUUID(),
    canSend: (contract) => gossip.canSend(contract),
  })
  closing.add(() => contracts.close())
  closing.add(watch(contracts, logger))
  const metrics = new Metrics(systemClock)
  metrics.watchCertificate(() => outward.tls.certificate)
  closing.add(metrics.watch(contracts))
  const participants = participantsOf(contracts)
  const gossip: Gossip = new Gossip({
    participants,
    clock: systemClock,
    random: systemRandom,
    timing: defaultTiming,
    report: metrics.report(reportTo(logger)),
  })
  const peers = new Peers(directory, gossip, identity.tls, () => outward.introduction)
  closing.add(() => peers.close())
  const introduction = () => outward.introduction
  const receiver = await openOutward(configuration, { identity, introduction, directory, gossip, peers, logger })
  closing.add(() => receiver.close())
  const keyRotation = new KeyRotation(contracts, identity.keys)
  closing.add(() => keyRotation.close())
  const app = await openInward(configuration, { contracts, keyRotation, store, directory, gossip, metrics, logger })
  closing.add(() => app.close())
  closing.add(() => gossip.close())
  closing.add(carry(contracts, participants, gossip, systemClock))
  const keeper = new CertificateKeeper(identity.tls, {
    configuration,
    card: identity.card,
    clock: systemClock,
    async renewed(tls, certificate) {
      outward.introduction = await ownIntroduction(configuration, { ...identity, tls, certificate })
      outward.tls = tls
      receiver.useCertificate(tls)
      peers.renewed(tls)
      logger.info({ certificate }, 'the certificate was renewed')
    },
    failed: (error) => logger.error({ err: error }, 'the certificate cannot be renewed'),
  })
  await keeper.look()
  closing.add(() => keeper.close())
  peers.start()
  keeper.start()
  gossip.start()
  return {
    identity,
    contracts,
    directory,
    store,
    endpoint: receiver.endpoint,
    api: configuration.api,
    failed: directory.closed.then(() => new Promise<never>(() => {})),
    close: () => closing.close(),
  }
}

/** What was opened, to be closed in the opposite order. */
class Closing {
  readonly #steps: (() => unknown)[] = []

  add(step: () => unknown): void {
    this.#steps.push(step)
  }

  async close(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step()
  }
}

interface InwardParts {
  readonly contracts: Contracts
  readonly keyRotation: KeyRotation
  readonly store: Store
  readonly directory: Directory
  readonly gossip: Gossip
  readonly metrics: Metrics
  readonly logger: FastifyBaseLogger
}

async function openInward({ dir, api }: Configuration, parts: InwardParts): Promise<FastifyInstance> {
  const { contracts, keyRotation, store, directory, gossip, metrics, logger } = parts
  const app = await createApi({
    contracts,
    keyRotation,
    store,
    cardOf: (handle) => directory.byHandle(handle)?.card,
    parties: () =>
      directory.parties().map(({ standing, signed: { introduction } }) => ({
        card: introduction.card,
        endpoint: introduction.endpoint,
        status: standing,
      })),
    announce: (live: LiveContract) => gossip.carry(live.contract),
    newRequestId: () => randomUUID(),
    newSalt: () => systemRandom.bytes(SALT_BYTES),
    defaultWaitMs: DEFAULT_WAIT_MS,
    token: await readApiToken(dir),
    isReady: () => answersInTime(store),
    metrics: () => metrics.expose(),
    logger,
  })
  const { hostname, port } = new URL(api)
  // An IPv6 address stands in brackets in a URL only.
  await app.listen({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) })
  return app
}

/** What an approved party says of itself, signed, is taken; of anything else nobody is told what became of it. */
async function takeAnnouncement(directory: Directory, text: string): Promise<void> {
  try {
    await directory.announced(verifyIntroduction(text))
  } catch (error) {
    if (!(error instanceof ConcordataError)) throw error
  }
}

/** Whether the store answers at all, soon enough for whoever asks to wait. */
async function answersInTime({ events }: Store): Promise<boolean> {
  const late = new Promise<false>((resolve) => systemClock.after(READY_TIMEOUT_MS, () => resolve(false)))
  const answers = events.lastRevision(DIRECTORY_STREAM).then(
    () => true,
    () => false,
  )
  return Promise.race([answers, late])
}

interface OutwardParts {
  readonly identity: Identity
  readonly introduction: () => string
  readonly directory: Directory
  readonly gossip: Gossip
  readonly peers: Peers
  readonly logger: FastifyBaseLogger
}

async function openOutward(configuration: Configuration, parts: OutwardParts): Promise<Receiver> {
  const { identity, introduction, directory, gossip, peers, logger } = parts
  return openReceiver<Introduction>({
    endpoint: configuration.endpoint,
    tls: identity.tls,
    introduction,
    introduced: (text) => takeAnnouncement(directory, text),
    authenticate: (certificate) => directory.byCertificate(certificate),
    exchange: (party, body) => gossip.answer(peers.of(party), body),
    failed: (error) => logger.error({ err: error }, 'an exchange failed'),
  })
}
