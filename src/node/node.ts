import '../crypto/native.ts'
import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { createApi } from '../api/app.ts'
import type { AskedCall } from '../api/http/callers/authenticate.ts'
import { KeptForms } from '../api/http/forms/kept-forms.ts'
import { createStatusApi } from '../api/status-app.ts'
import type { Role } from '../contracts/duties.ts'
import { openPartyProcess, type PartyProcess } from '../contracts/processes/party-process.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import { DEFAULT_WAIT_MS, Documents } from '../documents/documents.ts'
import type { PartyCard } from '../events/parties/party-card.ts'
import { SALT_BYTES } from '../events/seal.ts'
import { defaultTiming } from '../gossip/gossip.ts'
import { EntityRows } from '../projections/entities/entity-rows.ts'
import { AttentionList, listed } from '../projections/queries/attention.ts'
import { CandidateRecords } from '../projections/queries/candidate-records.ts'
import { EndedChangeSets } from '../projections/queries/ended-change-sets.ts'
import { ErasureRecords } from '../projections/queries/erasure-records.ts'
import { LedgerTimes } from '../projections/queries/ledger-times.ts'
import { RequestRecords } from '../projections/queries/request-records.ts'
import { RuleRecords } from '../projections/queries/rule-records.ts'
import { ValueHistory } from '../projections/queries/value-history.ts'
import type { ProjectionRunner } from '../projections/runner.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { EventLoopTurns } from '../runtime/event-loop-turns.ts'
import { systemRandom } from '../runtime/random.ts'
import type { Turns } from '../runtime/turns.ts'
import type { Store } from '../store/port.ts'
import { DIRECTORY_STREAM } from '../store/streams.ts'
import { tellingValueNews } from '../store/value-news.ts'
import type { Configuration, Environment } from './config/configuration.ts'
import { Directory } from './directory/directory.ts'
import { lockNode } from './files/file-lock.ts'
import { openStore } from './files/open-store.ts'
import { openProjections } from './files/read-model.ts'
import { openPassive } from './files/snapshot-files.ts'
import { type Identity, openIdentity, openSigning, readCard, readRequestSecret } from './identity/identity.ts'
import { AccessLog, accessLogPath } from './inward/access-log.ts'
import { type KnownCallers, openCallers } from './inward/authenticate-caller.ts'
import { Draining } from './lifecycle/draining.ts'
import { Shutdown } from './lifecycle/shutdown.ts'
import { reportTo, watch } from './observability/log-events.ts'
import { Metrics } from './observability/metrics.ts'
import { Obstacles } from './observability/obstacles.ts'
import { openOutward } from './outward/outward.ts'
import { openTracing, type Tracing } from './tracing/tracing.ts'
import { openWebhooks } from './webhooks/open-webhooks.ts'
import type { NodeWebhooks } from './webhooks/webhooks.ts'

/** How long the store may take to answer before the node is not ready. Milliseconds. */
const READY_TIMEOUT_MS = 2_000

/** The role cannot be run with this configuration. Evidence: `role`. */
export class RoleUnfit extends ConcordataError {}

/** One process of a party: everything, or one role of it. */
export interface Node {
  readonly card: PartyCard
  readonly contracts: Contracts
  readonly documents: Documents
  readonly directory: Directory
  readonly store: Store
  /** Where it listens outward, and inward; undefined where it does not. */
  readonly endpoint: string | undefined
  readonly api: string | undefined
  /** The inward API itself; undefined in a process without one. */
  readonly app: FastifyInstance | undefined
  /** Rejects when the process cannot go on. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** Starts all that a role runs, in the order in which one part needs the other. Throws RoleUnfit. */
export async function startNode(
  configuration: Configuration,
  environment: Environment,
  logger: FastifyBaseLogger,
  role: Role = 'node',
): Promise<Node> {
  const closing = new Shutdown()
  try {
    return await start(configuration, environment, logger, role, closing)
  } catch (error) {
    await closing.close()
    throw error
  }
}

async function start(
  configuration: Configuration,
  environment: Environment,
  logger: FastifyBaseLogger,
  role: Role,
  closing: Shutdown,
): Promise<Node> {
  const { dir } = configuration
  if (role === 'node') closing.add(lockNode(dir))
  const key = role === 'serve' ? undefined : await openKey(configuration, environment, role, closing)
  const card = key?.identity.card ?? (await readCard(configuration))
  const opened = await openStore(configuration, (error) =>
    logger.error({ err: error }, 'the client of EventStoreDB failed outside of any call; the process goes on'),
  )
  closing.add(() => opened.close())
  // Where others erase values too, nothing that was shown is kept.
  const keptForms = role === 'node' ? new KeptForms() : undefined
  const store = keptForms === undefined ? opened : tellingValueNews(opened, (contract) => keptForms.drop(contract))
  const directory = await Directory.open(store.events, systemClock, configuration.partners)
  closing.add(() => directory.close())
  const draining = new Draining()
  closing.add(() => draining.end())
  const metrics = new Metrics(systemClock)
  const snapshots = openPassive(dir, role)
  closing.add(() => snapshots.close())
  const tracing = await openTracing(configuration.tracing ?? {}, {
    party: card.handle,
    role,
    clock: systemClock,
    logger,
  })
  closing.add(() => tracing.close())
  const turns = new EventLoopTurns()
  const party = await openPartyProcess({
    role,
    store,
    card,
    ...(key === undefined ? {} : signingPorts(key)),
    clock: systemClock,
    random: systemRandom,
    turns,
    policy: configuration.acknowledgement,
    payloadWaitMs: configuration.payloadWaitMs,
    uidOf: (number) => (key as Key).identity.uids.encode(number),
    newRequestId: () => namedIn(tracing),
    tracing,
    timing: defaultTiming,
    report: metrics.report(reportTo(logger)),
    failed: (error) => logger.error({ err: error }, 'something that was asked for could not be carried out yet'),
    snapshots,
    activeMax: configuration.contractsInMemory,
  })
  const { contracts } = party
  closing.add(() => party.close())
  closing.add(watch(contracts, logger))
  closing.add(metrics.watch(contracts, () => directory.handles().add(card.handle)))
  closing.add(tracing.watch(contracts))
  if (keptForms !== undefined) closing.add(contracts.listen({ passivated: (contract) => keptForms.drop(contract) }))
  const outward =
    key === undefined
      ? undefined
      : await openOutward(
          {
            configuration,
            identity: key.identity,
            directory,
            gossip: party.gossip,
            metrics,
            tracing,
            logger,
            answers: role === 'node' || role === 'receive',
            calls: role === 'node' || role === 'transmit',
          },
          closing,
        )
  let webhooks: NodeWebhooks | undefined
  const obstacles = new Obstacles({
    role,
    party,
    directory,
    dir,
    clock: systemClock,
    certificate: () => outward?.certificate(),
    aheadMs: () => outward?.aheadMs() ?? new Map(),
    webhooksFailing: () => failingAmong(webhooks?.counts()),
    logger,
  })
  metrics.watchObstacles(obstacles)
  closing.add(() => obstacles.close())
  const projections =
    role === 'node' || role === 'serve'
      ? await openProjections(dir, store.events, { clock: systemClock, logger, turns }, closing)
      : undefined
  if (projections !== undefined) metrics.watchProjections(projections)
  const documents = new Documents({
    contracts,
    store,
    newSalt: () => systemRandom.bytes(SALT_BYTES),
    newRequestId: (given) => namedIn(tracing, given),
    clock: systemClock,
    turns,
  })
  const shared = { party, documents, keptForms, store, turns, directory, metrics, obstacles, tracing, logger, draining }
  const callers = await openCallers(configuration, logger, closing)
  if (projections !== undefined) {
    const { standing } = callers
    const ports = { contracts, documents, store, turns, metrics, logger, standing }
    webhooks = await openWebhooks(configuration, ports, closing)
  }
  const inward = { ...shared, callers, ...(projections && webhooks && { projections, webhooks }) }
  const { api, app } = await openInward(configuration, role, inward, closing)
  outward?.start()
  await obstacles.start()
  return {
    card,
    contracts,
    documents,
    directory,
    store,
    endpoint: outward?.endpoint,
    api,
    app,
    failed: Promise.all([directory.closed, party.failed, projections?.closed]).then(() => new Promise<never>(() => {})),
    close: () => closing.close(),
  }
}

interface Key {
  readonly identity: Identity
  readonly signing: Awaited<ReturnType<typeof openSigning>>
}

/** Processes that sign for one party share one guard: so it stands with a signer process. */
async function openKey(
  configuration: Configuration,
  environment: Environment,
  role: Role,
  closing: Shutdown,
): Promise<Key> {
  if (role !== 'node' && configuration.signer === undefined) {
    const message = `\`concordata ${role}\` needs \`signer\` in concordata.json: it shares keys and guard with other processes`
    throw new RoleUnfit('role_unfit', message, { role })
  }
  const signing = await openSigning(configuration, environment)
  closing.add(() => signing.close())
  return { signing, identity: await openIdentity(configuration, environment, signing.keys) }
}

function signingPorts({ identity: { signer, keys }, signing: { guard } }: Key) {
  const signerOf = (publicKey: string) => keys.signerOf(publicKey)
  return { signer, keys, guard, signerOf, learnKeys: () => keys.refresh() }
}

interface InwardParts {
  readonly party: PartyProcess
  readonly documents: Documents
  readonly keptForms: KeptForms | undefined
  readonly store: Store
  readonly turns: Turns
  readonly directory: Directory
  readonly metrics: Metrics
  readonly obstacles: Obstacles
  readonly tracing: Tracing
  readonly logger: FastifyBaseLogger
  readonly draining: Draining
  readonly callers: KnownCallers
  readonly projections?: ProjectionRunner
  readonly webhooks?: NodeWebhooks
}

/** The API, or, in a process without one, its status; `api`: the address on which it listens. */
async function openInward(
  configuration: Configuration,
  role: Role,
  parts: InwardParts,
  closing: Shutdown,
): Promise<Pick<Node, 'api' | 'app'>> {
  const { party, documents, store, turns, directory, metrics, obstacles, tracing, logger, draining, projections } =
    parts
  const { dir, api, status, inwardLimits, apiBehindProxy = false } = configuration
  const { callers } = parts
  // Behind a proxy the keys of several callers come on one connection.
  const whoIs: typeof callers.whoIs = (key, connection) => callers.whoIs(key, apiBehindProxy ? undefined : connection)
  const log = new AccessLog(accessLogPath(dir, role), systemClock, (error) =>
    logger.error({ err: error }, 'the access log failed'),
  )
  closing.add(() => log.close())
  const operation = {
    isReady: oneAtATime(() => answersInTime(store)),
    metrics: () => metrics.expose(),
    obstacles: () => obstacles.all(),
    whoIs,
    clock: systemClock,
    inwardLimits,
    behindProxy: apiBehindProxy,
    noteAsked: (asked: AskedCall) => log.asked(asked),
    noteAnswered: (asked: AskedCall, status: number) => log.answered(asked, status),
    logger,
  }
  const { webhooks } = parts
  if (projections === undefined || webhooks === undefined) {
    const url = role === 'transmit' || role === 'receive' ? status?.[role] : undefined
    if (url !== undefined) await listen(await createStatusApi(operation), url, closing, draining)
    return { api: url, app: undefined }
  }
  const attention = new AttentionList(projections.reader)
  const changeSets = new EndedChangeSets(projections.reader)
  const app = await createApi({
    ...operation,
    calls: tracing.calls,
    attention: (overdueAfterMs, limit) => ({
      ...attention.read({ self: party.contracts.self, now: systemClock.now(), overdueAfterMs, limit }),
      obstacles: listed(obstacles.all(overdueAfterMs), limit),
    }),
    entityRows: new EntityRows(projections.reader),
    requestRecords: new RequestRecords(projections.reader),
    ruleRecords: new RuleRecords(projections.reader),
    erasureRecords: new ErasureRecords(projections.reader),
    valueHistory: new ValueHistory(projections.reader),
    ledgerTimes: new LedgerTimes(projections.reader),
    candidateRecords: new CandidateRecords(projections.reader),
    endedChangeSets: (contract, wanted) => changeSets.of(contract, wanted),
    obstaclesOf: (live: LiveContract) => obstacles.of(live),
    documents,
    keptForms: parts.keptForms,
    contracts: party.contracts,
    keyRotation: party.keys,
    store,
    turns,
    cardOf: async (handle) => {
      await directory.current()
      return directory.byHandle(handle)?.card
    },
    parties: async () => {
      await directory.current()
      return directory.parties().map(({ standing, signed: { introduction } }) => ({
        card: introduction.card,
        endpoint: introduction.endpoint,
        status: standing,
      }))
    },
    announce: (live: LiveContract) => party.gossip.carry(live.contract),
    webhooks,
    defaultWaitMs: DEFAULT_WAIT_MS,
    namesUsers: configuration.namesUsers,
    requestSecret: await readRequestSecret(dir),
  })
  await listen(app, api, closing, draining)
  return { api, app }
}

function failingAmong(webhooks: ReturnType<NodeWebhooks['counts']> | undefined): number {
  return webhooks === undefined ? 0 : webhooks.failing + webhooks.ended
}

/** A name for a new request, and the trace of the call in which it is made. */
function namedIn(tracing: Tracing, given?: string): string {
  const id = given ?? randomUUID()
  tracing.named(id)
  return id
}

async function listen(app: FastifyInstance, url: string, closing: Shutdown, draining: Draining): Promise<void> {
  closing.add(() => draining.begin(app))
  const { hostname, port } = new URL(url)
  // An IPv6 address stands in brackets in a URL only.
  await app.listen({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) })
}

/** Anybody may ask, as often as it likes: those who ask at the same time get the same answer. */
function oneAtATime(ask: () => Promise<boolean>): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined
  return () => {
    asked ??= ask().finally(() => {
      asked = undefined
    })
    return asked
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
