import { readIntroduction } from '../../gossip/transport/introduction-client.ts'
import { PeerWrongCertificate } from '../../gossip/transport/peer-errors.ts'
import { type SignedIntroduction, verifyIntroduction } from './introduction.ts'

/**
 * Looks up who is at an address (did:web discovery). The certificate is taken as presented, but must be the one that the
 * document names: so nobody can stand between with the document of another. Whether the party is whom one means, only
 * the fingerprint tells, compared by telephone.
 * Throws ConcordataError `peer_…`, `introduction_malformed`, `introduction_badly_signed`, `key_not_admissible`.
 */
export async function fetchIntroduction(endpoint: string, timeoutMs: number): Promise<SignedIntroduction> {
  return (await lookUp(endpoint, timeoutMs)).signed
}

/** The same, with the time by that party's clock, in milliseconds; undefined if it does not say. */
export async function lookUp(
  endpoint: string,
  timeoutMs: number,
): Promise<{ readonly signed: SignedIntroduction; readonly time: number | undefined }> {
  const { text, certificate: presented, time } = await readIntroduction(endpoint, timeoutMs)
  const signed = verifyIntroduction(text)
  const { certificate: expected } = signed.introduction
  if (presented === expected) return { signed, time }
  const message = `${endpoint} shows another certificate than its introduction names: somebody may stand between`
  throw new PeerWrongCertificate('peer_wrong_certificate', message, { endpoint, expected, presented })
}
