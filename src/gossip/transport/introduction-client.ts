import { isUtf8 } from 'node:buffer'
import { Client } from 'undici'
import type { Hash } from '../../crypto/hash.ts'
import { call } from './peer-call.ts'
import { peerConnector } from './peer-connector.ts'
import { PeerMalformed, PeerRefused } from './peer-errors.ts'
import { INTRODUCTION_BYTES_MAX, INTRODUCTION_PATH } from './protocol.ts'

export interface FetchedIntroduction {
  /** As it came: nothing of it has been verified. */
  readonly text: string
  /** Of the certificate that the host has proven to be its own. */
  readonly certificate: Hash
  /** By the clock of the host; undefined if it does not say. Milliseconds. */
  readonly time: number | undefined
}

/**
 * Reads what a node says of itself. Takes any certificate: the document says whether it is the right one, and a person
 * decides whether the document is. Throws PeerUnreachable, PeerTimeout, PeerRefused, PeerMalformed.
 */
export async function readIntroduction(endpoint: string, timeoutMs: number): Promise<FetchedIntroduction> {
  let certificate: Hash | undefined
  const verify = (presented: Hash | undefined) => {
    certificate = presented
  }
  const client = new Client(endpoint, {
    connect: peerConnector({ connectTimeoutMs: timeoutMs, verify }),
    maxResponseSize: INTRODUCTION_BYTES_MAX,
  })
  try {
    const request = { origin: endpoint, path: INTRODUCTION_PATH, method: 'GET' } as const
    const { status, body, time } = await call(client, request, { timeoutMs })
    if (status !== 200) {
      const message = `${endpoint} has no introduction to read: status ${status}`
      throw new PeerRefused('peer_refused', message, { endpoint, status })
    }
    if (certificate === undefined || !isUtf8(body)) {
      throw new PeerMalformed('peer_malformed', `what ${endpoint} answered is no text`, { endpoint })
    }
    return { text: body.toString(), certificate, time }
  } finally {
    await client.destroy()
  }
}
