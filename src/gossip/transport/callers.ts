import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Hash } from '../../crypto/hash.ts'
import { presentedFingerprint } from './protocol.ts'
import type { ReceiverLimits } from './receiver-limits.ts'
import { strangerAt } from './remote-address.ts'

export interface CallersPorts<Party> {
  /** Whose certificate it is; undefined for everybody who is not approved. */
  authenticate(certificate: Hash): Party | undefined
  /** The same for a party whatever its certificate. */
  nameOf(party: Party): string
}

interface Connection {
  readonly fingerprint: Hash
  /** Whose it was when it came. */
  readonly name: string
}

/**
 * Who is at the other end of each connection. A connection's certificate stays the same, so it is hashed once; whether it
 * is approved is asked every time. Whoever has too many connections gets no more: those that stand are not touched.
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

  partyAt(socket: TLSSocket): Party | undefined {
    const fingerprint = this.#fingerprintAt(socket)
    return fingerprint === undefined ? undefined : this.#ports.authenticate(fingerprint)
  }

  /** Ends the connections of those who are not approved any more, with what is under way on them. */
  recheck(): void {
    for (const [socket, { fingerprint }] of this.#approved) {
      if (this.#ports.authenticate(fingerprint) === undefined) socket.destroy()
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
    const party = fingerprint === undefined ? undefined : this.#ports.authenticate(fingerprint)
    if (fingerprint === undefined || party === undefined) return
    const name = this.#ports.nameOf(party)
    const others = [...this.#approved.values()].filter((connection) => connection.name === name)
    if (others.length >= connectionsMax) return void socket.destroy()
    this.#approved.set(socket, { fingerprint, name })
    socket.once('close', () => this.#approved.delete(socket))
  }

  #fingerprintAt(socket: TLSSocket): Hash | undefined {
    if (!this.#fingerprints.has(socket)) this.#fingerprints.set(socket, presentedFingerprint(socket))
    return this.#fingerprints.get(socket)
  }
}
