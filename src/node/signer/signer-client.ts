import { connect, type Socket } from 'node:net'
import type { SigningKeys } from '../../contracts/processes/key-rotation.ts'
import { type Guarded, GuardRefused, type SigningGuard } from '../../contracts/signing/signing-guard.ts'
import type { Signer } from '../../crypto/signer.ts'
import { readLines } from './lines.ts'
import {
  decodeAnswer,
  guardedForm,
  keysForm,
  publicKeyForm,
  refused,
  SignerRefused,
  type SignerRequest,
  SignerUnreachable,
  signatureForm,
} from './protocol.ts'

/** How long the signer may take for one call. Milliseconds. */
const CALL_TIMEOUT_MS = 10_000
const START_POLL_MS = 200

type Asked<Of extends SignerRequest = SignerRequest> = Of extends SignerRequest ? Omit<Of, 'id'> : never

interface Waiting {
  resolve(result: unknown): void
  reject(error: unknown): void
}

/**
 * Keys and guard of a signer process. Each call that was under way when the connection broke fails with SignerUnreachable, and
 * what has become of it is not known: for a guard, read it. The next call connects anew.
 */
export class SignerClient implements SigningKeys {
  readonly #path: string
  #keys: readonly string[] = []
  #socket: Socket | undefined
  #connecting: Promise<Socket> | undefined
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0
  #isClosed = false

  private constructor(path: string) {
    this.#path = path
  }

  /** `waitMs`: how long a signer may take that is being started as well. Throws SignerUnreachable, SignerRefused. */
  static async open(path: string, waitMs = 0): Promise<SignerClient> {
    const client = new SignerClient(path)
    for (let waitedMs = 0; ; waitedMs += START_POLL_MS) {
      try {
        await client.refresh()
        return client
      } catch (error) {
        if (!(error instanceof SignerUnreachable) || waitedMs >= waitMs) throw error
        await new Promise((resolve) => setTimeout(resolve, START_POLL_MS))
      }
    }
  }

  /** Looks which keys there are: another process of the party may have had one made. */
  async refresh(): Promise<void> {
    const answer = await this.#call({ do: 'keys' })
    if (!keysForm.Check(answer)) throw refused('the answer about keys does not have its form')
    this.#keys = answer.keys
  }

  /** Tagged; oldest first. */
  get publicKeys(): readonly string[] {
    return this.#keys
  }

  get newest(): string {
    return this.#keys.at(-1) as string
  }

  signerOf(publicKey: string): Signer | undefined {
    return this.#keys.includes(publicKey) ? { publicKey, sign: (bytes) => this.#sign(publicKey, bytes) } : undefined
  }

  async add(name?: string): Promise<string> {
    const key = await this.#call({ do: 'add', ...(name !== undefined && { name }) })
    if (!publicKeyForm.Check(key)) throw refused('the answer is no key')
    await this.refresh()
    return key
  }

  readonly guard: SigningGuard = {
    read: async (contract) => {
      const guarded = await this.#call({ do: 'read', contract })
      if (!guardedForm.Check(guarded)) throw refused('the answer about the guard does not have its form')
      return (guarded as Guarded | null) ?? undefined
    },
    advance: async (contract, from, to) => {
      await this.#call({ do: 'advance', contract, from: plain(from), to: plain(to) as Guarded })
    },
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.destroy()
  }

  async #sign(key: string, bytes: Uint8Array): Promise<string> {
    const signature = await this.#call({ do: 'sign', key, bytes: Buffer.from(bytes).toString('base64') })
    if (!signatureForm.Check(signature)) throw refused('the answer is no signature')
    return signature
  }

  async #call(asked: Asked): Promise<unknown> {
    const socket = await this.#connected()
    const id = this.#calls++
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    const timer = setTimeout(() => {
      answer.reject(unreachable(this.#path, 'it took too long'))
      // What comes later belongs to nothing any more.
      socket.destroy()
    }, CALL_TIMEOUT_MS)
    socket.write(`${JSON.stringify({ id, ...asked })}\n`)
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  #connected(): Promise<Socket> {
    if (this.#isClosed) return Promise.reject(unreachable(this.#path, 'this node is stopping'))
    if (this.#socket !== undefined) return Promise.resolve(this.#socket)
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  #connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#path)
      socket.on('connect', () => {
        this.#socket = socket
        resolve(socket)
      })
      socket.on('error', (error) => reject(unreachable(this.#path, error.message, error)))
      socket.on('close', () => {
        if (this.#socket === socket) this.#socket = undefined
        for (const { reject: fail } of this.#waiting.values()) fail(unreachable(this.#path, 'the connection ended'))
      })
      readLines(socket, (line) => this.#took(line, socket))
    })
  }

  #took(line: string, socket: Socket): void {
    try {
      const answer = decodeAnswer(line)
      const waiting = this.#waiting.get(answer.id)
      if ('problem' in answer) waiting?.reject(errorOf(answer.problem))
      else waiting?.resolve(answer.result)
    } catch {
      // Not a signer.
      socket.destroy()
    }
  }
}

function plain(guarded: Guarded | undefined): Guarded | null {
  if (guarded === undefined) return null
  const { seq, hash, line } = guarded
  return { seq, hash, line }
}

function errorOf({ code, message, evidence }: { code: string; message: string; evidence: Record<string, unknown> }) {
  if (code === 'guard_refused') return new GuardRefused('guard_refused', message, evidence)
  return new SignerRefused('signer_refused', message, { ...evidence, code })
}

function unreachable(path: string, why: string, cause?: unknown): SignerUnreachable {
  const message = `the signer at ${path} cannot be reached: ${why}`
  return new SignerUnreachable('signer_unreachable', message, { socket: path }, { cause })
}
