import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { Documents } from '../../documents/documents.ts'
import { systemClock } from '../../runtime/clock.ts'
import { systemRandom } from '../../runtime/random.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import { type Configuration, ConfigurationInvalid } from '../config/configuration.ts'
import type { KnownCallers } from '../inward/authenticate-caller.ts'
import type { Shutdown } from '../lifecycle/shutdown.ts'
import type { Metrics } from '../observability/metrics.ts'
import { Receivers } from './receivers.ts'
import { Sender } from './sender.ts'
import { WebhookFile, webhooksPath } from './webhook-file.ts'
import { NodeWebhooks } from './webhooks.ts'

export interface OpenWebhooksPorts extends Pick<KnownCallers, 'standing'> {
  readonly contracts: Contracts
  readonly documents: Documents
  readonly store: Store
  readonly turns: Turns
  readonly metrics: Metrics
  readonly logger: FastifyBaseLogger
}

/** The webhooks of a data directory, which begin to be sent: by the process that has its read model, of which there is one. Throws IdentityDamaged, ConfigurationInvalid. */
export async function openWebhooks(
  { dir, webhooks: settings }: Configuration,
  ports: OpenWebhooksPorts,
  closing: Shutdown,
): Promise<NodeWebhooks> {
  const { logger, metrics } = ports
  const receivers = new Receivers(settings)
  const ca = await authorityIn(dir, settings?.ca)
  let noteDelivered = (_outcome: string) => {}
  const webhooks = new NodeWebhooks({
    ...ports,
    receivers,
    file: new WebhookFile(webhooksPath(dir)),
    sender: new Sender(receivers, systemClock, undefined, ca),
    clock: systemClock,
    random: systemRandom,
    report: {
      delivered: (outcome) => noteDelivered(outcome),
      ended: ({ id }, why) => logger.warn({ webhook: id, why }, 'a webhook has ended'),
      failed: (error) => logger.error({ err: error }, 'webhooks cannot be sent at the moment'),
    },
  })
  closing.add(() => webhooks.close())
  await webhooks.start()
  noteDelivered = metrics.watchWebhooks(() => webhooks.counts())
  return webhooks
}

async function authorityIn(dir: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(resolve(dir, file), 'utf8')
  } catch (cause) {
    const message = `webhooks/ca: ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`
    throw new ConfigurationInvalid('configuration_invalid', message, { source: dir, setting: 'webhooks/ca' }, { cause })
  }
}
