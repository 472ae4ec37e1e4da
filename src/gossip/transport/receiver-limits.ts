import { EXCHANGE_BYTES_MAX } from './protocol.ts'

/** What those who call may take of this node. Each is a bound for one party, or for one stranger, unless it says `all`. */
export interface ReceiverLimits {
  readonly bodyBytesMax: number
  /** Calls of an approved party; ten seconds' worth at once. */
  readonly partyCallsPerSecond: number
  /** Bytes that an approved party sends; ten seconds' worth at once. */
  readonly partyBytesPerSecond: number
  /** Exchanges of an approved party at once, from the head of the call to the end of the answer. */
  readonly partyExchangesMax: number
  /** Exchanges at once, in all. A party that has none under way is let in all the same. */
  readonly allExchangesMax: number
  readonly partyConnectionsMax: number
  /** Calls from an address that shows no approved certificate; a minute's worth at once. */
  readonly strangerCallsPerMinute: number
  readonly addressConnectionsMax: number
  readonly allConnectionsMax: number
  /** For the TLS handshake, and then for the head of a request. */
  readonly headTimeoutMs: number
  /** For a whole request, until its last byte has come. */
  readonly requestTimeoutMs: number
  /** How long a connection is kept on which nothing moves: no request comes, or an answer is not read. */
  readonly idleTimeoutMs: number
  /** How long closing waits for what is under way. */
  readonly closeTimeoutMs: number
}

/** A peer's node has two connections and makes one call at a time on each: far below all this. */
export const defaultReceiverLimits: ReceiverLimits = {
  bodyBytesMax: EXCHANGE_BYTES_MAX,
  partyCallsPerSecond: 500,
  partyBytesPerSecond: 32 * 1024 * 1024,
  partyExchangesMax: 4,
  allExchangesMax: 32,
  partyConnectionsMax: 16,
  strangerCallsPerMinute: 120,
  addressConnectionsMax: 256,
  allConnectionsMax: 4096,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  closeTimeoutMs: 10_000,
}
