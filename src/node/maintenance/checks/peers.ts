import { readFile } from 'node:fs/promises'
import { certificateFingerprint } from '../../../crypto/certificate.ts'
import type { Handle } from '../../../events/ids.ts'
import { encodeMessage } from '../../../gossip/message.ts'
import { PeerClient } from '../../../gossip/transport/peer-client.ts'
import { PeerBusy, PeerRefused } from '../../../gossip/transport/peer-errors.ts'
import type { TlsCredentials } from '../../../gossip/transport/protocol.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Configuration, Environment } from '../../config/configuration.ts'
import { Directory } from '../../directory/directory.ts'
import { isSameParty } from '../../directory/directory-state.ts'
import { lookUp } from '../../directory/discovery.ts'
import { type Introduction, verifyIntroduction } from '../../directory/introduction.ts'
import { openStoreToRead } from '../../files/open-store.ts'
import { openTls } from '../../identity/identity.ts'
import { identityPaths } from '../../identity/identity-files.ts'
import { aheadOf, isOff, medianOf } from '../../observability/clock-offset.ts'
import { type CheckFinding, troubleWith } from './finding.ts'

const PEER_TIMEOUT_MS = 5_000

/** Every approved party is asked who it is, as a stranger would, and whether it takes calls of this node. */
export async function peersOf(
  configuration: Configuration,
  environment: Environment,
  clock: Clock,
): Promise<CheckFinding[]> {
  try {
    const store = await openStoreToRead(configuration)
    try {
      const directory = await Directory.open(store.events, clock, configuration.partners)
      const approved = directory.approved()
      directory.close()
      // Why it cannot be had, `certificate` says.
      const tls = await openTls(configuration, environment).catch(() => undefined)
      const caller = tls && { self: configuration.handle, tls, introduced: await introducedIn(configuration, tls) }
      const answers = await Promise.all(approved.map((party) => peerAt(party, caller, clock)))
      const ahead = answers.flatMap(({ aheadMs }) => (aheadMs === undefined ? [] : aheadMs))
      return [...answers.map(({ finding }) => finding), clockBy(ahead)]
    } finally {
      await store.close()
    }
  } catch (error) {
    return [{ ...troubleWith(error), check: 'directory' }]
  }
}

/** This node, as it calls others. */
interface Caller {
  readonly self: Handle
  readonly tls: TlsCredentials
  /** What it has told others of itself last, if that names the certificate that it has; undefined: they do not know that one. */
  readonly introduced: string | undefined
}

async function introducedIn({ dir }: Configuration, { certificate }: TlsCredentials): Promise<string | undefined> {
  try {
    const text = await readFile(identityPaths(dir).introduction, 'utf8')
    const { introduction } = verifyIntroduction(text)
    return introduction.certificate === certificateFingerprint(certificate) ? text : undefined
  } catch {
    return undefined
  }
}

/** `aheadMs`: by how much its clock is ahead of this one. */
async function peerAt(
  known: Introduction,
  caller: Caller | undefined,
  clock: Clock,
): Promise<{ readonly finding: CheckFinding; readonly aheadMs?: number }> {
  const { endpoint } = known
  const check = `peer ${known.card.handle}`
  const asked = clock.now()
  try {
    const { signed, time } = await lookUp(endpoint, PEER_TIMEOUT_MS)
    const between = (asked + clock.now()) / 2
    const shown = whetherKnown(check, known, signed.introduction)
    const finding = caller !== undefined && shown.level === 'ok' ? await whetherTaken(check, known, caller) : shown
    return time === undefined ? { finding } : { finding, aheadMs: aheadOf(time, between) }
  } catch (error) {
    const advice = 'is its node up, does its name resolve, does a firewall let this machine through?'
    return { finding: { ...troubleWith(error), check, level: 'warning', advice } }
  }
}

/** What a party says of itself now, against what is held of it: of the same keys a newer word is taken without asking people. */
function whetherKnown(check: string, known: Introduction, shown: Introduction): CheckFinding {
  const { endpoint } = known
  if (shown.certificate === known.certificate) return { check, level: 'ok', finding: `answers at ${endpoint}` }
  if (isSameParty(known, shown) && shown.serial > known.serial) {
    const finding = 'has a new certificate, under the keys that were approved'
    return { check, level: 'warning', finding, advice: 'a running node takes it up with its next call' }
  }
  const advice = `ask them by telephone, then: concordata party add ${endpoint}`
  return { check, level: 'error', finding: 'shows another certificate than the one approved', advice }
}

/**
 * Calls the peer with an empty exchange, to see whether it approves of this party: a caller that is not approved, or
 * is blocked, is turned away before its message is read. As in every call, the caller first says who it is.
 */
async function whetherTaken(
  check: string,
  { card, endpoint, certificate }: Introduction,
  { self, tls, introduced }: Caller,
): Promise<CheckFinding> {
  const client = new PeerClient({ self, peer: card.handle, endpoint, certificate, tls })
  try {
    if (introduced !== undefined) await client.announce(introduced, { timeoutMs: PEER_TIMEOUT_MS })
    await client.exchange(encodeMessage(new Map(), [], []), { timeoutMs: PEER_TIMEOUT_MS })
  } catch (error) {
    if (error instanceof PeerRefused && error.evidence.status === 403) {
      if (introduced === undefined) {
        const finding = `answers at ${endpoint}, and has not been told of the certificate that this node has now`
        const advice =
          'a running node takes a new certificate up within a minute, and tells its peers; start it if none runs'
        return { check, level: 'warning', finding, advice }
      }
      const finding = `answers at ${endpoint}, and turns this node away: it has not approved this party, or has blocked it`
      const advice =
        'ask them by telephone; on their side: concordata party add with the address of this node, or concordata party approve if they have looked it up, and the fingerprint of `party self`'
      return { check, level: 'error', finding, advice }
    }
    if (!(error instanceof PeerBusy)) throw error
  } finally {
    await client.close()
  }
  return { check, level: 'ok', finding: `answers at ${endpoint}, and takes calls of this node` }
}

export function clockBy(aheadMs: readonly number[]): CheckFinding {
  const check = 'clock'
  const median = medianOf(aheadMs)
  if (median === undefined) return { check, level: 'ok', finding: 'there is nobody to compare it with' }
  const seconds = Math.round(median / 1000)
  const finding = `${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead of'} ${aheadMs.length} ${aheadMs.length === 1 ? 'peer' : 'peers'}`
  if (!isOff(median)) return { check, level: 'ok', finding }
  const advice =
    'keep it by NTP (timedatectl): it decides nothing, but deadlines, certificates and the times that others read come from it'
  return { check, level: 'warning', finding, advice }
}
