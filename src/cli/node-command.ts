import type { Command } from 'commander'
import { pino } from 'pino'
import { readConfiguration, readEnvironment } from '../node/configuration.ts'
import { startNode } from '../node/node.ts'
import { dataOption } from './options.ts'

/** `concordata node`: one party's node, until it is told to stop (SIGINT, SIGTERM). */
export function nodeCommand(program: Command): void {
  program
    .command('node')
    .description('run a party’s node')
    .addOption(dataOption())
    .action(async ({ data }: { data: string }) => {
      const environment = readEnvironment(process.env)
      const configuration = await readConfiguration(data, environment)
      const logger = pino(
        { level: configuration.logLevel, base: { party: configuration.handle } },
        pino.destination({ fd: 2, sync: true }),
      )
      const node = await startNode(configuration, environment, logger)
      logger.info({ endpoint: node.endpoint, api: node.api }, 'the node is up')
      process.send?.({ type: 'up', endpoint: node.endpoint, api: node.api })
      const reason = await Promise.race([stopSignal(), node.failed])
      logger.info({ reason }, 'the node is stopping')
      await node.close()
      // The channel to a parent, if there is one, would keep the process.
      if (process.connected) process.disconnect()
    })
}

/** A second signal ends the process at once, whatever is under way: nothing is lost that was told to anybody. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => process.exit(1))
      })
    }
  })
}
