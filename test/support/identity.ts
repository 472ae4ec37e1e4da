import type { Handle } from '../../src/events/ids.ts'
import { type Configuration, type Environment, readConfiguration } from '../../src/node/config/configuration.ts'
import { createIdentity } from '../../src/node/identity/create-identity.ts'
import { type Identity, openIdentity } from '../../src/node/identity/identity.ts'
import { systemClock } from '../../src/runtime/clock.ts'

export const environment: Environment = { passphrase: 'correct horse', logLevel: 'silent' }

/** A party in a data directory, opened. */
export async function newIdentity(
  dir: string,
  handle: string,
  endpoint = 'https://127.0.0.1:7443',
): Promise<{ configuration: Configuration; identity: Identity }> {
  const settings = { handle: handle as Handle, name: `The ${handle} company`, endpoint, api: 'http://127.0.0.1:7480' }
  await createIdentity(dir, { ...settings, passphrase: environment.passphrase }, systemClock)
  const configuration = await readConfiguration(dir, environment)
  return { configuration, identity: await openIdentity(configuration, environment) }
}
