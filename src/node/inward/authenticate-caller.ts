import type { FastifyBaseLogger } from 'fastify'
import type { Caller } from '../../api/http/authenticate.ts'
import { systemClock } from '../../runtime/clock.ts'
import { type Configuration, ConfigurationInvalid } from '../config/configuration.ts'
import type { Closing } from '../lifecycle/shutdown.ts'
import { AccessTokens } from '../oidc/access-tokens.ts'
import { Callers } from './api-keys.ts'

/** Who calls the inward API: by a key of this node, or by an access token of the provider that it is configured with. */
export async function openCallers(
  { dir, oidc }: Configuration,
  logger: FastifyBaseLogger,
  closing: Closing,
): Promise<(key: string) => Promise<Caller | undefined>> {
  const keys = await Callers.open(dir, systemClock)
  if (oidc === undefined) return (key) => keys.whoIs(key)
  const failed = (error: unknown) => logger.warn({ err: error }, 'the issuer of access tokens cannot be reached')
  const tokens = await AccessTokens.open(dir, oidc, { clock: systemClock, failed }).catch((cause) => {
    const message = `oidc/ca: ${oidc.ca} cannot be read (${cause.code})`
    throw new ConfigurationInvalid('configuration_invalid', message, { source: dir, setting: 'oidc/ca' }, { cause })
  })
  closing.add(() => tokens.close())
  return (key) => (AccessTokens.looksLikeOne(key) ? tokens.whoIs(key) : keys.whoIs(key))
}
