import type { Handle } from '../events/ids.ts'
import type { Gossip } from '../gossip/gossip.ts'
import type { Peer } from '../gossip/participant.ts'
import { PeerClient } from '../gossip/transport/peer-client.ts'
import type { TlsCredentials } from '../gossip/transport/protocol.ts'
import type { Directory } from './directory.ts'
import type { Introduction } from './introduction.ts'

/** How long one exchange may take before it counts as failed. Milliseconds. */
const EXCHANGE_TIMEOUT_MS = 10_000

interface Connection {
  readonly introduction: Introduction
  readonly client: PeerClient
  readonly peer: Peer
}

/** The approved parties of the directory as peers that gossip can call: added, moved and dropped as the directory says. */
export class Peers {
  readonly #directory: Directory
  readonly #gossip: Gossip
  readonly #tls: TlsCredentials
  readonly #connections = new Map<Handle, Connection>()
  #stop: (() => void) | undefined

  constructor(directory: Directory, gossip: Gossip, tls: TlsCredentials) {
    this.#directory = directory
    this.#gossip = gossip
    this.#tls = tls
  }

  start(): void {
    this.#stop = this.#directory.onChange(() => this.#follow())
    this.#follow()
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
    const approved = this.#directory.approved()
    const handles = new Set(approved.map(({ card }) => card.handle))
    for (const [handle, { client }] of this.#connections) {
      if (handles.has(handle)) continue
      this.#connections.delete(handle)
      this.#gossip.removePeer(handle)
      void client.close()
    }
    for (const introduction of approved) this.#connect(introduction)
  }

  #connect(introduction: Introduction): Connection {
    const { card, endpoint, certificate } = introduction
    const known = this.#connections.get(card.handle)
    if (known !== undefined && known.introduction.serial === introduction.serial) return known
    void known?.client.close()
    const client = new PeerClient({ endpoint, certificate, tls: this.#tls })
    const peer: Peer = {
      handle: card.handle,
      signingKey: card.keys.signing,
      exchange: (body) => client.exchange(body, { timeoutMs: EXCHANGE_TIMEOUT_MS }),
    }
    const connection = { introduction, client, peer }
    this.#connections.set(card.handle, connection)
    this.#gossip.setPeer(peer)
    return connection
  }
}
