import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { noteAnswered } from './answered-problems.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Of a problem document; of anything else undefined. */
  readonly code: string | undefined
}

/** One request over a socket of its own, to the byte as it stands here: no client makes it better. */
export async function sendRaw(
  api: string,
  requestLine: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: Uint8Array | string = '',
): Promise<RawAnswer> {
  const { hostname, port } = new URL(api)
  const socket = connect(Number(port), hostname)
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const all = {
    host: `${hostname}:${port}`,
    connection: 'close',
    ...(bytes.length === 0 ? {} : { 'content-length': String(bytes.length) }),
    ...headers,
  }
  const head = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}\r\n`))
  socket.write(`${requestLine} HTTP/1.1\r\n${head.join('')}\r\n`)
  if (bytes.length > 0) socket.write(bytes)
  return answerIn(await text(socket))
}

/** What stands in what came. */
export function answerIn(answer: string): RawAnswer {
  const end = answer.indexOf('\r\n\r\n')
  const [first = '', ...lines] = answer.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2).map((part) => part.toLowerCase())))
  const body = answer.slice(end + 4)
  const isProblem = headers['content-type']?.startsWith('application/problem+json') === true
  const status = Number(first.split(' ')[1])
  const code = isProblem ? JSON.parse(body).code : undefined
  // Some are answered before there is a request.
  if (code !== undefined) noteAnswered(status, code)
  return { status, headers, text: body, code }
}
