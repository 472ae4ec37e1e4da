import type { KeyObject } from 'node:crypto'
import { assertKeyFile, readKeyFile } from '../../crypto/key-file.ts'
import { publicKeyOf, sign } from '../../crypto/key-pair.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import { revocationBytes } from '../../events/parties/key-change.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import { damaged } from '../../node/identity/identity-files.ts'
import { givenPassphrase } from '../../node/identity/passphrase.ts'
import { askPassphrase } from '../../node/identity/passphrase-prompt.ts'
import type { ApiClient } from '../api-client.ts'

/** The signing keys of this party, and where each of its contracts is. */
export interface ContractKeys {
  readonly keys: readonly string[]
  readonly contracts: readonly {
    readonly contract: string
    readonly signing: string
    readonly waitsFor?: string
    readonly awaited?: readonly string[]
  }[]
}

/** The recovery key of that party, from wherever it was brought. Throws KeyFileUnreadable, IdentityDamaged. */
export async function readRecoveryKey(
  path: string,
  passphraseFile: string | undefined,
  card: PartyCard,
): Promise<KeyObject> {
  await assertKeyFile(path)
  const passphrase =
    (await givenPassphrase({ logLevel: 'info', ...(passphraseFile === undefined ? {} : { passphraseFile }) })) ??
    (await askPassphrase(`Passphrase of ${path}`, { input: process.stdin, output: process.stderr }))
  const key = await readKeyFile(path, passphrase)
  if (key.asymmetricKeyType === 'ed25519' && publicKeyOf(key) === card.keys.recovery) return key
  throw damaged(path, `is not the recovery key of ${card.handle} that its card names`)
}

/**
 * Signs the revocation in every contract that waits for it, here: the recovery key does not reach the node (decision 0031). What was signed
 * by an earlier run stands. Returns the new public key.
 */
export async function revokeEverywhere(client: ApiClient, self: Handle, recovery: KeyObject): Promise<string> {
  const { signing } = (await client.call('POST', '/api/Keys/Revocation')) as { signing: string }
  const { contracts } = (await client.call('GET', '/api/Keys')) as ContractKeys
  for (const { contract, signing: revokes, waitsFor } of contracts) {
    if (waitsFor !== 'recovery key') continue
    const bytes = revocationBytes({ contract: contract as Uid, party: self, revokes, signing })
    const body = { revokes, signing, signature: sign(recovery, bytes) }
    await client.call('POST', `/api/Contract/${contract}/KeyRevocation`, body)
  }
  return signing
}
