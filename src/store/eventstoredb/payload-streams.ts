import { randomUUID } from 'node:crypto'
import { NO_STREAM, StreamNotFoundError } from '@eventstore/db-client'
import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { StoreWriteTooLarge } from '../errors.ts'
import type { PayloadEntry } from '../port.ts'
import { sendAppend } from './append-call.ts'
import { toStoreError, withLeader } from './client-errors.ts'
import type { Connection } from './connection.ts'
import { APPEND_BYTES_MAX, PAYLOAD_PREFIX } from './event-log.ts'
import { eventsOf, recorded, within } from './reading.ts'

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
    const kept = { id: randomUUID(), type: TYPE, data: text }
    try {
      await withLeader(() => sendAppend(this.#connection, this.#nameOf(contract, seal), NO_STREAM, [kept]))
    } catch (error) {
      throw toStoreError(error, 'put of a payload')
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
    const doing = 'read of a payload'
    const { client, callOptions, namespace, timeoutMs } = this.#connection
    try {
      return await withLeader(async () => {
        const reading = client.readStream(this.#nameOf(contract, seal), { maxCount: 1, ...callOptions })
        let text: string | undefined
        for await (const event of eventsOf(reading, timeoutMs, doing)) text = recorded(event, namespace)?.data
        return text
      })
    } catch (error) {
      if (error instanceof StreamNotFoundError) return undefined
      throw toStoreError(error, doing)
    }
  }

  async erase(contract: Uid, seals: readonly Hash[]): Promise<void> {
    const { client, callOptions, timeoutMs } = this.#connection
    const doing = 'erasure of a payload'
    await eachOf(new Set(seals), async (seal) => {
      // To delete a stream that never was would make one.
      if ((await this.#textOf(contract, seal)) === undefined) return
      try {
        const options = { ...callOptions, deadline: timeoutMs }
        await withLeader(() => within(timeoutMs, client.deleteStream(this.#nameOf(contract, seal), options), doing))
      } catch (error) {
        throw toStoreError(error, doing)
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
