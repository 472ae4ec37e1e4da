import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

export type RequestBody =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tooLarge' }
  /** Not UTF-8: to put replacement characters in place of bytes would change what was signed. */
  | { readonly kind: 'notText' }
  /** The caller went away, or took too long. */
  | { readonly kind: 'broken' }

/**
 * Reads a request's body, whole, as text. Buffers at most `bytesMax`. Never rejects. `received` is called as bytes
 * arrive, also for a body that is refused in the end.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  received: (bytes: number) => void = () => {},
): Promise<RequestBody> {
  if (Number(request.headers['content-length']) > bytesMax) return Promise.resolve({ kind: 'tooLarge' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      received(chunk.length)
      if (size <= bytesMax) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve({ kind: 'tooLarge' })
      }
    })
    request.on('end', () => resolve(decode(chunks)))
    request.on('error', () => resolve({ kind: 'broken' }))
  })
}

function decode(chunks: readonly Buffer[]): RequestBody {
  const [only, ...more] = chunks
  const bytes = only !== undefined && more.length === 0 ? only : Buffer.concat(chunks)
  return isUtf8(bytes) ? { kind: 'text', text: bytes.toString() } : { kind: 'notText' }
}
