import type { FastifyBaseLogger } from 'fastify'
import type { Handle } from '../../events/ids.ts'
import type { Gossip } from '../../gossip/gossip.ts'
import { openReceiver } from '../../gossip/transport/receiver.ts'
import { systemClock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Configuration } from '../config/configuration.ts'
import type { Directory } from '../directory/directory.ts'
import { type Introduction, verifyIntroduction } from '../directory/introduction.ts'
import { ownIntroduction } from '../directory/own-introduction.ts'
import type { Identity } from '../identity/identity.ts'
import type { Shutdown } from '../lifecycle/shutdown.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { CertificateRenewal } from './certificate-renewal.ts'
import { Peers } from './peers.ts'

export interface OutwardPorts {
  readonly configuration: Configuration
  readonly identity: Identity
  readonly directory: Directory
  readonly gossip: Gossip
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly logger: FastifyBaseLogger
  /** Whether this process answers the calls of others, and whether it calls them. */
  readonly answers: boolean
  readonly calls: boolean
}

export interface Outward {
  /** Where it listens; undefined where it does not. */
  readonly endpoint: string | undefined
  /** The certificate that is shown. PEM. */
  certificate(): string
  /** By how much the clocks of peers are ahead of this one. Milliseconds. */
  aheadMs(): ReadonlyMap<Handle, number>
  start(): void
}

/** Everything that faces other parties: the Receiver, the connections to peers, and the certificate of both. */
export async function openOutward(ports: OutwardPorts, closing: Shutdown): Promise<Outward> {
  const { configuration, identity, directory, gossip, metrics, tracing, logger, answers, calls } = ports
  const said = { tls: identity.tls, introduction: await ownIntroduction(configuration, identity, systemClock) }
  metrics.watchCertificate(() => said.tls.certificate)
  const introduction = () => said.introduction
  const peers = new Peers({ self: identity.card.handle, directory, gossip, introduction, tracing }, identity.tls)
  closing.add(() => peers.close())
  const receiver = answers
    ? await openReceiver<Introduction>({
        endpoint: configuration.endpoint,
        tls: identity.tls,
        introduction,
        introduced: (text) => takeAnnouncement(directory, text),
        self: identity.card.handle,
        isKnown: (certificate) => directory.certificates().has(certificate),
        authenticate: (certificate, name) => directory.caller(certificate, name),
        limits: configuration.outwardLimits,
        exchange: (party, body, traceparent) =>
          tracing.answering(party.card.handle, traceparent, body, () =>
            gossip.answer(calls ? peers.of(party) : strangerAs(party), body),
          ),
        failed: (error) => logger.error({ err: error }, 'an exchange failed'),
      })
    : undefined
  if (receiver !== undefined) {
    closing.add(() => receiver.close())
    // Who was blocked is cut off at once.
    closing.add(directory.onChange(() => receiver.recheck()))
  }
  const keeper = new CertificateRenewal(identity.tls, {
    configuration,
    card: identity.card,
    clock: systemClock,
    renews: answers,
    async renewed(tls, certificate) {
      said.introduction = await ownIntroduction(configuration, { ...identity, tls, certificate }, systemClock)
      said.tls = tls
      receiver?.useCertificate(tls)
      peers.renewed(tls)
      logger.info({ certificate }, 'the certificate was renewed')
    },
    failed: (error) => logger.error({ err: error }, 'the certificate cannot be renewed'),
  })
  await keeper.look()
  closing.add(() => keeper.close())
  return {
    endpoint: receiver?.endpoint,
    certificate: () => said.tls.certificate,
    aheadMs: () => peers.aheadMs(),
    start() {
      if (calls) peers.start()
      keeper.start()
      if (calls) gossip.start()
    },
  }
}

/** A caller, in a process that calls nobody. */
function strangerAs({ card }: Introduction) {
  const exchange = () => Promise.reject(new Error('this process calls nobody'))
  return { handle: card.handle, signingKey: card.keys.signing, exchange }
}

/** The signed introduction of an approved party is accepted; the response to any other does not say what became of it. */
async function takeAnnouncement(directory: Directory, text: string): Promise<void> {
  try {
    await directory.announced(verifyIntroduction(text))
  } catch (error) {
    if (!(error instanceof ConcordataError)) throw error
  }
}
