import { readFile } from 'node:fs/promises'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Clock } from '../../runtime/clock.ts'
import { replaceFile } from '../../runtime/durable-file.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Identity } from '../identity/identity.ts'
import { damaged, identityPaths } from '../identity/identity-files.ts'
import { introductionDocument, signIntroduction, verifyIntroduction } from './introduction.ts'

/**
 * The document that this node serves: the last one as long as it says what is so, else a new one with a greater serial.
 * Kept in the data directory, so that the serial never goes back; it is the time in Unix seconds, so that it does not even
 * where an older document is taken from a backup (decision 0034). Throws IdentityDamaged.
 */
export async function ownIntroduction(configuration: Configuration, identity: Identity, clock: Clock): Promise<string> {
  const path = identityPaths(configuration.dir).introduction
  const last = await readLast(path)
  const known = last?.introduction
  const introduction = {
    card: identity.card,
    endpoint: configuration.endpoint,
    certificate: identity.certificate,
    serial: known?.serial ?? 0,
  }
  if (last !== undefined && canonicalJson(known) === canonicalJson(introduction)) return introductionDocument(last)
  introduction.serial = Math.max((known?.serial ?? -1) + 1, Math.floor(clock.now() / 1000))
  const document = introductionDocument(await signIntroduction(introduction, identity.signer, identity.tls))
  await replaceFile(path, document, 0o644)
  return document
}

async function readLast(path: string) {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw damaged(path, `cannot be read: ${cause.code}`, { cause })
  })
  if (text === undefined) return undefined
  try {
    return verifyIntroduction(text)
  } catch (cause) {
    throw damaged(path, 'is not the introduction that this node wrote', { cause })
  }
}
