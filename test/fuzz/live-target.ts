import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { isKnownCode } from './raw.ts'
import type { Target } from './target.ts'
import type { World } from './world.ts'

const TEXT = 1
const CLOSE = 8
/** RFC 6455 §7.4.1, and what the API says itself. */
const CLOSED_WITH = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1011, 1013])
const ANSWER_MS_MAX = 20_000

/** A frame as a client sends it: masked. */
export function frame(opcode: number, payload: Buffer, isLast = true): Buffer {
  const mask = randomBytes(4)
  const { length } = payload
  const sizes = length < 126 ? [0x80 | length] : length < 65_536 ? [0x80 | 126, length >> 8, length & 255] : undefined
  const long = Buffer.alloc(9)
  long[0] = 0x80 | 127
  long.writeBigUInt64BE(BigInt(length), 1)
  const masked = Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] as number)))
  const first = (isLast ? 0x80 : 0) | opcode
  return Buffer.concat([Buffer.of(first), sizes === undefined ? long : Buffer.from(sizes), mask, masked])
}

interface Frame {
  readonly opcode: number
  readonly payload: Buffer
}

/** What the other end sends, frame by frame. */
class Frames {
  #bytes = Buffer.alloc(0)

  next(more: Buffer): Frame[] {
    const found: Frame[] = []
    this.#bytes = Buffer.concat([this.#bytes, more])
    for (;;) {
      const short = (this.#bytes[1] ?? 0) & 127
      const head = short === 126 ? 4 : short === 127 ? 10 : 2
      if (this.#bytes.length < head) return found
      const length =
        short === 126 ? this.#bytes.readUInt16BE(2) : short === 127 ? Number(this.#bytes.readBigUInt64BE(2)) : short
      if (this.#bytes.length < head + length) return found
      found.push({ opcode: (this.#bytes[0] ?? 0) & 15, payload: this.#bytes.subarray(head, head + length) })
      this.#bytes = this.#bytes.subarray(head + length)
    }
  }
}

async function open({ honest }: World): Promise<Socket> {
  const { hostname, port, host } = new URL(honest.api)
  const socket = connect(Number(port), hostname)
  const head = `GET /live?token=${honest.token} HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: websocket`
  socket.write(
    `${head}\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  )
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', (bytes) => {
      const end = bytes.indexOf('\r\n\r\n')
      if (!bytes.toString('latin1').startsWith('HTTP/1.1 101') || end === -1) return reject(new Error(String(bytes)))
      socket.unshift(bytes.subarray(end + 4))
      resolve()
    })
  })
  return socket
}

/**
 * Frames on `/live`: the first character says how they are made. `t`: one of text. `b`: one of bytes. `f`: text in two. `r`: the rest
 * are the bytes themselves, latin1. Whatever comes is answered, or closes the connection with a status; else the next question is.
 */
export async function frameTarget(world: World): Promise<Target> {
  const { honest, done } = world
  const { contract } = (await honest.call('POST', '/api/Contract', { title: 'watched' })).body
  const asked = `/new-api/${contract}/the%20last`
  return {
    name: 'a frame on /live',
    valid: [
      't{"subscribe":"/new-api/none"}',
      't{"subscribe":"/new-api/none/Country","from":0}',
      't{"unsubscribe":"/new-api/none"}',
      'b{"subscribe":"/new-api/none"}',
      'f{"subscribe":"/new-api/none/Country"}',
      `r${frame(TEXT, Buffer.from('{"subscribe":"/new-api/none"}')).toString('latin1')}`,
      `r${frame(CLOSE, Buffer.of(3, 232)).toString('latin1')}`,
      // Bits that are reserved, and an opcode that there is not.
      `r${Buffer.of(0xf1, 0x80, 0, 0, 0, 0).toString('latin1')}`,
      `r${frame(3, Buffer.from('x')).toString('latin1')}`,
      `r${frame(9, Buffer.from('ping')).toString('latin1')}`,
    ],
    share: 1,
    async decode(text) {
      const before = await done()
      const socket = await open(world)
      const ended = Promise.withResolvers<void>()
      const timer = setTimeout(() => ended.reject(new Error('the next question has no answer')), ANSWER_MS_MAX)
      const frames = new Frames()
      socket.on('error', () => {})
      socket.on('close', () => ended.resolve())
      socket.on('data', (bytes: Buffer) => {
        try {
          for (const { opcode, payload } of frames.next(bytes)) {
            if (opcode === CLOSE) assertClosed(payload)
            if (opcode === TEXT && assertMessage(payload).includes(asked)) socket.destroy()
          }
        } catch (error) {
          ended.reject(error)
        }
      })
      socket.write(framesOf(text))
      // Of raw bytes it may be the inside of a frame: then the other end waits for more, until this one goes.
      socket.write(frame(TEXT, Buffer.from(`{"unsubscribe":"x"}`)))
      socket.write(frame(TEXT, Buffer.from(`{"subscribe":"${asked}"}`)))
      if (text.startsWith('r')) setTimeout(() => socket.destroy(), 200).unref()
      await ended.promise.finally(() => {
        clearTimeout(timer)
        socket.destroy()
      })
      if ((await done()) !== before) throw new Error('the store has changed')
      const health = await fetch(`${honest.api}/health`)
      if (health.status !== 200) throw new Error(`/health is ${health.status}`)
      return undefined
    },
  }
}

function framesOf(text: string): Buffer {
  const [kind, rest] = [text.slice(0, 1), text.slice(1)]
  const bytes = Buffer.from(rest.toWellFormed())
  if (kind === 'r') return Buffer.from(rest, 'latin1')
  if (kind === 'b') return frame(2, Buffer.from(rest, 'latin1'))
  if (kind !== 'f') return frame(TEXT, bytes)
  const middle = bytes.length >> 1
  return Buffer.concat([frame(TEXT, bytes.subarray(0, middle), false), frame(0, bytes.subarray(middle))])
}

function assertMessage(payload: Buffer): string {
  const text = payload.toString()
  const { problem } = JSON.parse(text) as { problem?: { code?: string; status?: number } }
  if (problem !== undefined && (!isKnownCode(problem.code) || (problem.status ?? 500) >= 500))
    throw new Error(`a problem that is none: ${text.slice(0, 500)}`)
  return text
}

function assertClosed(payload: Buffer): void {
  const status = payload.length < 2 ? 1000 : payload.readUInt16BE(0)
  if (!CLOSED_WITH.has(status)) throw new Error(`closed with ${status}`)
}
