import type { Command } from 'commander'
import type { Logger } from 'pino'
import type { Role } from '../contracts/duties.ts'
import {
  type Configuration,
  type Environment,
  readConfiguration,
  readEnvironment,
} from '../node/config/configuration.ts'
import { openOwnSigning } from '../node/identity/identity.ts'
import { startNode } from '../node/node.ts'
import { openLogger } from '../node/observability/logging.ts'
import { serveSigner } from '../node/signer/signer-server.ts'
import { socketPath } from '../node/signer/socket-path.ts'
import { dataOption } from './options.ts'

const roles: readonly (readonly [Role, string])[] = [
  ['node', 'run a party’s node, everything in one process'],
  ['serve', 'run the inward API alone: it has no key, and leaves what users ask for to `transmit`'],
  ['transmit', 'run the process that signs what users ask for, and calls other parties'],
  ['receive', 'run the process that faces outward, and answers other parties'],
]

/** Where a signer listens by default; relative to the data directory. */
const DEFAULT_SOCKET = 'signer.sock'

/** `concordata node|serve|transmit|receive|signer`: processes that run until they are told to stop (SIGINT, SIGTERM, SIGHUP). */
export function processCommands(program: Command): void {
  for (const [role, description] of roles) {
    program
      .command(role)
      .description(description)
      .addOption(dataOption())
      .action(({ data }: { data: string }) => runRole(role, data))
  }
  program
    .command('signer')
    .description('keep the signing keys and the guard, for the processes of one party')
    .addOption(dataOption())
    .option('--socket <path>', 'where to listen, counted from the data directory')
    .action(({ data, socket }: { data: string; socket?: string }) => runSigner(data, socket))
}

async function runRole(role: Role, data: string): Promise<void> {
  const { configuration, environment, logger } = await prepare(data, role)
  const node = await startNode(configuration, environment, logger, role)
  const { endpoint, api } = node
  logger.info({ endpoint, api }, role === 'node' ? 'the node is up' : `${role} is up`)
  const stopped = stopSignal()
  process.send?.({ type: 'up', endpoint, api })
  const reason = await Promise.race([stopped, node.failed])
  logger.info({ reason }, `${role} is stopping`)
  await node.close()
  leaveParent()
}

async function runSigner(data: string, given: string | undefined): Promise<void> {
  const { configuration, environment, logger } = await prepare(data, 'signer')
  const socket = socketPath(data, given ?? configuration.signer?.socket ?? DEFAULT_SOCKET)
  const signing = await openOwnSigning(configuration, environment)
  const failed = (error: unknown) => logger.error({ err: error }, 'a client was turned away')
  const server = await serveSigner(socket, { keys: signing.keys, guard: signing.guard, failed })
  logger.info({ socket }, 'the signer is up')
  const stopped = stopSignal()
  process.send?.({ type: 'up' })
  const reason = await stopped
  logger.info({ reason }, 'the signer is stopping')
  await server.close()
  await signing.close()
  leaveParent()
}

async function prepare(
  data: string,
  role: string,
): Promise<{ configuration: Configuration; environment: Environment; logger: Logger }> {
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(data, environment)
  const base = { party: configuration.handle, ...(role === 'node' ? {} : { role }) }
  return { configuration, environment, logger: openLogger(configuration, base) }
}

/** The channel to a parent, if there is one, would keep the process. */
function leaveParent(): void {
  if (process.connected) process.disconnect()
}

/** A terminal, and a parent that passes signals on, tell of one and the same within this time. Milliseconds. */
const SAME_SIGNAL_MS = 500

/**
 * Resolves with a signal, or when the process that has started this one is gone: whoever is told that the process is up may
 * stop it at once, so that it listens before it tells. A second signal ends the process at once,
 * whatever is under way: nothing is lost that was told to anybody.
 */
function stopSignal(): Promise<NodeJS.Signals | 'disconnect'> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        const now = performance.now()
        if (firstAt !== undefined && now - firstAt > SAME_SIGNAL_MS) process.exit(1)
        firstAt ??= now
        resolve(signal)
      })
    }
    if (process.connected) process.once('disconnect', () => resolve('disconnect'))
  })
}
