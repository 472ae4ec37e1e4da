import { createPrivateKey, X509Certificate } from 'node:crypto'
import { certificateFingerprint, selfSignedCertificate } from '../../crypto/certificate.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { TlsCredentials } from '../../gossip/transport/protocol.ts'
import type { Clock } from '../../runtime/clock.ts'
import { replaceFile } from '../../runtime/durable-file.ts'
import type { Configuration } from '../config/configuration.ts'
import { damaged, identityPaths, readText } from '../identity/identity-files.ts'

/** How often a running node looks whether its certificate was renewed, or is to be. Milliseconds. */
const LOOK_EVERY_MS = 60_000

/** A certificate's life, of which a third is left when it is renewed: at two years, eight months ahead. */
const RENEWED_AT = 2 / 3

export interface CertificateRenewalPorts {
  readonly configuration: Configuration
  readonly card: PartyCard
  readonly clock: Clock
  /** Of several processes with one certificate, one renews it. */
  readonly renews: boolean
  /** There is a new one: to be shown, pinned and announced from now on. */
  renewed(tls: TlsCredentials, fingerprint: Hash): Promise<void>
  failed(error: unknown): void
}

/** Renews the outward certificate before it expires, and loads one that was renewed by command without a restart. */
export class CertificateRenewal {
  readonly #ports: CertificateRenewalPorts
  #tls: TlsCredentials
  #cancel: (() => void) | undefined
  #closed = false

  constructor(tls: TlsCredentials, ports: CertificateRenewalPorts) {
    this.#tls = tls
    this.#ports = ports
  }

  start(): void {
    this.#cancel = this.#ports.clock.after(LOOK_EVERY_MS, () => {
      this.look()
        .catch((error: unknown) => this.#ports.failed(error))
        .finally(() => {
          if (!this.#closed) this.start()
        })
    })
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
  }

  /** Renews the certificate if it is due, and loads whatever is in its file. Throws IdentityDamaged. */
  async look(): Promise<void> {
    const { configuration, card, clock, renews } = this.#ports
    const path = identityPaths(configuration.dir).certificate
    let certificate = await readText(path)
    if (!isCertificate(certificate)) throw damaged(path, 'is no certificate')
    if (renews && isRenewalDue(certificate, clock.now())) {
      certificate = await renewCertificate(configuration, card, this.#tls.key, clock)
    }
    if (certificate === this.#tls.certificate) return
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(this.#tls.key))) {
      throw damaged(path, 'is no certificate of the key of this node')
    }
    this.#tls = { key: this.#tls.key, certificate }
    await this.#ports.renewed(this.#tls, certificateFingerprint(certificate))
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}

/** Whether less than a third of its life is left, or it has not begun: `now` in milliseconds since the epoch. */
export function isRenewalDue(certificate: string, now: number): boolean {
  const { validFrom, validTo } = new X509Certificate(certificate)
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  return now < from || now >= from + (to - from) * RENEWED_AT
}

/** A new certificate of the same key, in place of the one in the data directory. `key`: PEM, in the clear. */
export async function renewCertificate(
  { dir, endpoint, handle }: Configuration,
  { did }: PartyCard,
  key: string,
  clock: Clock,
): Promise<string> {
  const subject = { commonName: handle, host: new URL(endpoint).hostname, did }
  const certificate = selfSignedCertificate(createPrivateKey(key), subject, clock.now())
  await replaceFile(identityPaths(dir).certificate, certificate, 0o644)
  return certificate
}
