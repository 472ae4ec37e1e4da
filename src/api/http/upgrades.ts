import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { readUrl } from './url.ts'

/** The one path on which a connection becomes a WebSocket. */
export const LIVE_PATH = '/live'

type Asked = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/** Whether a request asks for what there is: a WebSocket at `/live`. Attacker-controlled: all of it. */
export function asksForWebSocket({ method, url = '/', headers }: Asked): boolean {
  if (method !== 'GET' || headers.upgrade?.trim().toLowerCase() !== 'websocket') return false
  try {
    return readUrl(url).split('?', 1)[0] === LIVE_PATH
  } catch {
    return false
  }
}

/**
 * Upgrades of a server that are for WebSockets, as the events of what is returned. Any other one is passed over (RFC 9110 §7.8), such as
 * the `h2c` that Java's HttpClient asks for each time: Node.js 22.21 and 24.9 ask `shouldUpgradeCallback` before they stop to
 * read HTTP; an older one has stopped, and gets the request again without it.
 */
export function webSocketUpgrades(server: Server): EventEmitter {
  const upgrades = new EventEmitter()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!asksForWebSocket(request)) handBack(server, request, socket, head)
    else if (!upgrades.emit('upgrade', request, socket, head)) socket.destroy()
  })
  return upgrades
}

/** Requires that nothing of the body has been read but `head`. */
export function handBack(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at)
    if (!/^(?:upgrade|http2-settings|connection)$/i.test(name)) text += `${name}: ${value}\r\n`
  }
  const mayStay = !/\bclose\b/i.test(request.headers.connection ?? '')
  socket.unshift(
    Buffer.concat([Buffer.from(`${text}connection: ${mayStay ? 'keep-alive' : 'close'}\r\n\r\n`, 'latin1'), head]),
  )
  server.emit('connection', socket)
}
