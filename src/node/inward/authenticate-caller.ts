import type { FastifyBaseLogger } from 'fastify'
import type { ApiCaller } from '../../api/http/callers/authenticate.ts'
import { systemClock } from '../../runtime/clock.ts'
import { type Configuration, ConfigurationInvalid } from '../config/configuration.ts'
import type { Shutdown } from '../lifecycle/shutdown.ts'
import { AccessTokens } from '../oidc/access-tokens.ts'
import { ApiKeys } from './api-keys.ts'

export interface KnownCallers {
  /** Whose key or token that is. `connection`: on which it is shown. */
  whoIs(key: string, connection?: object): ApiCaller | undefined | Promise<ApiCaller | undefined>
  /** Whose key of this node that is, by its SHA-256. */
  standing(hash: string): Promise<ApiCaller | undefined>
}

/** Who calls the inward API: by a key of this node, or by an access token of the provider that it is configured with. */
export async function openCallers(
  { dir, oidc }: Configuration,
  logger: FastifyBaseLogger,
  closing: Shutdown,
): Promise<KnownCallers> {
  const keys = await ApiKeys.open(dir, systemClock)
  const standing = async (hash: string) => keys.standing(hash)
  if (oidc === undefined) return { standing, whoIs: (key, connection) => keys.whoIs(key, connection) }
  const failed = (error: unknown) => logger.warn({ err: error }, 'the issuer of access tokens cannot be reached')
  const tokens = await AccessTokens.open(dir, oidc, { clock: systemClock, failed }).catch((cause) => {
    const message = `oidc/ca: ${oidc.ca} cannot be read (${cause.code})`
    throw new ConfigurationInvalid('configuration_invalid', message, { source: dir, setting: 'oidc/ca' }, { cause })
  })
  closing.add(() => tokens.close())
  return {
    standing,
    whoIs: (key, connection) => (AccessTokens.looksLikeOne(key) ? tokens.whoIs(key) : keys.whoIs(key, connection)),
  }
}
