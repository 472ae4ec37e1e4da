import type { Handle } from '../../events/ids.ts'
import type { Gossip } from '../../gossip/gossip.ts'
import type { Peer } from '../../gossip/replica-port.ts'
import { PeerClient } from '../../gossip/transport/peer-client.ts'
import { PeerBusy, PeerWrongCertificate } from '../../gossip/transport/peer-errors.ts'
import type { TlsCredentials } from '../../gossip/transport/protocol.ts'
import { systemClock } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Directory } from '../directory/directory.ts'
import { fetchIntroduction } from '../directory/discovery.ts'
import type { Introduction } from '../directory/introduction.ts'
import { aheadOf } from '../observability/clock-offset.ts'
import type { Tracing } from '../tracing/tracing.ts'

/** How long one exchange may take before it counts as failed. Milliseconds. */
const EXCHANGE_TIMEOUT_MS = 10_000

export interface PeersPorts {
  /** Who calls. */
  readonly self: Handle
  readonly directory: Directory
  readonly gossip: Gossip
  /** What this node says of itself. */
  introduction(): string
  readonly tracing: Tracing
}

interface Connection {
  readonly introduction: Introduction
  readonly client: PeerClient
  readonly peer: Peer
}

/** The approved parties of the directory as peers that gossip can call: added, moved and dropped as the directory says. */
export class Peers {
  readonly #ports: PeersPorts
  #tls: TlsCredentials
  readonly #connections = new Map<Handle, Connection>()
  /** By how much the clock of each was ahead of this one when it answered last; of those that do not answer none. Milliseconds. */
  readonly #aheadMs = new Map<Handle, number>()
  #stop: (() => void) | undefined

  constructor(ports: PeersPorts, tls: TlsCredentials) {
    this.#ports = ports
    this.#tls = tls
  }

  start(): void {
    this.#stop = this.#ports.directory.onChange(() => this.#follow())
    this.#follow()
  }

  /** This node has another certificate from now on: announces it to all peers, over new connections. */
  renewed(tls: TlsCredentials): void {
    this.#tls = tls
    for (const { introduction, client } of [...this.#connections.values()]) {
      this.#connections.delete(introduction.card.handle)
      void client.close()
      this.#connect(introduction)
    }
  }

  /** By how much the clocks of peers are ahead of this one. Milliseconds, good to a second. */
  aheadMs(): ReadonlyMap<Handle, number> {
    return this.#aheadMs
  }

  /** Who calls, as gossip knows it. */
  of(introduction: Introduction): Peer {
    return this.#connect(introduction).peer
  }

  async close(): Promise<void> {
    this.#stop?.()
    await Promise.all([...this.#connections.values()].map(({ client }) => client.close()))
  }

  #follow(): void {
    const approved = this.#ports.directory.approved()
    const handles = new Set(approved.map(({ card }) => card.handle))
    for (const [handle, { client }] of this.#connections) {
      if (handles.has(handle)) continue
      this.#connections.delete(handle)
      this.#aheadMs.delete(handle)
      this.#ports.gossip.removePeer(handle)
      void client.close()
    }
    for (const introduction of approved) this.#connect(introduction)
  }

  #connect(introduction: Introduction): Connection {
    const { card, endpoint, certificate } = introduction
    const known = this.#connections.get(card.handle)
    if (known !== undefined && known.introduction === introduction) return known
    void known?.client.close()
    const client = new PeerClient({
      self: this.#ports.self,
      peer: card.handle,
      endpoint,
      certificate,
      tls: this.#tls,
      timeSaid: (time) => {
        // A late response does not count for a peer that is gone.
        if (this.#connections.get(card.handle)?.client === client)
          this.#aheadMs.set(card.handle, aheadOf(time, systemClock.now()))
      },
    })
    const options = { timeoutMs: EXCHANGE_TIMEOUT_MS }
    let announced: string | undefined
    const announce = async () => {
      const text = this.#ports.introduction()
      if (text === announced) return
      await client.announce(text, options)
      announced = text
    }
    const peer: Peer = {
      handle: card.handle,
      signingKey: card.keys.signing,
      exchange: async (body) => {
        try {
          await announce()
          return await this.#ports.tracing.calling(card.handle, body, (traceparent) =>
            client.exchange(body, { ...options, traceparent }),
          )
        } catch (error) {
          if (!(error instanceof PeerBusy)) this.#aheadMs.delete(card.handle)
          if (error instanceof PeerWrongCertificate) await this.#lookUpAgain(introduction)
          throw error
        }
      },
    }
    const connection = { introduction, client, peer }
    this.#connections.set(card.handle, connection)
    this.#ports.gossip.setPeer(peer)
    // It may have nothing to exchange for long, and call in between. Should this fail, the next exchange tries again.
    announce().catch(() => {})
    return connection
  }

  /** A peer that renewed its certificate while this node was down: what it says of itself now, it has signed. */
  async #lookUpAgain({ endpoint }: Introduction): Promise<void> {
    try {
      await this.#ports.directory.announced(await fetchIntroduction(endpoint, EXCHANGE_TIMEOUT_MS))
    } catch (error) {
      // Then it stays as it is, which is what the caller reports.
      if (!(error instanceof ConcordataError)) throw error
    }
  }
}
