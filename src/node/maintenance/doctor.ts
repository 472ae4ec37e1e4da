import { X509Certificate } from 'node:crypto'
import { access, constants, readdir, statfs } from 'node:fs/promises'
import { SqliteError } from 'better-sqlite3'
import type { TlsCredentials } from '../../gossip/transport/protocol.ts'
import { Checkpoints, isOf } from '../../projections/checkpoint.ts'
import { openReadModelToRead } from '../../projections/read-model.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { checkSqliteStore } from '../../store/sqlite/copy.ts'
import { DIRECTORY_STREAM } from '../../store/streams.ts'
import type { Configuration, Environment } from '../config/configuration.ts'
import { DISK_ERROR_BYTES, DISK_WARNING_BYTES } from '../files/disk.ts'
import { guardDirectory } from '../files/guard-files.ts'
import { openStore, openStoreToRead, storePath } from '../files/open-store.ts'
import { readModelPath } from '../files/read-model.ts'
import { openKeys, openTls, readCard } from '../identity/identity.ts'
import { identityPaths } from '../identity/identity-files.ts'
import { socketPath } from '../signer/socket-path.ts'
import { type CheckFinding, troubleWith } from './checks/finding.ts'
import { keysOfContracts, obstaclesToldAt } from './checks/obstacles.ts'
import { peersOf } from './checks/peers.ts'
import { storeUsersOf } from './checks/store-users.ts'

/** The process whose directory and user are looked at. */
export const examinedProcesses = ['node', 'serve', 'transmit', 'receive', 'signer'] as const
export type Examined = (typeof examinedProcesses)[number]

const PEER_TIMEOUT_MS = 5_000
const DAY_MS = 24 * 60 * 60 * 1000
/** Time enough to tell every partner of a new certificate. */
const CERTIFICATE_WARNING_DAYS = 30

/** Looks at a node from outside, whether it runs or not, and changes nothing. What fails is a finding, not an error. */
export async function examine(
  configuration: Configuration,
  environment: Environment,
  clock: Clock,
  whose: Examined = 'node',
): Promise<CheckFinding[]> {
  const { dir } = configuration
  const look: Record<Look, () => Promise<CheckFinding | CheckFinding[]>> = {
    keys: () => keysOf(configuration, environment),
    reach: () => reachOf(configuration),
    certificate: () => certificateIn(configuration, environment, clock),
    'recovery key': () => recoveryKeyIn(dir),
    store: () => storeOf(configuration),
    'read model': () => readModelIn(configuration),
    guard: () => guardIn(configuration, whose),
    disk: () => diskUnder(dir),
    node: () => inwardAt(configuration, whose),
    obstacles: () => obstaclesOf(configuration, environment, whose),
    peers: async () => ((await hasStore(configuration)) ? peersOf(configuration, environment, clock) : []),
  }
  const findings: CheckFinding[] = []
  for (const what of looksAt[whose]) findings.push(...[await look[what]()].flat())
  return findings
}

/** `reach` of a process that has no key: that it can have none. */
type Look =
  | 'keys'
  | 'reach'
  | 'certificate'
  | 'recovery key'
  | 'store'
  | 'read model'
  | 'guard'
  | 'disk'
  | 'node'
  | 'obstacles'
  | 'peers'

/** What each process needs; the others have directories in which it is missing with good reason. */
const looksAt: Record<Examined, readonly Look[]> = {
  node: ['keys', 'certificate', 'recovery key', 'store', 'read model', 'guard', 'disk', 'node', 'obstacles', 'peers'],
  serve: ['reach', 'recovery key', 'store', 'read model', 'disk', 'node', 'obstacles'],
  transmit: ['keys', 'certificate', 'recovery key', 'store', 'disk', 'node', 'obstacles', 'peers'],
  receive: ['keys', 'certificate', 'recovery key', 'store', 'disk', 'node', 'obstacles'],
  signer: ['keys', 'recovery key', 'guard', 'disk'],
}

async function keysOf(configuration: Configuration, environment: Environment): Promise<CheckFinding> {
  const check = 'keys'
  const isElsewhere = configuration.signer !== undefined
  try {
    const card = await readCard(configuration)
    const ring = await openKeys(configuration, environment)
    await ring.close()
    if (ring.keys.signerOf(card.keys.signing) !== undefined) {
      return { check, level: 'ok', finding: isElsewhere ? 'the signer has the signing key' : 'the signing key opens' }
    }
    const advice = 'it is the signer of another party: look at `signer` in concordata.json'
    return { check, level: 'error', finding: 'the signer does not have the key of this party', advice }
  } catch (error) {
    const advice = isElsewhere
      ? 'start `concordata signer`, and see that this user may open its socket'
      : 'restore the files from a backup, or give the passphrase'
    return { ...troubleWith(error), check, advice }
  }
}

/** Whoever takes `serve` over is to find nothing that signs, here or at the signer. */
async function reachOf({ dir, signer }: Configuration): Promise<CheckFinding> {
  const check = 'reach'
  const paths = identityPaths(dir)
  const socket = signer && socketPath(dir, signer.socket)
  const candidates = [paths.signingKey, paths.signingKeys, paths.tlsKey, paths.passphrase, guardDirectory(dir)]
  const reached: string[] = []
  for (const path of candidates) if (await may(path, constants.R_OK)) reached.push(path)
  if (socket !== undefined && (await may(socket, constants.W_OK))) reached.push(socket)
  if (reached.length === 0) return { check, level: 'ok', finding: 'has no keys, and may not open the signer’s socket' }
  const advice =
    'give `serve` a user and a directory of its own, outside the group of the socket: docs/operations/eventstoredb-and-roles.md'
  return { check, level: 'warning', finding: `this user reaches ${reached.join(', ')}`, advice }
}

async function certificateIn(
  configuration: Configuration,
  environment: Environment,
  clock: Clock,
): Promise<CheckFinding> {
  try {
    return certificateOf(await openTls(configuration, environment), clock)
  } catch (error) {
    const advice = 'restore the files from a backup, or give the passphrase'
    return { ...troubleWith(error), check: 'certificate', advice }
  }
}

function certificateOf({ certificate }: TlsCredentials, clock: Clock): CheckFinding {
  const { validFrom, validTo } = new X509Certificate(certificate)
  const [begin, expiry] = [Date.parse(validFrom), Date.parse(validTo)]
  if (begin > clock.now()) {
    const finding = `is not valid for ${Math.ceil((begin - clock.now()) / DAY_MS)} days yet`
    const advice = 'see to the clock of this machine, then `concordata certificate renew`; peers take it by themselves'
    return { check: 'certificate', level: 'error', finding, advice }
  }
  const days = Math.floor((expiry - clock.now()) / DAY_MS)
  const finding = days < 0 ? `expired ${-days} days ago` : `good for ${days} days`
  if (days >= CERTIFICATE_WARNING_DAYS) return { check: 'certificate', level: 'ok', finding }
  const advice =
    'it should have renewed itself long ago: see the log, then `concordata certificate renew`; peers take it by themselves'
  return { check: 'certificate', level: days < 0 ? 'error' : 'warning', finding, advice }
}

async function recoveryKeyIn(dir: string): Promise<CheckFinding> {
  const isHere = await exists(identityPaths(dir).recoveryKey)
  if (!isHere) return { check: 'recovery key', level: 'ok', finding: 'is not on this machine' }
  const advice = 'move recovery-key.pem and its passphrase off the machine: who steals both keys owns the party'
  return { check: 'recovery key', level: 'warning', finding: 'lies beside the key that it is to revoke', advice }
}

async function storeOf(configuration: Configuration): Promise<CheckFinding[]> {
  const check = 'store'
  if (configuration.store !== undefined) {
    return [await serverOf(configuration), ...(await storeUsersOf(configuration))]
  }
  try {
    checkSqliteStore(storePath(configuration.dir))
    return [{ check, level: 'ok', finding: 'sound, every page of it' }]
  } catch (error) {
    const advice =
      'if the node has never run there is none yet; otherwise move it away and restore a backup, leave guard/'
    return [{ ...troubleWith(error), check, advice }]
  }
}

async function serverOf(configuration: Configuration): Promise<CheckFinding> {
  const check = 'store'
  try {
    const store = await openStore(configuration)
    try {
      await store.events.lastRevision(DIRECTORY_STREAM)
    } finally {
      await store.close()
    }
    return { check, level: 'ok', finding: `answers at ${configuration.store?.url}` }
  } catch (error) {
    return {
      ...troubleWith(error),
      check,
      advice: 'is EventStoreDB up, and are address, certificate and password right?',
    }
  }
}

/** Where its checkpoint is, whether the store has that event, and what stands still. */
async function readModelIn(configuration: Configuration): Promise<CheckFinding> {
  const check = 'read model'
  try {
    const database = openReadModelToRead(readModelPath(configuration.dir))
    if (database === undefined) {
      const finding = 'there is none of this version'
      return { check, level: 'warning', finding, advice: 'the node makes it when it starts, or concordata rebuild' }
    }
    try {
      return await checkpointIn(new Checkpoints(database), configuration)
    } finally {
      database.close()
    }
  } catch (error) {
    const advice = 'stop the node, concordata rebuild, start it'
    if (error instanceof SqliteError) return { check, level: 'error', finding: `damaged: ${error.message}`, advice }
    return { ...troubleWith(error), check, advice: 'it can be judged when the store answers' }
  }
}

async function checkpointIn(checkpoints: Checkpoints, configuration: Configuration): Promise<CheckFinding> {
  const check = 'read model'
  const [checkpoint, [failure, ...more]] = [checkpoints.last(), checkpoints.failures()]
  if (failure !== undefined) {
    const { subject, stream, revision, reason } = failure
    const others = more.length === 0 ? '' : `, and ${more.length} more`
    const finding = `${subject} stands still at event ${revision} of ${stream}: ${reason}${others}`
    return {
      check,
      level: 'error',
      finding,
      advice: 'audit verify the contract; then stop the node, concordata rebuild',
    }
  }
  if (checkpoint === undefined) return { check, level: 'ok', finding: 'has nothing to show yet' }
  const store = await openStoreToRead(configuration)
  try {
    if (!(await isOf(store.events, checkpoint))) {
      const advice = 'the store was set back, or is another: the node makes the read model anew when it starts'
      return { check, level: 'warning', finding: 'is not of this store', advice }
    }
    return {
      check,
      level: 'ok',
      finding: `has what is stored up to event ${checkpoint.revision} of ${checkpoint.stream}`,
    }
  } finally {
    await store.close()
  }
}

async function guardIn({ dir, signer }: Configuration, whose: Examined): Promise<CheckFinding> {
  const check = 'guard'
  const files = await readdir(guardDirectory(dir)).catch(() => undefined)
  if (files !== undefined) {
    return {
      check,
      level: 'ok',
      finding: `knows what was signed last in ${new Set(files.map(contractIn)).size} contracts`,
    }
  }
  if (signer !== undefined && whose === 'node') return { check, level: 'ok', finding: 'is with the signer' }
  const advice =
    'the node will ask every other party what it holds before it signs: do not start a second node with this key'
  return { check, level: 'warning', finding: 'there is none', advice }
}

/** Two slots a contract: `<uid>.a`, `<uid>.b`. */
function contractIn(file: string): string {
  return file.slice(0, file.lastIndexOf('.'))
}

async function diskUnder(dir: string): Promise<CheckFinding> {
  const { bavail, bsize } = await statfs(dir)
  const free = bavail * bsize
  const finding = `${Math.floor(free / 1024 ** 2)} MiB free`
  if (free >= DISK_WARNING_BYTES) return { check: 'disk', level: 'ok', finding }
  const level = free < DISK_ERROR_BYTES ? 'error' : 'warning'
  return { check: 'disk', level, finding, advice: 'make room: a node whose disk is full signs nothing' }
}

async function inwardAt(configuration: Configuration, whose: Examined): Promise<CheckFinding> {
  const check = whose
  const url = inwardUrl(configuration, whose)
  if (url === undefined) {
    const finding = `\`status\` in concordata.json names no address for it`
    return { check, level: 'ok', finding }
  }
  try {
    const { status } = await fetch(new URL('/ready', url), { signal: AbortSignal.timeout(PEER_TIMEOUT_MS) })
    if (status === 200) return { check, level: 'ok', finding: `is ready at ${url}` }
    return { check, level: 'error', finding: `answers at ${url} with status ${status}`, advice: 'its log says why' }
  } catch {
    return { check, level: 'warning', finding: `does not answer at ${url}`, advice: `concordata ${whose} --data DIR` }
  }
}

function inwardUrl({ api, status }: Configuration, whose: Examined): string | undefined {
  return whose === 'transmit' || whose === 'receive' ? status?.[whose] : api
}

/** What stops contracts: as the process tells it, or, if it does not run, what can be seen from outside. */
async function obstaclesOf(
  configuration: Configuration,
  environment: Environment,
  whose: Examined,
): Promise<CheckFinding[]> {
  const url = inwardUrl(configuration, whose)
  const told = url === undefined ? undefined : await obstaclesToldAt(url, configuration)
  if (told !== undefined) return told
  if (!(await hasStore(configuration))) return []
  try {
    return whose === 'serve' ? [] : await keysOfContracts(configuration, environment)
  } catch (error) {
    // Keys and store have findings of their own.
    if (error instanceof ConcordataError) return []
    throw error
  }
}

async function hasStore({ store, dir }: Configuration): Promise<boolean> {
  return store !== undefined || exists(storePath(dir))
}

function exists(path: string): Promise<boolean> {
  return may(path, constants.F_OK)
}

function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
