import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Hash } from '../../crypto/hash.ts'
import { presentedFingerprint } from './protocol.ts'
import type { ReceiverLimits } from './receiver-limits.ts'
import { strangerAt } from './remote-address.ts'

export interface CallersPorts<Party> {
  /** Whether it is the certificate of any party that is approved. */
  isKnown(certificate: Hash): boolean
  /** The party of this name, if it is approved and the certificate is one of its own. Asked for every request. */
  authenticate(certificate: Hash, name: string): Party | undefined
}

export interface Caller<Party> {
  readonly party: Party
  /** The same whatever its certificate: by it what it takes is counted. */
  readonly name: string
}

interface Connection {
  readonly fingerprint: Hash
  /** Who has called over it: of those who share a certificate one may come to be blocked. */
  readonly names: Set<string>
}

/**
 * Who is at the other end of each connection. A connection's certificate stays the same, so it is hashed once; whose it
 * is, each request says, and whether that is so is asked every time. Whoever has too many connections gets no more: those that stand are not touched.
 */
export class Callers<Party> {
  readonly #ports: CallersPorts<Party>
  readonly #fingerprints = new WeakMap<TLSSocket, Hash | undefined>()
  readonly #approved = new Map<TLSSocket, Connection>()
  readonly #byAddress = new Map<string, number>()

  constructor(server: Server, limits: ReceiverLimits, ports: CallersPorts<Party>) {
    this.#ports = ports
    server.on('connection', (socket: Socket) => this.#came(socket, limits.addressConnectionsMax))
    server.prependListener('secureConnection', (socket) => this.#shook(socket, limits.partyConnectionsMax))
  }

  /** `name`: as the caller gives it, whatever it is. Undefined for whoever is not an approved party by that name. */
  at(socket: TLSSocket, name: unknown): Caller<Party> | undefined {
    const fingerprint = this.#fingerprintAt(socket)
    if (fingerprint === undefined || typeof name !== 'string') return undefined
    const party = this.#ports.authenticate(fingerprint, name)
    if (party === undefined) return undefined
    this.#approved.get(socket)?.names.add(name)
    return { party, name }
  }

  /** Ends the connections of those who are not approved any more, with what is under way on them. */
  recheck(): void {
    for (const [socket, { fingerprint, names }] of this.#approved) {
      const isNow = (name: string) => this.#ports.authenticate(fingerprint, name) !== undefined
      if (!this.#ports.isKnown(fingerprint) || ![...names].every(isNow)) socket.destroy()
    }
  }

  #came(socket: Socket, connectionsMax: number): void {
    const address = strangerAt(socket.remoteAddress)
    const count = (this.#byAddress.get(address) ?? 0) + 1
    if (count > connectionsMax) return void socket.destroy()
    this.#byAddress.set(address, count)
    socket.once('close', () => {
      const left = (this.#byAddress.get(address) ?? 1) - 1
      if (left === 0) this.#byAddress.delete(address)
      else this.#byAddress.set(address, left)
    })
  }

  #shook(socket: TLSSocket, connectionsMax: number): void {
    const fingerprint = this.#fingerprintAt(socket)
    if (fingerprint === undefined || !this.#ports.isKnown(fingerprint)) return
    const others = [...this.#approved.values()].filter((connection) => connection.fingerprint === fingerprint)
    if (others.length >= connectionsMax) return void socket.destroy()
    this.#approved.set(socket, { fingerprint, names: new Set() })
    socket.once('close', () => this.#approved.delete(socket))
  }

  #fingerprintAt(socket: TLSSocket): Hash | undefined {
    if (!this.#fingerprints.has(socket)) this.#fingerprints.set(socket, presentedFingerprint(socket))
    return this.#fingerprints.get(socket)
  }
}
