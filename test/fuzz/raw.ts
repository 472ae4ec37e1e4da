import type { Socket } from 'node:net'
import { answerCodes, type ProblemCode } from '../../src/api/http/problems/problem.ts'
import { voidCodes } from '../../src/events/outcome.ts'
import { errorCodes } from '../../src/runtime/errors.ts'

/** An answer that has not come by then is none. Milliseconds. */
const ANSWER_MS_MAX = 20_000

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** The parts of a fuzzed request: a target, headers, and a body, behind the first end of line and the first empty line. */
export function partsOf(text: string): { readonly target: string; readonly headers: string[]; readonly body: string } {
  const end = text.indexOf('\n\n')
  const [target = '', ...headers] = (end === -1 ? text : text.slice(0, end)).split('\n')
  return { target, headers, body: end === -1 ? '' : text.slice(end + 2) }
}

/** Where a body ends is another matter (`framingTarget`): here the other end always knows. */
const isFraming = (line: string) => /^\s*(?:content-length|transfer-encoding)\b/i.test(line)

/** The bytes of a request with the parts of a fuzzed text in it. Characters that are no bytes of a header stay the bytes of their UTF-8. */
export function requestOf(method: string, text: string, own: readonly string[]): Buffer {
  const { target, headers, body } = partsOf(text)
  const bytes = Buffer.from(body.toWellFormed())
  const length = bytes.length === 0 ? [] : [`content-length: ${bytes.length}`]
  const lines = [...own, ...length, ...headers.filter((line) => line !== '' && !isFraming(line))]
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`), bytes])
}

/**
 * What comes back on a connection; undefined: it was closed without an answer, or there is none in time. `hasBody`: false after HEAD.
 */
export function answerTo(socket: Socket, bytes: Buffer, hasBody = true): Promise<RawAnswer | undefined> {
  return new Promise((resolve) => {
    let all = Buffer.alloc(0)
    const end = (isClosed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answerIn(all, isClosed, hasBody))
    }
    const timer = setTimeout(() => end(true), ANSWER_MS_MAX)
    socket.on('data', (more) => {
      all = Buffer.concat([all, more])
      if (answerIn(all, false, hasBody) !== undefined) end(false)
    })
    socket.on('error', () => {})
    socket.on('close', () => end(true))
    socket.write(bytes)
  })
}

function answerIn(all: Buffer, isClosed: boolean, hasBody: boolean): RawAnswer | undefined {
  // 100 Continue and its like go before the answer.
  const text = all.toString('latin1').replace(/^(?:HTTP\/1\.1 10[02-9] [\s\S]*?\r\n\r\n)+/, '')
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = text.slice(0, end)
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
  const raw = text.slice(end + 4)
  const answer = (body: string) => ({ status, head, body: Buffer.from(body, 'latin1').toString() })
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  if (!hasBody || status === 204 || status === 304 || status === 101) return answer('')
  if (length !== undefined) return raw.length >= Number(length) ? answer(raw.slice(0, Number(length))) : undefined
  return isClosed || raw.endsWith('0\r\n\r\n') ? answer(raw) : undefined
}

const known: readonly object[] = [errorCodes, answerCodes, voidCodes]
export const isKnownCode = (code: unknown): code is ProblemCode =>
  typeof code === 'string' && known.some((codes) => Object.hasOwn(codes, code))

/** These tell a user of something that goes on elsewhere, and no fault: not all could be waited for, or are there. */
const MAY_BE = new Set(['not_unanimous_in_time', 'withdrawn', 'engine_unknown', 'transmitter_silent'])

/**
 * What every answer promises: that there is one; below 400, or a problem document with a code that is documented, and no fault of ours.
 * Throws what says how that is broken. The answer is the code, if it is a refusal.
 */
export function assertAnswer(answer: RawAnswer | undefined, isHead = false): string | undefined {
  if (answer === undefined) throw new Error('there is no answer')
  const { status, head, body } = answer
  if (!(status >= 100)) throw new Error(`the answer is no HTTP: ${head.slice(0, 200)}`)
  if (status < 400 || isHead) {
    if (status >= 500) throw new Error(`status ${status}`)
    return undefined
  }
  if (!/^content-type: application\/problem\+json/im.test(head))
    throw new Error(`status ${status} without a problem document: ${head} ${body.slice(0, 300)}`)
  const { code, status: inside } = JSON.parse(body) as { code?: string; status?: number }
  if (!isKnownCode(code)) throw new Error(`the code ${code} of status ${status} is in no list`)
  if (inside !== status) throw new Error(`${code} says ${inside}, and is ${status}`)
  if (status >= 500 && !MAY_BE.has(code)) throw new Error(`status ${status}: ${body.slice(0, 500)}`)
  return code
}
