import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { ErrorCode } from '../../runtime/errors.ts'

export function respond(response: ServerResponse, status: number, mediaType: string, text: string): void {
  response.writeHead(status, { 'content-type': mediaType, 'content-length': Buffer.byteLength(text) }).end(text)
}

/** Tells a stranger nothing, not even whether there is something to be had. */
export function turnAway(response: ServerResponse): void {
  response.writeHead(403, { connection: 'close', 'content-length': 0 }).end()
}

/** Problem details (RFC 9457) for an approved party. What it still sends is not read: the connection ends. */
export function refuse(response: ServerResponse, status: number, code: ErrorCode): void {
  const text = JSON.stringify({ title: STATUS_CODES[status], status, code })
  response.setHeader('connection', 'close')
  respond(response, status, 'application/problem+json', text)
}

/** 429 (RFC 6585 §4), in whole seconds. `code`: left out for strangers, who get no body. */
export function putOff(response: ServerResponse, retryAfterMs: number, code?: ErrorCode): void {
  response.setHeader('retry-after', String(Math.ceil(retryAfterMs / 1000)))
  if (code === undefined) response.writeHead(429, { connection: 'close', 'content-length': 0 }).end()
  else refuse(response, 429, code)
}
