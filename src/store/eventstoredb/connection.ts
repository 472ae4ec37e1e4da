import { type BaseOptions, EventStoreDBClient } from '@eventstore/db-client'
import { StoreAccessDenied, StoreAddressInvalid } from '../errors.ts'
import { containClientFaults, contained, type FaultReport } from './client-faults.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface EventStoreDbOptions {
  /**
   * `esdb://[user:password@]host:port[?tls=false]`; several servers of a cluster with commas between them, or
   * `esdb+discover://` and one name; TLS unless told otherwise.
   */
  readonly url: string
  /** PEM of the authority that signed the servers' certificates; left out, those that Node.js knows. */
  readonly caFile?: string
  /** Go before those of the URL. Needed with TLS. */
  readonly credentials?: Credentials
  /** Stands before the name of each stream, so that several stores can share a cluster. Default: nothing. */
  readonly namespace?: string
  /** How long the server may be silent within a call. Default 10 s. */
  readonly timeoutMs?: number
  /** Told of what the client throws outside of any call, which ends nothing. Default: a warning of the process. */
  readonly reportFault?: FaultReport
}

export interface Connection {
  readonly client: EventStoreDBClient
  /**
   * To be passed with each call. Only the leader of a cluster is asked: the others may not know yet of what was acknowledged (decision 0068).
   */
  readonly callOptions: Pick<BaseOptions, 'credentials' | 'requiresLeader'>
  readonly namespace: string
  readonly timeoutMs: number
  /** Without TLS: the server authenticates nobody. */
  readonly isPlain: boolean
  /** Of the authority, whether the options name it or the URL. */
  readonly caFile: string | undefined
  release(): Promise<void>
}

interface Shared {
  readonly client: EventStoreDBClient
  users: number
}

const DEFAULT_TIMEOUT_MS = 10_000
/** The client does not send these to a server without TLS; see `connect`. */
const NOBODY: Credentials = { username: 'nobody', password: '' }
const urlForm = /^(?<scheme>esdb(?:\+discover)?:\/\/)(?:(?<username>[^:/@]+):(?<password>[^@]*)@)?(?<rest>[^@]+)$/
const CA_PARAMETER = 'tlscafile='

/** Of this process, by address. */
const clients = new Map<string, Shared>()

/**
 * A client for the address; stores of one address share it. Every call has to pass credentials: without them the client
 * sends all appends of the process through one table, where a stream that breaks fails the appends of all others.
 * Throws StoreAddressInvalid, StoreAccessDenied.
 */
export function connect(options: EventStoreDbOptions): Connection {
  const { address, caFile, credentials: inUrl } = addressOf(options)
  const isPlain = /[?&]tls=false(&|$)/i.test(address)
  const credentials = options.credentials ?? inUrl ?? (isPlain ? NOBODY : undefined)
  if (credentials === undefined) throw new StoreAccessDenied('EventStoreDB with TLS needs a user and a password')
  const shared = clients.get(address) ?? { client: clientFor(address), users: 0 }
  shared.users++
  clients.set(address, shared)
  const letGo = containClientFaults(options.reportFault ?? ((error) => process.emitWarning(error)))
  return {
    client: shared.client,
    callOptions: { credentials, requiresLeader: true },
    namespace: options.namespace ?? '',
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    isPlain,
    caFile,
    release: async () => {
      shared.users--
      try {
        if (shared.users > 0) return
        clients.delete(address)
        await shared.client.dispose()
      } finally {
        letGo()
      }
    },
  }
}

interface Address {
  readonly address: string
  readonly caFile: string | undefined
  readonly credentials: Credentials | undefined
}

function addressOf({ url, caFile: given }: EventStoreDbOptions): Address {
  const { scheme, username, password, rest } = urlForm.exec(url)?.groups ?? {}
  if (scheme === undefined || rest === undefined) {
    throw new StoreAddressInvalid(
      'the address of the store must have the form esdb://host:port or esdb+discover://host',
    )
  }
  const [hosts = '', query = ''] = rest.split('?')
  if (scheme.includes('discover') && hosts.includes(',')) {
    const message = `esdb+discover:// takes one name, of which the others would be lost: several servers are esdb://${hosts}`
    throw new StoreAddressInvalid(message)
  }
  const parameters = query.split('&').filter((parameter) => parameter !== '')
  const isCa = (parameter: string) => parameter.toLowerCase().startsWith(CA_PARAMETER)
  const inUrl = parameters.find(isCa)?.slice(CA_PARAMETER.length)
  const caFile = given ?? (inUrl === undefined ? undefined : unescaped(inUrl))
  const passed = parameters.filter((parameter) => !isCa(parameter))
  if (caFile !== undefined) passed.push(`tlsCAFile=${encodeURIComponent(caFile)}`)
  const address = `${scheme}${hosts}${passed.length === 0 ? '' : `?${passed.join('&')}`}`
  const credentials =
    username === undefined ? undefined : { username: unescaped(username), password: unescaped(password ?? '') }
  return { address, caFile, credentials }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new StoreAddressInvalid('user, password or a path in the address of the store is not well escaped', { cause })
  }
}

function clientFor(address: string): EventStoreDBClient {
  try {
    return contained(EventStoreDBClient.connectionString(address))
  } catch (cause) {
    throw new StoreAddressInvalid(`the address of the store cannot be used: ${(cause as Error).message}`, { cause })
  }
}
