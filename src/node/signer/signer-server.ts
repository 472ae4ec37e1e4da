import { chmod, mkdir, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { SigningKeys } from '../../contracts/processes/key-rotation.ts'
import { type Guarded, guardRefused, isSamePlace, type SigningGuard } from '../../contracts/signing/signing-guard.ts'
import { domains } from '../../crypto/hash.ts'
import type { Signer } from '../../crypto/signer.ts'
import { type Uid, UidSchema } from '../../events/ids.ts'
import { unreachable } from '../../runtime/assert.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import { readLines } from './lines.ts'
import { decodeCall, refused, type SignerRequest, type SignerResponse, signedDomains } from './protocol.ts'

/** Another signer listens at the socket. Evidence: `socket`. */
export class SocketInUse extends ConcordataError {}

export interface SignerServerPorts {
  readonly keys: SigningKeys & { signerOf(publicKey: string): Signer | undefined }
  readonly guard: SigningGuard
  failed(error: unknown): void
}

export interface SignerServer {
  close(): Promise<void>
}

/** Whoever may open it may sign: its owner, and the group that the owner shares it with. */
const SOCKET_MODE = 0o660
const DIRECTORY_MODE = 0o750
/** Calls of one client that are carried out at a time; what comes beyond waits in its socket. */
const CALLS_AT_ONCE_MAX = 64

/** Serves keys and guard at a Unix socket. Throws SocketInUse. */
export async function serveSigner(socketPath: string, ports: SignerServerPorts): Promise<SignerServer> {
  await mkdir(dirname(socketPath), { recursive: true, mode: DIRECTORY_MODE })
  await removeDead(socketPath)
  const calls = new SignerCalls(ports)
  const clients = new Set<Socket>()
  const server = createServer((socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
    socket.on('error', () => {})
    serveClient(socket, calls, ports)
  })
  await listen(server, socketPath)
  await chmod(socketPath, SOCKET_MODE)
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of clients) socket.destroy()
      await closed
    },
  }
}

function serveClient(socket: Socket, calls: SignerCalls, ports: SignerServerPorts): void {
  let underWay = 0
  readLines(socket, async (line) => {
    if (++underWay >= CALLS_AT_ONCE_MAX) socket.pause()
    const answer = await calls.answer(line).catch((error: unknown) => {
      ports.failed(error)
      socket.destroy()
    })
    if (answer !== undefined && socket.writable) socket.write(`${JSON.stringify(answer)}\n`)
    if (--underWay < CALLS_AT_ONCE_MAX) socket.resume()
  })
}

/** Carries out what clients call for: the calls about one contract one after another, the others at the same time. */
class SignerCalls {
  readonly #ports: SignerServerPorts
  /** What is done about each contract, one thing after another: a guard compares and sets. */
  readonly #busy = new Map<Uid, Promise<unknown>>()

  constructor(ports: SignerServerPorts) {
    this.#ports = ports
  }

  /** Throws what is not for the caller: then the connection ends. Of a line without a number nothing can be said either. */
  async answer(line: string): Promise<SignerResponse> {
    const call = decodeCall(line)
    try {
      return { id: call.id, result: await this.#do(call) }
    } catch (error) {
      if (!(error instanceof ConcordataError)) throw error
      const { code, message, evidence } = error
      return { id: call.id, problem: { code, message, evidence: { ...evidence } } }
    }
  }

  async #do(call: SignerRequest): Promise<unknown> {
    const { keys, guard } = this.#ports
    switch (call.do) {
      case 'keys':
        return { keys: keys.publicKeys }
      case 'add':
        return keys.add(call.name)
      case 'sign':
        return this.#sign(call.key, Buffer.from(call.bytes, 'base64'))
      case 'read':
        return this.#inTurn(call.contract, async () => (await guard.read(call.contract)) ?? null)
      case 'advance': {
        const { contract, from, to } = call
        return this.#inTurn(contract, () =>
          this.#advance(contract, (from as Guarded | null) ?? undefined, to as Guarded),
        )
      }
      default:
        return unreachable(call)
    }
  }

  async #sign(publicKey: string, bytes: Buffer): Promise<string> {
    const signer = this.#ports.keys.signerOf(publicKey)
    if (signer === undefined) throw refused('it does not have that key')
    if (!signedDomains.some((domain) => bytes.subarray(0, domain.length).toString('latin1') === domain)) {
      throw refused('the bytes are nothing that a party signs')
    }
    await this.#requireNotBehindGuard(bytes)
    return signer.sign(bytes)
  }

  /** The guard has the last word also where a process asks that did not look: nothing is signed at a place that is taken. */
  async #requireNotBehindGuard(bytes: Buffer): Promise<void> {
    if (!bytes.toString('utf8', 0, domains.statement.length).startsWith(domains.statement)) return
    const statement = jsonOf(placeForm, bytes.toString('utf8', domains.statement.length))
    if (statement === undefined) throw refused('the bytes are no statement')
    const { contract, seq, key } = statement
    if (key !== undefined && 'revoke' in key) return
    const guarded = await this.#ports.guard.read(contract)
    if (guarded === undefined || guarded.seq < seq) return
    throw guardRefused(contract, { seq: seq - 1, hash: null, line: null }, guarded)
  }

  async #advance(contract: Uid, from: Guarded | undefined, to: Guarded): Promise<null> {
    const found = await this.#ports.guard.read(contract)
    if (!isSamePlace(found, from)) throw guardRefused(contract, from, found)
    await this.#ports.guard.advance(contract, from, to)
    return null
  }

  #inTurn<Result>(contract: Uid, work: () => Promise<Result>): Promise<Result> {
    const before = this.#busy.get(contract) ?? Promise.resolve()
    const done = before.then(work, work)
    const settled = done.then(
      () => {},
      () => {},
    )
    this.#busy.set(contract, settled)
    void settled.then(() => {
      if (this.#busy.get(contract) === settled) this.#busy.delete(contract)
    })
    return done
  }
}

/** Enough of a statement to find its place. */
const placeForm = Compile(
  Type.Object({
    contract: UidSchema,
    seq: Type.Integer({ minimum: 0 }),
    key: Type.Optional(Type.Object({})),
  }),
)

/** A signer that was killed leaves its socket behind; one that lives answers there. */
async function removeDead(socketPath: string): Promise<void> {
  const isLive = await new Promise<boolean>((resolve) => {
    const probe = connect(socketPath)
    probe.on('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (isLive) {
    throw new SocketInUse('data_directory_in_use', `another signer listens at ${socketPath}`, { socket: socketPath })
  }
  await unlink(socketPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
