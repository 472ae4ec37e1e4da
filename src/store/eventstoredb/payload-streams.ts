import { randomUUID } from 'node:crypto'
import { NO_STREAM, StreamNotFoundError, WrongExpectedVersionError } from '@eventstore/db-client'
import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { StoreWriteTooLarge } from '../errors.ts'
import type { PayloadEntry } from '../port.ts'
import { toStoreError } from './client-errors.ts'
import type { Connection } from './connection.ts'
import { APPEND_BYTES_MAX, PAYLOAD_PREFIX, toBinary } from './event-log.ts'
import { eventsOf, recorded } from './reading.ts'

const TYPE = 'PayloadKept'
/** How many calls are under way at once. */
const CALLS_MAX = 32

/**
 * A stream for each seal, `payload-<contract>-<seal>`, with one event: to keep is to append where there is no stream, to
 * erase is to delete that stream, and no text that is kept has to be written anew. A put that fails may have kept some of
 * its texts. What was erased lies in the server's files until it is scavenged, which is the operator's to order.
 */
export class PayloadStreams {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async put(contract: Uid, entries: readonly PayloadEntry[]): Promise<void> {
    for (const { text } of entries) {
      if (Buffer.byteLength(text) + 2 * TYPE.length > APPEND_BYTES_MAX) {
        throw new StoreWriteTooLarge('a payload', APPEND_BYTES_MAX)
      }
    }
    await eachOf(new Map(entries.map(({ seal, text }) => [seal, text])), ([seal, text]) =>
      this.#keep(contract, seal, text),
    )
  }

  /** With an id of its own each time: one that the server knows from before an erasure would count as done already. */
  async #keep(contract: Uid, seal: Hash, text: string): Promise<void> {
    const { client, credentials, timeoutMs } = this.#connection
    const options = { expectedRevision: NO_STREAM, credentials, deadline: timeoutMs } as const
    try {
      await client.appendToStream(
        this.#nameOf(contract, seal),
        [toBinary({ type: TYPE, data: text }, randomUUID())],
        options,
      )
    } catch (error) {
      if (!(error instanceof WrongExpectedVersionError)) throw toStoreError(error, 'put of a payload')
    }
  }

  async get(contract: Uid, seals: readonly Hash[]): Promise<Map<Hash, string>> {
    const held = new Map<Hash, string>()
    await eachOf(new Set(seals), async (seal) => {
      const text = await this.#textOf(contract, seal)
      if (text !== undefined) held.set(seal, text)
    })
    return held
  }

  async #textOf(contract: Uid, seal: Hash): Promise<string | undefined> {
    const { client, credentials, namespace, timeoutMs } = this.#connection
    const reading = client.readStream(this.#nameOf(contract, seal), { maxCount: 1, credentials })
    let text: string | undefined
    try {
      for await (const event of eventsOf(reading, timeoutMs, 'read of a payload'))
        text = recorded(event, namespace)?.data
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw toStoreError(error, 'read of a payload')
    }
    return text
  }

  async erase(contract: Uid, seals: readonly Hash[]): Promise<void> {
    const { client, credentials, timeoutMs } = this.#connection
    await eachOf(new Set(seals), async (seal) => {
      // To delete a stream that never was would make one.
      if ((await this.#textOf(contract, seal)) === undefined) return
      try {
        await client.deleteStream(this.#nameOf(contract, seal), { credentials, deadline: timeoutMs })
      } catch (error) {
        throw toStoreError(error, 'erasure of a payload')
      }
    })
  }

  #nameOf(contract: Uid, seal: Hash): string {
    return `${this.#connection.namespace}${PAYLOAD_PREFIX}${contract}-${seal}`
  }
}

/** Works on all of them, some at a time. Throws the first failure, when nothing is under way any more. */
async function eachOf<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (let next = queue.next(); failure === undefined && !next.done; next = queue.next()) {
      await work(next.value).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: CALLS_MAX }, worker))
  if (failure !== undefined) throw (failure as { error: unknown }).error
}
